"""Dub's track calls: lead, sale, and what browsers say. Each becomes an order or a click of our own.

They go through the same intake as every order: a row with a verdict, whatever comes.
"""

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse

from ledger.errors import Refusal
from ledger.money import Money
from payouts.queries.dub import clicks_by_id, last_lead_of, links_by_id
from payouts.sales import Sale, record_sale, sale_of
from portal.compat import shapes
from portal.compat.wire import Call, DubRefused, open_call, refuse, refused_of, with_cors
from portal.errors import status_of
from portal.intake.arrivals import bring_clicks_in
from portal.intake.door import ACCEPTED, DUPLICATE, REJECTED, TEST, Intake, Outcome, take
from tracking.access import open_click_in
from tracking.click_ids import click_key
from tracking.conversions import OrderFacts
from tracking.customers import bind_customer, customer_of, foreign_records
from tracking.errors import OrderConflict
from tracking.pseudonyms import customer_of_address, signs_of_address

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import Click, Customer

PROCESSORS = frozenset({"stripe", "shopify", "polar", "paddle", "apple", "revenuecat", "lemonsqueezy", "dub", "custom"})
_MODES = frozenset({"", "async", "wait", "deferred"})
_MOST_METADATA = 10_000

type Handler = Callable[[Call, Intake], Outcome]


def take_call(request: HttpRequest, handle: Handler, *, program_slug: str) -> HttpResponse:
    """A track call through the intake; refusals worded as Dub's clients read them."""

    def handled(intake: Intake) -> Outcome:
        intake.readable_body()
        try:
            call = open_call(request, program_slug)
            intake.key = call.key
            return handle(call, intake)
        except DubRefused as trouble:
            return _refusal(trouble)
        except Refusal as refusal:
            return _refusal(refused_of(refusal, status=int(status_of(refusal))), refusal)

    return take(request, door="dub", handle=handled, word=_as_dub)


def lead(call: Call, _intake: Intake) -> Outcome:
    """POST /track/lead."""
    name = _required(call, "eventName", 255)
    external_id = _customer_id(call)
    if call.text("mode") not in _MODES:
        raise DubRefused(422, "mode: expected async, wait or deferred.")
    quantity = call.whole("eventQuantity", 1) or 1
    if not 1 <= quantity <= 100:
        raise DubRefused(422, "eventQuantity: expected 1 to 100.")
    metadata = _metadata(call)
    known = customer_of(call.merchant, external_id, is_test=call.is_test)
    click_id = call.text("clickId")
    if not click_id and (known is None or known.click_id is None):
        raise DubRefused(400, "clickId is empty and this customer has no earlier click. Send the click's id.")
    click = _click(call, click_id) if click_id else _own_click(known)
    customer = _bind(call, external_id, click.pk)
    sales: list[Sale] = []
    if call.text("mode") != "deferred":
        ref = f"{external_id}:{re.sub(r'\s+', '-', name.lower())}"
        for number in range(quantity):
            facts = OrderFacts(
                order_ref=f"lead:{ref}"[:120] + (f"#{number + 1}" if number else ""),
                amount=Money.zero(call.program.currency),
                occurred_at=call.at,
                event="lead",
                click_id=click.pk,
                customer_ref=external_id,
                customer_email_key=customer.email_key,
                customer_signs=str(signs_of_address(customer.email)),
                country=customer.country,
                metadata={**metadata, "eventName": name},
                source="dub",
                is_test=call.is_test,
                is_dated=False,
            )
            sales.append(_recorded(call, facts))
    is_repeated = bool(sales) and not any(sale.is_new for sale in sales)
    link = None if is_repeated else _link_answer(call, click)
    payload = {
        "click": {"id": click.public_id},
        "link": link,
        "customer": _customer_answer(customer),
    }
    return _accepted(call, payload, sales)


def sale(call: Call, _intake: Intake) -> Outcome:
    """POST /track/sale."""
    external_id = _customer_id(call)
    minor = call.whole("amount")
    if minor is None or minor < 0:
        raise DubRefused(422, "amount: expected a whole number of minor units, 0 or more.")
    currency = (call.text("currency") or "usd").upper()
    processor = call.text("paymentProcessor") or "custom"
    if processor not in PROCESSORS:
        raise DubRefused(422, f"paymentProcessor: expected one of {', '.join(sorted(PROCESSORS))}.")
    invoice, name = call.text("invoiceId"), call.text("eventName") or "Purchase"
    metadata = _metadata(call)
    known = customer_of(call.merchant, external_id, is_test=call.is_test)
    lead_name = call.text("leadEventName")
    last = last_lead_of(call.merchant, external_id, event_name=lead_name, is_test=call.is_test) if known else None
    if known and lead_name and last is None and not call.text("clickId"):
        raise DubRefused(404, f"This customer has no lead event named {lead_name}.")
    click_id = _sale_click(call, known, last.click_id if last else None)
    # Without a click it is nobody's sale: kept as an order that belongs to no partner, answered as Dub does.
    customer = None if known is None and click_id is None else _bind(call, external_id, click_id)
    facts = OrderFacts(
        order_ref=(invoice or f"sale:{external_id}:{call.at.timestamp():.6f}")[:128],
        amount=Money(minor, _currency(currency)),
        occurred_at=call.at,
        click_id=click_id,
        customer_ref=external_id,
        customer_email_key=customer.email_key if customer else "",
        customer_signs=str(signs_of_address(customer.email)) if customer else "",
        country=customer.country if customer else "",
        metadata={**metadata, "eventName": name, "paymentProcessor": processor},
        source="dub",
        is_test=call.is_test,
        is_dated=False,
    )
    recorded = _recorded(call, facts)
    stored = recorded.conversion
    payload = {
        "eventName": stored.metadata.get("eventName", name),
        "customer": {"id": customer.public_id, **_customer_answer(customer)} if customer else None,
        "sale": {
            "amount": stored.amount_minor,
            "currency": stored.currency.lower(),
            "paymentProcessor": stored.metadata.get("paymentProcessor", processor),
            "invoiceId": invoice or None,
            "metadata": metadata or None,
        }
        if customer
        else None,
    }
    return _accepted(call, payload, [recorded])


