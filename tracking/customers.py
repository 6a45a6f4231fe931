"""Customers: the people a shop tells us of by its own ids, each bound to the click that brought it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from affiliates.models import Merchant
from ledger.journal import record_event
from tracking.models import Customer, ForeignRecord

#: What may be changed of a customer.
CHANGEABLE = (
    "external_id", "name", "email", "avatar", "country", "stripe_customer_id", "subscription_canceled_at",
)  # fmt: skip


@transaction.atomic
def bind_customer(
    merchant: Merchant, external_id: str, *, is_test: bool, click_id: UUID | None, at: datetime, **facts: Any
) -> tuple[Customer, bool]:
    """The shop's customer of this id, and whether it is new. The first click it came with stays its own (C9).

    `facts` (name, email, email_key, avatar, country) fill what is empty and overwrite nothing.
    """
    customer, is_new = Customer.objects.select_for_update(of=("self",)).get_or_create(
        merchant=merchant,
        external_id=external_id,
        is_test=is_test,
        defaults={"click_id": click_id, "created_at": at, **facts},
    )
    if is_new:
        record_event("customer.bound", customer.public_id, at=at, about=[merchant.public_id])
        return customer, True
    missing = {name: value for name, value in facts.items() if value and not getattr(customer, name)}
    if click_id is not None and customer.click_id is None:
        missing["click_id"] = click_id
    for name, value in missing.items():
        setattr(customer, name, value)
    if missing:
        customer.save(update_fields=list(missing))
    return customer, False


def customer_of(merchant: Merchant, external_id: str, *, is_test: bool) -> Customer | None:
    """The shop's customer of this id."""
    return Customer.objects.filter(merchant=merchant, external_id=external_id, is_test=is_test).first()


def customers_of(merchant: Merchant, *, is_test: bool) -> QuerySet[Customer]:
    """The shop's customers."""
    return Customer.objects.filter(merchant=merchant, is_test=is_test)


def change_customer(customer: Customer, said: dict[str, Any], *, at: datetime) -> Customer:
    """Change what is given of CHANGEABLE and the address's pseudonym."""
    changed = [name for name, value in said.items() if getattr(customer, name) != value]
    for name in changed:
        setattr(customer, name, said[name])
    if changed:
        customer.save(update_fields=changed)
        record_event(
            "customer.changed", customer.public_id, at=at, about=[customer.merchant.public_id],
            data={"changed": changed},
        )  # fmt: skip
    return customer


@transaction.atomic
def forget_customer(customer: Customer, *, at: datetime) -> None:
    """Remove what the shop told us of a person. Its orders stay, under the shop's own number."""
    record_event("customer.forgotten", customer.public_id, at=at, about=[customer.merchant.public_id])
    customer.delete()


@transaction.atomic
def note_foreign(
    merchant: Merchant,
    kind: str,
    subject: str,
    *,
    at: datetime,
    external_id: str | None = None,
    tenant_id: str | None = None,
    data: dict[str, Any] | None = None,
) -> ForeignRecord:
    """Keep what a merchant's system calls one of our things; None leaves as it is. Raises IntegrityError for an id in use."""
    record, _is_new = ForeignRecord.objects.select_for_update().get_or_create(
        merchant=merchant, kind=kind, subject=subject, defaults={"updated_at": at}
    )
    record.external_id = record.external_id if external_id is None else external_id
    record.tenant_id = record.tenant_id if tenant_id is None else tenant_id
    record.data = {**record.data, **(data or {})}
    record.updated_at = at
    record.save()
    return record


def foreign_records(merchant: Merchant, kind: str, subjects: list[str]) -> dict[str, ForeignRecord]:
    """What is kept of these things, by our id."""
    found = ForeignRecord.objects.filter(merchant=merchant, kind=kind, subject__in=subjects)
    return {record.subject: record for record in found}


def subject_by_foreign_id(merchant: Merchant, kind: str, *, external_id: str = "", tenant_id: str = "") -> str | None:
    """Our id of a thing by the merchant's own, or None."""
    found = ForeignRecord.objects.filter(merchant=merchant, kind=kind)
    found = found.filter(external_id=external_id) if external_id else found.filter(tenant_id=tenant_id)
    return found.values_list("subject", flat=True).first() if external_id or tenant_id else None
