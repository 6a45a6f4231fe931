"""The Stripe stand-in as a process of its own, and payees and runs that use it."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from affiliates.models import RoleGrant, User
from affiliates.teams import grant_role
from payouts import commissions, methods, providers, runs, transfers
from payouts.models import Payout, PayoutMethod, PayoutRun
from payouts.sender import Sender
from tests.factories.world import World, make_sale, make_user, make_world
from tests.fakestripe.talk import Talk


@pytest.fixture(scope="session")
def standin_process() -> Iterator[Talk]:
    """One process for the whole test session."""
    command = [sys.executable, "-m", "fakestripe", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Talk(process.stdout.readline().split()[-1])
        process.terminate()


@pytest.fixture
def bank(standin_process: Talk, settings) -> Talk:
    """The stand-in, empty, and the settings that lead to it."""
    settings.STRIPE_SECRET_KEY = ""
    settings.STRIPE_API_BASE = standin_process.base
    settings.PAYOUT_SENDS_PER_SECOND = 10_000
    standin_process.control("POST", "reset", {"endpoints": True})
    standin_process.control("POST", "webhooks", {"paused": True})
    return standin_process


def onboard(world: World, bank: Talk, *, at: datetime) -> PayoutMethod:
    """The affiliate sets its account up at the stand-in, as a person would."""
    PayoutMethod.objects.filter(affiliate=world.affiliate).delete()
    methods.start_onboarding(
        world.affiliate, refresh_url="http://testserver/a", return_url="http://testserver/b", by=world.partner, at=at
    )
    method = methods.method_of(world.affiliate)
    assert method is not None
    change_account(bank, method, transfers="active", submitted=True, bank="4242")
    return methods.refresh_method(method, at=at)


def change_account(talk: Talk, method: PayoutMethod, **facts: object) -> None:
    """Something changes at Stripe's side of an account."""
    talk.control("POST", f"accounts/{method.account}", facts)


def earn(world: World, amount: str = "500.00", *, at: datetime) -> None:
    """A sale of `amount`, whose 20 % is approved two days before `at`."""
    make_sale(world, amount, at=at - timedelta(days=33))
    commissions.approve_due_commissions(at=at - timedelta(days=2))


def make_payee(bank: Talk, at: datetime, amount: str = "500.00", **more) -> World:
    """A world whose affiliate is onboarded and has something to get."""
    world = make_world(at, **more)
    onboard(world, bank, at=at - timedelta(days=20))
    earn(world, amount, at=at)
    return world


def make_desk(at: datetime) -> tuple[User, User]:
    """The two people of the finance desk: the one who prepares, the one who approves."""
    maker, checker = make_user("maker"), make_user("checker")
    grant_role(maker, RoleGrant.Role.FINANCE_MAKER, at=at)
    grant_role(checker, RoleGrant.Role.FINANCE_CHECKER, at=at)
    return maker, checker


def prepare(maker: User, *, at: datetime, label: str = "2026-02") -> PayoutRun:
    """A run up to `at`."""
    return runs.prepare_run(label, starts_at=at - timedelta(days=31), ends_at=at, by=maker, at=at)


def start(maker: User, checker: User, *, at: datetime, label: str = "2026-02") -> PayoutRun:
    """A run that is being sent: prepared, submitted, approved by the other one, started."""
    run = prepare(maker, at=at, label=label)
    runs.submit_run(run, by=maker, at=at)
    runs.approve_run(run, by=checker, at=at)
    return runs.start_run(run, by=checker, at=at)


def send(run: PayoutRun, *, later: timedelta = timedelta(0)) -> None:
    """One pass of the worker, `later` than now by the database's clock."""
    transfers.send_run(run.refreshed(), sender(later), funds=providers.available_funds)


def sender(later: timedelta = timedelta(0)) -> Sender:
    """Production's sender, with a clock that is ahead."""
    return providers.stripe_sender(clock=lambda: transfers.database_clock() + later)


def only_payout(run: PayoutRun) -> Payout:
    """The run's one payout."""
    return Payout.objects.select_related("run", "affiliate", "method").get(run=run)
