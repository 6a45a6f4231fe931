"""PATCH /conversions/{id}: an order's content is corrected; what it earns follows, before and after payment."""

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

from payouts.sales import amend_sale, sale_of
from portal.api.answers import conversion_answer
from portal.api.conversions import open_by_key
from portal.api.once import answered_once, idempotency_key
from portal.intake.bodies import LARGEST_BODY, read_json_object
from portal.intake.door import ACCEPTED, DUPLICATE, TEST, Intake, Outcome, take
from portal.intake.fields import read_text, refuse
from portal.intake.keys import bearer_key, merchant_of
from portal.intake.orders import ignored_in, read_order
from tracking.conversions import OrderFacts, facts_of

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import Conversion

#: The fields an amendment may have, and the facts each of them changes.
FIELDS: dict[str, tuple[str, ...]] = {
    "amount": ("amount",),
    "tax": ("tax",),
    "shipping": ("shipping",),
    "discount": ("discount",),
    "items": ("items",),
    "metadata": ("metadata",),
    "coupon": ("coupon",),
    "click_id": ("click_id",),
    "customer": ("customer_ref", "customer_status", "country", "customer_email_key"),
}

_KNOWN = frozenset({*FIELDS, "currency", "reference"})


def amend_one(request: HttpRequest, conversion_id: str) -> HttpResponse:
    """PATCH /conversions/{id}."""
    return take(request, door="api.amend", handle=lambda intake: _amend(intake, conversion_id), keep=LARGEST_BODY)


def _amend(intake: Intake, conversion_id: str) -> Outcome:
    intake.key = bearer_key(intake.request, at=intake.at)
    merchant = merchant_of(intake.key)
    conversion = open_by_key(merchant, conversion_id, is_test_key=intake.key.is_test)

    def handle() -> Outcome:
        source = read_json_object(intake.readable_body())
        facts = _facts(source, conversion, intake)
        reference = (
            read_text(source, "reference", longest=128, example="am-1")
            or idempotency_key(intake)
            or f"content:{facts.content_hash()[:32]}:{conversion.version}"
        )
        _revision, is_new = amend_sale(
            conversion, facts, reference=reference, reason="amended", door="api", at=intake.at
        )
        sale = sale_of(conversion.refreshed())
        answer = conversion_answer(
            sale,
            merchant,
            verdict="accepted" if is_new else "duplicate",
            reason="amended" if is_new else "same_order",
            ignored=ignored_in(source, _KNOWN),
        )
        row = TEST if conversion.is_test else ACCEPTED if is_new else DUPLICATE
        reason = "amended" if is_new else "same_order"
        return Outcome(HTTPStatus.OK, answer, row, reason=reason, conversion=sale.conversion)

    return answered_once(intake, handle)


def _facts(source: dict[str, Any], conversion: "Conversion", intake: Intake) -> OrderFacts:
    """The order as it is to be: what the body names, and the rest as it stands."""
    named = [name for name in FIELDS if name in source]
    if not named:
        raise refuse("body", "Send the fields to change, such as amount.", code="field_missing")
    whole = {
        "order_id": conversion.order_ref,
        "currency": conversion.currency,
        "amount": conversion.amount.major,
        **{name: source[name] for name in (*named, "currency") if name in source},
    }
    said = read_order(whole, is_test=conversion.is_test, at=intake.at).facts
    changed = {fact: getattr(said, fact) for name in named for fact in FIELDS[name]}
    return replace(facts_of(conversion), **changed) if said.amount.currency == conversion.currency else said
