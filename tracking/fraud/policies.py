"""What a merchant wants of each rule: on or off, from where, and what then. Defaults stand in the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledger.errors import Refusal

HOLD: Final = "hold"
REVIEW: Final = "review"
NOTICE: Final = "notice"
ACTIONS: Final = (HOLD, REVIEW, NOTICE)

#: Of what is found at most this share may be by chance (Benjamini-Hochberg).
FALSE_SHARE: Final = 0.02


class FraudPolicyRefused(Refusal):
    """A rule's threshold or action cannot be used; the field says which."""

    code = "fraud_policy_invalid"


@dataclass(frozen=True, slots=True)
class RulePolicy:
    """One rule: whether it looks, its threshold in its own unit, and what a finding does."""

    rule: str
    threshold: float
    least: float
    most: float
    action: str
    is_on: bool = True


#: rule, threshold, smallest, largest, action. Units: UNITS.
DEFAULTS: Final[Mapping[str, RulePolicy]] = {
    row.rule: row
    for row in (
        RulePolicy("F1", 20.0, 1.0, 120.0, HOLD),
        RulePolicy("F2", 24.0, 1.0, 240.0, HOLD),
        RulePolicy("F3", 0.75, 0.05, 0.95, REVIEW),
        RulePolicy("F4", 10.0, 1.0, 120.0, REVIEW),
        RulePolicy("F5", 4.0, 2.0, 100.0, REVIEW),
        RulePolicy("F6", 3.0, 1.5, 20.0, REVIEW),
        RulePolicy("F7", 3.0, 1.5, 20.0, NOTICE),
        RulePolicy("F8", 1.0, 1.0, 100.0, HOLD),
        RulePolicy("F9", 2.0, 2.0, 10.0, HOLD),
        RulePolicy("F10", 3.0, 1.5, 20.0, REVIEW),
        RulePolicy("F11", 1.5, 1.0, 10.0, HOLD),
        RulePolicy("F12", 3.0, 1.5, 20.0, REVIEW),
        RulePolicy("F13", 2.0, 1.0, 20.0, REVIEW),
        RulePolicy("F14", 3.0, 1.5, 20.0, REVIEW),
        RulePolicy("F15", 3.0, 1.5, 20.0, REVIEW),
        RulePolicy("F16", 3.0, 1.5, 20.0, NOTICE),
        RulePolicy("F17", 2.0, 1.0, 100.0, REVIEW),
    )
}
#: What a rule's threshold counts.
UNITS: Final[Mapping[str, str]] = {
    "F1": "seconds from click to order",
    "F2": "hours from click to order",
    "F3": "coefficient of variation of the gaps",
    "F4": "seconds between two partners' clicks",
    "F5": "times below the usual rate",
    "F8": "orders",
    "F9": "partners",
    "F17": "requests",
    **dict.fromkeys(("F6", "F7", "F10", "F11", "F12", "F13", "F14", "F15", "F16"), "times the usual"),
}
RULES: Final = tuple(DEFAULTS)
FACTS: Final = frozenset({"F8", "F9", "F17"})


