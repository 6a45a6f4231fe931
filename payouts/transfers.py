"""Payouts leave: the protocol's decisions carried out on the database, one transaction each.

`payouts/protocol.py` decides, `payouts/sender.py` says in which order, this module loads the
row FOR UPDATE, applies the decision, posts its ledger entry and commits. The prover drives the
same decisions in a world that crashes; see docs/payout-proof.md.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from affiliates.models import Affiliate, User
from ledger.journal import record_event
from ledger.money import Money
from payouts import release, statements
from payouts.epochs import database_epoch, is_of_this_epoch
from payouts.errors import PayoutNotInState
from payouts.methods import method_of
from payouts.models import Payout, PayoutAttempt, PayoutMethod, PayoutRun
from payouts.protocol import NO_FUNDS, RULES, BookEntry, Decision, Facts, PayoutState, State, key_of
from payouts.provider import Transfer, TransferProvider
from payouts.reconciliation import Comparison
from payouts.sender import Rule, RunBooks, Sender
from payouts.stripe_words import Unavailable

log = logging.getLogger(__name__)

#: So many unanswered readings one after the other mean that Stripe is away, not that one payout is odd.
_FAILURES_IN_A_ROW = 5

type Clock = Callable[[], datetime]

_COLUMNS = ("attempt", "fence", "first_sent_at", "key_spent", "lease_until", "quiet_at", "transfer_id", "block_reason")


def database_clock() -> datetime:
    """The database's clock at this moment, not the transaction's start: leases are measured by it (fault 10)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


