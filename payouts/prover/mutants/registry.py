"""How a broken rule or procedure is entered as a mutant."""

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from payouts.protocol import Decision, Rules
from payouts.prover.actors import Act
from payouts.prover.schedules import Design
from payouts.prover.world import World
from payouts.provider import TransferCall
from payouts.sender import CreateTransfer, Procedures


def mutant[Broken: (type[Rules], type[Procedures])](
    register: list[Design],
) -> Callable[[Broken], Broken]:
    """Enter a class under its own name; the first line of its docstring says what it breaks."""

    def enter(broken: Broken) -> Broken:
        name = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in broken.__name__)[1:]
        breaks = (broken.__doc__ or "").splitlines()[0].rstrip(".")
        if issubclass(broken, Rules):
            register.append(Design(name, breaks, rules=broken()))
        else:
            register.append(Design(name, breaks, procedures=broken))
        return broken

    return enter


class ChangedCall(Procedures):
    """Sends something other than the row says."""

    def send(self, payout_id: str) -> Generator[Any, Any, Decision]:
        """The procedure as it is, with every request replaced."""
        steps = super().send(payout_id)
        answer: Any = None
        while True:
            try:
                effect = steps.send(answer)
            except StopIteration as end:
                decision: Decision = end.value
                return decision
            if isinstance(effect, CreateTransfer):
                effect = CreateTransfer((yield Act(partial(self.change, effect.call))))
            answer = yield effect

    def change(self, call: TransferCall, world: World) -> TransferCall:
        """The request sent instead."""
        raise NotImplementedError
