"""Ways to get it wrong: the algorithm with one rule broken at a time.

A prover that finds nothing proves nothing until it has been seen to find something. Each of
these must be caught; one that survives names a fault the schedules do not know yet.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from payouts.protocol import (
    FINAL_CODES,
    IN_FLIGHT,
    NO_FUNDS,
    PAYEE_NOT_PAYABLE,
    REVERSED,
    RUN_CANCELLED,
    BookEntry,
    Decision,
    Facts,
    PayoutState,
    Plan,
    Rules,
    State,
)
from payouts.prover.schedules import Design
from payouts.prover.world import Act, World
from payouts.provider import Accepted, Answer, Busy, Refused, Transfer, Unsure
from payouts.reconciliation import compare_run
from payouts.sender import (
    CloseReconcile,
    CreateTransfer,
    Decide,
    ListRunTransfers,
    Procedures,
    ReadRun,
    RunBooks,
    Steps,
)

AGES = timedelta(days=3_650)
MUTANTS: list[Design] = []


def _mutant[Broken: (type[Rules], type[Procedures])](broken: Broken) -> Broken:
    """Enter a mutant under its class name; the first line of its docstring says what it breaks."""
    name = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in broken.__name__)[1:]
    breaks = (broken.__doc__ or "").splitlines()[0].rstrip(".")
    if issubclass(broken, Rules):
        MUTANTS.append(Design(name, breaks, rules=broken()))
    else:
        MUTANTS.append(Design(name, breaks, procedures=broken))
    return broken


# Intent and keys


@_mutant
class NoIntentRow(Rules):
    """The call is made first and the row written afterwards."""

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        decision = super().claim(payout, facts)
        return replace(decision, state=payout) if decision.plan is Plan.CALL else decision

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        if isinstance(answer, Accepted):
            return self.record(payout, facts, transfer=answer.transfer)
        return Decision(payout)


@_mutant
class RandomKey(Procedures):
    """Every call carries a key of its own."""

    def send(self, payout_id: str) -> Steps[Decision]:
        steps = super().send(payout_id)
        answer = None
        while True:
            try:
                effect = steps.send(answer)
            except StopIteration as end:
                decision: Decision = end.value
                return decision
            if isinstance(effect, CreateTransfer):
                key = yield Act(lambda world: f"{world.dice.random()}")  # type: ignore[misc]
                effect = CreateTransfer(replace(effect.call, key=key))
            answer = yield effect


@_mutant
class NewKeyForEveryClaim(Rules):
    """A new claim brings a new key."""

    def call(self, held: PayoutState, facts: Facts) -> Decision:
        return super().call(replace(held, attempt=held.fence), facts)


@_mutant
class NewKeyWithoutListing(Rules):
    """A spent key is replaced at once, without looking."""

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        if payout.key_spent and not payout.block_reason:
            payout = replace(payout, state=State.SENDING, attempt=payout.attempt + 1, key_spent=False)
        return super().claim(payout, facts)


@_mutant
class NoListingAfterTwentyHours(Rules):
    """A key is trusted for ever."""

    KEY_LIFE = AGES


@_mutant
class KeyAgeFromLastTry(Rules):
    """The key's age is counted from its last use instead of its first."""

    def call(self, held: PayoutState, facts: Facts) -> Decision:
        return super().call(replace(held, first_sent_at=None), facts)


@_mutant
class NoWaitBeforeNewKey(Rules):
    """A listing is believed at once, although late requests and lagging listings exist."""

    QUIET = timedelta(0)


@_mutant
class ListsButDoesNotLook(Rules):
    """The listing is made and its result ignored."""

    def after_listing(
        self, payout: PayoutState, facts: Facts, *, found: Sequence[Transfer], fence: int
    ) -> Decision:
        return super().after_listing(payout, facts, found=(), fence=fence)


@_mutant
class SpentKeyRepeated(Rules):
    """A key under which a failure is kept is used again and again."""

    def needs_new_key(self, payout: PayoutState, facts: Facts) -> bool:
        return super().needs_new_key(replace(payout, key_spent=False), facts)


# Claims, leases, fences


