"""What a webhook or a postback says about an event: facts by subject, as merchants and as partners may know them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from affiliates.models import Enrolment
from ledger.ids import public_id_of
from ledger.money import Money
from payouts.models import Commission, Payout
from payouts.queries.fraud import finding_by_id, finding_facts
from tracking.models import Attribution, Click, Conversion, FraudFinding, Link


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What can be said: JSON for webhooks, and texts by macro for postbacks."""

    data: dict[str, Any]
    macros: dict[str, str] = field(default_factory=dict)
    program_id: str = ""
    is_test: bool = False


def facts_for_merchant(event: str, subject: str) -> CallFacts | None:
    """What a merchant hears about a subject of its own; None for a subject nobody is told of."""
    kind = subject.partition("_")[0]
    if kind == Conversion.ID_PREFIX:
        conversion: Conversion = Conversion.objects.select_related("program").get(pk=Conversion.key_of(subject))
        return CallFacts(
            {"conversion": _conversion(conversion), "attribution": _attribution(conversion)},
            program_id=_program_id(conversion),
            is_test=conversion.is_test,
        )
    if kind == Commission.ID_PREFIX:
        commission = _commission_row(subject)
        conversion = commission.conversion
        return CallFacts(
            {
                "commission": {**_commission(commission), "affiliate": public_id_of("aff", commission.affiliate_id)},
                "conversion": _conversion(conversion),
            },
            program_id=public_id_of("prog", commission.program_id),
            is_test=conversion.is_test,
        )
    if kind == Enrolment.ID_PREFIX:
        enrolment: Enrolment = Enrolment.objects.get(pk=Enrolment.key_of(subject))
        return CallFacts(
            {
                "enrolment": _enrolment(enrolment),
                "affiliate": {
                    "id": enrolment.affiliate.public_id,
                    "name": enrolment.affiliate.name,
                    "country": enrolment.affiliate.country,
                },
            },
            program_id=enrolment.program.public_id,
        )
    if kind == FraudFinding.ID_PREFIX:
        finding = finding_by_id(subject)
        return CallFacts({"finding": finding_facts([finding])[0]}, program_id=finding.program.public_id)
    return None


def facts_for_partner(event: str, subject: str) -> CallFacts | None:
    """What a partner hears about a subject of its own; None for a subject nobody is told of.

    The merchant's order number and its customer are the merchant's business and not told.
    """
    kind = subject.partition("_")[0]
    if kind == Commission.ID_PREFIX:
        return _commission_for_partner(_commission_row(subject))
    if kind == Payout.ID_PREFIX:
        payout: Payout = Payout.objects.get(pk=Payout.key_of(subject))
        amount = Money(payout.amount_minor, payout.currency)
        return CallFacts(
            {"payout": {"id": subject, "amount": amount.major, "currency": amount.currency, "state": payout.state}}
        )
    if kind == Enrolment.ID_PREFIX:
        enrolment: Enrolment = Enrolment.objects.get(pk=Enrolment.key_of(subject))
        return CallFacts({"enrolment": _enrolment(enrolment)}, program_id=enrolment.program.public_id)
    return None


#: What the macros of a postback stand for; docs/webhooks.md has the same list.
MACROS = (
    "click_id", "affiliate_click_id", "source_id", *(f"sub{number}" for number in range(1, 11)),
    "commission_id", "conversion_id", "event", "status", "amount", "currency", "sale_amount",
    "program", "program_id", "link", "country", "clicked_at", "occurred_at", "timestamp",
)  # fmt: skip


def _commission_for_partner(commission: Commission) -> CallFacts:
    conversion = commission.conversion
    attribution = Attribution.objects.filter(conversion=conversion).only("click_id").first()
    click_id = attribution.click_id if attribution else None
    click = Click.objects.filter(pk=click_id, affiliate_id=commission.affiliate_id).first() if click_id else None
    link = Link.objects.filter(pk=click.link_id).only("code", "label").first() if click else None
    params = {name: str(value) for name, value in (click.params if click else {}).items() if isinstance(value, str)}
    left = commission.remaining
    program = commission.program
    data = {
        "commission": _commission(commission),
        "sale": {
            "conversion": conversion.public_id,
            "event": conversion.event,
            "amount": conversion.amount.major,
            "currency": conversion.currency,
            "country": conversion.country,
            "occurred_at": _stamp(conversion.occurred_at),
        },
        "click": {
            "id": click.public_id,
            "clicked_at": _stamp(click.clicked_at),
            "link": link.code if link else None,
            "params": params,
        }
        if click
        else None,
        "program": {"id": program.public_id, "name": program.name},
    }
    macros = {
        "click_id": click.public_id if click else "",
        **{name: params.get(name, "") for name in ("affiliate_click_id", "source_id")},
        **{f"sub{number}": params.get(f"sub{number}", "") for number in range(1, 11)},
        "commission_id": commission.public_id,
        "conversion_id": conversion.public_id,
        "event": conversion.event,
        "status": commission.status,
        "amount": left.major,
        "currency": left.currency,
        "sale_amount": conversion.amount.major,
        "program": program.name,
        "program_id": program.public_id,
        "link": link.code if link else "",
        "country": conversion.country,
        "clicked_at": _stamp(click.clicked_at) or "" if click else "",
        "occurred_at": _stamp(conversion.occurred_at) or "",
        "timestamp": str(int(conversion.occurred_at.timestamp())),
    }
    return CallFacts(data, macros, program.public_id, conversion.is_test)


def _commission_row(subject: str) -> Commission:
    found: Commission = Commission.objects.select_related("conversion", "program").get(pk=Commission.key_of(subject))
    return found


def _commission(commission: Commission) -> dict[str, Any]:
    return {
        "id": commission.public_id,
        "amount": commission.amount.major,
        "reversed": Money(commission.reversed_minor, commission.currency).major,
        "remaining": commission.remaining.major,
        "currency": commission.currency,
        "status": commission.status,
        "accrued_at": _stamp(commission.accrued_at),
        "due_at": _stamp(commission.due_at),
    }


def _conversion(conversion: Conversion) -> dict[str, Any]:
    return {
        "id": conversion.public_id,
        "order_id": conversion.order_ref,
        "event": conversion.event,
        "amount": conversion.amount.major,
        "refunded": conversion.refunded.major,
        "currency": conversion.currency,
        "coupon": conversion.coupon,
        "verdict": conversion.verdict,
        "reason": conversion.reason or None,
        "test": conversion.is_test,
        "occurred_at": _stamp(conversion.occurred_at),
    }


def _attribution(conversion: Conversion) -> dict[str, Any] | None:
    found = Attribution.objects.filter(conversion=conversion).select_related("enrolment").first()
    if found is None or found.enrolment is None:
        return None
    return {
        "model": found.model,
        "affiliate": public_id_of("aff", found.enrolment.affiliate_id),
        "program": public_id_of("prog", found.enrolment.program_id),
        "click": public_id_of("clk", found.click_id) if found.click_id else None,
    }


def _enrolment(enrolment: Enrolment) -> dict[str, Any]:
    return {
        "id": enrolment.public_id,
        "status": enrolment.status,
        "program": {"id": enrolment.program.public_id, "name": enrolment.program.name},
        "decline_reason": enrolment.decline_reason or None,
        "applied_at": _stamp(enrolment.applied_at),
    }


def _program_id(conversion: Conversion) -> str:
    return public_id_of("prog", conversion.program_id) if conversion.program_id else ""


def _stamp(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
