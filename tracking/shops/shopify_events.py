"""Shopify's order and refund webhooks. Field names are those of its Admin API.

An order is booked once it is paid. Each order event holds the whole order, so the newest by
`updated_at` counts; refunds are gathered by their ids from wherever they stand.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ledger.money import Money
from tracking.errors import InputRefused
from tracking.shops.orders import Notice, ShopOrder, Taking, first_text, latest
from tracking.shops.reading import (
    bounded,
    click_in,
    click_in_url,
    currency_in,
    decimal_minor,
    iso_instant,
    object_in,
    required_id,
    rows_in,
    text_in,
    whole_minor,
)

ORDER_TOPICS = frozenset({"orders/create", "orders/paid", "orders/updated", "orders/edited", "orders/cancelled"})

#: The events to subscribe to.
TOPICS = ("orders/create", "orders/paid", "orders/updated", "orders/cancelled", "refunds/create")

#: What the number of an order may be in its reports: the setting of a connection.
ORDER_NUMBERS = ("id", "name", "order_number")

_RANK = {"orders/create": 0, "orders/paid": 1, "orders/updated": 2, "orders/edited": 2, "orders/cancelled": 3}
_PAID = frozenset({"paid", "partially_paid", "partially_refunded", "refunded"})


def read(topic: str, event_id: str, payload: Mapping[str, Any]) -> Notice | None:
    """What an event says; None for one that is not used. Raises InputRefused for one that cannot be read."""
    if topic == "refunds/create":
        return _read_refund(event_id, payload)
    if topic not in ORDER_TOPICS:
        return None
    order, currency = required_id(payload), currency_in(payload)
    happened_at = iso_instant(payload.get("updated_at")) or iso_instant(payload.get("created_at"))
    if happened_at is None:
        raise InputRefused("updated_at is no time. Send the event unchanged.", field="updated_at")
    occurred = iso_instant(payload.get("processed_at")) or iso_instant(payload.get("created_at")) or happened_at
    person = object_in(payload, "customer")
    status = text_in(payload, "financial_status", longest=30)
    facts = {
        "id": order,
        "name": text_in(payload, "name").removeprefix("#"),
        "order_number": text_in(payload, "order_number"),
        "currency": currency,
        "is_paid": status in _PAID or topic == "orders/paid",
        "is_void": status == "voided",
        "is_cancelled": topic == "orders/cancelled" or bool(iso_instant(payload.get("cancelled_at"))),
        "cancel_reason": text_in(payload, "cancel_reason", longest=30),
        "goods": _goods(payload, currency),
        "tax": _amount(payload.get("total_tax"), currency),
        "shipping": _shipping(payload, currency),
        "discount": _amount(payload.get("total_discounts"), currency),
        "occurred": occurred.isoformat(),
        "click": _click(payload),
        "coupon": next((text_in(one, "code", longest=64) for one in rows_in(payload, "discount_codes")), ""),
        "customer": text_in(person, "id"),
        "email": text_in(payload, "email", longest=320) or text_in(person, "email", longest=320),
        "customer_status": _standing(person),
        "country": _country(payload),
        "items": [_item(one, currency) for one in rows_in(payload, "line_items", most=200)],
        "refunds": {
            refund["id"]: refund for one in rows_in(payload, "refunds") if (refund := _refund(one, currency))["id"]
        },
    }
    return Notice(event_id, topic, happened_at, (f"order:{order}",), is_test=payload.get("test") is True, facts=facts)


def fold(notices: Sequence[Notice], *, number: str = "id") -> ShopOrder | None:
    """The order that the notices describe; None while it is not paid. `number` says which of its numbers counts."""
    orders = [one for one in notices if one.topic in ORDER_TOPICS]
    newest = latest(orders, rank=_RANK)
    if newest is None or not any(one.facts["is_paid"] for one in orders):
        return None
    facts = newest.facts
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
        customer_status=first_text(orders, "customer_status"),
        country=first_text(orders, "country"),
        items=tuple(facts["items"]),
        is_test=newest.is_test,
        takings=tuple(_takings(notices, orders, facts["goods"])),
    )


def _takings(notices: Iterable[Notice], orders: Iterable[Notice], goods: int) -> Iterable[Taking]:
    refunds: dict[str, Mapping[str, Any]] = {}
    for one in sorted(orders, key=lambda one: (one.happened_at, one.event_id)):
        refunds.update(one.facts["refunds"])
    for one in notices:
        if one.topic == "refunds/create":
            refunds[one.facts["id"]] = one.facts
    for name, refund in sorted(refunds.items()):
        if refund["part"]:
            yield Taking(f"refund:{name}", min(refund["part"], goods), goods, "item_returned")
    cancelled = [one for one in orders if one.facts["is_cancelled"] or one.facts["is_void"]]
    if cancelled:
        said = first_text(cancelled, "cancel_reason")
        reason = {"inventory": "out_of_stock", "declined": "payment_failed", "fraud": "fraud"}.get(said, "cancelled")
        yield Taking("cancelled", goods, goods, reason)


def _read_refund(event_id: str, payload: Mapping[str, Any]) -> Notice:
    refund, order = required_id(payload), required_id(payload, "order_id")
    happened_at = iso_instant(payload.get("created_at")) or iso_instant(payload.get("processed_at"))
    if happened_at is None:
        raise InputRefused("created_at is no time. Send the event unchanged.", field="created_at")
    # A refund names its currency in its transactions only; its digits are what matters here.
    transactions = rows_in(payload, "transactions")
    currency = currency_in(transactions[0]) if transactions and transactions[0].get("currency") else ""
    if not currency:
        money = object_in(object_in(payload, "total_duties_set"), "shop_money")
        currency = currency_in(money, "currency_code") if money else "USD"
    is_test = any(one.get("test") is True for one in transactions)
    facts = {**_refund(payload, currency), "id": refund}
    return Notice(event_id, "refunds/create", happened_at, (f"order:{order}",), is_test=is_test, facts=facts)


def _refund(refund: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """What of the goods went back: the items' own value, and what was given beyond them."""
    lines = sum(_amount(one.get("subtotal"), currency) for one in rows_in(refund, "refund_line_items"))
    beyond = sum(
        -decimal_minor(one.get("amount"), currency)
        for one in rows_in(refund, "order_adjustments")
        if text_in(one, "kind") == "refund_discrepancy"
    )
    return {"id": text_in(refund, "id"), "part": bounded(max(lines + beyond, 0))}


