"""Dub's customers over ours."""

from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils.dateparse import parse_datetime

from ledger.ids import public_id_of, uuid_from_public_id
from payouts.queries.dub import clicks_by_id, customer_figures, links_by_id
from portal.compat import shapes
from portal.compat.wire import Call, DubRefused, answer
from tracking.customers import change_customer, customers_of, forget_customer
from tracking.pseudonyms import customer_of_address

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import Customer

_FIELDS = {
    "externalId": "external_id", "name": "name", "email": "email", "avatar": "avatar", "country": "country",
    "stripeCustomerId": "stripe_customer_id", "subscriptionCanceledAt": "subscription_canceled_at",
}  # fmt: skip


def list_customers(call: Call) -> HttpResponse:
    """GET /customers, by page or by cursor, newest first. An address is asked for whole: it is kept sealed."""
    found = customers_of(call.merchant, is_test=call.is_test).order_by("-pk")
    if call.query.get("email"):
        found = found.filter(email_key=customer_of_address(call.query["email"]))
    elif call.query.get("externalId") or call.query.get("search"):
        found = found.filter(external_id=call.query.get("externalId") or call.query["search"])
    if call.query.get("country"):
        found = found.filter(country=call.query["country"].upper())
    cursor, before = call.query.get("startingAfter"), call.query.get("endingBefore")
    if (cursor or before) and call.query.get("page"):
        raise DubRefused(422, "Use page or a cursor, not both.")
    start, size = call.page()
    if cursor or before:
        mark = _open(call, cursor or before or "")
        found = found.filter(pk__lt=mark.pk) if cursor else found.filter(pk__gt=mark.pk)
        start = 0
    return answer(_shown(call, list(found[start : start + size])))


def get_customer(call: Call, customer_id: str) -> HttpResponse:
    """GET /customers/{id}."""
    return answer(_shown(call, [_open(call, customer_id)])[0])


def update_customer(call: Call, customer_id: str) -> HttpResponse:
    """PATCH /customers/{id}."""
    customer = _open(call, customer_id)
    said = call.body if isinstance(call.body, dict) else {}
    changes: dict[str, Any] = {}
    for theirs, ours in _FIELDS.items():
        if theirs not in said:
            continue
        value = said[theirs]
        if ours == "subscription_canceled_at":
            changes[ours] = parse_datetime(str(value)) if value else None
        elif value is not None or ours != "external_id":
            changes[ours] = str(value or "")[:100]
    if "country" in changes:
        changes["country"] = changes["country"][:2].upper()
    if "email" in changes:
        changes["email_key"] = customer_of_address(changes["email"]) if "@" in changes["email"] else ""
    try:
        with transaction.atomic():
            customer = change_customer(customer, changes, at=call.at)
    except IntegrityError:
        raise DubRefused(409, "Another customer has this externalId.") from None
    return answer(_shown(call, [customer])[0])


def delete_customer(call: Call, customer_id: str) -> HttpResponse:
    """DELETE /customers/{id}: the person is forgotten, its orders stay."""
    customer = _open(call, customer_id)
    public_id = customer.public_id
    forget_customer(customer, at=call.at)
    return answer({"id": public_id})


def _open(call: Call, customer_id: str) -> "Customer":
    found = customers_of(call.merchant, is_test=call.is_test).select_related("merchant")
    if customer_id.startswith("ext_"):
        customer = found.filter(external_id=customer_id.removeprefix("ext_")).first()
    else:
        try:
            customer = found.filter(pk=uuid_from_public_id(customer_id, "cus")).first()
        except ValueError:
            customer = None
    if customer is None:
        raise DubRefused(404, "Customer not found.")
    return customer


def _shown(call: Call, customers: "list[Customer]") -> list[dict[str, Any]]:
    figures = customer_figures(call.merchant, [one.external_id for one in customers], is_test=call.is_test)
    rows = [shapes.customer(one, figures.get(one.external_id)) for one in customers]
    if call.query.get("includeExpandedFields") != "true":
        return rows
    clicks = clicks_by_id([one.click_id for one in customers if one.click_id])
    links = links_by_id([click.link_id for click in clicks.values()])
    for one, row in zip(customers, rows, strict=True):
        click = clicks.get(one.click_id) if one.click_id else None
        link = links.get(click.link_id) if click else None
        if link is not None:
            affiliate = link.affiliate
            row["link"] = {
                "id": link.public_id, "domain": shapes.domain(), "key": link.code, "shortLink": shapes.short_link(link),
                "url": link.destination, "programId": public_id_of("prog", link.program_id),
            }  # fmt: skip
            row["programId"] = public_id_of("prog", link.program_id)
            row["partner"] = {
                "id": affiliate.public_id, "name": affiliate.name, "email": affiliate.contact_email, "image": None,
            }  # fmt: skip
    return rows
