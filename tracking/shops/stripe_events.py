"""A merchant's own Stripe: Checkout, invoices, refunds and disputes. Field names are those of Stripe's API.

A Checkout session of one payment is an order once it is paid; a subscription's orders are its paid
invoices, the first and every renewal. Refunds come as a charge's cumulative `amount_refunded`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from ledger.currencies import digits
from ledger.money import Money
from tracking.errors import InputRefused
from tracking.shops.orders import Contest, Notice, ShopOrder, Taking, first_text, latest
from tracking.shops.reading import (
    an_object,
    bounded,
    click_in,
    currency_in,
    id_in,
    object_in,
    required_id,
    rows_in,
    text_in,
    unix_instant,
    whole_minor,
)

SESSION_TOPICS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
    }
)
CHARGE_TOPICS = frozenset({"charge.refunded", "charge.updated"})
REFUND_TOPICS = frozenset({"refund.failed"})
DISPUTE_TOPICS = frozenset(
    {
        "charge.dispute.created",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)
CUSTOMER_TOPICS = frozenset({"customer.created", "customer.updated"})

#: The events to tick, in the words of Stripe's dashboard.
TOPICS = (
    "checkout.session.completed", "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed",
    "invoice.paid", "invoice_payment.paid", "charge.refunded", "refund.failed", "charge.dispute.created",
    "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated", "charge.dispute.closed",
    "customer.created", "customer.updated",
)  # fmt: skip

#: Stripe's currencies whose amounts have no minor unit (docs.stripe.com/currencies#zero-decimal).
ZERO_DECIMAL = frozenset(
    {
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
    }
)  # fmt: skip
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})

_DISPUTE_RANK = {
    "charge.dispute.created": 0,
    "charge.dispute.funds_withdrawn": 1,
    "charge.dispute.closed": 2,
    "charge.dispute.funds_reinstated": 3,
}


def read(event: Mapping[str, Any]) -> Notice | None:
    """What an event says; None for one that is not used. Raises InputRefused for one that cannot be read."""
    topic, event_id = text_in(event, "type", longest=60), required_id(event)
    reader = _reader_of(topic)
    if reader is None:
        return None
    thing = an_object(object_in(event, "data").get("object"), "data.object")
    happened_at = unix_instant(event.get("created")) or unix_instant(thing.get("created"))
    if happened_at is None:
        raise InputRefused("created is no time. Send the event unchanged.", field="created")
    keys, context, facts = reader(thing)
    if not keys and not context:
        raise InputRefused("The event names no payment. Send it unchanged.", code="field_missing", field="data.object")
    return Notice(
        event_id=event_id,
        topic=topic,
        happened_at=happened_at,
        keys=tuple(dict.fromkeys(keys)),
        context=tuple(dict.fromkeys(context)),
        is_test=event.get("livemode") is not True,
        facts=facts,
    )


def fold(notices: Sequence[Notice], context: Sequence[Notice] = ()) -> ShopOrder | None:
    """The order that the notices describe; None while it is not paid. `context` are notices of its customer's others."""
    sessions = [one for one in notices if one.topic in SESSION_TOPICS]
    payments = [one for one in sessions if one.facts["mode"] == "payment"]
    session = latest(payments)
    is_paid = any(
        one.facts["payment_status"] in {"paid", "no_payment_required"}
        or one.topic == "checkout.session.async_payment_succeeded"
        for one in payments
    )
    invoices = [one for one in notices if one.topic == "invoice.paid" and one.facts["paid"] > 0]
    invoice = latest(invoices)
    booked = session if session is not None and is_paid else invoice
    if booked is None:
        return None
    facts = booked.facts
    own = [*sessions, *invoices]
    subscription = first_text(own, "subscription")
    others = [
        one
        for one in context
        if one.topic in CUSTOMER_TOPICS or (subscription and one.facts.get("subscription") == subscription)
    ]
    currency = facts["currency"]
    return ShopOrder(
        refs=_refs(payments, invoices),
        currency=currency,
        goods=facts["goods"],
        tax=facts["tax"],
        shipping=facts["shipping"],
        discount=facts["discount"],
        occurred_at=datetime.fromisoformat(facts["occurred"]) if facts["occurred"] else booked.happened_at,
        click=first_text(own, "click") or first_text(others, "click"),
        coupon=first_text(own, "coupon"),
        customer=first_text(own, "external") or first_text(others, "external") or first_text(own, "customer"),
        email=first_text(own, "email"),
        email_signs=first_text(own, "email_signs"),
        country=first_text(own, "country"),
        subscription=subscription,
        is_renewal=bool(invoice and booked is invoice and invoice.facts["is_renewal"]),
        is_test=booked.is_test,
        takings=tuple(_takings(notices)),
        contests=tuple(_contests(notices, paid=facts["paid"])),
    )


