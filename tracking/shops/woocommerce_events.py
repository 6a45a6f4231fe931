"""WooCommerce's order webhooks. Field names are those of its REST API.

Every event holds the whole order, so the newest by `date_modified_gmt` counts. An order is booked once
any of its events shows it paid; its refunds stand inside it as negative totals.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ledger.money import Money
from tracking.errors import InputRefused
from tracking.shops.orders import Notice, ShopOrder, Taking, first_text
from tracking.shops.reading import (
    bounded,
    click_in,
    click_in_url,
    currency_in,
    decimal_minor,
    decimal_of,
    iso_instant,
    object_in,
    required_id,
    rows_in,
    text_in,
)

ORDER_TOPICS = frozenset({"order.created", "order.updated", "order.restored"})

#: The events for which a webhook is to be made.
TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")

ORDER_NUMBERS = ("id", "number")

_PAID = frozenset({"processing", "completed", "refunded"})
_GONE = {"cancelled": "cancelled", "failed": "payment_failed", "trash": "cancelled", "refunded": "item_returned"}
_RANK = {
    "pending": 0, "checkout-draft": 0, "on-hold": 1, "processing": 2, "completed": 3, "failed": 4, "cancelled": 5,
    "refunded": 6, "trash": 7,
}  # fmt: skip


def read(topic: str, event_id: str, payload: Mapping[str, Any], *, at: datetime) -> Notice | None:
    """What an event says; None for one that is not used. Raises InputRefused for one that cannot be read.

    `at` stands in for the time of a deletion, which names none.
    """
    if topic == "order.deleted":
        order = required_id(payload)
        return Notice(event_id, topic, at, (f"order:{order}",), facts={"id": order})
    if topic not in ORDER_TOPICS:
        return None
    order, currency = required_id(payload), currency_in(payload)
    created = iso_instant(payload.get("date_created_gmt"), is_utc=True)
    happened_at = iso_instant(payload.get("date_modified_gmt"), is_utc=True) or created
    if happened_at is None:
        raise InputRefused("date_modified_gmt is no time. Send the event unchanged.", field="date_modified_gmt")
    status, billing = text_in(payload, "status", longest=30), object_in(payload, "billing")
    tax, shipping = _amount(payload.get("total_tax"), currency), _amount(payload.get("shipping_total"), currency)
    total, customer = _amount(payload.get("total"), currency), text_in(payload, "customer_id")
    facts = {
        "id": order,
        "number": text_in(payload, "number"),
        "status": status,
        "currency": currency,
        "is_paid": status in _PAID or bool(iso_instant(payload.get("date_paid_gmt"), is_utc=True)),
        "total": total,
        "goods": max(total - tax - shipping, 0),
        "tax": tax,
        "shipping": shipping,
        "discount": _amount(payload.get("discount_total"), currency),
        "occurred": (created or happened_at).isoformat(),
        "click": _click(payload),
        "coupon": next((text_in(one, "code", longest=64) for one in rows_in(payload, "coupon_lines")), ""),
        "customer": "" if customer == "0" else customer,
        "email": text_in(billing, "email", longest=320),
        "country": _country(billing),
        "items": [_item(one, currency) for one in rows_in(payload, "line_items", most=200)],
        "refunds": {
            text_in(one, "id"): bounded(abs(decimal_minor(one.get("total"), currency)))
            for one in rows_in(payload, "refunds")
            if text_in(one, "id")
        },
        "rank": _RANK.get(status, 1),
    }
    return Notice(event_id, topic, happened_at, (f"order:{order}",), facts=facts)


def fold(notices: Sequence[Notice], *, number: str = "id") -> ShopOrder | None:
    """The order that the notices describe; None while it is not paid. `number` says which of its numbers counts."""
    orders = [one for one in notices if one.topic in ORDER_TOPICS]
    newest = max(orders, key=lambda one: (one.happened_at, one.facts["rank"], one.event_id), default=None)
    if newest is None or not any(one.facts["is_paid"] for one in orders):
        return None
    facts = newest.facts
    deleted = sum(one.topic == "order.deleted" for one in notices)
    restored = sum(one.topic == "order.restored" for one in notices)
    return ShopOrder(
        refs=(str(facts.get(number) or facts["id"]),),
        currency=facts["currency"],
        goods=facts["goods"],
        tax=facts["tax"],
        shipping=facts["shipping"],
        discount=facts["discount"],
        occurred_at=datetime.fromisoformat(facts["occurred"]),
        click=first_text(orders, "click"),
        coupon=first_text(orders, "coupon"),
        customer=first_text(orders, "customer"),
        email=first_text(orders, "email"),
        email_signs=first_text(orders, "email_signs"),
        country=first_text(orders, "country"),
        items=tuple(facts["items"]),
        takings=tuple(_takings(orders, facts, is_deleted=deleted > restored)),
    )


def _takings(orders: Iterable[Notice], facts: Mapping[str, Any], *, is_deleted: bool) -> Iterable[Taking]:
    refunds: dict[str, int] = {}
    for one in sorted(orders, key=lambda one: (one.happened_at, one.event_id)):
        refunds.update(one.facts["refunds"])
    for name, part in sorted(refunds.items()):
        if part:
            yield Taking(f"refund:{name}", min(part, facts["total"]), facts["total"], "item_returned")
    if is_deleted or facts["status"] in _GONE:
        reason = "cancelled" if is_deleted else _GONE[facts["status"]]
        yield Taking("cancelled", facts["total"], facts["total"], reason)


def _item(line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    quantity = max(int(decimal_of(line.get("quantity"))), 1)
    return {
        "sku": text_in(line, "sku") or text_in(line, "variation_id") or text_in(line, "product_id"),
        "category": "",
        "quantity": quantity,
        "amount": Money(_amount(line.get("total"), currency), currency).major,
    }


def _click(payload: Mapping[str, Any]) -> str:
    """From the order's own fields, else from the page on which WooCommerce saw the visitor come in."""
    noted = {text_in(one, "key", longest=200): one.get("value") for one in rows_in(payload, "meta_data", most=1_000)}
    return click_in(noted) or click_in_url(noted.get("_wc_order_attribution_session_entry"))


def _country(billing: Mapping[str, Any]) -> str:
    code = text_in(billing, "country", longest=2).upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


def _amount(value: object, currency: str) -> int:
    return max(decimal_minor(value, currency), 0)
