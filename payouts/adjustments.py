"""Commissions follow their order: after any change they become what the order as it now is earns.

    commission = f(order as it is now, the rule and terms of its own time)

Nothing posted is edited. Less is a reversal; more is an addition, an entry under a reference of its
own. A commission that is in a payout is frozen at what the payout holds: what is added to it later
first cancels what is still to be recovered of it, and the rest becomes a commission of its own
(`number` 2, 3 …) that is approved and paid like any other.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from ledger.accounts import balance_of
from ledger.entries import Move, post_entry
from ledger.journal import record_event
from ledger.money import Money
from payouts import chart
from payouts.commissions import figures_of
from payouts.models import Commission, FraudHold, PayoutItem
from payouts.rules.prices import price
from payouts.shares import parts_of, shares_of
from tracking.models import Conversion

_S = Commission.Status


@dataclass(frozen=True, slots=True)
class Cause:
    """Why commissions change: the public id of the refund, revision or dispute, unique for this change."""

    reference: str
    reason: str
    at: datetime


@transaction.atomic
def adjust_commissions(conversion: Conversion, cause: Cause) -> list[Commission]:
    """Bring what an order earns to what it earns as it now is; the commissions that changed.

    The conversion's row must be locked or just written by the caller. Several partners' parts are
    split from the whole by largest remainder (faults 25 and 26).
    """
    # NO KEY: a run that reserves a commission meanwhile waits for the affiliate, not for this row.
    rows: list[Commission] = list(
        Commission.objects.select_for_update(of=("self",), no_key=True)
        .select_related("affiliate", "merchant", "rule_line")
        .filter(conversion=conversion)
        .order_by("pk")
    )
    if not rows:
        return []
    fresh = Conversion.objects.select_related("attribution__terms").get(pk=conversion.pk)
    targets = _targets(fresh, [row for row in rows if row.number == 1])
    # Confirmed as fraud, a place earns nothing with the order, whatever the order becomes later.
    for place in _forfeited(rows):
        targets[place] = Money.zero(fresh.currency)
    for key in sorted({row.affiliate_id for row in rows}):
        # Held so that no run takes what is payable in the meantime.
        type(rows[0].affiliate).objects.select_for_update(no_key=True).get(pk=key)
    frozen = set(
        PayoutItem.objects.filter(commission__in=[row.pk for row in rows], released_at=None).values_list(
            "commission_id", flat=True
        )
    )
    changed: list[Commission] = []
    for enrolment, own in _by_enrolment(rows).items():
        now = sum((row.remaining for row in own), Money.zero(fresh.currency))
        target = targets[enrolment]
        if target < now:
            changed += _take_back(own, now - target, frozen, cause)
        elif now < target:
            changed += _add(own, target - now, frozen, cause)
    return changed


def _targets(conversion: Conversion, firsts: Sequence[Commission]) -> dict[UUID, Money]:
    """What each place is to have, from what the order as it now is earns by the rule line it was priced with.

    Several partners' parts are split from the whole as they were when it was booked (payouts/shares.py).
    """
    attribution = getattr(conversion, "attribution", None)
    terms = attribution.terms if attribution else None
    priced = price([firsts[0].rule_line], figures_of(conversion), basis=terms.basis if terms else "net")
    shares = [share for share in shares_of(conversion) if share.enrolment_id in {row.enrolment_id for row in firsts}]
    if len(shares) < len(firsts):
        # Booked before parts were kept: the whole is one partner's.
        whole = priced.amount if priced else Money.zero(conversion.currency)
        parts = whole.split([1] * len(firsts))
        return {row.enrolment_id: part for row, part in zip(firsts, parts, strict=True)}
    parts_now = parts_of(shares, priced, currency=conversion.currency)
    return {row.enrolment_id: _within_cap(row, parts_now[row.enrolment_id]) for row in firsts}


def _forfeited(rows: Sequence[Commission]) -> set[UUID]:
    """The places whose commission of the order was confirmed as fraud."""
    confirmed = set(
        FraudHold.objects.filter(commission__in=[row.pk for row in rows], state=FraudHold.State.CONFIRMED).values_list(
            "commission_id", flat=True
        )
    )
    return {row.enrolment_id for row in rows if row.pk in confirmed}


def _within_cap(row: Commission, part: Money) -> Money:
    """An assist that a daily limit had cut stays within what it was cut to."""
    if row.role != Commission.Role.ASSIST:
        return part
    base = Money.parse(row.trace["base"], row.currency, negative=True)
    is_cut = row.amount < base.share(Decimal(str(row.trace.get("weight", 1))))
    return min(part, row.amount) if is_cut else part


def _by_enrolment(rows: Iterable[Commission]) -> dict[UUID, list[Commission]]:
    """Each place's commissions, the newest first."""
    groups: dict[UUID, list[Commission]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: -row.number):
        groups[row.enrolment_id].append(row)
    return groups