def _goods(payload: Mapping[str, Any], currency: str) -> int:
    """What the goods cost after discounts, without tax and shipping."""
    goods = _amount(payload.get("subtotal_price"), currency)
    return (
        max(goods - _amount(payload.get("total_tax"), currency), 0) if payload.get("taxes_included") is True else goods
    )


def _shipping(payload: Mapping[str, Any], currency: str) -> int:
    money = object_in(object_in(payload, "total_shipping_price_set"), "shop_money")
    return _amount(money.get("amount"), currency)


def _item(line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    quantity = max(whole_minor(line.get("quantity")), 1)
    less = sum(_amount(one.get("amount"), currency) for one in rows_in(line, "discount_allocations"))
    amount = max(bounded(_amount(line.get("price"), currency) * quantity) - less, 0)
    return {
        "sku": text_in(line, "sku") or text_in(line, "variant_id") or text_in(line, "id"),
        "category": text_in(line, "product_type"),
        "quantity": quantity,
        "amount": Money(amount, currency).major,
    }


def _click(payload: Mapping[str, Any]) -> str:
    noted = {text_in(one, "name"): one.get("value") for one in rows_in(payload, "note_attributes")}
    return click_in(noted) or click_in_url(payload.get("landing_site"))


def _standing(person: Mapping[str, Any]) -> str:
    count = person.get("orders_count")
    if isinstance(count, bool) or not isinstance(count, int):
        return ""
    return "new" if count <= 1 else "returning"


def _country(payload: Mapping[str, Any]) -> str:
    for name in ("billing_address", "shipping_address"):
        code = text_in(object_in(payload, name), "country_code", longest=2).upper()
        if len(code) == 2 and code.isascii() and code.isalpha():
            return code
    return ""


def _amount(value: object, currency: str) -> int:
    return max(decimal_minor(value, currency), 0)
