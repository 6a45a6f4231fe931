"""The order of events in sending, settling and reconciling, written once.

Each procedure is a generator that yields what it wants done (an `Effect`) and is resumed with
the answer. `Sender` does the effects at once, one transaction or one request each: that is
production. The prover does the same effects of the same generators in any order it likes,
with crashes in between. Between two effects a procedure keeps nothing that matters: every
decision is committed before the next effect is asked for.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from payouts.protocol import RULES, Decision, Facts, PayoutState, Plan, Rules
from payouts.provider import Transfer, TransferCall, TransferProvider
from payouts.reconciliation import Comparison, compare_run

type Rule = Callable[[PayoutState, Facts], Decision]


@dataclass(frozen=True, slots=True)
class Decide:
    """Apply a rule to a payout's row in one transaction; the answer is the `Decision`."""

    payout_id: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class ReadRun:
    """Read a run's payouts in one transaction; the answer is a `RunBooks`."""

    run_id: str


@dataclass(frozen=True, slots=True)
class CloseReconcile:
    """Write down how a reconcile ended, in one transaction; no answer."""

    run_id: str
    began_at: datetime
    alarms: Sequence[str]


@dataclass(frozen=True, slots=True)
class CreateTransfer:
    """Ask the provider for a transfer; the answer is an `Answer`."""

    call: TransferCall


@dataclass(frozen=True, slots=True)
class ListTransfers:
    """Ask the provider for a payout's transfers; the answer is a sequence of them."""

    payout_id: str


@dataclass(frozen=True, slots=True)
class ListRunTransfers:
    """Ask the provider for a run's transfers; the answer is a sequence of them."""

    run_id: str


@dataclass(frozen=True, slots=True)
class RetrieveTransfer:
    """Read one transfer again; the answer is the transfer or None."""

    transfer_id: str


type Effect = Decide | ReadRun | CloseReconcile | CreateTransfer | ListTransfers | ListRunTransfers | RetrieveTransfer
type Steps[Result] = Generator[Effect, Any, Result]


@dataclass(frozen=True, slots=True)
class RunBooks:
    """A run's payouts as they stood at one instant of the database's clock."""

    at: datetime
    payouts: Mapping[str, PayoutState]


class PayoutStore(Protocol):
    """The database, as the sender sees it. Every method is one transaction of its own."""

    def decide(self, payout_id: str, rule: Rule) -> Decision:
        """Load, decide, save, commit.

        In one transaction: lock the payout's row (`FOR UPDATE`); read the `Facts` with the
        row locked, `now` from `clock_timestamp()`; call `rule(state, facts)`; save
        `decision.state`; post `decision.entry`; when `decision.call` is set, write the attempt
        `state.attempt` if it is new; when `decision.alarm` is set, write it down and pause the
        run. Returns the decision after the commit. Raises whatever the database raises: the
        transaction then did not happen, or the worker does not know that it did, and either
        is as harmless as a crash.
        """
        ...

    def read_run(self, run_id: str) -> RunBooks:
        """All payouts of the run, whatever their state, and the database's clock."""
        ...

    def close_reconcile(self, run_id: str, *, began_at: datetime, alarms: Sequence[str]) -> None:
        """Note that a reconcile which began at `began_at` has ended.

        Without alarms, rows are known to be no older than the provider's books from then on
        (`Facts.is_reconciled`), unless the database was restored since `began_at`. With
        alarms, write them down and pause the run until a person has looked.
        """
        ...


class Clock(Protocol):
    """The worker's own clock, good for spans only."""

    def monotonic(self) -> float:
        """Seconds since some fixed instant; never goes back, goes on during suspension."""
        ...


