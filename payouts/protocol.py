"""Exactly-once payouts: every decision about one payout, as pure functions of its row.

Nothing here reads a clock, a database or a network. `payouts/sender.py` puts the decisions
in order, the database carries them out in production, and `payouts/prover` carries out the
same ones in a world that crashes, forgets and lies.

The rules, in one breath each:

1. **Intent first.** The row says `sending` and is committed before the provider is asked.
2. **The row is the order.** Amount and destination are frozen on it; nothing is read again.
3. **One key, one transfer.** The key is derived from the row; while it is young the provider
   itself refuses to pay it twice, so a crashed worker's successor repeats the same key.
4. **Unknown blocks retry.** After silence, or with an old or spent key, look before anything.
5. **A new key is born in one place**, `after_listing`: nothing was found, and every earlier
   call has been over for so long that it cannot surface any more (`quiet_at`): minutes for a
   call that was answered, hours for one that was not.
6. **Money goes back by the same gate.** Whether refused, cancelled, frozen or redirected, a
   payout that was ever called for frees its money only after such a listing. A refusal frees
   it only for a code known to be final; any other code waits for a person.
7. **A late worker may add knowledge, never take it away** (`fence`): a transfer it made is
   always recorded, anything else it has to say is out of date.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from payouts.provider import Accepted, Answer, Busy, Transfer, TransferCall, Unsure


class State(StrEnum):
    """Where a payout stands; the values of the column `state`."""

    READY = "ready"  # frozen and reserved; nobody has called the provider
    SENDING = "sending"  # a worker may be calling, or died doing so
    UNSURE = "unsure"  # a call was made and we do not know what came of it: look first
    SENT = "sent"  # the provider holds a transfer and we hold its id
    PAID = "paid"  # the transfer was read again and agrees to the cent: settled
    BLOCKED = "blocked"  # refused; the money is back, or held for a person (`is_reserved`)
    CANCELLED = "cancelled"  # called off before it left; the money is back


class Plan(StrEnum):
    """What the worker does after a decision is committed."""

    STOP = "stop"
    LIST_FIRST = "list_first"
    CALL = "call"


class BookEntry(StrEnum):
    """What the ledger must hold in the same transaction as the decision."""

    NOTHING = "nothing"
    SETTLEMENT = "settlement"  # Dr in_transit / Cr cash
    RELEASE = "release"  # Dr in_transit / Cr payable: the mirror of the reservation
    RETURN = "return"  # Dr cash / Cr payable: a settled transfer came back


RUN_CANCELLED = "run_cancelled"
PAYEE_NOT_PAYABLE = "payee_not_payable"
DESTINATION_CHANGED = "destination_changed"
REVERSED = "transfer_reversed"
NO_FUNDS = "balance_insufficient"

#: Provider codes that are final about the payee or the amount. Every other code is unknown
#: to us and frees nothing.
FINAL_CODES = frozenset({
    "account_closed", "account_invalid", "amount_too_large", "amount_too_small", "amount_unsupported",
    "capability_not_enabled", "insufficient_capabilities_for_transfer", "invalid_payout_method",
    "no_account", "payouts_not_allowed", "transfers_not_allowed",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class PayoutState:
    """One payout row, as far as sending it is concerned."""

    payout_id: str
    amount_minor: int
    currency: str
    destination: str
    fingerprint: str
    state: State = State.READY
    attempt: int = 1
    fence: int = 0  # counts claims; a worker whose number is no longer the row's is late
    first_sent_at: datetime | None = None  # when the present key was first used
    key_spent: bool = False  # the provider answered a failure under this key and will repeat it
    lease_until: datetime | None = None  # nobody else claims before
    quiet_at: datetime | None = None  # from then on no earlier call can surface any more
    transfer_id: str | None = None
    block_reason: str = ""

    @property
    def is_reserved(self) -> bool:
        """Is the amount still in transit in the books, that is neither settled nor given back?"""
        if self.state == State.BLOCKED:
            return self.block_reason not in FREED
        return self.state in LIVE


LIVE = frozenset({State.READY, State.SENDING, State.UNSURE, State.SENT})
IN_FLIGHT = frozenset({State.SENDING, State.UNSURE})
#: Reasons with which a blocked payout's money has gone back to payable.
FREED = FINAL_CODES | {PAYEE_NOT_PAYABLE, DESTINATION_CHANGED, REVERSED}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision may know of the world, read in the transaction that holds the row.

    `now` is the database's clock *after* the row lock was won (`clock_timestamp()`).
    `is_reconciled`: a reconcile has passed since this database was last started or restored;
    until then its rows may be older than the provider's books.
    """

    now: datetime
    fingerprint: str  # of the payee's payout method today
    run_is_sending: bool = True
    run_is_cancelled: bool = False
    payee_may_be_paid: bool = True
    is_reconciled: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """The row as it must be saved, what the books must say, and what the worker does next.

    `reason` is a stable code for logs, the attempt's outcome and tests. An `alarm` means the
    books and the provider disagree: save it and stop the run until a person has looked.
    """

    state: PayoutState
    plan: Plan = Plan.STOP
    entry: BookEntry = BookEntry.NOTHING
    call: TransferCall | None = None
    reason: str = ""
    alarm: str = ""