@_mutant
class PaidBeforeCall(Rules):
    """The payout counts as paid when the call is made."""

    def call(self, held: PayoutState, facts: Facts) -> Decision:
        decision = super().call(held, facts)
        paid = replace(decision.state, state=State.PAID, transfer_id=f"tr_of_{held.payout_id}")
        return replace(decision, state=paid, entry=BookEntry.SETTLEMENT)


@_mutant
class NoLease(Rules):
    """Anybody claims at any time, and nobody looks at the clock before calling."""

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        return super().claim(replace(payout, lease_until=None), facts)

    def may_call(self, lease_left: timedelta) -> bool:
        return True


@_mutant
class NoLookAtTheClock(Rules):
    """A worker that slept through its lease calls all the same."""

    def may_call(self, lease_left: timedelta) -> bool:
        return True


@_mutant
class NoFence(Rules):
    """A late worker's word counts like any other."""

    def after_listing(
        self, payout: PayoutState, facts: Facts, *, found: Sequence[Transfer], fence: int
    ) -> Decision:
        return super().after_listing(payout, facts, found=found, fence=payout.fence)

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        return super().after_answer(payout, facts, answer=answer, fence=payout.fence)


@_mutant
class ClaimInTwoTransactions(Procedures):
    """The claim reads in one transaction and writes in another."""

    def send(self, payout_id: str) -> Steps[Decision]:
        seen: Decision = yield Decide(payout_id, lambda payout, facts: Decision(payout))
        steps = super().send(payout_id)
        next(steps)
        answer = yield Decide(payout_id, lambda _, facts: self.rules.claim(seen.state, facts))
        while True:
            try:
                effect = steps.send(answer)
            except StopIteration as end:
                decision: Decision = end.value
                return decision
            answer = yield effect


@_mutant
class SentMayBeClaimed(Rules):
    """A task delivered again sends again what was already sent."""

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        if payout.state in (State.SENT, State.PAID):
            payout = replace(payout, state=State.SENDING, transfer_id=None)
        return super().claim(payout, facts)


@_mutant
class LapsedLeaseMeansFailed(Rules):
    """A worker that did not come back is taken to have failed, and the money goes back."""

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        decision = super().claim(payout, facts)
        if payout.state == State.SENDING and decision.plan is Plan.CALL:
            return self.give_back(payout, PAYEE_NOT_PAYABLE)
        return decision


# Frozen facts


@_mutant
class AmountReadAgain(Procedures):
    """The amount is what the affiliate is owed at the moment of the call."""

    def send(self, payout_id: str) -> Steps[Decision]:
        steps = super().send(payout_id)
        answer = None
        while True:
            try:
                effect = steps.send(answer)
            except StopIteration as end:
                decision: Decision = end.value
                return decision
            if isinstance(effect, CreateTransfer):
                owed = yield Act(partial(_owed, payout_id))  # type: ignore[misc]
                effect = CreateTransfer(replace(effect.call, amount_minor=owed))
            answer = yield effect


def _owed(payout_id: str, world: World) -> int:
    payee = world.frozen[payout_id].payee
    return (payee.payable + payee.in_transit) or 1


@_mutant
class DestinationReadAgain(Procedures):
    """The account is the one the affiliate has at the moment of the call."""

    def send(self, payout_id: str) -> Steps[Decision]:
        steps = super().send(payout_id)
        answer = None
        while True:
            try:
                effect = steps.send(answer)
            except StopIteration as end:
                decision: Decision = end.value
                return decision
            if isinstance(effect, CreateTransfer):
                account = yield Act(lambda world: world.frozen[payout_id].payee.account)  # type: ignore[misc]
                effect = CreateTransfer(replace(effect.call, destination=account))
            answer = yield effect


class _BlindTo(Rules):
    """Rules that overlook one bar."""

    overlooked: str

    def bar(self, payout: PayoutState, facts: Facts) -> str:
        bar = super().bar(payout, facts)
        return "" if bar == self.overlooked else bar


@_mutant
class ChangedAccountOverlooked(Rules):
    """The account changed after approval and the payout leaves all the same."""

    def bar(self, payout: PayoutState, facts: Facts) -> str:
        return super().bar(payout, replace(facts, fingerprint=payout.fingerprint))


