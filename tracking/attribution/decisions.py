"""What a decision is: whose the order is, in what parts, and every touch with why it won or lost. Frozen, JSON."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tracking.attribution.touches import ENGINE, as_json

WINNER, SPLIT, ASSIST = "winner", "split", "assist"

#: Why a touch won.
WON = frozenset(
    {
        "last_click", "first_click", "linear", "position", "time_decay", "markov", "shapley", "coupon",
        "coupon_exclusive", "coupon_always", "coupon_involved", "lifetime",
    }
)  # fmt: skip

#: Why a touch lost, or an order is nobody's.
LOST = frozenset(
    {
        "older_than_the_last", "newer_than_the_first", "view_behind_click", "lower_credit_class", "soft_click",
        "other_program", "no_effect", "click_of_another_merchant", "click_after_order", "no_terms_in_force",
        "view_window_closed", "outside_window", "click_not_counted", "not_enrolled", "no_consent",
        "click_in_checkout", "coupon_unassigned", "coupon_of_the_house", "coupon_not_yet_valid", "coupon_expired",
        "coupon_not_involved", "coupon_needs_a_win", "coupon_overrides", "coupon_blocks", "another_coupon",
        "binding_ended", "bound_to_another", "another_binding", "no_click", "click_unknown", "click_pending",
    }
)  # fmt: skip

#: Fall-backs that were taken.
NOTES = frozenset({"model_not_fitted", "partner_not_fitted"})

#: Every code a decision can hold.
CODES = WON | LOST | NOTES


@dataclass(frozen=True, slots=True)
class Candidate:
    """One touch that was looked at. `beaten_by` is the touch it lost to, `weight` its part of the order."""

    touch: str
    kind: str
    click: str
    at: str
    enrolment: str
    affiliate: str
    program: str
    terms: str
    window_days: int | None
    seconds_before: int
    credit_class: str
    found_by: tuple[str, ...]
    code: str
    won: bool
    reason: str
    weight: str = "0"
    assist: bool = False
    beaten_by: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """One partner's part. Winner and split weights add up to 1; an assist's is a rate of the base, on top."""

    enrolment: str
    affiliate: str
    terms: str
    click: str
    code: str
    role: str
    weight: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Whose an order is. Without shares it is nobody's, and `reason` says why; not final: ask again later."""

    model: str
    reason: str
    note: str = ""
    program: str = ""
    currency: str = ""
    click: str = ""
    shares: tuple[Share, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    is_final: bool = True
    engine: int = field(default=ENGINE)

    @property
    def lead(self) -> Share | None:
        """The largest share."""
        return self.shares[0] if self.shares else None

    def to_json(self) -> dict[str, Any]:
        """JSON values only; the same decision always gives the same."""
        found: dict[str, Any] = as_json(self)
        return found

    def outcome(self) -> dict[str, Any]:
        """The same without the candidates, which have a column of their own."""
        return {name: value for name, value in self.to_json().items() if name != "candidates"}
