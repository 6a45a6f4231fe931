"""Another way of paying, as a model, to show what the same schedules make of it.

`call-then-write` is a model of a payout flow as published by an open-source peer: sum what is
owed, ask the provider under a key made of run and payee, write the result down afterwards. No
row is written before the call, the amount is summed again on every try, and nothing is listed
before a retry. It is a reading of a flow, not anybody's code; nobody's product was run, and
faults are far more frequent here than in life.

The model is spared much: nobody is frozen, redirected, cancelled, reversed or restored while it
runs, and no commission arrives in mid-run.
"""

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import Any

from payouts.protocol import State
from payouts.prover.actors import Act
from payouts.prover.schedules import OURS, Design
from payouts.prover.world import World
from payouts.provider import Accepted, Transfer, TransferCall
from payouts.sender import CreateTransfer, Procedures


class CallThenWrite(Procedures):
    """Ask first, remember afterwards."""

    def send(self, payout_id: str) -> Generator[Any, Any, Any]:
        """Sum, call, write; a failure leaves no trace and the task is delivered again."""
        call: TransferCall | None = yield Act(partial(sum_up, payout_id))
        if call is not None:
            answer = yield CreateTransfer(call)
            if isinstance(answer, Accepted):
                yield Act(partial(mark_paid, payout_id))

    def settle(self, told: Transfer) -> Generator[Any, Any, Any]:
        """News of transfers changes nothing."""
        yield Act(lambda world: None)

    def reconcile(self, run_id: str) -> Generator[Any, Any, Any]:
        """There is no reconcile."""
        yield Act(lambda world: None)


def sum_up(payout_id: str, world: World) -> TransferCall | None:
    """The call for what is unpaid now; None when it is paid."""
    payout = world.states[payout_id]
    if payout.state == State.PAID:
        return None
    payee = world.frozen[payout_id].payee
    amount = payee.in_transit + payee.payable
    return TransferCall(payout_id, f"payouts-{payout_id}", amount, payout.currency, payee.account)


def mark_paid(payout_id: str, world: World) -> None:
    """Write down that everything unpaid has been paid."""
    payee = world.frozen[payout_id].payee
    payee.cash += payee.in_transit + payee.payable
    payee.in_transit = payee.payable = 0
    world.states[payout_id] = replace(world.states[payout_id], state=State.PAID)


_SPARED = frozenset({"crash", "suspend", "wake", "gap", "night"})

MODELS = {
    design.name: design
    for design in (
        OURS,
        Design(
            "call-then-write",
            "interleaved workers",
            CallThenWrite,
            happenings=_SPARED,
            is_slow=True,
        ),
        Design(
            "call-then-write-serial",
            "one worker behind a strict queue",
            CallThenWrite,
            happenings=_SPARED,
            is_serial=True,
            is_slow=True,
        ),
    )
}
