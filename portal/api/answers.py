"""From what the verbs return to what the API says. Ids are made of keys, so nothing is fetched here."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from ledger.ids import public_id_of
from ledger.money import Money
from portal.reasons import reason_of

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Merchant
    from payouts.models import Commission
    from payouts.sales import Sale
    from tracking.models import Attribution, Conversion, Refund


def stamp(moment: datetime | None) -> str | None:
    """An instant as RFC 3339 in UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def conversion_answer(
    sale: "Sale", merchant: "Merchant", *, verdict: str, reason: str, ignored: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What became of an order, as the contract has it."""
    conversion = sale.conversion
    words = reason_of(reason) if reason else None
    return {
        "id": conversion.public_id,
        "verdict": verdict,
        "reason": reason or None,
        "test": conversion.is_test,
        "attribution": attribution_answer(sale.attribution),
        "commissions": [commission_of_order(commission) for commission in sale.commissions],
        "would_earn": _would_earn(sale),
        "explain_url": reverse("merchant:conversion", args=[merchant.slug, conversion.public_id]),
        "recorded_verdict": conversion.verdict,
        "field": (words.field or None) if words else None,
        "detail": words.developer if words else None,
        "ignored": list(ignored),
    }


def conversion_detail(sale: "Sale", merchant: "Merchant") -> dict[str, Any]:
    """An order as it stands now."""
    conversion = sale.conversion
    answer = conversion_answer(sale, merchant, verdict=conversion.verdict, reason=conversion.reason)
    currency = conversion.currency
    return {
        **answer,
        "order_id": conversion.order_ref,
        "event": conversion.event,
        "amount": conversion.amount.major,
        "refunded": conversion.refunded.major,
        "currency": currency,
        "tax": Money(conversion.tax_minor, currency).major,
        "shipping": Money(conversion.shipping_minor, currency).major,
        "discount": Money(conversion.discount_minor, currency).major,
        "coupon": conversion.coupon,
        "customer": {
            "ref": conversion.customer_ref,
            "status": conversion.customer_status,
            "country": conversion.country,
        },
        "items": conversion.items,
        "metadata": conversion.metadata,
        "occurred_at": stamp(conversion.occurred_at),
        "recorded_at": stamp(conversion.recorded_at),
    }


def attribution_answer(attribution: "Attribution | None") -> dict[str, Any] | None:
    """Whose the order is; None when it is nobody's."""
    if attribution is None or attribution.enrolment is None:
        return None
    enrolment = attribution.enrolment
    return {
        "model": attribution.model,
        "affiliate": public_id_of("aff", enrolment.affiliate_id),
        "click": public_id_of("clk", attribution.click_id) if attribution.click_id else None,
        "program": public_id_of("prog", enrolment.program_id),
    }


def commission_of_order(commission: "Commission") -> dict[str, Any]:
    """What the order earned one affiliate; `amount` as accrued, `reversed` what refunds took back of it."""
    return {
        "id": commission.public_id,
        "affiliate": public_id_of("aff", commission.affiliate_id),
        "amount": commission.amount.major,
        "reversed": Money(commission.reversed_minor, commission.currency).major,
        "currency": commission.currency,
        "status": commission.status,
        "due_at": stamp(commission.due_at),
    }


def refund_answer(
    refund: "Refund",
    conversion: "Conversion",
    commissions: list["Commission"],
    *,
    verdict: str,
    ignored: tuple[str, ...],
) -> dict[str, Any]:
    """A refund, and what it left of the order and of its commissions."""
    return {
        "id": refund.public_id,
        "conversion": conversion.public_id,
        "reference": refund.reference,
        "amount": Money(refund.amount_minor, conversion.currency).major,
        "currency": conversion.currency,
        "reason": refund.reason,
        "refunded": conversion.refunded.major,
        "left": (conversion.amount - conversion.refunded).major,
        "verdict": verdict,
        "told_twice": public_id_of("rfnd", refund.twin_id) if refund.twin_id else None,
        "commissions": [commission_of_order(commission) for commission in commissions],
        "ignored": list(ignored),
    }


def _would_earn(sale: "Sale") -> dict[str, str] | None:
    if sale.would_earn is None or sale.attribution is None or sale.attribution.enrolment is None:
        return None
    return {
        "affiliate": public_id_of("aff", sale.attribution.enrolment.affiliate_id),
        "amount": sale.would_earn.amount.major,
        "currency": sale.would_earn.amount.currency,
    }
