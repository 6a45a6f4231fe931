"""The parts of an explanation: frozen values that say what decided over an amount, without words or links."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal, Self

from ledger.money import Money
from payouts.queries.states import MoneyState

type Viewer = Literal["partner", "merchant", "finance"]


@dataclass(frozen=True, slots=True)
class BaseStep:
    """One line of the base's arithmetic: amount, tax, shipping, discount or refunded; parts taken off are negative."""

    what: str
    amount: Money


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """The rule line that priced the order, and since when its version is in force."""

    id: str
    program: str
    program_slug: str
    name: str
    version: int
    position: int
    since: datetime
    kind: str  # percent or flat
    rate: Decimal  # a fraction; 0 for a fixed amount
    flat: Money | None
    event: str
    basis: str  # net or gross, from the terms
    terms_version: int | None
    hold_days: int | None


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """The order behind the commission."""

    id: str
    ref: str
    event: str
    occurred_at: datetime
    amount: Money
    refunded: Money


@dataclass(frozen=True, slots=True)
class Touch:
    """The click that won, and the link it followed (empty when the click's row is gone)."""

    id: str
    at: datetime
    window_days: int | None
    link_code: str = ""
    link_label: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another click that could have won: whose, when, and the reason code for which it lost.

    `name` is empty for partners ("another partner"); `is_own` marks an earlier click of the same affiliate.
    """

    at: datetime
    reason: str
    name: str = ""
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A rule line that came before and did not apply: `why` is a code, `wants` and `found` its two sides."""

    name: str
    why: str
    wants: str
    found: str


@dataclass(frozen=True, slots=True)
class Reversal:
    """What one refund took back of the commission."""

    at: datetime
    amount: Money
    of_order: Money
    reason: str
    reference: str


@dataclass(frozen=True, slots=True)
class Step:
    """One point of the timeline.

    `what`: click, order, attributed, refunded, hold, approved, run, sent, paid, reversed or held.
    `state`: done, current, bad, or empty for what is still to come (its `at` is then expected).
    """

    what: str
    at: datetime | None
    state: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One posting of an entry about the commission."""

    at: datetime
    debit: str
    credit: str
    amount: Money
    reference: str
    entry: str


@dataclass(frozen=True, slots=True)
class PayoutFacts:
    """The live payout that carries the commission, and its share of it (frozen when the run was prepared)."""

    id: str
    run: str
    run_label: str
    share: Money
    prepared_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    transfer_id: str
    statement: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One touch that the decision looked at. What is empty or None of another's touch is hidden from partners.

    `number` counts from 1, the latest first; `beaten_by` is the number of the touch it lost to.
    """

    number: int
    kind: str  # click, view, coupon or lifetime
    at: datetime
    seconds_before: int | None
    is_own: bool
    name: str
    touch: str
    won: bool
    assist: bool
    reason: str
    weight: Decimal | None
    window_days: int | None
    credit_class: str
    found_by: tuple[str, ...]
    code: str
    consent: str
    uncounted: str  # the code why a click is not counted
    beaten_by: int | None


@dataclass(frozen=True, slots=True)
class WaysOfCredit:
    """The settings that decided: those of the terms in force at the order, for its event."""

    version: int
    model: str
    window_days: int
    view_window_days: int
    coupon_window_days: int
    half_life_days: int
    coupon_policy: str
    unassigned_code: str
    cart_freeze: str
    assist_rate: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """One partner's part of an order and what is left of it. An assist's weight is its rate of the base, on top."""

    name: str
    affiliate: str
    is_own: bool
    role: str
    weight: Decimal
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class Crediting:
    """The decision behind a commission. `whole` is what the order earns all who share it, None when unknown."""

    model: str
    reason: str
    note: str
    engine: int
    decided_at: datetime | None
    role: str
    weight: Decimal
    coupon: str
    whole: Money | None
    position: int
    partners: int
    parts: tuple[Part, ...]
    settings: WaysOfCredit | None
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to an order: `effect` on the commission, `order` on its amount, and what was `left` then.

    `what`: booked, amended, refunded, refund_told_twice, refunds_apart, refund_void, dispute_opened, dispute_lost, dispute_won, claim_opened,
    claim_accepted, claim_declined, claim_withdrawn, held_back, fraud_confirmed or fraud_released. `fields` are (name, before, after), `hidden` how many
    more changed that the reader is not shown, `by` the door of an amendment.
    """

    at: datetime
    what: str
    reason: str = ""
    effect: Money | None = None
    order: Money | None = None
    left: Money | None = None
    fields: tuple[tuple[str, str, str], ...] = ()
    hidden: int = 0
    by: str = ""
    note: str = ""

    def with_left(self, left: Money) -> Self:
        """The same, with what was left of the commission."""
        return replace(self, left=left)


@dataclass(frozen=True, slots=True)
class FindingFact:
    """A finding about a commission that the reader may know of: its public id, and what became of the commission by it.

    `state` is that of the hold: held, watched, released, confirmed; `due_at` when it is answered or ends by itself.
    """

    id: str
    rule: str
    state: str
    was_held: bool
    held_at: datetime
    ended_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a claim's acceptance made of a commission: the claim, and the order that the amount stands beside."""

    claim: str
    of_order: str = ""
    is_difference: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that made one commission what it is.

    `remaining` = `amount` (accrued) − `taken_back`; `base_steps` add up to `base`. The rule applied to
    `base` gives `credit.whole`, of which `remaining` is this partner's part; all of it where it has no others.
    """

    id: str
    viewer: Viewer
    affiliate: str
    affiliate_name: str
    merchant: str
    merchant_slug: str
    state: MoneyState
    amount: Money
    taken_back: Money
    remaining: Money
    base: Money
    base_steps: tuple[BaseStep, ...]
    rule: RuleFacts
    order: OrderFacts
    model: str
    touch: Touch | None
    rivals: tuple[Rival, ...]
    skipped: tuple[Skipped, ...]
    reversals: tuple[Reversal, ...]
    payout: PayoutFacts | None
    steps: tuple[Step, ...]
    ledger: tuple[LedgerLine, ...]
    credit: Crediting
    changes: tuple[Change, ...]
    grant: Grant | None = None
    #: The earlier commission of the same order that this one was added to, after that was in a payout.
    adds_to: str = ""
    findings: tuple[FindingFact, ...] = ()