def lead_of_browser(call: Call, intake: Intake) -> Outcome:
    """POST /track/lead/client."""
    _check_public_key(call)
    return lead(call, intake)


def sale_of_browser(call: Call, intake: Intake) -> Outcome:
    """POST /track/sale/client."""
    _check_public_key(call)
    return sale(call, intake)


def _check_public_key(call: Call) -> None:
    """Refuse a live secret that stands in a page, where everybody can read and use it. Raises DubRefused."""
    if not call.is_test:
        raise DubRefused(
            403, "This key is secret and must not stand in a page: revoke it. Use the tag (/t.js) instead."
        )


def _recorded(call: Call, facts: OrderFacts) -> Sale:
    """The order's sale; the same invoice with other content is answered with what is stored (fault M10)."""
    if facts.click_id is not None:
        bring_clicks_in([facts.click_id], at=call.at)
    try:
        return record_sale(call.merchant, facts, at=call.at)
    except OrderConflict as conflict:
        return sale_of(conflict.conversion)  # type: ignore[arg-type]


def _accepted(call: Call, payload: dict[str, Any], sales: list[Sale]) -> Outcome:
    first = sales[0] if sales else None
    if first is None:
        return Outcome(HTTPStatus.OK, payload, TEST if call.is_test else ACCEPTED)
    conversion = first.conversion
    if conversion.verdict == "rejected":
        raise DubRefused(422, f"The order was rejected: {conversion.reason}.")
    verdict = TEST if call.is_test else ACCEPTED if first.is_new else DUPLICATE
    reason = conversion.reason if first.is_new else "same_order"
    return Outcome(HTTPStatus.OK, payload, verdict, reason=reason, conversion=conversion)


def _refusal(trouble: DubRefused, refusal: Refusal | None = None) -> Outcome:
    return Outcome(
        trouble.status, {"error": {"message": trouble.message}}, REJECTED,
        reason=refusal.code if refusal else "field_invalid", field=(refusal.field or "") if refusal else "",
        detail=trouble.message,
    )  # fmt: skip


def _as_dub(intake: Intake, outcome: Outcome) -> HttpResponse:
    if outcome.status >= HTTPStatus.BAD_REQUEST:
        error = outcome.payload.get("error") or {"message": outcome.payload.get("detail", "")}
        response = refuse(DubRefused(int(outcome.status), str(error["message"])))
    else:
        response = JsonResponse(outcome.payload, status=int(outcome.status))
    response["Request-Id"] = intake.row.public_id
    return with_cors(response)


def _bind(call: Call, external_id: str, click_id: UUID | None) -> "Customer":
    address = call.text("customerEmail")[:100]
    customer, _is_new = bind_customer(
        call.merchant, external_id, is_test=call.is_test, click_id=click_id, at=call.at,
        name=(call.text("customerName") or address)[:100], email=address,
        email_key=customer_of_address(address) if "@" in address else "", avatar=call.text("customerAvatar")[:500],
    )  # fmt: skip
    return customer


def _click(call: Call, click_id: str) -> "Click":
    try:
        bring_clicks_in([click_key(click_id)], at=call.at)
        return open_click_in(call.merchant, click_id)
    except (ValueError, Refusal):
        raise DubRefused(404, f"Click event not found for the click id {click_id[:60]}.") from None


def _own_click(customer: "Customer | None") -> "Click":
    found = clicks_by_id([customer.click_id]) if customer and customer.click_id else {}
    if not found:
        raise DubRefused(404, "The customer's click is not known any more.")
    return next(iter(found.values()))


def _sale_click(call: Call, known: "Customer | None", last: UUID | None) -> UUID | None:
    """The click of a sale: the customer's last lead's, else its own, else the one that was sent."""
    if last is not None:
        return last
    if known is not None and known.click_id is not None:
        return known.click_id
    sent = call.text("clickId")
    return _click(call, sent).pk if sent else None


def _link_answer(call: Call, click: "Click") -> dict[str, Any] | None:
    link = links_by_id([click.link_id]).get(click.link_id)
    if link is None:
        return None
    return shapes.link_short(link, foreign_records(call.merchant, "link", [link.public_id]).get(link.public_id))


def _customer_answer(customer: "Customer") -> dict[str, Any]:
    return {
        "name": customer.name or None, "email": customer.email or None, "avatar": customer.avatar or None,
        "externalId": customer.external_id,
    }  # fmt: skip


def _customer_id(call: Call) -> str:
    found = call.text("customerExternalId") or call.text("externalId") or call.text("customerId")
    if not found or len(found) > 100:
        raise DubRefused(422, "customerExternalId: expected 1 to 100 characters.")
    return found


def _required(call: Call, name: str, longest: int) -> str:
    found = call.text(name)
    if not found or len(found) > longest:
        raise DubRefused(422, f"{name}: expected 1 to {longest} characters.")
    return found


def _metadata(call: Call) -> dict[str, Any]:
    value = call.body.get("metadata") or {}
    if not isinstance(value, dict) or len(json.dumps(value)) > _MOST_METADATA:
        raise DubRefused(422, f"metadata: expected an object of at most {_MOST_METADATA} characters.")
    return value


def _currency(code: str) -> str:
    try:
        return Money.zero(code).currency
    except Refusal:
        raise DubRefused(422, f"currency: {code[:10]} is not known.") from None