def key_of(payout_id: str, attempt: int) -> str:
    """The idempotency key of an attempt: derived, so that every worker arrives at the same."""
    return f"po-{payout_id}-{attempt}"


class Rules:
    """The decisions, as one object, so that the prover can break one and be seen to notice."""

    LEASE = timedelta(minutes=5)
    #: The longest a call may last, connection to last byte; the client's timeout is below it.
    CALL_LIMIT = timedelta(seconds=100)
    #: The provider forgets keys after 24 hours; ours are old before that.
    KEY_LIFE = timedelta(hours=20)
    #: How long after its answer a call may still surface, in a late copy of the request or in
    #: a listing that lags behind. The provider documents neither.
    QUIET = timedelta(minutes=10)
    #: The same for a call whose answer nobody heard: it may be waiting for something there.
    LINGER = timedelta(hours=12)
    RETRY = timedelta(minutes=1)

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        """Take the payout for one worker, or say why not. Nothing is called before this commits."""
        if payout.state not in (State.READY, State.SENDING, State.UNSURE):
            return Decision(payout, reason=f"already_{payout.state}")
        if payout.lease_until is not None and facts.now < payout.lease_until:
            return Decision(payout, reason="leased")
        if pause := self.pause(facts):
            return Decision(payout, reason=pause)
        bar = self.bar(payout, facts)
        if payout.state == State.READY and bar:
            return self.give_back(payout, bar)
        held = replace(payout, fence=payout.fence + 1, lease_until=facts.now + self.LEASE)
        if payout.state == State.READY:
            return self.call(held, facts)
        if bar or payout.block_reason or self.needs_new_key(payout, facts):
            if payout.quiet_at is not None and facts.now < payout.quiet_at:
                return Decision(payout, reason="settling")
        elif payout.state == State.SENDING:
            return self.call(held, facts)
        return Decision(replace(held, state=State.UNSURE), plan=Plan.LIST_FIRST, reason="look_first")

    def may_call(self, lease_left: timedelta) -> bool:
        """The last look at the worker's own monotonic clock, right before the socket.

        A worker that was suspended after its claim finds its lease spent and lets go.
        """
        return lease_left > self.CALL_LIMIT

    def after_listing(self, payout: PayoutState, facts: Facts, *, found: Sequence[Transfer], fence: int) -> Decision:
        """Decide with the payout's transfers on the table, listed after the claim numbered `fence`.

        Found: record it, whoever found it. None: the same key again while it is young and
        unspent; otherwise, if the listing was made in the quiet, the money goes back, waits
        for a person, or a new key is born.
        """
        if found:
            decision = self.record(payout, facts, transfer=found[0])
            return replace(decision, alarm="paid_twice") if len(found) > 1 else decision
        if fence != payout.fence or payout.state not in IN_FLIGHT:
            return Decision(payout, reason="late")
        bar = self.bar(payout, facts)
        is_key_dead = self.needs_new_key(payout, facts)
        if (bar or is_key_dead or payout.block_reason) and not self.was_quiet(payout):
            return Decision(payout, reason="settling")
        if payout.block_reason and payout.block_reason not in FINAL_CODES | {NO_FUNDS}:
            return Decision(self.at_rest(payout, State.BLOCKED), reason=payout.block_reason)
        if bar:
            return self.give_back(payout, bar)
        if payout.block_reason:
            return self.block(payout)
        if pause := self.pause(facts):
            return Decision(payout, reason=pause)
        if is_key_dead:
            payout = replace(payout, attempt=payout.attempt + 1, first_sent_at=None, key_spent=False)
        return self.call(payout, facts)

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        """Write down what the provider said to the call of the claim numbered `fence`."""
        if isinstance(answer, Accepted):
            return self.record(payout, facts, transfer=answer.transfer)
        if fence != payout.fence or payout.state != State.SENDING:
            return Decision(payout, reason="late")
        now = facts.now
        if isinstance(answer, Busy) and fence == 1:
            # The only call ever made was not carried out: the payout has not left.
            payout = replace(payout, state=State.READY, first_sent_at=None)
        if isinstance(answer, Busy):
            return Decision(replace(payout, lease_until=now + self.RETRY), reason="busy")
        if isinstance(answer, Unsure):
            doubtful = replace(
                payout,
                state=State.UNSURE,
                key_spent=payout.key_spent or answer.key_is_spent,
                lease_until=now + self.RETRY,
                quiet_at=now + (self.QUIET if answer.key_is_spent else self.LINGER),
            )
            reason = "provider_failed" if answer.key_is_spent else "no_answer"
            return Decision(doubtful, reason=reason)
        alarm = answer.code if answer.code == "idempotency_error" else ""
        refused = replace(payout, state=State.UNSURE, block_reason=answer.code, key_spent=True)
        if fence == 1:
            # Ours was the only call ever made and it has been answered: nothing to wait for.
            refused = replace(refused, lease_until=now + self.LEASE, quiet_at=now)
            return Decision(refused, plan=Plan.LIST_FIRST, reason="refused", alarm=alarm)
        refused = replace(refused, lease_until=now, quiet_at=now + self.QUIET)
        return Decision(refused, reason="refused", alarm=alarm)

    def record(self, payout: PayoutState, facts: Facts, *, transfer: Transfer) -> Decision:
        """Write down a transfer that exists: always welcome, from whoever saw it."""
        if payout.transfer_id == transfer.id:
            return Decision(payout, reason="known")
        if transfer.payout_id != payout.payout_id:
            return Decision(payout, reason="foreign", alarm="foreign_transfer")
        if payout.transfer_id is not None:
            return Decision(payout, reason="second", alarm="paid_twice")
        if not payout.is_reserved:
            return Decision(payout, reason="unexpected", alarm="paid_after_release")
        sent = replace(
            self.at_rest(payout, State.SENT),
            transfer_id=transfer.id,
            quiet_at=facts.now + self.QUIET,
            block_reason="",
        )
        return Decision(sent, reason="accepted")

    def settle(self, payout: PayoutState, facts: Facts, *, transfer: Transfer) -> Decision:
        """Settle from the transfer as just read from the provider; records it first if need be.

        Commutative and repeatable: webhooks and reconciles may arrive twice, late and in any
        order. A transfer that came back whole frees the money again.
        """
        recorded = self.record(payout, facts, transfer=transfer)
        payout = recorded.state
        if recorded.alarm or payout.state not in (State.SENT, State.PAID):
            return recorded
        if not self.agrees(payout, transfer):
            return replace(recorded, reason="differs", alarm="transfer_differs")
        if transfer.reversed_minor == transfer.amount_minor:
            entry = BookEntry.RETURN if payout.state == State.PAID else BookEntry.RELEASE
            back = replace(self.at_rest(payout, State.BLOCKED), block_reason=REVERSED)
            return Decision(back, entry=entry, reason=REVERSED)
        if transfer.reversed_minor:
            return replace(recorded, reason="partly_reversed", alarm="partly_reversed")
        if payout.state == State.PAID:
            return Decision(payout, reason="known")
        paid = replace(payout, state=State.PAID)
        return Decision(paid, entry=BookEntry.SETTLEMENT, reason="settled")

    def cancel(self, payout: PayoutState, facts: Facts) -> Decision:
        """Call off a payout that never left, or one that waits for funds; the money goes back."""
        if not facts.is_reconciled:
            return Decision(payout, reason="not_reconciled")
        if payout.state == State.READY:
            return self.give_back(payout, RUN_CANCELLED)
        if payout.state == State.BLOCKED and payout.block_reason == NO_FUNDS:
            return self.give_back(payout, RUN_CANCELLED)
        return Decision(payout, reason=f"already_{payout.state}")

    def resume(self, payout: PayoutState, facts: Facts) -> Decision:
        """Put a held payout back in the queue: funds arrived, or a person has settled the doubt.

        It comes back as `unsure`, so it is listed before a new key is born.
        """
        if payout.state != State.BLOCKED or not payout.is_reserved:
            return Decision(payout, reason=f"already_{payout.state}")
        wait = timedelta(0) if payout.block_reason == NO_FUNDS else self.QUIET
        doubtful = replace(payout, state=State.UNSURE, block_reason="", quiet_at=facts.now + wait)
        return Decision(doubtful, reason="resumed")

    def wakes_at(self, payout: PayoutState) -> datetime | None:
        """When another look is worth while: None for "now" in a live state and for "never" at rest."""
        if payout.state not in IN_FLIGHT:
            return None
        if (payout.key_spent or payout.block_reason) and payout.quiet_at is not None:
            return max(payout.quiet_at, payout.lease_until or payout.quiet_at)
        return payout.lease_until

    def pause(self, facts: Facts) -> str:
        """Why nothing may leave just now, although it may later; "" when nothing stands against it."""
        if not facts.is_reconciled:
            return "not_reconciled"
        return "" if facts.run_is_sending or facts.run_is_cancelled else "run_not_sending"

    def bar(self, payout: PayoutState, facts: Facts) -> str:
        """Why this payout must never leave as it was frozen; "" when nothing stands against it."""
        if facts.run_is_cancelled:
            return RUN_CANCELLED
        if not facts.payee_may_be_paid:
            return PAYEE_NOT_PAYABLE
        return "" if facts.fingerprint == payout.fingerprint else DESTINATION_CHANGED

    def needs_new_key(self, payout: PayoutState, facts: Facts) -> bool:
        """Is the present key spent, or so old that the provider may have forgotten it?"""
        if payout.key_spent:
            return True
        return payout.first_sent_at is not None and facts.now - payout.first_sent_at > self.KEY_LIFE

    def was_quiet(self, payout: PayoutState) -> bool:
        """Had every earlier call faded when this claim was made, hence before its listing?"""
        if payout.quiet_at is None or payout.lease_until is None:
            return payout.quiet_at is None
        return payout.lease_until - self.LEASE >= payout.quiet_at

    def agrees(self, payout: PayoutState, transfer: Transfer) -> bool:
        """Does the transfer pay what was frozen, where it was frozen?"""
        frozen = (payout.amount_minor, payout.currency, payout.destination)
        return frozen == (transfer.amount_minor, transfer.currency, transfer.destination)

    def call(self, held: PayoutState, facts: Facts) -> Decision:
        """The intent, written down: the row says `sending` before the provider hears anything."""
        assert held.lease_until is not None
        sending = replace(
            held,
            state=State.SENDING,
            first_sent_at=held.first_sent_at or facts.now,
            quiet_at=held.lease_until + self.LINGER,
        )
        return Decision(sending, plan=Plan.CALL, call=self.request(sending), reason="calling")

    def request(self, payout: PayoutState) -> TransferCall:
        """The request for the row as frozen."""
        return TransferCall(
            payout.payout_id,
            key_of(payout.payout_id, payout.attempt),
            payout.amount_minor,
            payout.currency,
            payout.destination,
        )

    def block(self, payout: PayoutState) -> Decision:
        """Rest after a refusal: a final code frees the money, want of funds keeps its place."""
        entry = BookEntry.RELEASE if payout.block_reason in FREED else BookEntry.NOTHING
        return Decision(self.at_rest(payout, State.BLOCKED), entry=entry, reason=payout.block_reason)

    def give_back(self, payout: PayoutState, bar: str) -> Decision:
        """Call the payout off for good and hand its money back to payable."""
        state = State.CANCELLED if bar == RUN_CANCELLED else State.BLOCKED
        back = replace(self.at_rest(payout, state), block_reason=bar)
        return Decision(back, entry=BookEntry.RELEASE, reason=bar)

    def at_rest(self, payout: PayoutState, state: State) -> PayoutState:
        """The row with nobody working on it."""
        return replace(payout, state=state, lease_until=None)


RULES = Rules()
