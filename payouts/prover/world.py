"""The simulated world: a store with atomic transactions, a ledger, workers, and time.

Every step lets one procedure run to its next effect and does that effect. A worker that is not
stepped is suspended there, for as long as the schedule likes; one that is dropped has crashed
there. So every commit and every call has a crash point before and behind it.
"""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from payouts.protocol import (
    IN_FLIGHT,
    LIVE,
    BookEntry,
    Decision,
    Facts,
    PayoutState,
    Rules,
    State,
)
from payouts.prover.actors import Backup, Frozen, Payee, Run, Task
from payouts.prover.bank import DEAD, WAITING, Bank
from payouts.provider import Transfer, TransferCall
from payouts.sender import (
    CloseReconcile,
    CreateTransfer,
    Decide,
    ListRunTransfers,
    ListTransfers,
    Procedures,
    ReadRun,
    RetrieveTransfer,
    Rule,
    RunBooks,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
CURRENCY = "EUR"
#: A transfer may still come out this long after it was barred: the claim was made before.
GRACE = 900.0
#: A restore takes longer than a call can linger.
RESTORE = 1_200.0


class World:
    """Everything there is, and the one place where it changes."""

    def __init__(
        self,
        dice: Random,
        bank: Bank,
        procedures: type[Procedures],
        rules: Rules,
        *,
        is_serial: bool = False,
        trace: list[str] | None = None,
    ) -> None:
        self.dice = dice
        self.bank = bank
        bank.on_transfer = self.watch
        self.rules = rules
        self.is_serial = is_serial
        self.trace = trace
        self.seconds = 0.0
        self.now = EPOCH
        self.procedures = procedures(self, rules)
        self.states: dict[str, PayoutState] = {}
        self.frozen: dict[str, Frozen] = {}
        self.payees: list[Payee] = []
        self.runs: list[Run] = []
        self.tasks: list[Task] = []
        self.asleep: list[Task] = []
        self.is_reconciled = True
        self.was_restored = False
        self.backup: Backup | None = None
        self.alarms: list[str] = []
        self.overdue: list[str] = []
        self.misdeeds: list[str] = []
        self.misposted: list[str] = []

    def monotonic(self) -> float:
        """The workers' clock."""
        return self.seconds

    def say(self, text: str) -> None:
        """A line of the trace; callers ask for `trace` first, because most worlds have none."""
        if self.trace is not None:
            self.trace.append(f"{self.now - EPOCH!s:>18}  {text}")

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
        self.now = EPOCH + timedelta(seconds=self.seconds)
        self.bank.advance(self.seconds)
        if self.trace is not None:
            self.say(f"-- {seconds:.0f} s later")

    # The books

    def earn(self, payee: Payee, amount: int) -> None:
        """A commission is approved."""
        payee.earned += amount
        payee.payable += amount

    def freeze_run(self) -> Run:
        """Freeze what is payable into payouts of a new, approved run."""
        run = Run(f"run_{len(self.runs)}")
        self.runs.append(run)
        for payee in self.payees:
            if payee.payable > 0:
                payout_id = f"{run.run_id}-{payee.name}"
                self.states[payout_id] = PayoutState(
                    payout_id, payee.payable, CURRENCY, payee.account, payee.fingerprint
                )
                self.frozen[payout_id] = Frozen(payee, run, payee.payable, payee.account, payee.fingerprint)
                run.payout_ids.add(payout_id)
                payee.in_transit += payee.payable
                payee.payable = 0
        return run

    def facts(self, payout_id: str) -> Facts:
        """What a decision may know."""
        frozen = self.frozen[payout_id]
        run = frozen.run
        return Facts(
            self.now,
            frozen.payee.fingerprint,
            not (run.is_paused or run.is_cancelled),
            run.is_cancelled,
            not frozen.payee.is_frozen,
            self.is_reconciled,
        )

    def decide(self, payout_id: str, rule: Rule) -> Decision:
        """One transaction over one payout."""
        decision = rule(self.states[payout_id], self.facts(payout_id))
        self.states[payout_id] = decision.state
        if decision.entry is not BookEntry.NOTHING:
            self.post(payout_id, decision.entry)
        if decision.alarm:
            self.raise_alarm(self.frozen[payout_id].run, f"{decision.alarm} {payout_id}")
        return decision

    def post(self, payout_id: str, entry: BookEntry) -> None:
        """The ledger. It checks nothing for the caller and forgives nothing."""
        payee, amount = self.frozen[payout_id].payee, self.frozen[payout_id].amount
        if entry is BookEntry.RETURN:
            payee.cash -= amount
        else:
            payee.in_transit -= amount
        if entry is BookEntry.SETTLEMENT:
            payee.cash += amount
        else:
            payee.payable += amount
        if payee.cash < 0 or payee.in_transit < 0:
            self.misposted.append(f"{entry} of {payout_id} took what was not there")

    def raise_alarm(self, run: Run, alarm: str) -> None:
        """Stop the run; nobody in this world ever waves an alarm away."""
        self.alarms.append(alarm)
        run.is_paused = True

    def close_reconcile(self, effect: CloseReconcile) -> None:
        """A reconcile has ended."""
        if effect.alarms:
            run = next(run for run in self.runs if run.run_id == effect.run_id)
            for alarm in effect.alarms:
                self.raise_alarm(run, alarm)
        else:
            self.is_reconciled = True

    def watch(self, call: TransferCall, was_approved: bool) -> None:
        """The oracle's eye on the provider: was this transfer still allowed when it came out?"""
        frozen = self.frozen[call.payout_id]
        payee, run, at = frozen.payee, frozen.run, self.bank.now
        if call.destination != frozen.destination:
            self.misdeeds.append(f"{call.key} went to {call.destination}")
        if was_approved:
            return
        if payee.is_frozen and at > payee.barred_at + GRACE:
            self.misdeeds.append(f"{call.key} left for a frozen payee")
        if payee.fingerprint != frozen.fingerprint and at > payee.changed_at + GRACE:
            self.misdeeds.append(f"{call.key} left after the account changed")
        if run.is_cancelled and at > run.cancelled_at + GRACE:
            self.misdeeds.append(f"{call.key} left a cancelled run")

    # The workers

    def spawn(self, name: str, steps: Generator[Any, Any, Any]) -> None:
        """A task is delivered to a worker."""
        self.tasks.append(Task(name, steps))

    def send(self, payout_id: str) -> None:
        """Deliver the task of sending a payout, once more."""
        if self.is_serial and (self.tasks or self.asleep):
            return
        self.spawn(f"send {payout_id}", self.procedures.send(payout_id))

    def reconcile(self, run: Run) -> None:
        """Deliver the task of reconciling a run, once more."""
        self.spawn(f"reconcile {run.run_id}", self.procedures.reconcile(run.run_id))

    def tell(self, news: Transfer) -> None:
        """Deliver a webhook, once more."""
        self.spawn(f"webhook {news.id}", self.procedures.settle(news))

    def cancel(self, run: Run) -> None:
        """Finance calls a run off: what never left is given back."""
        if not run.is_cancelled:
            run.is_cancelled = True
            run.cancelled_at = self.seconds
        for payout_id in sorted(run.payout_ids):
            self.order(payout_id, self.rules.cancel)

    def order(self, payout_id: str, rule: Rule) -> None:
        """A person asks for something; it is one transaction."""
        decision = self.decide(payout_id, rule)
        if self.trace is not None:
            self.say(f"person: {payout_id} {decision.reason} -> {decision.state.state}")

    def step(self, task: Task) -> None:
        """One worker moves to its next effect, which is done."""
        if task.is_waiting:
            return
        try:
            effect = task.steps.send(task.answer)
        except StopIteration:
            self.tasks.remove(task)
            return
        task.effect = kind = type(effect)
        if kind is Decide:
            task.answer = self.decide(effect.payout_id, effect.rule)
        elif kind is CreateTransfer:
            answer = self.bank.create(effect.call, task.deliver)
            if answer is DEAD:
                self.tasks.remove(task)
            elif answer is WAITING:
                task.is_waiting = True
            task.answer = answer
        elif kind is ListTransfers:
            task.answer = self.bank.list_transfers({effect.payout_id})
        elif kind is ListRunTransfers:
            task.answer = self.bank.list_transfers(self.run(effect.run_id).payout_ids)
        elif kind is RetrieveTransfer:
            task.answer = self.bank.transfers.get(effect.transfer_id)
        elif kind is ReadRun:
            payouts = {payout_id: self.states[payout_id] for payout_id in self.run(effect.run_id).payout_ids}
            task.answer = RunBooks(self.now, payouts)
        elif kind is CloseReconcile:
            self.close_reconcile(effect)
            task.answer = None
        else:
            task.answer = effect.deed(self)
        if self.trace is not None:
            self.say(f"{task.name}: {_shown(kind.__name__, effect, task.answer)}")

    def run(self, run_id: str) -> Run:
        """The run of this name."""
        return self.runs[int(run_id.removeprefix("run_"))]

    def drain(self) -> None:
        """Let every worker finish, in any order."""
        while self.tasks:
            task = self.tasks[int(self.dice.random() * len(self.tasks))]
            if task.is_waiting:
                self.advance(80.0)
            self.step(task)

    # Backup and restore

    def back_up(self) -> None:
        """Keep a copy of the database."""
        self.backup = Backup(
            dict(self.states),
            [
                (
                    p,
                    p.earned,
                    p.account,
                    p.fingerprint,
                    p.is_frozen,
                    p.payable,
                    p.in_transit,
                    p.cash,
                )
                for p in self.payees
            ],
            [(run, run.is_cancelled, run.is_paused) for run in self.runs],
        )

    def restore(self) -> None:
        """Go back to the copy. Merchants report again what they had reported since."""
        if self.backup is None:
            return
        self.tasks.clear()
        self.asleep.clear()
        self.states = dict(self.backup.states)
        for (
            payee,
            earned,
            account,
            fingerprint,
            is_frozen,
            payable,
            in_transit,
            cash,
        ) in self.backup.payees:
            payee.account, payee.fingerprint, payee.is_frozen = account, fingerprint, is_frozen
            payee.payable, payee.in_transit, payee.cash = payable, in_transit, cash
            payee.payable += payee.earned - earned
            payee.barred_at = self.seconds
        for run, is_cancelled, is_paused in self.backup.runs:
            run.is_cancelled, run.is_paused = is_cancelled, is_paused
        self.is_reconciled = False
        self.was_restored = True
        # The operator's list says: let nothing wait for approval at the provider.
        self.bank.awaiting_approval.clear()
        self.advance(RESTORE)

    # The end

    @property
    def unfinished(self) -> list[str]:
        """Payouts that are neither settled nor given back."""
        return [
            payout_id
            for payout_id, payout in self.states.items()
            if payout.state in LIVE or (payout.state == State.BLOCKED and payout.is_reserved)
        ]

    def is_fading(self, payout_id: str) -> bool:
        """Must a call that nobody heard the end of fade before this payout can end?"""
        quiet_at = self.states[payout_id].quiet_at
        return quiet_at is not None and self.now + self.rules.QUIET < quiet_at

    @property
    def sendable(self) -> list[str]:
        """Payouts a worker may be sent for."""
        return [
            payout_id
            for payout_id, payout in self.states.items()
            if payout.state == State.READY or payout.state in IN_FLIGHT
        ]


def _shown(kind: str, effect: object, answer: object) -> str:
    if isinstance(answer, Decision):
        state = answer.state
        return (
            f"{answer.reason} -> {state.state} attempt {state.attempt} fence {state.fence} {answer.plan}"
            f"{' ' + answer.entry if answer.entry is not BookEntry.NOTHING else ''}"
            f"{' ALARM ' + answer.alarm if answer.alarm else ''}"
        )
    if isinstance(effect, CreateTransfer):
        return f"create {effect.call.key} {effect.call.amount_minor} -> {answer}"
    return f"{kind} -> {answer}"
