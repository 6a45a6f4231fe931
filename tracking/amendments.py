"""Orders change after they were reported: each change is a revision, kept with what it replaced.

Amounts follow in the book (payouts/adjustments.py); this module keeps the record of what was said.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from affiliates.models import Merchant
from ledger.journal import record_event
from ledger.money import Money
from tracking.conversions import OrderFacts, facts_of
from tracking.errors import AmendmentRefused
from tracking.models import Conversion, ConversionRevision, Dispute

#: What an amendment may change: the field's name in the API, the column, and how a fact becomes the column's value.
_COLUMNS: dict[str, tuple[str, str]] = {
    "amount": ("amount_minor", "amount"),
    "tax": ("tax_minor", "tax"),
    "shipping": ("shipping_minor", "shipping"),
    "discount": ("discount_minor", "discount"),
    "fees": ("fees_minor", "fees"),
    "items": ("items", "items"),
    "metadata": ("metadata", "metadata"),
    "coupon": ("coupon", "coupon"),
    "click_id": ("click_id", "click_id"),
    "customer": ("customer_ref", "customer_ref"),
    "customer_email": ("customer_email_key", "customer_email_key"),
    "customer_status": ("customer_status", "customer_status"),
    "country": ("country", "country"),
    "subscription": ("subscription_ref", "subscription_ref"),
    "renewal": ("is_renewal", "is_renewal"),
}

#: What decides whose an order is: fixed once it is somebody's.
DECIDES = frozenset({"click_id", "coupon"})


_DISPUTE_EVENTS = {
    Dispute.Status.OPEN: "conversion.dispute_opened",
    Dispute.Status.LOST: "conversion.dispute_lost",
    Dispute.Status.WON: "conversion.dispute_won",
}


def amend_conversion(
    conversion: Conversion,
    facts: OrderFacts,
    *,
    reference: str,
    reason: str = "",
    door: str = "",
    actor: str = "",
    at: datetime,
) -> tuple[ConversionRevision | None, bool]:
    """Give an order new content; idempotent by reference. Returns the revision and whether it is new.

    The revision is None when nothing differs. Its number, event, currency and time stay as they are.
    Raises AmendmentRefused when the amount falls below what was refunded, or when the click or coupon
    of an order that is somebody's would change. Locks the conversion's row: call it in a transaction.
    """
    locked = Conversion.objects.select_for_update().get(pk=conversion.pk)
    known = ConversionRevision.objects.filter(conversion=locked, reference=reference).first()
    if known is not None:
        return known, False
    if facts.amount.currency != locked.currency:
        raise AmendmentRefused(f"The order is in {locked.currency}.", code="currency_mismatch", field="currency")
    changes = differences(locked, facts)
    if not changes:
        return None, False
    if facts.amount < locked.refunded:
        raise AmendmentRefused(
            f"{locked.refunded} of the order was refunded; it cannot be amended below that.",
            code="amount_below_refunded",
            field="amount",
        )
    if DECIDES & changes.keys() and locked.verdict == Conversion.Verdict.ACCEPTED:
        raise AmendmentRefused(
            "Whose the order is was decided already. Leave click_id and coupon as they are.",
            code="attribution_settled",
            field="click_id" if "click_id" in changes else "coupon",
        )
    before = locked.content_hash
    for name in changes:
        column, fact = _COLUMNS[name]
        setattr(locked, column, _value_of(facts, fact))
    locked.content_hash = facts_of(locked).content_hash()
    locked.version += 1
    locked.revised_at = at
    columns = [_COLUMNS[name][0] for name in changes]
    locked.save(update_fields=[*columns, "content_hash", "version", "revised_at"])
    revision = ConversionRevision.objects.create(
        conversion=locked,
        number=locked.version,
        reference=reference,
        changes=changes,
        content_hash=before,
        door=door,
        actor=actor,
        reason=reason,
        at=at,
        recorded_at=at,
    )
    for column in (*columns, "content_hash", "version", "revised_at"):
        setattr(conversion, column, getattr(locked, column))
    record_event(
        "conversion.amended",
        locked.public_id,
        at=at,
        actor=actor,
        about=[revision.public_id, locked.merchant.public_id],
        data={"fields": sorted(changes), "door": door, "reason": reason, "reference": reference},
    )
    return revision, True


def differences(conversion: Conversion, facts: OrderFacts) -> dict[str, list[Any]]:
    """{field: [now, then]} of what an amendment would change, amounts in major units."""
    changes = {}
    for name, (column, fact) in _COLUMNS.items():
        before, after = getattr(conversion, column), _value_of(facts, fact)
        if before != after:
            changes[name] = [_shown(column, before, conversion), _shown(column, after, conversion)]
    return changes


def completed(conversion: Conversion, facts: OrderFacts) -> OrderFacts:
    """The order with what another report of it knows beyond: what is known stays, what is empty is filled in.

    So the page's tag, which knows the click, and the shop's server, which knows the items, make one order.
    """
    known = facts_of(conversion)
    names = (
        "tax", "shipping", "discount", "fees", "items", "coupon", "click_id", "customer_ref", "customer_email_key",
        "customer_status", "country", "subscription_ref",
    )  # fmt: skip
    missing: dict[str, Any] = {name: getattr(facts, name) for name in names if not getattr(known, name)}
    if conversion.verdict == Conversion.Verdict.ACCEPTED:
        missing = {name: value for name, value in missing.items() if name not in DECIDES}
    return replace(known, **missing, metadata={**facts.metadata, **known.metadata})


def open_dispute(
    conversion: Conversion, *, reference: str, amount: Money | None = None, at: datetime
) -> tuple[Dispute, bool]:
    """Note that a bank asks for an order's money back; idempotent by reference. Nothing it earns is approved meanwhile.

    Returns the dispute, locked, and whether it is new. Call it in a transaction.
    """
    locked = Conversion.objects.select_for_update().get(pk=conversion.pk)
    dispute, is_new = Dispute.objects.select_for_update().get_or_create(
        conversion=locked,
        reference=reference,
        defaults={"amount_minor": amount.minor if amount else None, "opened_at": at},
    )
    if is_new:
        _settle_hold(locked)
        _tell_dispute("conversion.dispute_opened", locked, dispute, at=at)
    conversion.is_disputed = locked.is_disputed
    return dispute, is_new


def close_dispute(dispute: Dispute, status: Dispute.Status, *, at: datetime) -> bool:
    """Write down how a dispute stands; whether that is new. Call it in a transaction, with the dispute locked."""
    if dispute.status == status:
        return False
    dispute.status = status
    dispute.closed_at = None if status == Dispute.Status.OPEN else at
    dispute.save(update_fields=["status", "closed_at", "refund"])
    conversion = Conversion.objects.select_for_update().get(pk=dispute.conversion_id)
    _settle_hold(conversion)
    _tell_dispute(_DISPUTE_EVENTS[Dispute.Status(status)], conversion, dispute, at=at)
    return True


def _settle_hold(conversion: Conversion) -> None:
    conversion.is_disputed = conversion.disputes.filter(status=Dispute.Status.OPEN).exists()
    conversion.save(update_fields=["is_disputed"])


def _tell_dispute(event: str, conversion: Conversion, dispute: Dispute, *, at: datetime) -> None:
    amount = conversion.amount if dispute.amount_minor is None else Money(dispute.amount_minor, conversion.currency)
    merchant: Merchant = conversion.merchant
    record_event(
        event,
        conversion.public_id,
        at=at,
        about=[dispute.public_id, merchant.public_id],
        data={"amount": amount.major, "currency": amount.currency, "reference": dispute.reference},
    )


def _value_of(facts: OrderFacts, name: str) -> Any:
    value = getattr(facts, name)
    if name in {"amount", "tax", "shipping", "discount", "fees"}:
        return value.minor if value is not None else 0
    return value


def _shown(column: str, value: Any, conversion: Conversion) -> Any:
    if column.endswith("_minor"):
        return Money(value, conversion.currency).major
    return str(value or "") if column == "click_id" else value