class OrmPayoutStore:
    """The database as the sender sees it (payouts.sender.PayoutStore). `clock` is the database's own, except
    where a year is played back."""

    def __init__(self, clock: Clock = database_clock) -> None:
        self.clock = clock
        #: When, and in which epoch, a run was read for a comparison.
        self._read_at: dict[str, tuple[datetime, str]] = {}

    def decide(self, payout_id: str, rule: Rule) -> Decision:
        """Load, decide, save, commit: see `payouts.sender.PayoutStore.decide`."""
        with transaction.atomic():
            # First the lock, then the reading: what is joined in a waiting query is as old as the query.
            key = Payout.objects.select_for_update().values_list("pk", flat=True).get(pk=Payout.key_of(payout_id))
            payout: Payout = Payout.objects.select_related("run", "affiliate").get(pk=key)
            before = state_of(payout)
            facts = self._facts(payout)
            decision = rule(before, facts)
            self._save(payout, before, decision, facts)
        return decision

    def read_run(self, run_id: str) -> RunBooks:
        """All payouts of the run and the clock."""
        self._read_at[run_id] = (database_clock(), database_epoch())
        payouts = Payout.objects.filter(run_id=PayoutRun.key_of(run_id))
        return RunBooks(self.clock(), {one.public_id: state_of(one) for one in payouts})

    def close_reconcile(self, run_id: str, *, began_at: datetime, alarms: Sequence[str]) -> None:
        """Note the reconcile's end; with alarms the run pauses until a person has looked."""
        with transaction.atomic():
            run = PayoutRun.objects.select_for_update().get(pk=PayoutRun.key_of(run_id))
            if self.alarm_run(run, alarms, at=began_at):
                return
            run.reconciled_at, epoch = self._read_at.get(run_id, (began_at, ""))
            run.notes["epoch"] = epoch
            run.save(update_fields=["reconciled_at", "notes"])

    def _facts(self, payout: Payout) -> Facts:
        # The affiliate's account of today, which need not be the one that was frozen (fault 24).
        run, method = payout.run, method_of(payout.affiliate)
        now = self.clock()
        is_same = (
            method is not None and method.account == payout.destination and method.fingerprint == payout.fingerprint
        )
        # An account on its waiting time is not paid; that one changed since is another account is the rules' to say.
        is_known = method is not None and method.usable_from is not None and method.usable_from <= now
        is_payable = (
            payout.affiliate.status == Affiliate.Status.ACTIVE
            and method is not None
            and method.status == PayoutMethod.Status.VERIFIED
            and (is_known or not is_same)
        )
        return Facts(
            now=now,
            fingerprint=payout.fingerprint if is_same else f"{method.account}/{method.fingerprint}" if method else "",
            run_is_sending=run.status == PayoutRun.Status.SENDING and not run.alarm,
            run_is_cancelled=run.status == PayoutRun.Status.CANCELLED,
            payee_may_be_paid=is_payable,
            is_reconciled=is_of_this_epoch(run),
        )

    def _save(self, payout: Payout, before: PayoutState, decision: Decision, facts: Facts) -> None:
        after, at = decision.state, facts.now
        if decision.alarm:
            self.alarm_run(payout.run, [f"{decision.alarm} {payout.public_id}"], at=at)
        self._finish_attempts(payout, before, decision, at=at)
        if after != before:
            payout.state = Payout.State(after.state)
            for column in _COLUMNS:
                setattr(payout, column, getattr(after, column))
            if after.state == State.SENT:
                payout.sent_at = at
            if after.state == State.PAID:
                payout.sent_at, payout.settled_at = payout.sent_at or at, at
            payout.save(update_fields=["state", "sent_at", "settled_at", *_COLUMNS])
        if decision.call is not None:
            PayoutAttempt.objects.get_or_create(
                payout=payout,
                fence=after.fence,
                defaults={"number": after.attempt, "key": key_of(payout.public_id, after.attempt), "started_at": at},
            )
        _post(payout, decision.entry, at=at)
        if after.state != before.state and after.state in _EVENTS:
            record_event(
                _EVENTS[after.state],
                payout.public_id,
                at=at,
                about=[payout.affiliate.public_id, payout.run.public_id],
                data={
                    "amount": payout.amount.major,
                    "currency": payout.currency,
                    "transfer": after.transfer_id or "",
                    "reason": after.block_reason,
                },
            )

    @staticmethod
    def _finish_attempts(payout: Payout, before: PayoutState, decision: Decision, *, at: datetime) -> None:
        """Write down what came of the tries that this decision ends."""
        after, open_tries = decision.state, PayoutAttempt.objects.filter(payout=payout, finished_at=None)
        if after.fence != before.fence:
            # A new claim: whoever made the earlier tries is gone, and never told.
            open_tries.filter(fence__lte=before.fence).update(outcome="unanswered", finished_at=at)
        elif after != before and before.state in (State.SENDING, State.UNSURE):
            said = after.block_reason if decision.reason == "refused" else decision.reason
            open_tries.filter(fence=before.fence).update(outcome=said[:80], finished_at=at)

    @staticmethod
    def alarm_run(run: PayoutRun, lines: Sequence[str], *, at: datetime) -> bool:
        """Pause the run for differences that no person has seen yet; whether there are any."""
        locked = PayoutRun.objects.select_for_update().get(pk=run.pk)
        seen = locked.notes.get("seen_alarms", [])
        standing = [line for line in lines if line not in seen]
        new = [line for line in standing if line not in locked.notes.get("alarms", [])]
        if new:
            locked.notes["alarms"] = [*locked.notes.get("alarms", []), *new]
            locked.alarm = "; ".join(locked.notes["alarms"])[:2000]
            locked.save(update_fields=["alarm", "notes"])
            record_event("run.alarm", run.public_id, at=at, data={"alarm": "; ".join(new)[:2000]})
        run.alarm = locked.alarm
        return bool(standing)


def pause_run(run: PayoutRun, lines: Sequence[str], *, at: datetime) -> None:
    """Pause a run for disagreements with Stripe's books, one line each, until a person has looked."""
    with transaction.atomic():
        OrmPayoutStore.alarm_run(run, lines, at=at)


_EVENTS = {
    State.SENT: "payout.sent",
    State.PAID: "payout.paid",
    State.BLOCKED: "payout.blocked",
    State.CANCELLED: "payout.cancelled",
    State.UNSURE: "payout.unsure",
}


def state_of(payout: Payout) -> PayoutState:
    """The row as the protocol sees it."""
    return PayoutState(
        payout_id=payout.public_id,
        amount_minor=payout.amount_minor,
        currency=payout.currency,
        destination=payout.destination,
        fingerprint=payout.fingerprint,
        state=State(payout.state),
        **{column: getattr(payout, column) for column in _COLUMNS},
    )


def sender_with(provider: TransferProvider, *, clock: Clock = database_clock) -> Sender:
    """A sender on the real database."""
    return Sender(OrmPayoutStore(clock), provider, time)  # type: ignore[arg-type]  # the time module is a Clock


