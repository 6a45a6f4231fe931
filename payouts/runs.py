"""Payout runs: prepared, submitted by one person, approved by another, sent, reconciled, closed.

Preparing freezes amounts and destinations and reserves the money in the book; until a run is
being sent everything can be undone.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from affiliates.models import Merchant, User
from ledger.entries import Move, post_entry
from ledger.journal import record_event
from ledger.money import Money
from payouts import chart, deposits
from payouts.dues import Due, disputed_until, dues_until
from payouts.epochs import database_epoch
from payouts.errors import PayoutNotInState, PeriodRefused, RunHasAlarm, RunNotInState, RunNotReconciled, SamePerson
from payouts.fraud.lines import require_no_suspicion
from payouts.models import Payout, PayoutItem, PayoutRun
from payouts.protocol import RULES, BookEntry, Decision, Facts, PayoutState, State
from payouts.sender import Rule
from payouts.transfers import OrmPayoutStore

_S = PayoutRun.Status


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Somebody who is owed something and is not in the run, with the reason's code."""

    affiliate: str
    name: str
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class RunPreview:
    """What a run would hold: the amounts, and who is left out."""

    amounts: list[Money]
    left_out: list[LeftOut]


def preview_run(*, ends_at: datetime, at: datetime) -> RunPreview:
    """What a run up to `ends_at` would hold if it were prepared now; nothing is written or held."""
    preview = RunPreview([], [])
    for due in dues_until(ends_at):
        if reason := due.why_not(at=at):
            preview.left_out.append(_left_out(due, reason))
        else:
            preview.amounts.append(due.amount)
    preview.left_out.extend(_disputed(ends_at))
    return preview


@transaction.atomic
def prepare_run(label: str, *, starts_at: datetime, ends_at: datetime, by: User, at: datetime) -> PayoutRun:
    """Freeze what was approved before `ends_at` into payouts and reserve it in the book.

    One run a label: preparing it again returns the run there is. Who cannot be paid now is listed
    in `notes` with the reason and stays payable. Raises PeriodRefused.
    """
    if starts_at >= ends_at:
        raise PeriodRefused("The period must end after it starts.", field="ends_at")
    try:
        with transaction.atomic():
            run = PayoutRun.objects.create(
                label=label, starts_at=starts_at, ends_at=ends_at, prepared_by=by, prepared_at=at
            )
    except IntegrityError:
        return PayoutRun.objects.exclude(status=_S.CANCELLED).get(label=label)
    left_out: list[LeftOut] = []
    for due in dues_until(ends_at, is_held=True):
        if reason := due.why_not(at=at):
            left_out.append(_left_out(due, reason))
        else:
            _freeze(run, due, at=at)
    left_out.extend(_disputed(ends_at))
    run.notes = {
        "epoch": database_epoch(),
        "left_out": [
            {
                "affiliate": one.affiliate,
                "name": one.name,
                "amount": one.amount.major,
                "currency": one.amount.currency,
                "reason": one.reason,
            }
            for one in left_out
        ],
    }
    run.save(update_fields=["notes"])
    _tell("run.prepared", run, by=by, at=at, payouts=run.payouts.count(), left_out=len(left_out))
    return run


@transaction.atomic
def submit_run(run: PayoutRun, *, by: User, at: datetime) -> PayoutRun:
    """Hand the run over for approval by somebody else. Raises RunNotInState, RunHasSuspicion."""
    locked = _locked(run, _S.PREPARED)
    require_no_suspicion(locked)
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
    """Approve, as somebody who neither prepared nor submitted it. Raises SamePerson; a CHECK refuses it too.

    Raises RunHasSuspicion when a finding came since it was submitted: return it for review.
    """
    locked = _locked(run, _S.SUBMITTED)
    if by.pk in {locked.prepared_by_id, locked.submitted_by_id}:
        raise SamePerson(locked)
    require_no_suspicion(locked)
    locked.status, locked.approved_by, locked.approved_at = _S.APPROVED, by, at
    return _saved("run.approved", locked, by=by, at=at)


@transaction.atomic
def start_run(run: PayoutRun, *, by: User, at: datetime) -> PayoutRun:
    """Begin to send. The payouts leave after the commit, one by one, and survive any crash."""
    locked = _locked(run, _S.APPROVED)
    if locked.alarm:
        raise RunHasAlarm("The books and Stripe disagree about this run. Look at the alarm first.")
    require_no_suspicion(locked)
    locked.status, locked.sent_by, locked.sent_at = _S.SENDING, by, at
    for merchant in Merchant.objects.filter(commissions__items__payout__run=locked).distinct().order_by("pk"):
        deposits.apply_deposit(merchant, reference=locked.public_id, at=at)
    saved = _saved("run.started", locked, by=by, at=at)
    for hint in _HINTS:
        transaction.on_commit(partial(hint, str(locked.pk)), robust=True)
    return saved


