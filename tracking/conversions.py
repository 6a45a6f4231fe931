"""Conversions: an order a merchant reports is counted once, whatever way and however often it comes."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from affiliates.models import Merchant
from ledger.journal import Fact, record_events
from ledger.money import Money
from ledger.rows import insert_rows
from tracking.errors import OrderConflict
from tracking.models import Conversion


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order as a merchant reports it, read and checked by the door that took it in."""

    order_ref: str
    amount: Money
    occurred_at: datetime
    event: str = "sale"
    tax: Money | None = None
    shipping: Money | None = None
    discount: Money | None = None
    click_id: UUID | None = None
    coupon: str = ""
    customer_ref: str = ""
    customer_status: str = ""
    country: str = ""
    items: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    #: The pseudonym of the customer's e-mail address, kept beside `customer_ref`: joins devices.
    customer_email_key: str = ""
    #: What may be known of that address: tracking.pseudonyms.Signs as text.
    customer_signs: str = ""
    #: The door: api, batch, postback, tag, pixel, upload, stripe, shopify, woocommerce, dub, manual.
    source: str = ""
    #: What the payment cost the shop, for its reports; no part of the content.
    fees: Money | None = None
    subscription_ref: str = ""
    is_renewal: bool = False
    is_test: bool = False
    #: Whether the shop said when it happened; if not, a repeat may come at another time.
    is_dated: bool = True

    def content(self) -> dict[str, Any]:
        """What two reports of the same order must agree on."""
        return {
            "amount": self.amount.minor,
            "currency": self.amount.currency,
            "tax": self.tax.minor if self.tax else 0,
            "shipping": self.shipping.minor if self.shipping else 0,
            "discount": self.discount.minor if self.discount else 0,
            "click_id": str(self.click_id or ""),
            "coupon": self.coupon,
            "customer": [self.customer_ref, self.customer_status, self.country],
            "items": self.items,
            "occurred_at": self.occurred_at.isoformat() if self.is_dated else "",
            "metadata": self.metadata,
        }

    def content_hash(self) -> str:
        """SHA-256 of the content in a canonical form."""
        text = json.dumps(self.content(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


#: What makes an order the same order: merchant, number, event, test or live.
type OrderKey = tuple[UUID, str, str, bool]


def order_key(merchant: Merchant, facts: OrderFacts) -> OrderKey:
    """The key under which an order counts once."""
    return merchant.pk, facts.order_ref, facts.event, facts.is_test


def record_conversion(merchant: Merchant, facts: OrderFacts, *, at: datetime) -> tuple[Conversion, bool]:
    """The conversion of this order, not decided yet, and whether it is new.

    Unique by merchant, order, event and test or live: the constraint decides, so that the same
    order by three ways counts once. Raises OrderConflict when it comes again with other content.
    """
    key = order_key(merchant, facts)
    known = known_orders([key]).get(key)
    if known is None:
        conversion = new_conversion(merchant, facts, at=at)
        if insert_conversions([conversion]):
            record_events([recorded(conversion)])
            return conversion, True
        known = known_orders([key])[key]
    return same_content(known, facts), False


def new_conversion(merchant: Merchant, facts: OrderFacts, *, at: datetime) -> Conversion:
    """The row of an order that nobody knows yet; nothing is written."""
    return Conversion(
        merchant=merchant,
        order_ref=facts.order_ref,
        event=facts.event,
        amount_minor=facts.amount.minor,
        currency=facts.amount.currency,
        tax_minor=facts.tax.minor if facts.tax else 0,
        shipping_minor=facts.shipping.minor if facts.shipping else 0,
        discount_minor=facts.discount.minor if facts.discount else 0,
        customer_ref=facts.customer_ref,
        customer_status=facts.customer_status,
        country=facts.country,
        coupon=facts.coupon,
        click_id=facts.click_id,
        items=facts.items,
        metadata=facts.metadata,
        customer_email_key=facts.customer_email_key,
        customer_signs=facts.customer_signs,
        source=facts.source,
        fees_minor=facts.fees.minor if facts.fees else 0,
        subscription_ref=facts.subscription_ref,
        is_renewal=facts.is_renewal,
        is_test=facts.is_test,
        occurred_at=facts.occurred_at,
        recorded_at=at,
        content_hash=facts.content_hash(),
        verdict=Conversion.Verdict.HELD,
        reason="not_decided_yet",
    )


def known_orders(keys: Collection[OrderKey]) -> dict[OrderKey, Conversion]:
    """Those of the orders that are known, by their keys; one query."""
    found = Conversion.objects.filter(
        merchant__in={merchant for merchant, *_rest in keys}, order_ref__in={ref for _merchant, ref, *_rest in keys}
    )
    by_key = {(one.merchant_id, one.order_ref, one.event, one.is_test): one for one in found}
    return {key: by_key[key] for key in keys if key in by_key}


def insert_conversions(conversions: Sequence[Conversion]) -> set[UUID]:
    """Write new orders; the keys of those that nobody else wrote at the same moment.

    In the order of their keys, so that two sets with the same orders never wait for each other crosswise.
    """
    ordered = sorted(conversions, key=lambda one: (one.merchant_id, one.order_ref, one.event, one.is_test))
    try:
        with transaction.atomic():
            insert_rows(ordered)
    except IntegrityError:
        Conversion.objects.bulk_create(ordered, ignore_conflicts=True)
    else:
        return {one.pk for one in ordered}
    return set(Conversion.objects.filter(pk__in=[one.pk for one in ordered]).values_list("pk", flat=True))


def recorded(conversion: Conversion) -> Fact:
    """The event of an order that is new."""
    return Fact(
        "conversion.recorded",
        conversion.public_id,
        conversion.recorded_at,
        about=[conversion.merchant.public_id],
        data={
            "order_ref": conversion.order_ref,
            "amount": conversion.amount.major,
            "currency": conversion.currency,
        },
    )


def decide(conversion: Conversion, verdict: str, *, reason: str = "", program_id: UUID | None = None) -> None:
    """Write the verdict on a conversion that had none yet or was held."""
    conversion.verdict = verdict
    conversion.reason = reason
    if program_id is not None:
        conversion.program_id = program_id
    conversion.save(update_fields=["verdict", "reason", "program"])


def facts_of(conversion: Conversion, **changed: Any) -> OrderFacts:
    """What is known of an order, as a report of it; `changed` replaces facts by their names."""
    currency = conversion.currency
    facts = OrderFacts(
        order_ref=conversion.order_ref,
        amount=conversion.amount,
        occurred_at=conversion.occurred_at,
        event=conversion.event,
        tax=Money(conversion.tax_minor, currency),
        shipping=Money(conversion.shipping_minor, currency),
        discount=Money(conversion.discount_minor, currency),
        click_id=conversion.click_id,
        coupon=conversion.coupon,
        customer_ref=conversion.customer_ref,
        customer_status=conversion.customer_status,
        country=conversion.country,
        items=conversion.items,
        metadata=conversion.metadata,
        customer_email_key=conversion.customer_email_key,
        customer_signs=conversion.customer_signs,
        source=conversion.source,
        fees=Money(conversion.fees_minor, currency),
        subscription_ref=conversion.subscription_ref,
        is_renewal=conversion.is_renewal,
        is_test=conversion.is_test,
    )
    return replace(facts, **changed)


def same_content(known: Conversion, facts: OrderFacts) -> Conversion:
    """The known order when the report says what it says now, or what it said in an earlier version.

    Raises OrderConflict when it says something else.
    """
    said = facts.content_hash()
    if known.content_hash == said or facts_of(known, is_dated=facts.is_dated).content_hash() == said:
        return known
    if known.version > 1 and known.revisions.filter(content_hash=said).exists():
        return known
    raise OrderConflict(known, _differences(known, facts))


def _differences(known: Conversion, facts: OrderFacts) -> list[str]:
    """The names of the fields that differ, as the API spells them; content otherwise."""
    pairs = {
        "amount": (known.amount_minor, facts.amount.minor),
        "currency": (known.currency, facts.amount.currency),
        "click_id": (known.click_id, facts.click_id),
        "coupon": (known.coupon, facts.coupon),
        "tax": (known.tax_minor, facts.tax.minor if facts.tax else 0),
        "shipping": (known.shipping_minor, facts.shipping.minor if facts.shipping else 0),
        "discount": (known.discount_minor, facts.discount.minor if facts.discount else 0),
        "items": (known.items, facts.items),
        "metadata": (known.metadata, facts.metadata),
        "occurred_at": (known.occurred_at, facts.occurred_at) if facts.is_dated else (0, 0),
    }
    return [name for name, (before, now) in pairs.items() if before != now] or ["content"]
