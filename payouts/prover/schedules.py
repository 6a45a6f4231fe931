"""One schedule: a small network, a storm of faults and people, then calm, then the verdict.

A schedule is a pure function of its seed and index. Each draws its own weather, a random subset
of all faults, because a few faults that meet often find more than many that meet rarely.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from random import Random

from payouts.protocol import RULES, Rules, State
from payouts.prover.actors import Payee
from payouts.prover.bank import FATES, LONGEST_LAG, Bank
from payouts.prover.oracle import Verdict, judge
from payouts.prover.world import CURRENCY, World
from payouts.provider import Transfer
from payouts.sender import (
    CreateTransfer,
    ListRunTransfers,
    ListTransfers,
    Procedures,
    RetrieveTransfer,
)

READINGS = (CreateTransfer, ListTransfers, ListRunTransfers, RetrieveTransfer)
MINUTE = 60.0
HOUR = 3_600.0
MOMENTS = (1.0, 5.0, 20.0, 45.0, 90.0, 150.0, 280.0)
GAPS = (
    310.0,
    7 * MINUTE,
    11 * MINUTE,
    16 * MINUTE,
    HOUR,
    5 * HOUR,
    19.9 * HOUR,
    21 * HOUR,
    25 * HOUR,
    50 * HOUR,
)
#: The rounds of the calm. What is still open after the short ones is overdue, unless a call that
#: nobody heard the end of has to fade, or a restored database has to find out which keys are spent.
SHORT_CALM = (30 * MINUTE,) * 6
LONG_CALM = (21 * HOUR, *(30 * MINUTE,) * 3)


@dataclass(frozen=True, slots=True)
class Design:
    """A way of paying, to be tried: ours, one of its mutants, or somebody else's."""

    name: str
    breaks: str = ""  # the rule a mutant breaks, in words
    procedures: type[Procedures] = Procedures
    rules: Rules = field(default_factory=lambda: RULES)
    #: The happenings it has to live with; None for all of them.
    happenings: frozenset[str] | None = None
    #: Only one sending at a time, as behind a strict queue.
    is_serial: bool = False
    #: May it take a day of calm?
    is_slow: bool = False


OURS = Design("write-intent")


def crash(world: World) -> None:
    """A worker is killed where it stands."""
    if world.tasks:
        task = world.tasks.pop(int(world.dice.random() * len(world.tasks)))
        if world.trace is not None:
            world.say(f"KILL {task.name}")


def suspend(world: World) -> None:
    """A worker is suspended where it stands, mostly with news from the provider in its hands."""
    if world.tasks:
        told = [task for task in world.tasks if task.effect in READINGS]
        task = world.dice.choice(told if told and world.dice.random() < 0.7 else world.tasks)
        world.tasks.remove(task)
        world.asleep.append(task)
        if world.trace is not None:
            world.say(f"SUSPEND {task.name}")


def wake(world: World) -> None:
    """The suspended workers go on, knowing nothing of the time that passed."""
    if world.asleep:
        if world.trace is not None:
            world.say(f"WAKE {[task.name for task in world.asleep]}")
        world.tasks.extend(world.asleep)
        world.asleep.clear()


def gap(world: World) -> None:
    """Nothing runs for a while: a deploy, a night, a weekend."""
    world.advance(world.dice.choice(GAPS))


def night(world: World) -> None:
    """A long gap, after which the timetable delivers every task again."""
    world.advance(world.dice.choice(GAPS))
    for payout_id in world.states:
        world.send(payout_id)
        for _ in range(2):
            if world.tasks:
                world.step(world.tasks[-1])


def hear(world: World) -> None:
    """A webhook arrives: any of the news so far, in any order, perhaps not for the last time."""
    news = world.bank.news
    if news:
        index = int(world.dice.random() * len(news))
        world.tell(news[index] if world.dice.random() < 0.4 else news.pop(index))


def hear_from_elsewhere(world: World) -> None:
    """A webhook about a transfer that is not ours, bearing the name of a payout of ours."""
    payout_id = world.dice.choice(list(world.states))
    payout = world.states[payout_id]
    world.tell(Transfer("tr_elsewhere", payout_id, payout.amount_minor, CURRENCY, payout.destination))


def reconcile(world: World) -> None:
    """The timetable starts a reconcile."""
    world.reconcile(world.runs[-1])