@transaction.atomic
def cancel_run(run: PayoutRun, *, by: User, at: datetime) -> PayoutRun:
    """Undo a run that is not being sent yet: every payout gives its money back.

    Raises RunNotReconciled when the database was restored since, and PayoutNotInState for a run of
    which something turned out to have left: then it is sent to its end instead.
    """
    locked = _locked(run, _S.PREPARED, _S.SUBMITTED, _S.APPROVED)
    for payout in locked.payouts.order_by("pk"):
        after = _call_off(payout, RULES.cancel, at=at).state
        if after.is_reserved or after.state == State.PAID:
            raise PayoutNotInState(payout, payout.refreshed().get_state_display())
    locked.status, locked.cancelled_at = _S.CANCELLED, at
    return _saved("run.cancelled", locked, by=by, at=at)


@transaction.atomic
def exclude_payout(payout: Payout, *, note: str, by: User, at: datetime) -> Payout:
    """Take one payout out of a run under review; its money stays payable. Raises as `cancel_run` does."""
    _locked(payout.run, _S.PREPARED)
    if _call_off(payout, _exclude, at=at).entry is BookEntry.NOTHING:
        raise PayoutNotInState(payout, payout.refreshed().get_state_display())
    Payout.objects.filter(pk=payout.pk).update(is_excluded=True, exclusion_note=note)
    locked = payout.refreshed()
    record_event(
        "payout.excluded",
        locked.public_id,
        at=at,
        actor=by.public_id,
        about=[locked.affiliate.public_id, locked.run.public_id],
        data={"note": note},
    )
    return locked


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
    """Say that a person has looked at the difference and the run may go on.

    The same difference alarms no more; any other does.
    """
    locked = PayoutRun.objects.select_for_update().get(pk=run.pk)
    was, locked.alarm = locked.alarm, ""
    seen = {*locked.notes.get("seen_alarms", []), *locked.notes.pop("alarms", [])}
    locked.notes["seen_alarms"] = sorted(seen)
    return _saved("run.alarm_cleared", locked, by=by, at=at, note=note, alarm=was)


_HINTS: list[Any] = []


def on_run_started(hint: Any) -> None:
    """Have `hint(run id)` called after a run was started."""
    if hint not in _HINTS:
        _HINTS.append(hint)


def _freeze(run: PayoutRun, due: Due, *, at: datetime) -> None:
    """Make the payout, its items and its reservation.

    Dr payable / Cr in_transit, and Dr payable / Cr recoverable for what is netted.
    """
    affiliate, method = due.affiliate, due.method
    assert method is not None
    payout = Payout.objects.create(
        run=run,
        affiliate=affiliate,
        currency=due.currency,
        amount_minor=due.amount.minor,
        netted_minor=due.netted.minor,
        method=method,
        destination=method.account,
        fingerprint=method.fingerprint,
        created_at=at,
    )
    PayoutItem.objects.bulk_create(
        PayoutItem(payout=payout, commission_id=key, amount_minor=minor) for key, minor in due.commissions
    )
    post_entry(
        f"{payout.public_id}:reservation",
        at=at,
        kind="payout.reserved",
        moves=[
            Move(due.amount, debit=chart.payable(affiliate), credit=chart.in_transit(run)),
            Move(due.netted, debit=chart.payable(affiliate), credit=chart.recoverable(affiliate)),
        ],
        about=[payout.public_id, affiliate.public_id, run.public_id],
    )


def _exclude(payout: PayoutState, facts: Facts) -> Decision:
    """The rule of taking one payout out: called off like the run itself, under a reason of its own."""
    decision = RULES.cancel(payout, facts)
    if decision.entry is BookEntry.NOTHING:
        return decision
    return replace(decision, state=replace(decision.state, block_reason="excluded"), reason="excluded")


def _call_off(payout: Payout, rule: Rule, *, at: datetime) -> Decision:
    """Ask the protocol to call a payout off; it alone knows whether that is safe."""
    decision = OrmPayoutStore(clock=lambda: at).decide(payout.public_id, rule)
    if decision.reason == "not_reconciled":
        raise RunNotReconciled(payout.run)
    return decision


def _left_out(due: Due, reason: str) -> LeftOut:
    return LeftOut(due.affiliate.public_id, due.affiliate.name, due.gross, reason)


def _disputed(ends_at: datetime) -> list[LeftOut]:
    """What waits for the end of a dispute, beside what the same affiliates are paid."""
    return [LeftOut(one.public_id, one.name, amount, "order_disputed") for one, amount in disputed_until(ends_at)]


def _locked(run: PayoutRun, *states: PayoutRun.Status) -> PayoutRun:
    locked = PayoutRun.objects.select_for_update().get(pk=run.pk)
    if locked.status not in states:
        raise RunNotInState(locked, locked.get_status_display())
    return locked


def _saved(event: str, run: PayoutRun, *, by: User | None, at: datetime, **data: str) -> PayoutRun:
    run.save()
    _tell(event, run, by=by, at=at, **data)
    return run


def _tell(event: str, run: PayoutRun, *, by: User | None, at: datetime, **data: Any) -> None:
    record_event(event, run.public_id, at=at, actor=by.public_id if by else "", data={"label": run.label, **data})