@_mutant
class FreezeOverlooked(_BlindTo):
    """An affiliate frozen in the middle of the run is paid all the same."""

    overlooked = PAYEE_NOT_PAYABLE


@_mutant
class CancellationOverlooked(_BlindTo):
    """A cancelled run goes on sending."""

    overlooked = RUN_CANCELLED


@_mutant
class RestoredBooksTrusted(Rules):
    """After a restore sending goes on without a reconcile."""

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        return super().claim(payout, replace(facts, is_reconciled=True))


@_mutant
class RestoredBooksCancelled(Rules):
    """After a restore a run may be cancelled before a reconcile."""

    def cancel(self, payout: PayoutState, facts: Facts) -> Decision:
        return super().cancel(payout, replace(facts, is_reconciled=True))


# Answers


@_mutant
class RefusalIsFinal(Rules):
    """A refusal frees the money at once, without looking."""

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        decision = super().after_answer(payout, facts, answer=answer, fence=fence)
        if isinstance(answer, Refused) and decision.reason == "refused":
            return self.block(decision.state)
        return decision


@_mutant
class RefusalListedInTheNoise(Rules):
    """A refusal is looked up at once, even when an earlier call may still surface."""

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        decision = super().after_answer(payout, facts, answer=answer, fence=fence)
        if isinstance(answer, Refused) and decision.reason == "refused":
            now = replace(decision.state, lease_until=facts.now + self.LEASE, quiet_at=facts.now)
            return replace(decision, state=now, plan=Plan.LIST_FIRST)
        return decision


@_mutant
class EveryRefusalFreesTheMoney(Rules):
    """A code nobody has heard of counts as a final refusal."""

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        if isinstance(answer, Refused) and answer.code not in FINAL_CODES | {NO_FUNDS}:
            answer = Refused("account_invalid")
        return super().after_answer(payout, facts, answer=answer, fence=fence)


@_mutant
class SilenceIsRefusal(Rules):
    """No answer counts as no."""

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        if isinstance(answer, Unsure) and fence == payout.fence and payout.state == State.SENDING:
            return self.give_back(payout, PAYEE_NOT_PAYABLE)
        return super().after_answer(payout, facts, answer=answer, fence=fence)


@_mutant
class BusyIsNews(Rules):
    """A request turned away is taken for proof that no earlier one was carried out."""

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        if isinstance(answer, Busy) and fence == payout.fence and payout.state == State.SENDING:
            return self.give_back(payout, PAYEE_NOT_PAYABLE)
        return super().after_answer(payout, facts, answer=answer, fence=fence)


@_mutant
class BusyMeansUnsent(Rules):
    """A request turned away puts the payout back to where nothing had ever been sent."""

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        decision = super().after_answer(payout, facts, answer=answer, fence=fence)
        if decision.reason == "busy":
            return replace(decision, state=replace(decision.state, state=State.READY))
        return decision


@_mutant
class SilenceFadesFast(Rules):
    """A call that was never answered is forgotten as soon as one that was."""

    LINGER = Rules.QUIET


@_mutant
class FundsWithoutNewKey(Rules):
    """After a top-up the old key is used again, which repeats the refusal."""

    def resume(self, payout: PayoutState, facts: Facts) -> Decision:
        decision = super().resume(payout, facts)
        return replace(decision, state=replace(decision.state, key_spent=False))


# Books, webhooks, people


@_mutant
class SettlesTwice(Rules):
    """Each news of a transfer settles it once more."""

    def settle(self, payout: PayoutState, facts: Facts, *, transfer: Transfer) -> Decision:
        decision = super().settle(payout, facts, transfer=transfer)
        if payout.state == State.PAID and decision.reason == "known":
            return replace(decision, entry=BookEntry.SETTLEMENT)
        return decision


@_mutant
class WebhookBelieved(Procedures):
    """The webhook's own words are booked instead of the transfer as it is now."""

    def settle(self, told: Transfer) -> Steps[Decision | None]:
        decision: Decision = yield Decide(told.payout_id, partial(self.rules.settle, transfer=told))
        return decision