_OF_SHARE: Final[Mapping[str, str]] = {
    "count": "events with the sign",
    "of": "events looked at",
    "usual": "the usual share, 0 to 1",
    "allowed": "the share that is still allowed, 0 to 1",
}
_FEW: Final[Mapping[str, str]] = {
    "few": "true when the test was not made",
    "of": "events there were",
    "least": "events it takes",
}
_FACT: Final[Mapping[str, str]] = {
    "count": "what counts against it",
    "of": "its orders",
    "needed": "the threshold",
    "stands": "whether the fact stands",
}
#: The keys of each rule's numbers and what they mean; a test not made has those of `NUMBERS_OF_FEW`.
NUMBERS_OF_FEW: Final = _FEW
NUMBER_KEYS: Final[Mapping[str, Mapping[str, str]]] = {
    "F1": {
        **_OF_SHARE,
        "seconds": "the short window",
        "near_count": "orders within the near window",
        "near_seconds": "the near window",
        "near_usual": "the usual share within it",
        "near_allowed": "the share allowed within it",
    },
    "F2": {
        **_OF_SHARE,
        "hours": "from when on an order is late",
        "p_late": "chance of so many late ones",
        "distance": "Kolmogorov-Smirnov distance to the program's times, 0 to 1",
        "p_shape": "chance of that distance",
        "clicks": "counted clicks",
        "rate": "orders per counted click",
        "usual_rate": "the usual rate",
        "p_rate": "chance of so few orders at a third, or two thirds, of it",
    },
    "F3": {
        "of": "orders with a click",
        "gaps": "gaps between counted clicks",
        "limit": "the threshold",
        "ratio": "spread of times from click to order, of the usual",
        "p_times": "chance of that",
        "variation": "coefficient of variation of the clicks' gaps; about 1 by chance",
        "gap_seconds": "their mean",
        "p_clicks": "chance of gaps so even",
        "order_variation": "the same of the orders' gaps",
        "p_orders": "chance of that",
    },
    "F4": {
        **_OF_SHARE,
        "seconds": "the window",
        "wide_count": "orders within the wide window",
        "wide_seconds": "the wide window",
        "wide_usual": "the usual share within it",
        "wide_allowed": "the share allowed within it",
    },
    "F5": {
        **_OF_SHARE,
        "rate": "orders per counted click",
        "log_ratio": "natural logarithm of the rate over the usual one",
    },
    "F6": {
        **_OF_SHARE,
        "networks": "networks in all",
        "largest": "share of the largest, 0 to 1",
        "bits": "entropy over networks",
        "bits_most": "the most there could be",
        "orders": "orders from the five largest",
        "usual_rate": "the usual rate",
        "p_crowd": "chance of such a crowd",
        "p_rate": "chance of so few orders from it at half the usual rate",
    },
    "F7": _OF_SHARE,
    "F8": {
        **_FACT,
        "by_address": "by an address of its people, in any spelling",
        "by_device": "by a browser its people signed in with",
        "by_domain": "by its own domain",
        "by_network": "from its people's network within a day of a sign-in",
    },
    "F9": {**_FACT, "by_payout": "partners with its payout account", "by_device": "partners with its browser"},
    "F10": {**_OF_SHARE, "clickless": "orders that the code won without a click of its owner"},
    "F11": {**_OF_SHARE, "early": "refunded early", "early_days": "what is early"},
    "F12": {**_OF_SHARE, "listed": "of those, at a disposable domain"},
    "F13": {
        "count": "orders in the fullest span",
        "of": "orders with a click",
        "span_hours": "the span's length",
        "span_starts": "its start, seconds since 1970",
        "clicks": "counted clicks in it",
        "expected": "orders they explain",
        "usual_rate": "the usual rate",
        "first_minutes": "minutes from approval to the first order of the window",
    },
    "F14": {
        **_OF_SHARE,
        "foreign": "clicks in another country's language",
        "spoken": "clicks whose country and language are known",
        "foreign_usual": "the usual share",
        "foreign_allowed": "the share allowed",
        "p_orders": "chance of so many orders",
        "p_clicks": "chance of so many clicks",
    },
    "F15": _OF_SHARE,
    "F16": _OF_SHARE,
    "F17": {**_FACT, "older": "orders older than the click they name"},
}


def read_policies(said: Mapping[str, Mapping[str, Any]]) -> dict[str, RulePolicy]:
    """The defaults with what a merchant changed. Raises FraudPolicyRefused with the field's name."""
    found = dict(DEFAULTS)
    for rule, own in said.items():
        usual = DEFAULTS.get(rule)
        if usual is None:
            raise FraudPolicyRefused("There is no such rule.", field=rule)
        try:
            threshold = float(own.get("threshold", usual.threshold))
        except (TypeError, ValueError):
            threshold = float("nan")
        if not usual.least <= threshold <= usual.most:
            raise FraudPolicyRefused(f"Between {usual.least:g} and {usual.most:g}.", field=f"{rule}_threshold")
        action = str(own.get("action", usual.action))
        if action not in ACTIONS:
            raise FraudPolicyRefused("Hold, review or notice.", field=f"{rule}_action")
        found[rule] = RulePolicy(rule, threshold, usual.least, usual.most, action, bool(own.get("on", True)))
    return found
