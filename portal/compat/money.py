"""Dub's commissions and payouts over ours."""

import re
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpResponse

from affiliates.errors import NotVisible
from ledger.errors import Refusal
from ledger.ids import uuid_from_public_id
from ledger.money import Money
from payouts.queries.dub import commissions_in, links_in_program, payouts_to
from payouts.queries.states import states_of
from payouts.sales import record_sale, refund_sale, sale_of
from portal.compat import shapes
from portal.compat.links import place_of
from portal.compat.spans import span_of
from portal.compat.wire import Call, DubRefused, answer, refused_of, whole_of
from portal.errors import status_of
from tracking.access import open_conversion_by_order
from tracking.clicks import record_click
from tracking.conversions import OrderFacts
from tracking.customers import bind_customer, customers_of

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Enrolment
    from payouts.models import Commission

_MOST_AT_ONCE = 100
_TAKEN_BACK = {"refunded": "item_returned", "canceled": "cancelled", "fraud": "fraud", "duplicate": "duplicate"}


def list_commissions(call: Call) -> HttpResponse:
    """GET /commissions, by page or by cursor, newest first."""
    found = commissions_in(call.program).order_by("-accrued_at", "-pk")
    if call.is_test:
        found = found.none()
    if call.query.get("partnerId") or call.query.get("tenantId"):
        found = found.filter(enrolment=place_of(call, call.query))
    if call.query.get("invoiceId"):
        found = found.filter(conversion__order_ref=call.query["invoiceId"])
    if call.query.get("customerId"):
        customer = (
            customers_of(call.merchant, is_test=False).filter(pk__in=_key(call.query["customerId"], "cus")).first()
        )
        found = found.filter(conversion__customer_ref=customer.external_id) if customer else found.none()
    if call.query.get("payoutId"):
        found = found.filter(items__payout__in=_key(call.query["payoutId"], "pay"), items__released_at=None)
    kind = call.query.get("type", "")
    if kind:
        found = found.filter(conversion__event="lead") if kind == "lead" else found.exclude(conversion__event="lead")
    if call.query.get("start") or (call.query.get("interval") or "all") != "all":
        start, end = span_of(call, "all")
        found = found.filter(accrued_at__gte=start, accrued_at__lt=end)
    cursor = call.query.get("startingAfter") or call.query.get("endingBefore")
    if cursor and call.query.get("page"):
        raise DubRefused(422, "Use page or a cursor, not both.")
    start_row, size = call.page()
    if cursor:
        mark = _open(call, cursor)
        older = found.filter(accrued_at__lte=mark.accrued_at).exclude(pk__gte=mark.pk, accrued_at=mark.accrued_at)
        found = (
            older
            if call.query.get("startingAfter")
            else found.filter(accrued_at__gte=mark.accrued_at).exclude(pk__lte=mark.pk, accrued_at=mark.accrued_at)
        )
        start_row = 0
    rows = shown(call, list(found[start_row : start_row + size]))
    wanted = call.query.get("status", "")
    return answer([row for row in rows if not wanted or row["status"] == wanted])


def create_commission(call: Call) -> HttpResponse:
    """POST /commissions: a lead or a sale of a partner's, reported by hand; answered 202 as Dub does."""
    said = call.body if isinstance(call.body, dict) else {}
    kind = said.get("type") or ("sale" if said.get("saleAmount") is not None or said.get("sale") else "custom")
    place = place_of(call, said)
    if kind == "custom":
        raise DubRefused(403, "Amounts without an order are booked by the network's staff, with a second person.")
    inner: dict[str, Any] = said[kind] if isinstance(said.get(kind), dict) else {}
    customer: dict[str, Any] = said["customer"] if isinstance(said.get("customer"), dict) else {}
    external_id = str(customer.get("externalId") or said.get("customerId") or "")[:100]
    if not external_id:
        raise DubRefused(422, "customerId or customer.externalId is required.")
    if external_id.startswith("cus_"):
        known = customers_of(call.merchant, is_test=call.is_test).filter(pk__in=_key(external_id, "cus")).first()
        external_id = known.external_id if known else external_id
    minor = whole_of("amount", inner.get("amount", said.get("saleAmount", 0))) if kind == "sale" else 0
    if minor < 0:
        raise DubRefused(422, "amount: expected 0 or more. Take an order back by its commission's status.")
    invoice = str(inner.get("invoiceId") or said.get("invoiceId") or "")
    name = str(inner.get("eventName") or said.get("leadEventName") or ("Purchase" if kind == "sale" else "Sign up"))
    currency = str(inner.get("currency") or call.program.currency).upper()
    try:
        amount = Money(minor, Money.zero(currency).currency)
        ref = (invoice or f"{kind}:{external_id}:{re.sub(r'\s+', '-', name.lower())}")[:128]
        event = "lead" if kind == "lead" else "sale"
        if not _is_reported(call, place, ref, event, amount):
            # All or nothing: whoever loses a race leaves no click behind.
            with transaction.atomic():
                bind_customer(call.merchant, external_id, is_test=call.is_test, click_id=None, at=call.at)
                facts = OrderFacts(
                    order_ref=ref, amount=amount, occurred_at=call.at, event=event, click_id=_click_for(call, place),
                    customer_ref=external_id, metadata={"eventName": name}, source="dub", is_dated=False,
                )  # fmt: skip
                record_sale(call.merchant, facts, at=call.at)
    except Refusal as refusal:
        raise refused_of(refusal, status=int(status_of(refusal))) from refusal
    return answer({"success": True, "message": "The commission was recorded."}, 202)