@_mutant
class ReversalOverlooked(Rules):
    """A transfer that came back still counts as paid."""

    def settle(self, payout: PayoutState, facts: Facts, *, transfer: Transfer) -> Decision:
        return super().settle(payout, facts, transfer=replace(transfer, reversed_minor=0))


@_mutant
class ReturnBookedAsRelease(Rules):
    """A settled transfer that came back is booked as if it had never been settled."""

    def settle(self, payout: PayoutState, facts: Facts, *, transfer: Transfer) -> Decision:
        decision = super().settle(payout, facts, transfer=transfer)
        return replace(decision, entry=BookEntry.RELEASE) if decision.entry is BookEntry.RETURN else decision


@_mutant
class ReconcileFindsNothing(Procedures):
    """The reconcile reports, but leaves the transfers it found unrecorded."""

    def reconcile(self, run_id: str) -> Steps[Any]:
        books: RunBooks = yield ReadRun(run_id)
        yield ListRunTransfers(run_id)
        yield CloseReconcile(run_id, books.at, ())


@_mutant
class CancelInFlight(Rules):
    """Cancelling frees the money of a payout that may be on its way."""

    def cancel(self, payout: PayoutState, facts: Facts) -> Decision:
        if payout.state in IN_FLIGHT:
            return self.give_back(payout, RUN_CANCELLED)
        return super().cancel(payout, facts)


@_mutant
class CancelFreesHeldMoney(Rules):
    """Cancelling frees money held because of a code nobody understood."""

    def cancel(self, payout: PayoutState, facts: Facts) -> Decision:
        if payout.state == State.BLOCKED and payout.is_reserved:
            return self.give_back(payout, RUN_CANCELLED)
        return super().cancel(payout, facts)


@_mutant
class ResumeWithoutListing(Rules):
    """A held payout goes back in the queue with a new key at once."""

    def resume(self, payout: PayoutState, facts: Facts) -> Decision:
        decision = super().resume(payout, facts)
        if decision.reason == "resumed":
            again = replace(decision.state, state=State.READY, attempt=payout.attempt + 1, key_spent=False)
            return replace(decision, state=again)
        return decision


@_mutant
class FreesOnEveryNews(Rules):
    """Each news of a reversed transfer gives the money back once more."""

    def settle(self, payout: PayoutState, facts: Facts, *, transfer: Transfer) -> Decision:
        decision = super().settle(payout, facts, transfer=transfer)
        if payout.block_reason == REVERSED:
            return replace(decision, entry=BookEntry.RELEASE)
        return decision


@_mutant
class ListingBeforeReading(Procedures):
    """The reconcile lists first and reads our own rows afterwards."""

    def reconcile(self, run_id: str) -> Steps[Any]:
        transfers: Sequence[Transfer] = yield ListRunTransfers(run_id)
        books: RunBooks = yield ReadRun(run_id)
        comparison = compare_run(books.payouts, transfers, at=books.at)
        for transfer in comparison.to_settle:
            yield Decide(transfer.payout_id, partial(self.rules.settle, transfer=transfer))
        yield CloseReconcile(run_id, books.at, comparison.alarms)


@_mutant
class CancelFreesTwice(Rules):
    """Cancelling a blocked payout frees money that has already gone back."""

    def cancel(self, payout: PayoutState, facts: Facts) -> Decision:
        if payout.state == State.BLOCKED:
            return self.give_back(payout, RUN_CANCELLED)
        return super().cancel(payout, facts)


@_mutant
class BlockedKeepsTheMoney(Rules):
    """A final refusal leaves the money in transit for ever."""

    def block(self, payout: PayoutState) -> Decision:
        return replace(super().block(payout), entry=BookEntry.NOTHING)


@_mutant
class ResumeFreedPayout(Rules):
    """A payout whose money has gone back can be put in the queue again."""

    def resume(self, payout: PayoutState, facts: Facts) -> Decision:
        if payout.state == State.BLOCKED and not payout.transfer_id:
            return Decision(replace(payout, state=State.UNSURE, block_reason="", quiet_at=facts.now))
        return super().resume(payout, facts)
