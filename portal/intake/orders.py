"""Orders and refunds as shops report them: a JSON object goes in, what the verbs take comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ledger.money import Money
from portal.intake.fields import (
    OLDEST_ORDER,
    kind_of,
    printable,
    read_choice,
    read_click,
    read_count,
    read_country,
    read_currency,
    read_flag,
    read_instant,
    read_list,
    read_metadata,
    read_money,
    read_name,
    read_object,
    read_required_money,
    read_text,
    refuse,
)
from portal.intake.privacy import hide_address
from portal.reasons import REFUNDS
from tracking.conversions import OrderFacts
from tracking.pseudonyms import customer_of_address, signs_of_address

#: The fields of an order; others are ignored and named in the answer.
ORDER_FIELDS = frozenset(
    {
        "order_id", "event", "amount", "currency", "click_id", "coupon", "customer", "tax", "shipping",
        "discount", "items", "occurred_at", "test", "metadata",
    }
)  # fmt: skip

REFUND_FIELDS = frozenset({"amount", "currency", "items", "reason", "reference"})

CUSTOMER_STATUSES = ("new", "returning", "lapsed")

#: Why money went back to a customer: a closed list.
REFUND_REASONS = tuple(REFUNDS)

_MOST_ITEMS = 200
_MOST_IGNORED = 20


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """An order that was understood, and the names of what was not."""

    facts: OrderFacts
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadRefund:
    """A refund that was understood; `amount` is None for all that is left."""

    amount: Money | None
    reason: str
    reference: str
    ignored: tuple[str, ...] = ()
    #: Instead of an amount: the items that came back, [{"sku", "quantity"}].
    items: tuple[dict[str, Any], ...] = ()


def read_order(
    source: object, *, is_test: bool, at: datetime, default_currency: str = "", oldest: timedelta = OLDEST_ORDER
) -> ReadOrder:
    """Read one order. Raises InputRefused, MoneyUnreadable or CurrencyUnknown, each naming its field."""
    if not isinstance(source, Mapping):
        raise refuse("body", f"An order is an object; this is {kind_of(source)}.")
    order_ref = read_text(source, "order_id", longest=128, example="1042", is_required=True)
    currency = read_currency(source, default=default_currency)
    amount = read_required_money(source, "amount", currency)
    customer = read_object(source, "customer")
    address = _address_of(customer)
    occurred_at = read_instant(source, "occurred_at", at=at, oldest=oldest)
    facts = OrderFacts(
        order_ref=order_ref,
        amount=amount,
        occurred_at=occurred_at or at,
        event=read_name(source, "event", longest=40, default="sale"),
        tax=read_money(source, "tax", currency),
        shipping=read_money(source, "shipping", currency),
        discount=read_money(source, "discount", currency),
        click_id=read_click(source, "click_id"),
        coupon=read_text(source, "coupon", longest=64, example="MAYA10"),
        customer_ref=_customer_ref(customer),
        customer_email_key=customer_of_address(address) if address else "",
        customer_signs=str(signs_of_address(address)),
        customer_status=read_choice(customer, "status", CUSTOMER_STATUSES, path="customer.status"),
        country=read_country(customer, "country", path="customer.country"),
        items=[
            _read_item(item, number, currency)
            for number, item in enumerate(read_list(source, "items", most=_MOST_ITEMS))
        ],
        metadata={
            key: hide_address(value) if isinstance(value, str) else value
            for key, value in read_metadata(source).items()
        },
        is_test=read_flag(source, "test") or is_test,
        # Doors other than the API say which they are.
        source="api",
        is_dated=occurred_at is not None,
    )
    return ReadOrder(facts, ignored_in(source, ORDER_FIELDS))


def read_refund(source: Mapping[str, Any], *, currency: str, default_reference: str = "") -> ReadRefund:
    """Read a refund of an order in `currency`. Raises InputRefused and MoneyUnreadable."""
    reference = read_text(source, "reference", longest=128, example="rf-1") or default_reference
    if not reference:
        raise refuse(
            "reference",
            'reference is missing. Send your own number of the refund, such as "rf-1", so that sending it twice is safe.',
            code="field_missing",
        )
    if read_currency(source, default=currency) != currency:
        raise refuse("currency", f"The order is in {currency}.", code="currency_mismatch")
    amount = read_money(source, "amount", currency)
    if amount is not None and not amount:
        raise refuse(
            "amount", "A refund of nothing changes nothing. Leave amount out to refund all of it.", code="refund_empty"
        )
    items = tuple(
        _read_refunded_item(item, number) for number, item in enumerate(read_list(source, "items", most=_MOST_ITEMS))
    )
    if items and amount is not None:
        raise refuse("items", "Send an amount or items, not both.")
    return ReadRefund(
        amount=amount,
        items=items,
        reason=read_choice(source, "reason", REFUND_REASONS) or "other",
        reference=reference[:128],
        ignored=ignored_in(source, REFUND_FIELDS),
    )


def _read_refunded_item(item: object, number: int) -> dict[str, Any]:
    path = f"items.{number}"
    if not isinstance(item, Mapping):
        raise refuse(path, f"{path} is {kind_of(item)}. Send an object with sku and quantity.")
    return {
        "sku": read_text(item, "sku", longest=128, path=f"{path}.sku", example="PRO-1", is_required=True),
        "quantity": read_count(item, "quantity", path=f"{path}.quantity", most=1_000_000, default=1),
    }


def ignored_in(source: Mapping[str, Any], known: frozenset[str]) -> tuple[str, ...]:
    """The names nobody asked for, as they may be shown."""
    return tuple(sorted(printable(name) for name in source if name not in known)[:_MOST_IGNORED])


def _customer_ref(customer: Mapping[str, Any]) -> str:
    """The shop's own number of the customer, or the pseudonym of the address; an address is never kept."""
    number = read_text(customer, "id", longest=128, path="customer.id", example="c-77")
    address = read_text(customer, "email", longest=320, path="customer.email", example="kim@example.com")
    if address and ("@" not in address.strip("@") or " " in address):
        raise refuse("customer.email", "customer.email is no e-mail address. Send one, or leave it out.")
    if "@" in number:
        return customer_of_address(number)
    return number or (customer_of_address(address) if address else "")


def _address_of(customer: Mapping[str, Any]) -> str:
    """The customer's e-mail address, under its own name or as the shop's number; it is read and not kept."""
    named = (customer.get("email"), customer.get("id"))
    return next((one for one in named if isinstance(one, str) and "@" in one), "")


def _read_item(item: object, number: int, currency: str) -> dict[str, Any]:
    path = f"items.{number}"
    if not isinstance(item, Mapping):
        raise refuse(path, f"{path} is {kind_of(item)}. Send an object with sku, category, quantity and amount.")
    amount = read_money(item, "amount", currency, path=f"{path}.amount")
    return {
        "sku": read_text(item, "sku", longest=128, path=f"{path}.sku", example="PRO-1"),
        "category": read_text(item, "category", longest=128, path=f"{path}.category", example="plans"),
        "quantity": read_count(item, "quantity", path=f"{path}.quantity", most=1_000_000, default=1),
        "amount": amount.major if amount is not None else None,
    }
