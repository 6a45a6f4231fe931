"""Payout runs: prepared, submitted by one person, approved by another, sent, reconciled, closed.

Preparing freezes amounts and destinations and reserves the money in the book; until a run is
being sent everything can be undone.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from affiliates.models import Affiliate, Merchant, User
from ledger.accounts import balance_of
from ledger.entries import Move, post_entry
from ledger.journal import record_event
from ledger.money import Money
from payouts import chart, deposits, release
from payouts.errors import PayoutNotInState, RunHasAlarm, RunNotInState, SamePerson
from payouts.models import Commission, Payout, PayoutItem, PayoutMethod, PayoutRun

_S = PayoutRun.Status


@dataclass(slots=True)
class _Claim:
    """What one affiliate has to get in one currency before it is frozen."""

    affiliate: Affiliate
    currency: str
    commissions: list[Commission] = field(default_factory=list)

    @property
    def gross(self) -> Money:
        return Money(sum(one.remaining.minor for one in self.commissions), self.currency)


@transaction.atomic
def prepare_run(label: str, *, starts_at: datetime, ends_at: datetime, by: User, at: datetime) -> PayoutRun:
    """Freeze what was approved before `ends_at` into payouts and reserve it in the book.

    One run a label: preparing it again returns the run there is. Who cannot be paid now is listed
    in `notes` with the reason and stays payable.
    """
    try:
        with transaction.atomic():
            run = PayoutRun.objects.create(
                label=label, starts_at=starts_at, ends_at=ends_at, prepared_by=by, prepared_at=at
            )
    except IntegrityError:
        return PayoutRun.objects.exclude(status=_S.CANCELLED).get(label=label)
    claims = _claims(ends_at)
    methods = _methods({claim.affiliate.pk for claim in claims})
    left_out: list[dict[str, Any]] = []
    for claim in claims:
        reason = _why_not(claim, methods.get(claim.affiliate.pk), at=at) or _freeze(
            run, claim, methods[claim.affiliate.pk], at=at
        )
        if reason:
            left_out.append(
                {
                    "affiliate": claim.affiliate.public_id,
                    "name": claim.affiliate.name,
                    "amount": claim.gross.major,
                    "currency": claim.currency,
                    "reason": reason,
                }
            )
    run.notes = {"left_out": left_out}
    run.save(update_fields=["notes"])
    _tell("run.prepared", run, by=by, at=at, payouts=run.payouts.count(), left_out=len(left_out))
    return run


@transaction.atomic
def submit_run(run: PayoutRun, *, by: User, at: datetime) -> PayoutRun:
    """Hand the run over for approval by somebody else."""
    locked = _locked(run, _S.PREPARED)
    locked.status, locked.submitted_by, locked.submitted_at = _S.SUBMITTED, by, at
    return _saved("run.submitted", locked, by=by, at=at)


@transaction.atomic
def return_run(run: PayoutRun, *, note: str, by: User, at: datetime) -> PayoutRun:
    """Give a submitted run back for review, with the reason."""
    locked = _locked(run, _S.SUBMITTED)
    locked.status, locked.submitted_by, locked.submitted_at = _S.PREPARED, None, None
    return _saved("run.returned", locked, by=by, at=at, note=note)


@transaction.atomic
def approve_run(run: PayoutRun, *, by: User, at: datetime) -> PayoutRun:
    """Approve, as somebody who neither prepared nor submitted it. Raises SamePerson; a CHECK refuses it too."""
    locked = _locked(run, _S.SUBMITTED)
    if by.pk in {locked.prepared_by_id, locked.submitted_by_id}:
        raise SamePerson(locked)
    locked.status, locked.approved_by, locked.approved_at = _S.APPROVED, by, at
    return _saved("run.approved", locked, by=by, at=at)


@transaction.atomic
def start_run(run: PayoutRun, *, by: User, at: datetime) -> PayoutRun:
    """Begin to send. The payouts leave after the commit, one by one, and survive any crash."""
    locked = _locked(run, _S.APPROVED)
    if locked.alarm:
        raise RunHasAlarm("The books and Stripe disagree about this run. Look at the alarm first.")
    locked.status, locked.sent_by, locked.sent_at = _S.SENDING, by, at
    for merchant in Merchant.objects.filter(commissions__items__payout__run=locked).distinct():
        deposits.apply_deposit(merchant, reference=locked.public_id, at=at)
    saved = _saved("run.started", locked, by=by, at=at)
    for hint in _HINTS:
        transaction.on_commit(partial(hint, str(locked.pk)), robust=True)
    return saved


@transaction.atomic
def cancel_run(run: PayoutRun, *, by: User, at: datetime) -> PayoutRun:
    """Undo a run that is not being sent yet: every payout gives its money back."""
    locked = _locked(run, _S.PREPARED, _S.SUBMITTED, _S.APPROVED)
    for payout in locked.payouts.select_for_update().filter(state=Payout.State.READY).order_by("pk"):
        release.cancel_payout(payout, reason="run_cancelled", at=at)
    locked.status, locked.cancelled_at = _S.CANCELLED, at
    return _saved("run.cancelled", locked, by=by, at=at)


@transaction.atomic
def exclude_payout(payout: Payout, *, note: str, by: User, at: datetime) -> Payout:
    """Take one payout out of a run under review; its money stays payable."""
    _locked(payout.run, _S.PREPARED)
    locked = Payout.objects.select_for_update(of=("self",)).select_related("run", "affiliate").get(pk=payout.pk)
    if locked.state != Payout.State.READY:
        raise PayoutNotInState(locked, locked.get_state_display())
    locked.is_excluded, locked.exclusion_note = True, note
    locked.save(update_fields=["is_excluded", "exclusion_note"])
    release.cancel_payout(locked, reason="excluded", at=at)
    record_event(
        "payout.excluded",
        locked.public_id,
        at=at,
        actor=by.public_id,
        about=[locked.affiliate.public_id, locked.run.public_id],
        data={"note": note},
    )
    return locked.refreshed()


@transaction.atomic
def close_finished_run(run: PayoutRun, *, at: datetime) -> PayoutRun:
    """Close a run whose every payout has come to its end; anything else stays as it is."""
    locked = PayoutRun.objects.select_for_update().get(pk=run.pk)
    open_states = [Payout.State.READY, Payout.State.SENDING, Payout.State.UNSURE, Payout.State.SENT]
    still = Q(state__in=open_states) | Q(state=Payout.State.BLOCKED, items__released_at=None)
    if locked.status != _S.SENDING or locked.alarm or locked.payouts.filter(still).exists():
        return locked
    locked.status, locked.closed_at = _S.CLOSED, at
    return _saved("run.closed", locked, by=None, at=at)


@transaction.atomic
def clear_alarm(run: PayoutRun, *, note: str, by: User, at: datetime) -> PayoutRun:
    """Say that a person has looked at the difference and the run may go on."""
    locked = PayoutRun.objects.select_for_update().get(pk=run.pk)
    was, locked.alarm = locked.alarm, ""
    return _saved("run.alarm_cleared", locked, by=by, at=at, note=note, alarm=was)


_HINTS: list[Any] = []


def on_run_started(hint: Any) -> None:  # noqa: ANN401 - a task's delay
    """Have `hint(run id)` called after a run was started."""
    if hint not in _HINTS:
        _HINTS.append(hint)


def _claims(ends_at: datetime) -> list[_Claim]:
    """Approved commissions in no live payout, by affiliate and currency; the affiliates' rows are held."""
    free = (
        Commission.objects.filter(status=Commission.Status.APPROVED, approved_at__lt=ends_at)
        .exclude(items__in=PayoutItem.objects.filter(released_at=None))
        .order_by("affiliate_id", "currency", "approved_at", "pk")
    )
    keys = set(free.values_list("affiliate_id", flat=True))
    affiliates = {one.pk: one for one in Affiliate.objects.select_for_update().filter(pk__in=keys).order_by("pk")}
    claims: dict[tuple[UUID, str], _Claim] = {}
    for commission in free.iterator(chunk_size=5_000):
        key = (commission.affiliate_id, commission.currency)
        if key not in claims:
            claims[key] = _Claim(affiliates[commission.affiliate_id], commission.currency)
        if commission.remaining:
            claims[key].commissions.append(commission)
    return [claim for claim in claims.values() if claim.commissions]