class Procedures:
    """What is done in which order, as generators of effects."""

    def __init__(self, clock: Clock, rules: Rules = RULES) -> None:
        self.clock = clock
        self.rules = rules

    def send(self, payout_id: str) -> Steps[Decision]:
        """Bring one payout as far towards `sent` as is safe now. May run any number of times,
        by any number of workers at once."""
        began = self.clock.monotonic()
        decision: Decision = yield Decide(payout_id, self.rules.claim)
        fence = decision.state.fence
        if decision.plan is Plan.LIST_FIRST:
            decision = yield from self.look(payout_id, fence)
        if decision.call is not None:
            spent = timedelta(seconds=self.clock.monotonic() - began)
            if not self.rules.may_call(self.rules.LEASE - spent):
                return decision
            answer = yield CreateTransfer(decision.call)
            decision = yield Decide(payout_id, partial(self.rules.after_answer, answer=answer, fence=fence))
            if decision.plan is Plan.LIST_FIRST:
                decision = yield from self.look(payout_id, fence)
        return decision

    def look(self, payout_id: str, fence: int) -> Steps[Decision]:
        """List the payout's transfers and decide with them on the table."""
        found = yield ListTransfers(payout_id)
        decision: Decision = yield Decide(payout_id, partial(self.rules.after_listing, found=found, fence=fence))
        return decision

    def settle(self, told: Transfer) -> Steps[Decision | None]:
        """Act on news of a transfer. Only its names are believed: the rest is read again.

        None when the provider knows no such transfer of that payout: not ours, or forged.
        """
        transfer: Transfer | None = yield RetrieveTransfer(told.id)
        if transfer is None or transfer.payout_id != told.payout_id:
            return None
        decision: Decision = yield Decide(told.payout_id, partial(self.rules.settle, transfer=transfer))
        return decision

    def reconcile(self, run_id: str) -> Steps[Comparison]:
        """Compare a run with the provider's books, catch up on what we missed, report the rest."""
        books: RunBooks = yield ReadRun(run_id)
        transfers: Iterable[Transfer] = yield ListRunTransfers(run_id)
        comparison = compare_run(books.payouts, transfers, at=books.at)
        for transfer in comparison.to_settle:
            yield Decide(transfer.payout_id, partial(self.rules.settle, transfer=transfer))
        yield CloseReconcile(run_id, books.at, comparison.alarms)
        return comparison


class Sender(Procedures):
    """The procedures carried out for real, one effect after the other."""

    def __init__(self, store: PayoutStore, provider: TransferProvider, clock: Clock, rules: Rules = RULES) -> None:
        super().__init__(clock, rules)
        self.store = store
        self.provider = provider

    def send_one(self, payout_id: str) -> Decision:
        """See `Procedures.send`. Raises what a reading of the provider or the database raises."""
        return self.carry_out(self.send(payout_id))

    def settle_one(self, told: Transfer) -> Decision | None:
        """See `Procedures.settle`."""
        return self.carry_out(self.settle(told))

    def reconcile_run(self, run_id: str) -> Comparison:
        """See `Procedures.reconcile`."""
        return self.carry_out(self.reconcile(run_id))

    def carry_out[Result](self, steps: Steps[Result]) -> Result:
        """Do each effect the procedure asks for, until it returns."""
        answer: Any = None
        while True:
            try:
                effect = steps.send(answer)
            except StopIteration as end:
                result: Result = end.value
                return result
            answer = self.do(effect)

    def do(self, effect: Effect) -> object:
        """One effect: one transaction or one request."""
        match effect:
            case Decide(payout_id, rule):
                return self.store.decide(payout_id, rule)
            case CreateTransfer(call):
                return self.provider.create_transfer(call)
            case ListTransfers(payout_id):
                return self.provider.list_transfers(payout_id)
            case ListRunTransfers(run_id):
                return self.provider.list_run_transfers(run_id)
            case RetrieveTransfer(transfer_id):
                return self.provider.retrieve_transfer(transfer_id)
            case ReadRun(run_id):
                return self.store.read_run(run_id)
            case CloseReconcile(run_id, began_at, alarms):
                self.store.close_reconcile(run_id, began_at=began_at, alarms=alarms)
                return None
