"""Mutants of hearing: what an answer, or none, is taken to mean."""

from dataclasses import replace

from payouts.protocol import (
    FINAL_CODES,
    NO_FUNDS,
    PAYEE_NOT_PAYABLE,
    Decision,
    Facts,
    PayoutState,
    Plan,
    Rules,
    State,
)
from payouts.prover.mutants.registry import mutant
from payouts.prover.schedules import Design
from payouts.provider import Answer, Busy, Refused, Unsure

MUTANTS: list[Design] = []


@mutant(MUTANTS)
class RefusalIsFinal(Rules):
    """A refusal frees the money at once, without looking."""

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        decision = super().after_answer(payout, facts, answer=answer, fence=fence)
        if isinstance(answer, Refused) and decision.reason == "refused":
            return self.block(decision.state)
        return decision


@mutant(MUTANTS)
class RefusalListedInTheNoise(Rules):
    """A refusal is looked up at once, even when an earlier call may still surface."""

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        decision = super().after_answer(payout, facts, answer=answer, fence=fence)
        if isinstance(answer, Refused) and decision.reason == "refused":
            now = replace(decision.state, lease_until=facts.now + self.LEASE, quiet_at=facts.now)
            return replace(decision, state=now, plan=Plan.LIST_FIRST)
        return decision


@mutant(MUTANTS)
class EveryRefusalFreesTheMoney(Rules):
    """A code nobody has heard of counts as a final refusal."""

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        if isinstance(answer, Refused) and answer.code not in FINAL_CODES | {NO_FUNDS}:
            answer = Refused("account_invalid")
        return super().after_answer(payout, facts, answer=answer, fence=fence)


@mutant(MUTANTS)
class SilenceIsRefusal(Rules):
    """No answer counts as no."""

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        if isinstance(answer, Unsure) and fence == payout.fence and payout.state == State.SENDING:
            return self.give_back(payout, PAYEE_NOT_PAYABLE)
        return super().after_answer(payout, facts, answer=answer, fence=fence)


@mutant(MUTANTS)
class BusyIsNews(Rules):
    """A request turned away is taken for proof that no earlier one was carried out."""

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        if isinstance(answer, Busy) and fence == payout.fence and payout.state == State.SENDING:
            return self.give_back(payout, PAYEE_NOT_PAYABLE)
        return super().after_answer(payout, facts, answer=answer, fence=fence)


@mutant(MUTANTS)
class BusyMeansUnsent(Rules):
    """A request turned away puts the payout back to where nothing had ever been sent."""

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        decision = super().after_answer(payout, facts, answer=answer, fence=fence)
        if decision.reason == "busy":
            return replace(decision, state=replace(decision.state, state=State.READY))
        return decision


@mutant(MUTANTS)
class SilenceFadesFast(Rules):
    """A call that was never answered is forgotten as soon as one that was."""

    LINGER = Rules.QUIET


@mutant(MUTANTS)
class FundsWithoutNewKey(Rules):
    """After a top-up the old key is used again, which repeats the refusal."""

    def resume(self, payout: PayoutState, facts: Facts) -> Decision:
        decision = super().resume(payout, facts)
        return replace(decision, state=replace(decision.state, key_spent=False))
