"""Mutants of claims, leases and fences: who may act, and whose word counts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from payouts.protocol import (
    PAYEE_NOT_PAYABLE,
    BookEntry,
    Decision,
    Facts,
    PayoutState,
    Plan,
    Rules,
    State,
)
from payouts.prover.mutants.registry import mutant
from payouts.prover.schedules import Design
from payouts.provider import Answer, Transfer
from payouts.sender import Decide, Procedures, Steps

MUTANTS: list[Design] = []


@mutant(MUTANTS)
class PaidBeforeCall(Rules):
    """The payout counts as paid when the call is made."""

    def call(self, held: PayoutState, facts: Facts) -> Decision:
        decision = super().call(held, facts)
        paid = replace(decision.state, state=State.PAID, transfer_id=f"tr_of_{held.payout_id}")
        return replace(decision, state=paid, entry=BookEntry.SETTLEMENT)


@mutant(MUTANTS)
class NoLease(Rules):
    """Anybody claims at any time, and nobody looks at the clock before calling."""

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        return super().claim(replace(payout, lease_until=None), facts)

    def may_call(self, lease_left: timedelta) -> bool:
        return True


@mutant(MUTANTS)
class NoLookAtTheClock(Rules):
    """A worker that slept through its lease calls all the same."""

    def may_call(self, lease_left: timedelta) -> bool:
        return True


@mutant(MUTANTS)
class NoFence(Rules):
    """A late worker's word counts like any other."""

    def after_listing(self, payout: PayoutState, facts: Facts, *, found: Sequence[Transfer], fence: int) -> Decision:
        return super().after_listing(payout, facts, found=found, fence=payout.fence)

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        return super().after_answer(payout, facts, answer=answer, fence=payout.fence)


@mutant(MUTANTS)
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


@mutant(MUTANTS)
class SentMayBeClaimed(Rules):
    """A task delivered again sends again what was already sent."""

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        if payout.state in (State.SENT, State.PAID):
            payout = replace(payout, state=State.SENDING, transfer_id=None)
        return super().claim(payout, facts)


@mutant(MUTANTS)
class LapsedLeaseMeansFailed(Rules):
    """A worker that did not come back is taken to have failed, and the money goes back."""

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        decision = super().claim(payout, facts)
        if payout.state == State.SENDING and decision.plan is Plan.CALL:
            return self.give_back(payout, PAYEE_NOT_PAYABLE)
        return decision