def update_commission(call: Call, commission_id: str) -> HttpResponse:
    """PATCH /commissions/{id}: taken back whole by a status; amounts follow the order and not the other way round."""
    said = call.body if isinstance(call.body, dict) else {}
    row = _open(call, commission_id)
    if any(
        said.get(name) is not None for name in ("earnings", "amount", "saleAmount", "modifyAmount", "modifySaleAmount")
    ):
        raise DubRefused(
            403, "An amount follows its order: amend the order with PATCH /api/v1/conversions/{id} and say why."
        )
    _settle(call, row, str(said.get("status") or "pending"))
    return answer(shown(call, [_open(call, commission_id)])[0])


def update_commissions(call: Call) -> HttpResponse:
    """PATCH /commissions/bulk."""
    said = call.body if isinstance(call.body, dict) else {}
    ids, status = said.get("commissionIds"), str(said.get("status") or "")
    if not isinstance(ids, list) or len(ids) > _MOST_AT_ONCE:
        raise DubRefused(422, f"commissionIds: expected at most {_MOST_AT_ONCE}.")
    rows = [_open(call, str(one)) for one in ids]
    for row in rows:
        _settle(call, row, status)
    return answer([{"id": row.public_id, "status": status} for row in rows])


def list_payouts(call: Call) -> HttpResponse:
    """GET /payouts that hold commissions of the program."""
    start, size = call.page()
    found = payouts_to(call.merchant, call.program)
    if call.is_test:
        found = found.none()
    if call.query.get("partnerId") or call.query.get("tenantId"):
        found = found.filter(affiliate=place_of(call, call.query).affiliate)
    status = call.query.get("status", "")
    if status:
        ours = [mine for mine, theirs in shapes.PAYOUT_STATUS.items() if theirs == status]
        found = found.filter(state__in=ours)
    order = {"amount": "amount_minor", "initiatedAt": "first_sent_at", "paidAt": "first_sent_at"}.get(
        call.query.get("sortBy") or "amount", "amount_minor"
    )
    found = found.order_by(order if call.query.get("sortOrder") == "asc" else f"-{order}", "-pk")
    return answer([shapes.payout(row) for row in found[start : start + size]])


def shown(call: Call, rows: "list[Commission]") -> list[dict[str, Any]]:
    """Commissions as Dub's objects, in a fixed number of queries."""
    states = states_of(rows, at=call.at)
    refs = [row.conversion.customer_ref for row in rows if row.conversion.customer_ref]
    customers = {
        one.external_id: one for one in customers_of(call.merchant, is_test=False).filter(external_id__in=refs)
    }
    return [
        shapes.commission(
            row,
            states[row.pk],
            shapes.customer(customers[row.conversion.customer_ref])
            if row.conversion.customer_ref in customers
            else None,
        )
        for row in rows
    ]


def _settle(call: Call, row: "Commission", status: str) -> None:
    if status == "pending":
        return
    if status not in _TAKEN_BACK:
        raise DubRefused(422, "status: expected pending, refunded, duplicate, canceled or fraud.")
    conversion = row.conversion
    if not conversion.amount or conversion.refunded_minor == conversion.amount_minor:
        return
    try:
        refund_sale(
            conversion, reference=f"dub:{row.public_id}:{status}", reason=_TAKEN_BACK[status], origin="dub", at=call.at
        )
    except Refusal as refusal:
        raise refused_of(refusal, status=int(status_of(refusal))) from refusal


def _open(call: Call, commission_id: str) -> "Commission":
    row = commissions_in(call.program).filter(pk__in=_key(commission_id, "comm")).first()
    if row is None:
        raise DubRefused(404, "Commission not found.")
    return row


def _is_reported(call: Call, place: "Enrolment", ref: str, event: str, amount: Money) -> bool:
    """Whether the same order of the same partner was reported before. Raises DubRefused when it is another's or differs."""
    try:
        known = sale_of(open_conversion_by_order(call.merchant, ref, event=event))
    except NotVisible:
        return False
    owner = known.attribution.enrolment_id if known.attribution else None
    if known.conversion.amount != amount or owner != place.pk:
        raise DubRefused(409, f"The order {ref} is known with another amount or for another partner.")
    return True


def _click_for(call: Call, place: "Enrolment") -> Any:
    """A click of the partner's that stands for the report by hand: it is recorded as what it is."""
    link = links_in_program(call.program).filter(enrolment=place).first()
    if link is None:
        raise DubRefused(422, "This partner has no link yet. Make one first.")
    return record_click(link, at=call.at, params={"source_id": "reported-by-hand"}).pk


def _key(public_id: str, prefix: str) -> list[Any]:
    try:
        return [uuid_from_public_id(public_id, prefix)]
    except ValueError:
        return []
