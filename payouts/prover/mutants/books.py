"""Mutants of the books, of webhooks, and of what people may do."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from payouts.protocol import (
    IN_FLIGHT,
    REVERSED,
    RUN_CANCELLED,
    BookEntry,
    Decision,
    Facts,
    PayoutState,
    Rules,
    State,
)
from payouts.prover.mutants.registry import mutant
from payouts.prover.schedules import Design
from payouts.provider import Transfer
from payouts.reconciliation import compare_run
from payouts.sender import (
    CloseReconcile,
    Decide,
    ListRunTransfers,
    Procedures,
    ReadRun,
    RunBooks,
    Steps,
)

MUTANTS: list[Design] = []


@mutant(MUTANTS)
class SettlesTwice(Rules):
    """Each news of a transfer settles it once more."""

    def settle(self, payout: PayoutState, facts: Facts, *, transfer: Transfer) -> Decision:
        decision = super().settle(payout, facts, transfer=transfer)
        if payout.state == State.PAID and decision.reason == "known":
            return replace(decision, entry=BookEntry.SETTLEMENT)
        return decision


@mutant(MUTANTS)
class WebhookBelieved(Procedures):
    """The webhook's own words are booked instead of the transfer as it is now."""

    def settle(self, told: Transfer) -> Steps[Decision | None]:
        decision: Decision = yield Decide(told.payout_id, partial(self.rules.settle, transfer=told))
        return decision


@mutant(MUTANTS)
class ReversalOverlooked(Rules):
    """A transfer that came back still counts as paid."""

    def settle(self, payout: PayoutState, facts: Facts, *, transfer: Transfer) -> Decision:
        return super().settle(payout, facts, transfer=replace(transfer, reversed_minor=0))


@mutant(MUTANTS)
class ReturnBookedAsRelease(Rules):
    """A settled transfer that came back is booked as if it had never been settled."""

    def settle(self, payout: PayoutState, facts: Facts, *, transfer: Transfer) -> Decision:
        decision = super().settle(payout, facts, transfer=transfer)
        return replace(decision, entry=BookEntry.RELEASE) if decision.entry is BookEntry.RETURN else decision


@mutant(MUTANTS)
class ReconcileFindsNothing(Procedures):
    """The reconcile reports, but leaves the transfers it found unrecorded."""

    def reconcile(self, run_id: str) -> Steps[Any]:
        books: RunBooks = yield ReadRun(run_id)
        yield ListRunTransfers(run_id)
        yield CloseReconcile(run_id, books.at, ())


@mutant(MUTANTS)
class CancelInFlight(Rules):
    """Cancelling frees the money of a payout that may be on its way."""

    def cancel(self, payout: PayoutState, facts: Facts) -> Decision:
        if payout.state in IN_FLIGHT:
            return self.give_back(payout, RUN_CANCELLED)
        return super().cancel(payout, facts)


@mutant(MUTANTS)
class CancelFreesHeldMoney(Rules):
    """Cancelling frees money held because of a code nobody understood."""

    def cancel(self, payout: PayoutState, facts: Facts) -> Decision:
        if payout.state == State.BLOCKED and payout.is_reserved:
            return self.give_back(payout, RUN_CANCELLED)
        return super().cancel(payout, facts)


@mutant(MUTANTS)
class ResumeWithoutListing(Rules):
    """A held payout goes back in the queue with a new key at once."""

    def resume(self, payout: PayoutState, facts: Facts) -> Decision:
        decision = super().resume(payout, facts)
        if decision.reason == "resumed":
            again = replace(decision.state, state=State.READY, attempt=payout.attempt + 1, key_spent=False)
            return replace(decision, state=again)
        return decision


@mutant(MUTANTS)
class FreesOnEveryNews(Rules):
    """Each news of a reversed transfer gives the money back once more."""

    def settle(self, payout: PayoutState, facts: Facts, *, transfer: Transfer) -> Decision:
        decision = super().settle(payout, facts, transfer=transfer)
        if payout.block_reason == REVERSED:
            return replace(decision, entry=BookEntry.RELEASE)
        return decision


@mutant(MUTANTS)
class ListingBeforeReading(Procedures):
    """The reconcile lists first and reads our own rows afterwards."""

    def reconcile(self, run_id: str) -> Steps[Any]:
        transfers: Sequence[Transfer] = yield ListRunTransfers(run_id)
        books: RunBooks = yield ReadRun(run_id)
        comparison = compare_run(books.payouts, transfers, at=books.at)
        for transfer in comparison.to_settle:
            yield Decide(transfer.payout_id, partial(self.rules.settle, transfer=transfer))
        yield CloseReconcile(run_id, books.at, comparison.alarms)


@mutant(MUTANTS)
class CancelFreesTwice(Rules):
    """Cancelling a blocked payout frees money that has already gone back."""

    def cancel(self, payout: PayoutState, facts: Facts) -> Decision:
        if payout.state == State.BLOCKED:
            return self.give_back(payout, RUN_CANCELLED)
        return super().cancel(payout, facts)


@mutant(MUTANTS)
class BlockedKeepsTheMoney(Rules):
    """A final refusal leaves the money in transit for ever."""

    def block(self, payout: PayoutState) -> Decision:
        return replace(super().block(payout), entry=BookEntry.NOTHING)


@mutant(MUTANTS)
class ResumeFreedPayout(Rules):
    """A payout whose money has gone back can be put in the queue again."""

    def resume(self, payout: PayoutState, facts: Facts) -> Decision:
        if payout.state == State.BLOCKED and not payout.transfer_id:
            return Decision(replace(payout, state=State.UNSURE, block_reason="", quiet_at=facts.now))
        return super().resume(payout, facts)
