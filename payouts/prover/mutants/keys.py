"""Mutants of intent and keys: when a transfer is asked for, and under which name."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from payouts.protocol import Decision, Facts, PayoutState, Plan, Rules, State
from payouts.prover.mutants.registry import ChangedCall, mutant
from payouts.prover.schedules import Design
from payouts.prover.world import World
from payouts.provider import Accepted, Answer, Transfer, TransferCall

AGES = timedelta(days=3_650)
MUTANTS: list[Design] = []


@mutant(MUTANTS)
class NoIntentRow(Rules):
    """The call is made first and the row written afterwards."""

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        decision = super().claim(payout, facts)
        return replace(decision, state=payout) if decision.plan is Plan.CALL else decision

    def after_answer(self, payout: PayoutState, facts: Facts, *, answer: Answer, fence: int) -> Decision:
        if isinstance(answer, Accepted):
            return self.record(payout, facts, transfer=answer.transfer)
        return Decision(payout)


@mutant(MUTANTS)
class RandomKey(ChangedCall):
    """Every call carries a key of its own."""

    def change(self, call: TransferCall, world: World) -> TransferCall:
        return replace(call, key=f"{world.dice.random()}")


@mutant(MUTANTS)
class NewKeyForEveryClaim(Rules):
    """A new claim brings a new key."""

    def call(self, held: PayoutState, facts: Facts) -> Decision:
        return super().call(replace(held, attempt=held.fence), facts)


@mutant(MUTANTS)
class NewKeyWithoutListing(Rules):
    """A spent key is replaced at once, without looking."""

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        if payout.key_spent and not payout.block_reason:
            payout = replace(payout, state=State.SENDING, attempt=payout.attempt + 1, key_spent=False)
        return super().claim(payout, facts)


@mutant(MUTANTS)
class NoListingAfterTwentyHours(Rules):
    """A key is trusted for ever."""

    KEY_LIFE = AGES


@mutant(MUTANTS)
class KeyAgeFromLastTry(Rules):
    """The key's age is counted from its last use instead of its first."""

    def call(self, held: PayoutState, facts: Facts) -> Decision:
        return super().call(replace(held, first_sent_at=None), facts)


@mutant(MUTANTS)
class NoWaitBeforeNewKey(Rules):
    """A listing is believed at once, although late requests and lagging listings exist."""

    QUIET = timedelta(0)


@mutant(MUTANTS)
class ListsButDoesNotLook(Rules):
    """The listing is made and its result ignored."""

    def after_listing(self, payout: PayoutState, facts: Facts, *, found: Sequence[Transfer], fence: int) -> Decision:
        return super().after_listing(payout, facts, found=(), fence=fence)


@mutant(MUTANTS)
class SpentKeyRepeated(Rules):
    """A key under which a failure is kept is used again and again."""

    def needs_new_key(self, payout: PayoutState, facts: Facts) -> bool:
        return super().needs_new_key(replace(payout, key_spent=False), facts)
