"""The parts of an explanation: frozen values that say what decided over an amount, without words or links."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

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
class Explanation:
    """Everything that made one commission what it is.

    `remaining` = `amount` (accrued) − `taken_back`; `base_steps` add up to `base`, and the rule
    applied to `base` gives `remaining`.
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
