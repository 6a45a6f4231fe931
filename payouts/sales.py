"""Sales: an order enters the house here, whatever door it came through; and goes out again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from affiliates.models import Merchant, Program
from ledger.money import Money
from payouts.commissions import accrue_commission, price_of, reduce_commission
from payouts.models import Commission
from payouts.rules import Price
from tracking.attribution import attribute_conversion, decide_last_click
from tracking.conversions import OrderFacts, decide, record_conversion, record_refund
from tracking.models import Attribution, Conversion, Refund

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


@transaction.atomic
def record_sale(merchant: Merchant, facts: OrderFacts, *, at: datetime) -> Sale:
    """Take an order in: record it, find whose it is, work out what it earns, book that. All or nothing.

    The same order again returns the first sale. Raises OrderConflict when its content differs.
    """
    conversion, is_new = record_conversion(merchant, facts, at=at)
    if not is_new:
        return sale_of(conversion)
    return _settle_verdict(conversion, at=at)


@transaction.atomic
def retry_held_sale(conversion: Conversion, *, at: datetime) -> Sale:
    """Decide again over a sale whose click had not arrived yet."""
    locked = Conversion.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=conversion.pk)
    if locked.verdict != _V.HELD:
        return sale_of(locked)
    return _settle_verdict(locked, at=at)


def retry_held_sales(*, at: datetime, limit: int = 500) -> int:
    """Decide again over every held sale; how many are held no more."""
    held = list(Conversion.objects.filter(verdict=_V.HELD).order_by("recorded_at")[:limit])
    return sum(retry_held_sale(conversion, at=at).conversion.verdict != _V.HELD for conversion in held)


@transaction.atomic
def refund_sale(
    conversion: Conversion, *, amount: Money | None = None, reference: str, reason: str = "", at: datetime
) -> tuple[Refund, bool]:
    """Take back all or a part of an order, and of what it earned; idempotent by reference.

    Returns the refund and whether it is new. Raises RefundTooLarge, InputRefused.
    """
    refund, is_new = record_refund(conversion, amount=amount, reference=reference, reason=reason, at=at)
    if is_new:
        for commission in Commission.objects.filter(conversion=conversion).order_by("pk"):
            reduce_commission(commission, refund, at=at)
    return refund, is_new


def sale_of(conversion: Conversion) -> Sale:
    """The sale as it stands."""
    attribution = Attribution.objects.filter(conversion=conversion).select_related("enrolment", "terms").first()
    commissions = list(
        Commission.objects.filter(conversion=conversion).select_related("affiliate", "rule_line__rule_version")
    )
    would_earn = price_of(conversion, attribution) if conversion.is_test and attribution else None
    return Sale(conversion, False, attribution, commissions, would_earn)


def _settle_verdict(conversion: Conversion, *, at: datetime) -> Sale:
    decision = decide_last_click(conversion, at=at)
    if not decision.is_final:
        decide(conversion, _V.HELD, reason="click_pending")
        return Sale(conversion, True, None, [])
    if decision.enrolment is not None and decision.enrolment.program.currency != conversion.currency:
        decide(conversion, _V.REJECTED, reason="currency_mismatch")
        return Sale(conversion, True, None, [])
    attribution = attribute_conversion(conversion, decision, at=at)
    if attribution.enrolment is None:
        decide(conversion, _V.UNATTRIBUTED, reason=attribution.reason, program_id=_only_program(conversion))
        return Sale(conversion, True, attribution, [])
    program = attribution.enrolment.program
    priced = price_of(conversion, attribution)
    if priced is None:
        decide(conversion, _V.ACCEPTED, reason="no_rule_fits", program_id=program.pk)
        return Sale(conversion, True, attribution, [])
    decide(conversion, _V.ACCEPTED, reason="" if priced.amount else "rate_is_zero", program_id=program.pk)
    if conversion.is_test:
        return Sale(conversion, True, attribution, [], priced)
    commission = accrue_commission(conversion, attribution, priced, at=at)
    return Sale(conversion, True, attribution, [commission])


def _only_program(conversion: Conversion) -> UUID | None:
    """The merchant's program where there is just one: an order of nobody's still belongs to it."""
    keys = list(Program.objects.filter(merchant=conversion.merchant_id).values_list("pk", flat=True)[:2])
    return keys[0] if len(keys) == 1 else None