def earn(world: World) -> None:
    """New commissions are approved in the middle of the run."""
    payee = world.dice.choice(world.payees)
    world.earn(payee, 1 + int(world.dice.random() * 9_000))
    if world.trace is not None:
        world.say(f"{payee.name} earns more: {payee.earned} in all")


def freeze_or_unfreeze(world: World) -> None:
    """Staff freeze an affiliate, or let them go again."""
    payee = world.dice.choice(world.payees)
    payee.is_frozen = not payee.is_frozen
    payee.barred_at = world.seconds
    if world.trace is not None:
        world.say(f"{payee.name} frozen: {payee.is_frozen}")


def change_account(world: World) -> None:
    """A payee, or somebody in their name, enters another account."""
    payee = world.dice.choice(world.payees)
    number = len(payee.accounts)
    payee.account = f"acct-{payee.name}-{number}"
    payee.fingerprint = f"fp-{payee.name}-{number}"
    payee.accounts.add(payee.account)
    payee.changed_at = world.seconds
    if world.trace is not None:
        world.say(f"{payee.name} changes to {payee.account}")


def cancel_run(world: World) -> None:
    """Finance calls the run off."""
    world.cancel(world.runs[-1])


def resume(world: World) -> None:
    """Finance puts held payouts back, having seen to it that no approval is pending."""
    waiting = {call.payout_id for _, call in world.bank.awaiting_approval}
    for payout_id, payout in world.states.items():
        if payout.state == State.BLOCKED and payout_id not in waiting:
            world.order(payout_id, world.rules.resume)


def drain_or_fund(world: World) -> None:
    """The balance at the provider runs out, or is topped up."""
    world.bank.balance = 0 if world.bank.balance > 0 else 10**6
    if world.trace is not None:
        world.say(f"balance {world.bank.balance}")


def close_or_open_account(world: World) -> None:
    """The provider takes a payee's capability away, or gives it back."""
    account = world.dice.choice(world.payees).account
    world.bank.closed.symmetric_difference_update({account})
    if world.trace is not None:
        world.say(f"{account} closed: {account in world.bank.closed}")


def reverse(world: World) -> None:
    """Somebody at the provider's dashboard takes a transfer back."""
    standing = [transfer for transfer in world.bank.transfers.values() if not transfer.reversed_minor]
    # A second transfer for one payout stays visible to the oracle.
    if standing and len({transfer.payout_id for transfer in standing}) == len(standing):
        transfer = world.dice.choice(standing)
        world.bank.reverse(transfer)
        if world.trace is not None:
            world.say(f"{transfer.id} reversed")


def back_up_or_restore(world: World) -> None:
    """A backup is taken; or the database is lost and the last backup restored."""
    if world.backup is None or world.dice.random() < 0.2:
        world.back_up()
        if world.trace is not None:
            world.say("backup")
    else:
        if world.trace is not None:
            world.say("RESTORE")
        world.restore()


HAPPENINGS: dict[str, Callable[[World], None]] = {
    happening.__name__: happening
    for happening in (
        crash,
        suspend,
        wake,
        gap,
        night,
        hear,
        hear_from_elsewhere,
        reconcile,
        earn,
        freeze_or_unfreeze,
        change_account,
        cancel_run,
        resume,
        drain_or_fund,
        close_or_open_account,
        reverse,
        back_up_or_restore,
    )
}


#: Faults that are worst in company. Half of all schedules draw from one of these, the other half
#: from everything.
THEMES: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (  # late workers
        frozenset({"lost", "answer_lost", "died_before", "died_after", "failed"}),
        frozenset({"crash", "suspend", "wake", "gap", "night"}),
    ),
    (  # late listings
        frozenset({"lost", "failed_after", "died_after"}),
        frozenset({"suspend", "wake", "night", "crash"}),
    ),
    (  # late requests and a payee whose standing flickers
        frozenset({"late", "died_late", "refused", "busy"}),
        frozenset({"night", "close_or_open_account"}),
    ),
    (  # lost database
        frozenset({"answer_lost", "died_after"}),
        frozenset({"back_up_or_restore", "gap", "night", "reconcile", "hear", "cancel_run"}),
    ),
    (  # people change their minds
        frozenset({"lost", "answer_lost", "on_approval", "died_on_approval", "slow"}),
        frozenset({"earn", "freeze_or_unfreeze", "change_account", "cancel_run", "resume", "gap", "night"}),
    ),
    (  # money runs out and comes back
        frozenset({"late", "failed", "failed_after"}),
        frozenset({"drain_or_fund", "resume", "reverse", "hear", "night"}),
    ),
)


