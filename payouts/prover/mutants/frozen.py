"""Mutants of what was frozen and of what stands against sending."""

from dataclasses import replace

from payouts.protocol import PAYEE_NOT_PAYABLE, RUN_CANCELLED, Decision, Facts, PayoutState, Rules
from payouts.prover.mutants.registry import ChangedCall, mutant
from payouts.prover.schedules import Design
from payouts.prover.world import World
from payouts.provider import TransferCall

MUTANTS: list[Design] = []


@mutant(MUTANTS)
class AmountReadAgain(ChangedCall):
    """The amount is what the affiliate is owed at the moment of the call."""

    def change(self, call: TransferCall, world: World) -> TransferCall:
        payee = world.frozen[call.payout_id].payee
        return replace(call, amount_minor=(payee.payable + payee.in_transit) or 1)


@mutant(MUTANTS)
class DestinationReadAgain(ChangedCall):
    """The account is the one the affiliate has at the moment of the call."""

    def change(self, call: TransferCall, world: World) -> TransferCall:
        return replace(call, destination=world.frozen[call.payout_id].payee.account)


class _BlindTo(Rules):
    """Rules that overlook one bar."""

    overlooked: str

    def bar(self, payout: PayoutState, facts: Facts) -> str:
        bar = super().bar(payout, facts)
        return "" if bar == self.overlooked else bar


@mutant(MUTANTS)
class ChangedAccountOverlooked(Rules):
    """The account changed after approval and the payout leaves all the same."""

    def bar(self, payout: PayoutState, facts: Facts) -> str:
        return super().bar(payout, replace(facts, fingerprint=payout.fingerprint))


@mutant(MUTANTS)
class FreezeOverlooked(_BlindTo):
    """An affiliate frozen in the middle of the run is paid all the same."""

    overlooked = PAYEE_NOT_PAYABLE


@mutant(MUTANTS)
class CancellationOverlooked(_BlindTo):
    """A cancelled run goes on sending."""

    overlooked = RUN_CANCELLED


@mutant(MUTANTS)
class RestoredBooksTrusted(Rules):
    """After a restore sending goes on without a reconcile."""

    def claim(self, payout: PayoutState, facts: Facts) -> Decision:
        return super().claim(payout, replace(facts, is_reconciled=True))


@mutant(MUTANTS)
class RestoredBooksCancelled(Rules):
    """After a restore a run may be cancelled before a reconcile."""

    def cancel(self, payout: PayoutState, facts: Facts) -> Decision:
        return super().cancel(payout, replace(facts, is_reconciled=True))
