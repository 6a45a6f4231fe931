"""Merchants' money: placed in advance, and set against what they owe."""

from datetime import datetime

from django.db import transaction

from affiliates.models import Merchant
from ledger.accounts import balance_of
from ledger.entries import Move, entry_exists, post_entry
from ledger.journal import record_event
from ledger.money import Money
from payouts import chart
from payouts.errors import DepositRefused


@transaction.atomic
def fund_merchant(merchant: Merchant, amount: Money, *, reference: str, at: datetime, by: str = "") -> bool:
    """Book money that arrived from a merchant: Dr cash / Cr deposit. Whether it is new; idempotent by reference.

    Raises DepositRefused, and ReferenceConflict when the reference stands for another amount.
    """
    if amount.currency != merchant.currency:
        raise DepositRefused(f"{merchant.name}'s books are in {merchant.currency}.", field="amount")
    if amount.minor <= 0:
        raise DepositRefused("A deposit is more than nothing.", field="amount")
    # The merchant's row is the lock: two people who book the same receipt at once book it once.
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
    name = f"{merchant.public_id}:deposit:{reference}"
    is_new = not entry_exists(name)
    post_entry(
        name,
        at=at,
        kind="merchant.deposit",
        moves=[Move(amount, debit=chart.CASH, credit=chart.deposit(merchant))],
        by=by,
        about=[merchant.public_id],
    )
    if is_new:
        record_event(
            "deposit.received",
            merchant.public_id,
            at=at,
            actor=by,
            data={"amount": amount.major, "currency": amount.currency, "reference": reference},
        )
    return is_new


@transaction.atomic
def apply_deposit(merchant: Merchant, *, reference: str, at: datetime) -> Money:
    """Pay what the merchant owes out of its deposit, as far as it goes: Dr deposit / Cr receivable.

    Returns what was applied. Idempotent by reference.
    """
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
    owed = balance_of(chart.receivable(merchant), merchant.currency)
    held = balance_of(chart.deposit(merchant), merchant.currency)
    applied = min(owed, held)
    if applied.minor <= 0:
        return Money.zero(merchant.currency)
    post_entry(
        f"{merchant.public_id}:deposit-applied:{reference}",
        at=at,
        kind="merchant.deposit_applied",
        moves=[Move(applied, debit=chart.deposit(merchant), credit=chart.receivable(merchant))],
        about=[merchant.public_id],
    )
    return applied