def play(design: Design, *, seed: int, index: int, trace: list[str] | None = None) -> Verdict:
    """Play one schedule from beginning to end and judge it."""
    dice = Random(f"{seed}/{index}")  # noqa: S311
    world, happenings = _begin(design, dice, trace)
    _storm(world, happenings)
    _calm(world, design)
    if any(payee.payable > 0 for payee in world.payees):
        run = world.freeze_run()
        if trace is not None:
            world.say(f"{run.run_id} freezes {[world.frozen[payout_id].amount for payout_id in run.payout_ids]}")
        _calm(world, design)
    for news in world.bank.news:
        world.tell(news)
    wake(world)
    world.drain()
    return judge(world, index=index)


def _begin(design: Design, dice: Random, trace: list[str] | None) -> tuple[World, list[Callable[[World], None]]]:
    """Draw the weather and found the network: one to three affiliates, one approved run."""
    roll = dice.random
    fates: Collection[str] = FATES
    names: Collection[str] = HAPPENINGS
    share, calm = 0.15 + 0.3 * roll(), 1 + int(roll() * 4)
    if roll() < 0.5:
        fates, names = THEMES[int(roll() * len(THEMES))]
        share, calm = 0.75, 1
    fates = ("ok",) * calm + tuple(fate for fate in FATES if fate in fates and roll() < share)
    bank = Bank(
        dice,
        fates=tuple(fates),
        lag=LONGEST_LAG if roll() < 0.5 else 0.0,
        balance=10**6 if roll() < 0.8 else int(roll() * 20_000),
    )
    world = World(dice, bank, design.procedures, design.rules, is_serial=design.is_serial, trace=trace)
    for name in "abc"[: 1 + (roll() < 0.3) + (roll() < 0.1)]:
        world.payees.append(payee := Payee(name, account=f"acct-{name}-0", fingerprint=f"fp-{name}-0"))
        payee.accounts.add(payee.account)
        world.earn(payee, 1_000 + int(roll() * 9_000))
    world.freeze_run()
    allowed = design.happenings
    happenings = [
        happening
        for name, happening in HAPPENINGS.items()
        if name in names and roll() < share and (allowed is None or name in allowed)
    ]
    if trace is not None:
        world.say(f"fates {fates}, {[happening.__name__ for happening in happenings]}")
    return world, happenings


def _storm(world: World, happenings: list[Callable[[World], None]]) -> None:
    roll = world.dice.random
    tasks = world.tasks
    payout_ids = list(world.states)
    for _ in range(25 + int(roll() * 35)):
        chance = roll()
        if chance < 0.6:
            if tasks:
                # Mostly the newest, so that procedures get somewhere while others lag behind.
                world.step(tasks[-1 if chance < 0.35 else int(roll() * len(tasks))])
                continue
        elif chance < 0.82:
            if happenings:
                happenings[int(roll() * len(happenings))](world)
            continue
        elif chance < 0.9:
            world.advance(MOMENTS[int(roll() * len(MOMENTS))])
            continue
        world.send(payout_ids[int(roll() * len(payout_ids))])


def _calm(world: World, design: Design) -> None:
    """Faults end; workers, timetable and people do their daily work until nothing is open."""
    if world.trace is not None:
        world.say("== calm")
    world.bank.grow_calm()
    for payee in world.payees:
        payee.is_frozen = False
    world.advance(25 * HOUR if world.dice.random() < 0.3 else 15 * MINUTE)
    fading: set[str] = set()
    for number, wait in enumerate(SHORT_CALM):
        if number > 0 or world.dice.random() < 0.5:
            wake(world)
        if _work(world):
            return
        if number == 1:
            fading = {payout_id for payout_id in world.unfinished if world.is_fading(payout_id)}
        world.advance(wait)
    if not (design.is_slow or world.was_restored):
        world.overdue.extend(name for name in world.unfinished if name not in fading)
    for wait in LONG_CALM:
        if _work(world):
            return
        world.advance(wait)


def _work(world: World) -> bool:
    """One round of everybody's daily work; true when nothing is left to do."""
    for run in world.runs:
        world.reconcile(run)
    resume(world)
    for payout_id in world.sendable:
        if world.is_serial:
            world.drain()
        world.send(payout_id)
    world.drain()
    return not world.unfinished