def send_run(
    run: PayoutRun,
    sender: Sender,
    *,
    pause: Callable[[], object] = lambda: None,
    funds: Callable[[], Mapping[str, Money]] | None = None,
) -> int:
    """Send every payout of a run that can go now; how many were looked at. Safe to call at any time, by anybody.

    The run is reconciled first when the database may be older than Stripe's books (fault 8).
    `pause` is called between two payouts and keeps us under Stripe's limit. Payouts go in their
    order until the funds of their currency end (fault 18): nobody behind overtakes the one that
    waits. `funds` says what is available by currency, and lets the waiting go on once it suffices.
    Raises Unavailable when Stripe fails to answer several readings in a row.
    """
    if run.reconciled_at is None or not is_of_this_epoch(run):
        sender.reconcile_run(run.public_id)
    short = _resume_funded(run, sender, funds)
    open_states = [Payout.State.READY, Payout.State.SENDING, Payout.State.UNSURE]
    waiting = Payout.objects.filter(run=run, state__in=open_states).order_by("created_at", "pk")
    looked_at = failures = 0
    for key, currency, state in list(waiting.values_list("pk", "currency", "state")):
        if currency in short and state == Payout.State.READY:
            continue
        try:
            after = sender.send_one(public_id_of_payout(key)).state
        except Unavailable as silence:
            # As after a crash: the payout is looked at again later. The others need not wait for it.
            failures += 1
            log.warning("payout %s: %s", public_id_of_payout(key), silence)
            if failures >= _FAILURES_IN_A_ROW:
                raise
            continue
        failures = 0
        looked_at += 1
        if after.block_reason == NO_FUNDS:
            short.add(currency)
        pause()
    return looked_at


def _resume_funded(run: PayoutRun, sender: Sender, funds: Callable[[], Mapping[str, Money]] | None) -> set[str]:
    """Put the payouts that waited for funds back in the queue as far as the funds go; the currencies still short."""
    waiting = list(
        Payout.objects.filter(run=run, state=Payout.State.BLOCKED, block_reason=NO_FUNDS).order_by("created_at", "pk")
    )
    if not waiting:
        return set()
    left = {} if funds is None else dict(funds())
    short: set[str] = set()
    for payout in waiting:
        available = left.get(payout.currency, Money.zero(payout.currency))
        if payout.currency in short or available < payout.amount:
            short.add(payout.currency)
            continue
        left[payout.currency] = available - payout.amount
        sender.store.decide(payout.public_id, sender.rules.resume)
    return short


@transaction.atomic
def resume_payout(payout: Payout, *, by: User | None = None, clock: Clock = database_clock) -> Decision:
    """Put a held payout back in the queue, to be looked up before anything is sent again. Raises PayoutNotInState."""
    decision = OrmPayoutStore(clock).decide(payout.public_id, RULES.resume)
    if decision.reason != "resumed":
        raise PayoutNotInState(payout, payout.refreshed().get_state_display())
    record_event(
        "payout.resumed",
        payout.public_id,
        at=clock(),
        actor=by.public_id if by else "",
        about=[payout.run.public_id],
        data={"reason": payout.block_reason},
    )
    return decision


def settle_transfer(sender: Sender, told: Transfer) -> Decision | None:
    """Act on news of a transfer: it is read again, and only what Stripe then says counts."""
    if not Payout.objects.filter(pk=Payout.key_of(told.payout_id)).exists():
        return None
    return sender.settle_one(told)


def reconcile(run: PayoutRun, sender: Sender) -> Comparison:
    """Compare a run with Stripe's books, catch up on what was missed, alarm about the rest."""
    return sender.reconcile_run(run.public_id)


def reconcile_after_restore(run: PayoutRun, sender: Sender) -> None:
    """Compare a run with Stripe's books when the database was started or restored since it last was (fault 8).

    To be called before a run or a payout is called off. Raises payouts.stripe.Unavailable.
    """
    if not is_of_this_epoch(run):
        sender.reconcile_run(run.public_id)


def public_id_of_payout(key: UUID) -> str:
    """The outside name of a payout's key."""
    return Payout(pk=key).public_id


def _post(payout: Payout, entry: BookEntry, *, at: datetime) -> None:
    if entry == BookEntry.SETTLEMENT:
        release.settle(payout, at=at)
        statements.issue_statement(payout, at=at)
    elif entry == BookEntry.RELEASE:
        release.give_back(payout, at=at)
    elif entry == BookEntry.RETURN:
        release.take_return(payout, at=at)