def _takings(notices: Iterable[Notice]) -> Iterable[Taking]:
    by_charge: dict[str, list[Notice]] = {}
    for one in notices:
        if one.topic in CHARGE_TOPICS and one.facts["whole"] > 0:
            by_charge.setdefault(one.facts["charge"], []).append(one)
    failed: dict[str, Notice] = {one.facts["refund"]: one for one in notices if one.topic in REFUND_TOPICS}
    for charge, seen in sorted(by_charge.items()):
        # Cumulative: of one second the larger sum is the later one.
        newest = max(seen, key=lambda one: (one.happened_at, one.facts["part"], one.event_id))
        came_back = sum(
            one.facts["part"]
            for one in failed.values()
            if one.facts["charge"] == charge and one.happened_at > newest.happened_at
        )
        part = max(newest.facts["part"] - came_back, 0)
        yield Taking(f"charge:{charge}", part, newest.facts["whole"], "item_returned")


def _contests(notices: Iterable[Notice], *, paid: int) -> Iterable[Contest]:
    by_dispute: dict[str, list[Notice]] = {}
    for one in notices:
        if one.topic in DISPUTE_TOPICS:
            by_dispute.setdefault(one.facts["dispute"], []).append(one)
    for name, seen in sorted(by_dispute.items()):
        newest = latest(seen, rank=_DISPUTE_RANK)
        assert newest is not None
        status = "open"
        if newest.topic == "charge.dispute.funds_reinstated":
            status = "won"
        elif closed := latest(one for one in seen if one.topic == "charge.dispute.closed"):
            status = "lost" if closed.facts["status"] == "lost" else "won"
        yield Contest(name, status, min(newest.facts["part"], paid), paid)


def _refs(payments: Iterable[Notice], invoices: Iterable[Notice]) -> tuple[str, ...]:
    payments, invoices = list(payments), list(invoices)
    found = [
        first_text([*payments, *invoices], "order_ref"),
        first_text(invoices, "invoice"),
        first_text(payments, "payment"),
        first_text(payments, "session"),
    ]
    return tuple(dict.fromkeys(ref for ref in found if ref))


type _Read = tuple[list[str], list[str], dict[str, Any]]


def _reader_of(topic: str) -> Any:
    if topic in SESSION_TOPICS:
        return _session
    if topic in CHARGE_TOPICS:
        return _charge
    if topic in DISPUTE_TOPICS:
        return _dispute
    if topic in CUSTOMER_TOPICS:
        return _customer
    return {"invoice.paid": _invoice, "invoice_payment.paid": _invoice_payment, "refund.failed": _refund}.get(topic)


def _session(thing: Mapping[str, Any]) -> _Read:
    session, payment, invoice = required_id(thing), id_in(thing, "payment_intent"), id_in(thing, "invoice")
    currency = currency_in(thing) if thing.get("currency") else ""
    details, metadata = object_in(thing, "total_details"), object_in(thing, "metadata")
    person = object_in(thing, "customer_details")
    total = _minor(thing.get("amount_total"), currency)
    tax, shipping, discount = (
        _minor(details.get(name), currency) for name in ("amount_tax", "amount_shipping", "amount_discount")
    )
    mode = text_in(thing, "mode", longest=20)
    facts = {
        "mode": mode if currency else "setup",
        "payment_status": text_in(thing, "payment_status", longest=30),
        "session": session,
        "payment": payment,
        "order_ref": text_in(metadata, "order_id") if mode == "payment" else "",
        "click": text_in(thing, "client_reference_id", longest=255) or click_in(metadata),
        "coupon": _coupon(thing),
        "currency": currency,
        "paid": total,
        "goods": max(total - tax - shipping, 0),
        "tax": tax,
        "shipping": shipping,
        "discount": discount,
        "customer": id_in(thing, "customer"),
        "external": text_in(metadata, "dubCustomerExternalId") or text_in(metadata, "customer_id"),
        "email": text_in(person, "email", longest=320),
        "country": _country(object_in(person, "address")),
        "subscription": id_in(thing, "subscription"),
        "occurred": _moment(thing.get("created")),
    }
    keys = [f"session:{session}", *_named(payment=payment, invoice=invoice)]
    return keys, _context(facts), facts


