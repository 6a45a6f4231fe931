"""A database restored to an older point never pays twice (fault 8), and looks at the account of today (fault 24)."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from ledger.accounts import balance_of
from ledger.journal import events_about
from ledger.money import Money
from payouts import chart, epochs, methods, runs, tasks, transfers
from payouts.errors import PayoutNotInState, RunHasAlarm, RunNotReconciled
from payouts.models import Payout, PayoutMethod, PayoutRun
from tests.factories.standin import make_desk, make_payee, only_payout, prepare, send, sender, start
from tests.factories.world import make_payout_method

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_agree")]

USD = "USD"


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def desk(at):
    return make_desk(at)


@contextmanager
def forgotten(monkeypatch):
    """What happens inside is forgotten by our database, as by one restored from an older backup; Stripe remembers."""
    backup = transaction.savepoint()
    yield
    transaction.savepoint_rollback(backup)
    now = epochs.database_epoch()
    for module in ("payouts.epochs", "payouts.runs", "payouts.transfers", "payouts.whole_books"):
        monkeypatch.setattr(f"{module}.database_epoch", lambda: f"{now}.restored")


def test_a_restored_run_that_was_really_sent_is_not_called_off(at, bank, desk, monkeypatch):
    maker, checker = desk
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = prepare(maker, at=at)
    with forgotten(monkeypatch):
        runs.submit_run(run, by=maker, at=at)
        runs.approve_run(run, by=checker, at=at)
        send(runs.start_run(run, by=checker, at=at))

    with pytest.raises(RunNotReconciled):
        runs.cancel_run(run, by=maker, at=at)
    with pytest.raises(RunNotReconciled):
        runs.exclude_payout(only_payout(run), note="x", by=maker, at=at)
    transfers.reconcile_after_restore(run.refreshed(), sender())
    with pytest.raises(PayoutNotInState):
        runs.cancel_run(run, by=maker, at=at)
    with pytest.raises(PayoutNotInState):
        runs.exclude_payout(only_payout(run), note="x", by=maker, at=at)

    assert only_payout(run).state == "paid"
    assert run.refreshed().status == "prepared"
    assert balance_of(chart.payable(world.affiliate), USD) == Money.zero(USD)
    assert balance_of(chart.in_transit(run), USD) == Money.zero(USD)


def test_a_restored_run_that_never_left_can_be_called_off_once_it_was_compared(at, bank, desk, monkeypatch):
    world = make_payee(bank, at)
    run = prepare(desk[0], at=at)
    with forgotten(monkeypatch):
        pass

    transfers.reconcile_after_restore(run, sender())
    runs.cancel_run(run.refreshed(), by=desk[0], at=at)

    assert balance_of(chart.payable(world.affiliate), USD) == Money(10000, USD)


def test_a_whole_run_that_was_forgotten_is_not_paid_again(at, bank, desk, monkeypatch):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    with forgotten(monkeypatch):
        send(start(*desk, at=at))
    assert not PayoutRun.objects.exists()
    again = start(*desk, at=at + timedelta(minutes=1))

    tasks.continue_runs()

    assert again.refreshed().alarm.startswith("foreign tr_")
    assert only_payout(again).state == "ready"
    assert len(bank.client().v1.transfers.list({"limit": 10}).data) == 1
    assert events_about("stripe").filter(name="stripe.disagrees").exists()
    tasks.compare_everything()
    assert not events_about("stripe").filter(name="stripe.compared").exists()


def test_a_run_waiting_for_approval_stands_still_too_when_a_run_was_forgotten(at, bank, desk, monkeypatch):
    maker, checker = desk
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    with forgotten(monkeypatch):
        send(start(maker, checker, at=at))
    run = prepare(maker, at=at)
    runs.submit_run(run, by=maker, at=at)
    runs.approve_run(run, by=checker, at=at)

    tasks.compare_everything()

    with pytest.raises(RunHasAlarm):
        runs.start_run(run, by=checker, at=at)
    runs.clear_alarm(run, note="the old run, entered by hand", by=checker, at=at)
    tasks.compare_everything()
    assert run.refreshed().alarm == ""


def test_every_night_a_reversal_that_no_webhook_told_of_is_found_in_closed_runs_too(at, bank, desk):
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    send(run)
    transfers.reconcile(run, sender())
    runs.close_finished_run(run, at=at)
    payout = only_payout(run)
    bank.client().v1.transfers.reversals.create(payout.transfer_id, {"amount": payout.amount_minor})

    tasks.compare_everything()

    assert only_payout(run).block_reason == "transfer_reversed"
    assert balance_of(chart.payable(world.affiliate), USD) == Money(10000, USD)
    assert events_about("stripe").filter(name="stripe.compared").count() == 1


def test_a_payout_does_not_go_to_an_account_that_was_replaced(at, bank, desk):
    """Fault 24: the frozen account is verified still, but the affiliate's no more."""
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    old = methods.method_of(world.affiliate)
    PayoutMethod.objects.filter(pk=old.pk).update(status=PayoutMethod.Status.REPLACED)
    make_payout_method(world.affiliate, at=at)
    methods.apply_standing(old, status="verified", fingerprint=old.fingerprint, reason="", at=at)

    send(run)

    assert only_payout(run).block_reason == "destination_changed"
    assert bank.client().v1.transfers.list({"limit": 10}).data == []
    assert balance_of(chart.payable(world.affiliate), USD) == Money(10000, USD)
    assert PayoutMethod.objects.get(pk=old.pk).status == "replaced"


def test_an_affiliate_without_an_account_any_more_is_not_paid(at, bank, desk):
    world = make_payee(bank, at)
    run = start(*desk, at=at)
    PayoutMethod.objects.filter(affiliate=world.affiliate).update(status=PayoutMethod.Status.REPLACED)

    send(run)

    assert Payout.objects.get().block_reason == "payee_not_payable"
