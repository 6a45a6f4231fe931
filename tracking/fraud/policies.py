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


#: rule, threshold, smallest, largest, action. Units: docs/fraud.md.
DEFAULTS: Final[Mapping[str, RulePolicy]] = {
    row.rule: row
    for row in (
        RulePolicy("F1", 20.0, 1.0, 120.0, HOLD),  # seconds from click to order
        RulePolicy("F2", 24.0, 1.0, 240.0, HOLD),  # hours from click to order
        RulePolicy("F3", 0.2, 0.01, 0.5, REVIEW),  # coefficient of variation
        RulePolicy("F4", 10.0, 1.0, 120.0, REVIEW),  # seconds between two partners' clicks
        RulePolicy("F5", 8.0, 2.0, 100.0, REVIEW),  # times below the usual rate
        RulePolicy("F6", 0.5, 0.05, 0.9, REVIEW),  # share of the usual variety of networks
        RulePolicy("F7", 3.0, 1.5, 20.0, NOTICE),  # times the usual share
        RulePolicy("F8", 1.0, 1.0, 100.0, HOLD),  # orders
        RulePolicy("F9", 2.0, 2.0, 10.0, HOLD),  # partners
        RulePolicy("F10", 3.0, 1.5, 20.0, REVIEW),  # times the usual share
        RulePolicy("F11", 2.0, 1.0, 10.0, HOLD),  # times the usual share
        RulePolicy("F12", 3.0, 1.5, 20.0, REVIEW),  # times the usual share
        RulePolicy("F13", 3.0, 1.5, 20.0, REVIEW),  # times the usual share
        RulePolicy("F14", 3.0, 1.5, 20.0, REVIEW),  # times the usual share
        RulePolicy("F15", 3.0, 1.5, 20.0, REVIEW),  # times the usual share
        RulePolicy("F16", 3.0, 1.5, 20.0, NOTICE),  # times the usual share
        RulePolicy("F17", 2.0, 1.0, 100.0, REVIEW),  # requests
    )
}
RULES: Final = tuple(DEFAULTS)
FACTS: Final = frozenset({"F8", "F9", "F17"})


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
