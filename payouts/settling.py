"""Deciding whose orders are and booking what they earn: one order or a thousand, by the same statements.

What is decided is worked out by pure functions, order by order (tracking/attribution/decide.py, payouts/rules/prices.py);
what they look at is read, and what they say is written, for all orders of a set at once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from affiliates.models import Program
from ledger.journal import record_events
from payouts.commissions import book_commissions, commission_of, price_of
from payouts.models import Commission
from payouts.rules.prices import Price
from payouts.rules.versions import RuleBook
from payouts.shares import capped_assist, parts_of
from tracking.attribution.store import Decided, attributed, decide_conversions, write_decisions
from tracking.conversions import insert_conversions, recorded
from tracking.models import Attribution, AttributionShare, Conversion

_V = Conversion.Verdict


@dataclass(frozen=True, slots=True)
class Sale:
    """What became of a reported order."""

    conversion: Conversion
    is_new: bool
    attribution: Attribution | None
    commissions: list[Commission]
    #: What a test order would have earned; test orders are never booked.
    would_earn: Price | None = None


@dataclass(slots=True)
class _Case:
    """One order on its way: what was decided, what it is worth, what it earned."""

    conversion: Conversion
    decided: Decided
    priced: Price | None = None
    commissions: list[Commission] = field(default_factory=list)

    @property
    def sale(self) -> Sale:
        would_earn = self.priced if self.conversion.is_test else None
        return Sale(self.conversion, True, self.decided.attribution, self.commissions, would_earn)


def settle_new(conversions: Sequence[Conversion], *, at: datetime) -> dict[UUID, Sale]:
    """Decide over orders that are not written yet, and write them with all that follows; the sales by key.

    An order that somebody else wrote at the same moment is left out. No two orders of one customer
    belong in one call (payouts/sales.py `waves`). Call it in a transaction.
    """
    cases = _judged(conversions, at=at)
    new = insert_conversions(conversions)
    kept = [case for case in cases if case.conversion.pk in new]
    _book(kept, at=at, are_new=True)
    return {case.conversion.pk: case.sale for case in kept}


def settle(conversion: Conversion, *, at: datetime) -> Sale:
    """Decide over an order that is written and locked, and write what follows. Call it in a transaction."""
    [case] = _judged([conversion], at=at)
    conversion.save(update_fields=["verdict", "reason", "program"])
    _book([case], at=at, are_new=False)
    return case.sale


def _judged(conversions: Sequence[Conversion], *, at: datetime) -> list[_Case]:
    """Every order with its verdict and its price; nothing is written."""
    decided = decide_conversions(conversions, at=at)
    rules = RuleBook(
        {
            one.attribution.enrolment.program_id
            for one in decided
            if one.attribution is not None and one.attribution.enrolment is not None
        }
    )
    nobodys = {
        one.conversion.merchant_id
        for one in decided
        if one.attribution is not None and one.attribution.enrolment is None
    }
    only = _only_programs(nobodys)
    return [_judge(one, rules, only) for one in decided]


def _judge(decided: Decided, rules: RuleBook, only: dict[UUID, UUID]) -> _Case:
    case = _Case(decided.conversion, decided)
    conversion, attribution = decided.conversion, decided.attribution
    if attribution is None:
        conversion.verdict, conversion.reason = _V.HELD, "click_pending"
    elif decided.shares and decided.decision.currency != conversion.currency:
        conversion.verdict, conversion.reason = _V.REJECTED, "currency_mismatch"
        case.decided = Decided(conversion, decided.decision, None, [])
    elif attribution.enrolment is None:
        conversion.verdict, conversion.reason = _V.UNATTRIBUTED, attribution.reason
        conversion.program_id = only.get(conversion.merchant_id, conversion.program_id)
    else:
        case.priced = price_of(conversion, attribution, rules)
        conversion.verdict, conversion.program_id = _V.ACCEPTED, attribution.enrolment.program_id
        conversion.reason = "no_rule_fits" if case.priced is None else "" if case.priced.amount else "rate_is_zero"
    return case


def _book(cases: Sequence[_Case], *, at: datetime, are_new: bool) -> None:
    """Write decisions, parts, commissions, entries and events of orders that are written."""
    write_decisions([case.decided for case in cases])
    booked: list[Commission] = []
    for case in cases:
        if case.priced is not None and not case.conversion.is_test:
            case.commissions = _earned(case.decided, case.priced, booked, at=at)
            booked += case.commissions
    accrued = iter(book_commissions(booked))
    facts = []
    for case in cases:
        facts += [recorded(case.conversion)] if are_new else []
        facts += attributed(case.decided)
        facts += [next(accrued) for _commission in case.commissions]
    record_events(facts)


def _earned(decided: Decided, priced: Price, unwritten: Sequence[Commission], *, at: datetime) -> list[Commission]:
    """One commission for each part of the order; the parts add up to the price, assists come on top."""
    conversion = decided.conversion
    parts = parts_of(decided.shares, priced, currency=conversion.currency)
    earned = []
    for share in decided.shares:
        part = parts[share.enrolment_id]
        if share.role == AttributionShare.Role.ASSIST:
            part = capped_assist(share, conversion, part, unwritten=unwritten)
            if not part:
                continue
        earned.append(commission_of(conversion, share, priced, amount=part, at=at))
    return earned


def _only_programs(merchants: Collection[UUID]) -> dict[UUID, UUID]:
    """The program of each merchant that has just one: an order of nobody's still belongs to it."""
    found: dict[UUID, list[UUID]] = {}
    if merchants:
        for merchant, program in Program.objects.filter(merchant__in=merchants).values_list("merchant_id", "pk"):
            found.setdefault(merchant, []).append(program)
    return {merchant: keys[0] for merchant, keys in found.items() if len(keys) == 1}