def _take_back(rows: list[Commission], amount: Money, frozen: set[UUID], cause: Cause) -> list[Commission]:
    """Take an amount out of a place's commissions: first of those that no payout holds, the newest first."""
    changed = []
    for row in sorted(rows, key=lambda row: row.pk in frozen):
        taken = min(row.remaining, amount)
        if not taken:
            continue
        amount -= taken
        moves = _reversal_moves(row, taken, is_frozen=row.pk in frozen)
        row.reversed_minor += taken.minor
        if not row.remaining:
            row.status = _S.REVERSED
        row.save(update_fields=["reversed_minor", "status"])
        _post(row, "reversal", moves, cause)
        _tell("commission.reversed", row, taken, cause)
        changed.append(row)
    return changed


def _add(rows: list[Commission], amount: Money, frozen: set[UUID], cause: Cause) -> list[Commission]:
    """Add an amount to a place's commissions."""
    free = next((row for row in rows if row.pk not in frozen), None)
    if free is not None:
        _raise(free, amount, cause)
        return [free]
    changed = []
    for row in rows:
        restored = _restore(row, amount, cause)
        if restored:
            amount -= restored
            changed.append(row)
    newest = rows[0]
    return [*changed, _supplement(newest, amount, cause)] if amount else changed


def _raise(row: Commission, amount: Money, cause: Cause) -> None:
    """More for a commission that no payout holds: what was reversed of it comes back, then it grows."""
    undone = min(row.reversed_minor, amount.minor)
    row.reversed_minor -= undone
    row.amount_minor += amount.minor - undone
    if row.status == _S.REVERSED:
        row.status = _S.PENDING if row.approved_at is None else _S.APPROVED
    row.save(update_fields=["reversed_minor", "amount_minor", "status"])
    to = chart.pending(row.affiliate) if row.status == _S.PENDING else chart.payable(row.affiliate)
    _post(row, "addition", [Move(amount, debit=chart.receivable(row.merchant), credit=to)], cause)
    _tell("commission.increased", row, amount, cause)


def _restore(row: Commission, amount: Money, cause: Cause) -> Money:
    """Cancel what is still to be recovered of a commission that a payout holds; how much that was."""
    owed = balance_of(chart.recoverable(row.affiliate), row.currency)
    restored = min(amount, owed, Money(row.reversed_minor, row.currency))
    if not restored:
        return restored
    row.reversed_minor -= restored.minor
    row.status = _S.APPROVED
    row.save(update_fields=["reversed_minor", "status"])
    move = Move(restored, debit=chart.receivable(row.merchant), credit=chart.recoverable(row.affiliate))
    _post(row, "addition", [move], cause)
    _tell("commission.increased", row, restored, cause)
    return restored


def _supplement(last: Commission, amount: Money, cause: Cause) -> Commission:
    """What is added after a payout: a commission of its own, due when the first one was."""
    row: Commission = Commission.objects.create(
        conversion_id=last.conversion_id,
        enrolment_id=last.enrolment_id,
        affiliate=last.affiliate,
        merchant=last.merchant,
        program_id=last.program_id,
        rule_line=last.rule_line,
        role=last.role,
        number=last.number + 1,
        amount_minor=amount.minor,
        currency=last.currency,
        accrued_at=cause.at,
        due_at=max(last.due_at, cause.at),
        trace={**last.trace, "adds_to": last.public_id, "because": cause.reference},
    )
    _hold_along(last, row, at=cause.at)
    move = Move(amount, debit=chart.receivable(row.merchant), credit=chart.pending(row.affiliate))
    post_entry(
        f"{row.public_id}:accrual",
        at=cause.at,
        kind="commission.accrual",
        moves=[move],
        memo=cause.reason,
        about=[row.public_id, row.affiliate.public_id, row.merchant.public_id],
    )
    _tell("commission.accrued", row, amount, cause)
    return row


def _hold_along(last: Commission, row: Commission, *, at: datetime) -> None:
    """What is added to a suspected order is kept back with it."""
    FraudHold.objects.bulk_create(
        FraudHold(finding_id=finding, commission=row, amount_minor=row.amount_minor, currency=row.currency, held_at=at)
        for finding in FraudHold.objects.filter(commission=last, state__in=FraudHold.STANDING).values_list(
            "finding_id", flat=True
        )
    )


def _reversal_moves(row: Commission, taken: Money, *, is_frozen: bool) -> list[Move]:
    to = chart.receivable(row.merchant)
    if row.status == _S.PENDING:
        return [Move(taken, debit=chart.pending(row.affiliate), credit=to)]
    payable = Money.zero(taken.currency) if is_frozen else balance_of(chart.payable(row.affiliate), taken.currency)
    from_payable = min(payable, taken)
    return [
        Move(from_payable, debit=chart.payable(row.affiliate), credit=to),
        Move(taken - from_payable, debit=chart.recoverable(row.affiliate), credit=to),
    ]


def _post(row: Commission, step: str, moves: list[Move], cause: Cause) -> None:
    post_entry(
        f"{row.public_id}:{step}:{cause.reference}",
        at=cause.at,
        kind=f"commission.{step}",
        moves=moves,
        memo=cause.reason,
        about=[row.public_id, row.affiliate.public_id, row.merchant.public_id],
    )


def _tell(event: str, row: Commission, amount: Money, cause: Cause) -> None:
    record_event(
        event,
        row.public_id,
        at=cause.at,
        about=[row.affiliate.public_id, row.merchant.public_id],
        data={"amount": amount.major, "currency": amount.currency, "reason": cause.reason},
    )