def _methods(affiliates: Iterable[UUID]) -> dict[UUID, PayoutMethod]:
    found = PayoutMethod.objects.filter(affiliate__in=list(affiliates)).exclude(status=PayoutMethod.Status.REPLACED)
    return {method.affiliate_id: method for method in found}


def _why_not(claim: _Claim, method: PayoutMethod | None, *, at: datetime) -> str:
    """Why a claim is not paid in this run: a reason code of docs/reasons.md; empty when it is."""
    if claim.affiliate.status != Affiliate.Status.ACTIVE:
        return f"affiliate_{claim.affiliate.status}"
    if method is None:
        return "no_payout_method"
    if method.status != PayoutMethod.Status.VERIFIED:
        return f"payout_method_{method.status}"
    if method.usable_from is None or method.usable_from > at:
        return "payout_method_too_new"
    return ""


def _freeze(run: PayoutRun, claim: _Claim, method: PayoutMethod, *, at: datetime) -> str:
    """Make the payout, its items and its reservation; a reason code instead when too little is left.

    Paid are the commissions plus what earlier payouts left over in cut currencies, less what is to
    be recovered: Dr payable / Cr in_transit, and Dr payable / Cr recoverable for the netted part.
    """
    affiliate, currency = claim.affiliate, claim.currency
    payable = balance_of(chart.payable(affiliate), currency)
    open_claims = sum(
        one.remaining.minor
        for one in Commission.objects.filter(
            affiliate=affiliate, currency=currency, status=Commission.Status.APPROVED
        ).exclude(items__in=PayoutItem.objects.filter(released_at=None))
    )
    carried = max(payable.minor - open_claims, 0)
    gross = claim.gross + Money(carried, currency)
    netted = min(balance_of(chart.recoverable(affiliate), currency), gross)
    amount, _rest = (gross - netted).whole_units()
    if amount.minor < settings.PAYOUT_MINIMUMS.get(currency, 1) or not amount:
        return "below_minimum"
    payout = Payout.objects.create(
        run=run,
        affiliate=affiliate,
        currency=currency,
        amount_minor=amount.minor,
        netted_minor=netted.minor,
        method=method,
        destination=method.account,
        fingerprint=method.fingerprint,
        created_at=at,
    )
    PayoutItem.objects.bulk_create(
        PayoutItem(payout=payout, commission=one, amount_minor=one.remaining.minor) for one in claim.commissions
    )
    post_entry(
        f"{payout.public_id}:reservation",
        at=at,
        kind="payout.reserved",
        moves=[
            Move(amount, debit=chart.payable(affiliate), credit=chart.in_transit(run)),
            Move(netted, debit=chart.payable(affiliate), credit=chart.recoverable(affiliate)),
        ],
        about=[payout.public_id, affiliate.public_id, run.public_id],
    )
    return ""


def _locked(run: PayoutRun, *states: PayoutRun.Status) -> PayoutRun:
    locked = PayoutRun.objects.select_for_update().get(pk=run.pk)
    if locked.status not in states:
        raise RunNotInState(locked, locked.get_status_display())
    return locked


def _saved(event: str, run: PayoutRun, *, by: User | None, at: datetime, **data: str) -> PayoutRun:
    run.save()
    _tell(event, run, by=by, at=at, **data)
    return run


def _tell(event: str, run: PayoutRun, *, by: User | None, at: datetime, **data: Any) -> None:  # noqa: ANN401 - JSON
    record_event(event, run.public_id, at=at, actor=by.public_id if by else "", data={"label": run.label, **data})
