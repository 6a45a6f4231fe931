"""Conversions: an order a merchant reports is counted once, whatever way and however often it comes."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from affiliates.models import Merchant
from ledger.journal import record_event
from ledger.money import Money
from tracking.errors import InputRefused, OrderConflict, RefundTooLarge
from tracking.items import worth_of_items
from tracking.models import Conversion, Refund


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


def record_conversion(merchant: Merchant, facts: OrderFacts, *, at: datetime) -> tuple[Conversion, bool]:
    """The conversion of this order, and whether it is new.

    Unique by merchant, order, event and test or live: the constraint decides, so that the same
    order by three ways counts once. Raises OrderConflict when it comes again with other content.
    """
    known = _known(merchant, facts)
    if known is not None:
        return _same_content(known, facts), False
    try:
        with transaction.atomic():
            conversion = Conversion.objects.create(
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
    except IntegrityError:
        known = _known(merchant, facts)
        if known is None:
            raise
        return _same_content(known, facts), False
    record_event(
        "conversion.recorded",
        conversion.public_id,
        at=at,
        about=[merchant.public_id],
        data={"order_ref": facts.order_ref, "amount": facts.amount.major, "currency": facts.amount.currency},
    )
    return conversion, True


def record_refund(
    conversion: Conversion,
    *,
    amount: Money | None,
    reference: str,
    reason: str = "",
    origin: str = "",
    items: list[dict[str, Any]] | None = None,
    at: datetime,
) -> tuple[Refund, bool]:
    """Take money of an order back, all of what is left when `amount` is None; idempotent by reference.

    With `items` ([{"sku", "quantity"}]) the amount is what these items of the order cost. `origin`
    names the thing it belongs to, where that may grow or fall (payouts/converging.py). Returns the
    refund and whether it is new. Raises RefundTooLarge, and InputRefused when the same reference
    comes with another amount. Locks the conversion's row: call it in a transaction.
    """
    locked = Conversion.objects.select_for_update().get(pk=conversion.pk)
    known = Refund.objects.filter(conversion=locked, reference=reference).first()
    if known is not None:
        if (amount is not None and amount.minor != known.amount_minor) or (items and items != known.items):
            raise InputRefused("This reference was used for another amount.", code="refund_conflict", field="amount")
        return known, False
    left = locked.amount - locked.refunded
    if items:
        amount = min(worth_of_items(locked, items), left)
    amount = left if amount is None else amount
    if amount.currency != locked.currency:
        raise InputRefused(f"The order is in {locked.currency}.", code="currency_mismatch", field="currency")
    if not amount or amount.minor < 0:
        raise InputRefused("There is nothing left to refund.", code="refund_empty", field="amount")
    if left < amount:
        raise RefundTooLarge(f"Only {left} of the order is left.", field="amount")
    refund = Refund.objects.create(
        conversion=locked,
        reference=reference,
        amount_minor=amount.minor,
        reason=reason,
        origin=origin,
        items=items or [],
        at=at,
        recorded_at=at,
    )
    locked.refunded_minor += amount.minor
    locked.save(update_fields=["refunded_minor"])
    conversion.refunded_minor = locked.refunded_minor
    record_event(
        "conversion.refunded",
        locked.public_id,
        at=at,
        about=[refund.public_id, locked.merchant.public_id],
        data={"amount": amount.major, "currency": amount.currency, "reason": reason, "reference": reference},
    )
    return refund, True


def void_refund(refund: Refund, *, reason: str, at: datetime) -> bool:
    """Let a refund count no more: its dispute was won, or it failed. Whether it counted until now.

    Locks the conversion's row: call it in a transaction.
    """
    locked = Conversion.objects.select_for_update().get(pk=refund.conversion_id)
    is_live = Refund.objects.filter(pk=refund.pk, voided_at=None).update(voided_at=at, void_reason=reason)
    if not is_live:
        return False
    locked.refunded_minor -= refund.amount_minor
    locked.save(update_fields=["refunded_minor"])
    amount = Money(refund.amount_minor, locked.currency)
    record_event(
        "conversion.refund_voided",
        locked.public_id,
        at=at,
        about=[refund.public_id, locked.merchant.public_id],
        data={"amount": amount.major, "currency": amount.currency, "reason": reason, "reference": refund.reference},
    )
    return True


def decide(conversion: Conversion, verdict: str, *, reason: str = "", program_id: UUID | None = None) -> None:
    """Write the verdict on a conversion that had none yet or was held."""
    conversion.verdict = verdict
    conversion.reason = reason
    if program_id is not None:
        conversion.program_id = program_id
    conversion.save(update_fields=["verdict", "reason", "program"])


def _known(merchant: Merchant, facts: OrderFacts) -> Conversion | None:
    return Conversion.objects.filter(
        merchant=merchant, order_ref=facts.order_ref, event=facts.event, is_test=facts.is_test
    ).first()


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
        source=conversion.source,
        fees=Money(conversion.fees_minor, currency),
        subscription_ref=conversion.subscription_ref,
        is_renewal=conversion.is_renewal,
        is_test=conversion.is_test,
    )
    return replace(facts, **changed)


def _same_content(known: Conversion, facts: OrderFacts) -> Conversion:
    """The known order when the report says what it says now, or what it said in an earlier version."""
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