def _invoice(thing: Mapping[str, Any]) -> _Read:
    invoice, currency = required_id(thing), currency_in(thing)
    parent = object_in(object_in(thing, "parent"), "subscription_details")
    subscription = id_in(parent, "subscription") or id_in(thing, "subscription")
    metadata = object_in(thing, "metadata")
    shared = object_in(parent, "metadata") or object_in(object_in(thing, "subscription_details"), "metadata")
    paid = _minor(thing.get("amount_paid"), currency)
    total, before_tax = thing.get("total"), thing.get("total_excluding_tax")
    tax = (
        max(_minor(total, currency) - _minor(before_tax, currency), 0)
        if isinstance(before_tax, int)
        else _minor(thing.get("tax"), currency)
    )
    shipping = _minor(object_in(thing, "shipping_cost").get("amount_subtotal"), currency)
    payments = [object_in(one, "payment") for one in rows_in(object_in(thing, "payments"), "data")]
    facts = {
        "invoice": invoice,
        "order_ref": text_in(metadata, "order_id"),
        "click": click_in(metadata) or click_in(shared),
        "coupon": "",
        "currency": currency,
        "paid": paid,
        "goods": max(paid - tax - shipping, 0),
        "tax": tax,
        "shipping": shipping,
        "discount": sum(_minor(one.get("amount"), currency) for one in rows_in(thing, "total_discount_amounts")),
        "customer": id_in(thing, "customer"),
        "external": text_in(shared, "dubCustomerExternalId") or text_in(metadata, "dubCustomerExternalId"),
        "email": text_in(thing, "customer_email", longest=320),
        "country": _country(object_in(thing, "customer_address")),
        "subscription": subscription,
        "is_renewal": text_in(thing, "billing_reason", longest=40) in {"subscription_cycle", "subscription"},
        "occurred": _moment(object_in(thing, "status_transitions").get("paid_at") or thing.get("created")),
    }
    keys = [f"invoice:{invoice}", *_named(payment=id_in(thing, "payment_intent"), charge=id_in(thing, "charge"))]
    for one in payments:
        keys += _named(payment=id_in(one, "payment_intent"), charge=id_in(one, "charge"))
    return keys, _context(facts), facts


def _invoice_payment(thing: Mapping[str, Any]) -> _Read:
    """Ties an invoice to its payment: newer invoices name it nowhere else."""
    payment = object_in(thing, "payment")
    ids = _named(
        invoice=id_in(thing, "invoice"), payment=id_in(payment, "payment_intent"), charge=id_in(payment, "charge")
    )
    return ids, [], {}


def _charge(thing: Mapping[str, Any]) -> _Read:
    charge, currency = required_id(thing), currency_in(thing)
    facts = {
        "charge": charge,
        "part": _minor(thing.get("amount_refunded"), currency),
        "whole": _minor(thing.get("amount"), currency),
    }
    keys = [
        f"charge:{charge}",
        *_named(payment=id_in(thing, "payment_intent"), invoice=id_in(thing, "invoice")),
    ]
    return keys, [], facts


def _refund(thing: Mapping[str, Any]) -> _Read:
    facts = {
        "refund": required_id(thing),
        "charge": id_in(thing, "charge"),
        "part": _minor(thing.get("amount"), currency_in(thing)),
    }
    return _named(charge=id_in(thing, "charge"), payment=id_in(thing, "payment_intent")), [], facts


def _dispute(thing: Mapping[str, Any]) -> _Read:
    facts = {
        "dispute": required_id(thing),
        "status": text_in(thing, "status", longest=40),
        "part": max(_minor(thing.get("amount"), currency_in(thing)), 0),
    }
    return _named(charge=id_in(thing, "charge"), payment=id_in(thing, "payment_intent")), [], facts


def _customer(thing: Mapping[str, Any]) -> _Read:
    metadata, customer = object_in(thing, "metadata"), required_id(thing)
    facts = {"click": click_in(metadata), "external": text_in(metadata, "dubCustomerExternalId")}
    return [], [f"customer:{customer}"], facts


def _named(**ids: str) -> list[str]:
    return [f"{kind}:{found}" for kind, found in ids.items() if found]


def _context(facts: Mapping[str, Any]) -> list[str]:
    return _named(subscription=str(facts["subscription"]), customer=str(facts["customer"]))


def _coupon(thing: Mapping[str, Any]) -> str:
    """The promotion code that was used, where the session names it in words."""
    for one in rows_in(thing, "discounts"):
        code = text_in(object_in(one, "promotion_code"), "code", longest=64)
        if code:
            return code
    return text_in(object_in(thing, "metadata"), "coupon", longest=64)


def _country(address: Mapping[str, Any]) -> str:
    code = text_in(address, "country", longest=2).upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


def _moment(value: object) -> str:
    moment = unix_instant(value)
    return moment.isoformat() if moment else ""


def _minor(value: object, currency: str) -> int:
    """Our minor units of Stripe's, never below nothing: they differ where Stripe counts otherwise than ISO 4217 does."""
    amount = max(whole_minor(value), 0)
    if not currency:
        return amount
    places = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    if places == digits(currency):
        return amount
    return bounded(Money(amount, currency).share(Decimal(1).scaleb(digits(currency) - places)).minor)
