"""From an approved run to money at Stripe and a statement, against the stand-in over HTTP (E; faults 2, 14–19, 23–25)."""

import itertools
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from affiliates import lifecycle
from ledger.accounts import balance_of
from ledger.journal import events_about
from ledger.money import Money
from payouts import chart, methods, providers, runs, sales, stripe_events, tasks, transfers
from payouts.errors import RunHasAlarm
from payouts.models import Payout, PayoutAttempt, Statement, StripeEvent
from payouts.protocol import RULES
from payouts.statements import lines_of_payout
from payouts.stripe import Unavailable
from tests.factories.standin import (
    change_account,
    earn,
    make_desk,
    make_payee,
    onboard,
    only_payout,
    prepare,
    send,
    sender,
    start,
)
from tests.factories.world import make_sale, make_world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_agree")]

USD = "USD"
TRANSFERS = {"method": "POST", "path": "/v1/transfers"}
SOON = RULES.RETRY + timedelta(seconds=5)
LATER = RULES.LEASE + RULES.QUIET + timedelta(minutes=1)


@pytest.fixture
def desk(at):
    return make_desk(at)


@pytest.fixture
def at():
    """Now: the stand-in's clock and the database's are the machine's."""
    return timezone.now()


def payable(world, currency=USD):
    return balance_of(chart.payable(world.affiliate), currency)


def in_transit(run, currency=USD):
    return balance_of(chart.in_transit(run), currency)


def transfers_made(bank):
    """Every transfer in the stand-in's books, which must add up."""
    bank.books()
    return [one.to_dict() for one in bank.client().v1.transfers.list({"limit": 100}).auto_paging_iter()]


def hear(bank):
    """Stripe's news reaches us, and is handled."""
    stripe_events.catch_up(at=timezone.now())
    return stripe_events.handle_waiting_events(sender(), at=timezone.now())


# ── The way it should go ─────────────────────────────────────────────────────────────────
def test_a_run_goes_from_prepared_to_paid_with_a_statement_for_everybody(at, bank, desk):
    maker, checker = desk
    worlds = [make_payee(bank, at, "500.00"), make_payee(bank, at, "250.00")]
    bank.fund(1_000_000, "usd")
    run = start(maker, checker, at=at)
    assert Payout.objects.filter(state="ready").count() == 2

    send(run)

    assert set(run.payouts.values_list("state", flat=True)) == {"sent"}
    assert in_transit(run) == Money(15000, USD)
    hear(bank)
    runs.close_finished_run(run, at=at)
    run.refresh_from_db()
    assert run.status == "closed"
    assert set(run.payouts.values_list("state", flat=True)) == {"paid"}
    assert in_transit(run) == payable(worlds[0]) == payable(worlds[1]) == Money.zero(USD)
    assert balance_of(chart.CASH, USD) == Money(-15000, USD)
    assert sorted(one["amount"] for one in transfers_made(bank)) == [5000, 10000]
    for payout in run.payouts.all():
        statement = Statement.objects.get(payout=payout)
        assert statement.figures["paid_minor"] == payout.amount_minor
        assert statement.figures["transfer"] == payout.transfer_id
        assert [line.amount for line in lines_of_payout(payout)] == [payout.amount]
    transfer = transfers_made(bank)[0]
    assert transfer["metadata"]["run"] == run.public_id
    assert transfer["transfer_group"] == transfer["metadata"]["payout"]


def test_the_tasks_of_the_worker_carry_a_run_to_its_end(at, bank, desk):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)

    tasks.continue_runs()
    tasks.catch_up_stripe_events()
    tasks.reconcile_runs()

    assert run.refreshed().status == "closed"
    assert only_payout(run).state == "paid"


def test_a_long_label_still_makes_a_statement_number(at, bank, desk):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at, label="the second half of February 2026, again")

    send(run)
    hear(bank)

    assert len(Statement.objects.get().number) == 40


def test_sending_a_run_again_changes_nothing(at, bank, desk):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    send(run)
    before = only_payout(run).__dict__

    send(run)
    send(run, later=timedelta(days=2))

    after = only_payout(run).__dict__
    assert {k: v for k, v in after.items() if not k.startswith("_")} == {
        k: v for k, v in before.items() if not k.startswith("_")
    }
    assert len(transfers_made(bank)) == 1
    assert Statement.objects.count() == 0


def test_a_netted_payout_sends_the_rest_and_says_so_on_the_statement(at, bank, desk):
    """Fault 25."""
    maker, checker = desk
    world = make_world(at)
    onboard(world, bank, at=at - timedelta(days=90))
    sale = make_sale(world, "100.00", at=at - timedelta(days=80))
    earn(world, "60.00", at=at - timedelta(days=30))
    bank.fund(1_000_000, "usd")
    first = start(maker, checker, at=at - timedelta(days=20), label="first")
    send(first)
    hear(bank)
    sales.refund_sale(sale.conversion, reference="rf", reason="item_returned", at=at)
    earn(world, "300.00", at=at)
    second = start(maker, checker, at=at, label="second")

    send(second)
    hear(bank)

    figures = Statement.objects.get(payout=only_payout(second)).figures
    assert (figures["gross_minor"], figures["netted_minor"], figures["paid_minor"]) == (6000, 2000, 4000)
    assert sorted(one["amount"] for one in transfers_made(bank)) == [3200, 4000]


# ── Funds ────────────────────────────────────────────────────────────────────────────────
def test_when_funds_end_the_rest_waits_in_its_order_and_goes_on_after_a_top_up(at, bank, desk):
    """Fault 18: nobody behind overtakes, although the last payout could have been paid."""
    for amount in ("500.00", "400.00", "100.00"):
        make_payee(bank, at, amount)
    bank.fund(12_000, "usd")
    run = start(*desk, at=at)
    ordered = list(run.payouts.order_by("created_at", "pk"))
    bigger = [payout.amount_minor for payout in ordered]

    send(run)

    states = list(run.payouts.order_by("created_at", "pk").values_list("state", "block_reason"))
    paid = sum(1 for total in itertools.accumulate(bigger) if total <= 12_000)
    assert states == [("sent", "")] * paid + [("blocked", "balance_insufficient")] + [("ready", "")] * (2 - paid)
    assert in_transit(run) == Money(20000, USD)
    made = len(transfers_made(bank))
    send(run)
    assert len(transfers_made(bank)) == made

    bank.fund(100_000, "usd")
    send(run)

    assert set(run.payouts.values_list("state", flat=True)) == {"sent"}
    assert sorted(one["amount"] for one in transfers_made(bank)) == [2000, 8000, 10000]


def test_a_currency_without_funds_does_not_hold_up_the_others(at, bank, desk):
    poor, rich = make_payee(bank, at, currency="EUR"), make_payee(bank, at, currency="USD")
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)

    send(run)

    assert run.payouts.get(affiliate=rich.affiliate).state == "sent"
    assert run.payouts.get(affiliate=poor.affiliate).block_reason == "balance_insufficient"


def test_a_payout_that_waits_for_funds_keeps_the_run_open(at, bank, desk):
    make_payee(bank, at)
    run = start(*desk, at=at)
    send(run)

    assert runs.close_finished_run(run, at=at).status == "sending"


# ── Answers that do not come ─────────────────────────────────────────────────────────────
def test_a_lost_answer_is_looked_up_and_never_sent_twice(at, bank, desk):
    """Fault 14."""
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    bank.fault(match=TRANSFERS, fault="fail_after", answer="lost")
    run = start(*desk, at=at)

    send(run)

    payout = only_payout(run)
    assert (payout.state, payout.transfer_id) == ("unsure", None)
    assert len(transfers_made(bank)) == 1
    send(run)
    assert only_payout(run).state == "unsure"
    send(run, later=SOON)
    assert only_payout(run).state == "sent"
    assert only_payout(run).transfer_id == transfers_made(bank)[0]["id"]
    assert [one["path"] for one in bank.calls() if one["method"] == "POST"].count("/v1/transfers") == 1


def test_a_connection_cut_before_the_request_is_repeated_under_the_same_key(at, bank, desk):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    bank.fault(match=TRANSFERS, fault="drop")
    run = start(*desk, at=at)

    send(run)
    send(run, later=SOON)

    assert only_payout(run).state == "sent"
    attempts = PayoutAttempt.objects.order_by("fence")
    assert [(one.outcome, one.key) for one in attempts] == [
        ("no_answer", f"po-{only_payout(run).public_id}-1"),
        ("accepted", f"po-{only_payout(run).public_id}-1"),
    ]


def test_a_stored_failure_needs_a_new_key_and_gets_it_only_after_the_quiet(at, bank, desk):
    """Fault 15: Stripe repeats a stored 500 under its key for ever."""
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    bank.fault(match=TRANSFERS, fault="stored_500")
    run = start(*desk, at=at)
    send(run)

    send(run, later=SOON)
    assert (only_payout(run).state, only_payout(run).attempt) == ("unsure", 1)
    send(run, later=LATER)

    assert (only_payout(run).state, only_payout(run).attempt) == ("sent", 2)
    assert len(transfers_made(bank)) == 1


def test_a_stored_failure_that_paid_all_the_same_is_found_by_listing(at, bank, desk):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    bank.fault(match=TRANSFERS, fault="stored_500", executed=True)
    run = start(*desk, at=at)
    send(run)

    send(run, later=LATER)

    assert (only_payout(run).state, only_payout(run).attempt) == ("sent", 1)
    assert len(transfers_made(bank)) == 1


@pytest.mark.parametrize("fault", ["rate_limit", "conflict"])
def test_too_many_requests_put_a_payout_back_in_the_queue(at, bank, desk, fault):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    bank.fault(match=TRANSFERS, fault=fault)
    run = start(*desk, at=at)

    send(run)

    assert only_payout(run).state == "ready"
    send(run, later=SOON)
    assert only_payout(run).state == "sent"


def test_a_worker_that_dies_in_the_middle_of_a_call_is_taken_over(at, bank, desk):
    """Fault 2: the row says sending, nobody knows what came of it."""
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    sender().reconcile_run(run.public_id)
    payout = only_payout(run)
    steps = sender().send(payout.public_id)
    claimed = sender().do(next(steps))
    call = steps.send(claimed)
    sender().do(call)

    send(run)
    assert only_payout(run).state == "sending"
    send(run, later=RULES.LEASE + timedelta(seconds=5))

    assert only_payout(run).state == "sent"
    assert len(transfers_made(bank)) == 1
    assert list(PayoutAttempt.objects.order_by("fence").values_list("outcome", flat=True)) == ["unanswered", "accepted"]


def test_a_worker_that_looks_on_does_not_write_into_anothers_try(at, bank, desk):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    sender().reconcile_run(run.public_id)
    steps = sender().send(only_payout(run).public_id)
    sender().do(next(steps))

    send(run)

    assert PayoutAttempt.objects.get().outcome == ""


def test_stripe_away_altogether_ends_the_pass_and_loses_nothing(at, bank, desk):
    make_payee(bank, at)
    run = start(*desk, at=at)
    bank.fault(match={"path": "/v1/transfers"}, fault="drop", times=0)

    with pytest.raises(Unavailable):
        send(run)

    assert only_payout(run).state == "ready"
    assert in_transit(run) == Money(10000, USD)


def test_one_payout_that_cannot_be_looked_up_does_not_hold_up_the_next(at, bank, desk):
    for _ in range(2):
        make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    bank.fault(match=TRANSFERS, fault="fail_before", times=1)
    bank.fault(match={"method": "GET", "path": "/v1/transfers"}, fault="fail_before", nth=2, times=3)
    send(run)

    send(run, later=LATER)

    assert sorted(run.payouts.values_list("state", flat=True)) == ["sent", "unsure"]
    send(run, later=LATER + LATER)
    assert len(transfers_made(bank)) == 2


# ── Refusals ─────────────────────────────────────────────────────────────────────────────
def test_a_payee_whose_capability_was_taken_is_not_paid_and_keeps_the_money(at, bank, desk):
    """Fault 19: Stripe refuses before its webhook reaches us."""
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    change_account(bank, methods.method_of(world.affiliate), transfers="restricted")

    send(run)

    payout = only_payout(run)
    assert (payout.state, payout.block_reason) == ("blocked", "insufficient_capabilities_for_transfer")
    assert payable(world) == Money(10000, USD)
    assert in_transit(run) == Money.zero(USD)
    assert runs.close_finished_run(run, at=at).status == "closed"
    [event] = events_about(payout.public_id).filter(name="payout.blocked")
    assert event.data["reason"] == "insufficient_capabilities_for_transfer"
    change_account(bank, methods.method_of(world.affiliate), transfers="active")
    again = start(*desk, at=at + timedelta(minutes=1), label="again")
    send(again)
    assert only_payout(again).state == "sent"


def test_a_refusal_nobody_knows_waits_for_a_person_with_the_money_reserved(at, bank, desk):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    bank.fault(match=TRANSFERS, fault="error", status=400, code="approval_required")
    run = start(*desk, at=at)

    send(run)

    payout = only_payout(run)
    assert (payout.state, payout.block_reason) == ("blocked", "approval_required")
    assert in_transit(run) == Money(10000, USD)
    assert runs.close_finished_run(run, at=at).status == "sending"
    transfers.resume_payout(payout)
    send(run)
    assert only_payout(run).state == "unsure"
    send(run, later=LATER)
    assert only_payout(run).state == "sent"
    assert len(transfers_made(bank)) == 1


def test_a_payee_frozen_in_the_middle_of_a_run_stops_before_the_next_step(at, bank, desk):
    """Fault 23."""
    sent, frozen = make_payee(bank, at), make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    lifecycle.freeze_affiliate(frozen.affiliate, reason="fraud", by=None, at=at)

    send(run)

    assert run.payouts.get(affiliate=sent.affiliate).state == "sent"
    payout = run.payouts.get(affiliate=frozen.affiliate)
    assert (payout.state, payout.block_reason) == ("blocked", "payee_not_payable")
    assert payable(frozen) == Money(10000, USD)


def test_a_bank_account_changed_after_approval_is_not_paid(at, bank, desk):
    """Fault 24: the destination is what was approved, or nothing."""
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    method = methods.method_of(world.affiliate)
    change_account(bank, method, bank="6666")
    changed = methods.refresh_method(method, at=timezone.now())
    assert changed.usable_from > timezone.now() + timedelta(days=6)

    send(run)

    assert (only_payout(run).state, only_payout(run).block_reason) == ("blocked", "destination_changed")
    assert payable(world) == Money(10000, USD)
    assert transfers_made(bank) == []
    again = prepare(desk[0], at=at + timedelta(minutes=1), label="again")
    assert [row["reason"] for row in again.notes["left_out"]] == ["payout_method_too_new"]


def test_a_bank_account_changed_there_and_back_waits_all_the_same(at, bank, desk):
    """Fault 24."""
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    method = methods.method_of(world.affiliate)
    for bank_account in ("elsewhere", method.fingerprint):
        methods.apply_standing(method, status="verified", fingerprint=bank_account, reason="", at=timezone.now())

    send(run)

    assert only_payout(run).block_reason == "payee_not_payable"
    assert transfers_made(bank) == []


# ── News from Stripe ─────────────────────────────────────────────────────────────────────
def events_of(bank):
    return [event for event in StripeEvent.objects.order_by("received_at") if event.type.startswith("transfer.")]


def test_the_same_news_any_number_of_times_in_any_order_settles_once(at, bank, desk):
    """Faults 15, 17."""
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    send(run)
    stripe_events.catch_up(at=timezone.now())
    [created] = events_of(bank)

    for _ in range(3):
        stripe_events.handle_event(created, sender(), at=timezone.now())

    assert only_payout(run).state == "paid"
    assert Statement.objects.count() == 1
    stored, is_new = stripe_events.store_event(created.stripe_id, type=created.type, payload=created.payload, at=at)
    assert (stored, is_new) == (created, False)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_news_of_a_reversal_may_come_before_news_of_the_transfer(at, bank, desk, order):
    """Fault 17: what counts is what Stripe says when it is asked again."""
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    send(run)
    transfer = transfers_made(bank)[0]["id"]
    bank.client().v1.transfers.update(transfer, {"description": "seen"})
    bank.client().v1.transfers.reversals.create(transfer, {})
    stripe_events.catch_up(at=timezone.now())
    events = events_of(bank)
    assert len(events) == 3

    for position in order:
        stripe_events.handle_event(events[position], sender(), at=timezone.now())

    payout = only_payout(run)
    assert (payout.state, payout.block_reason) == ("blocked", "transfer_reversed")
    assert payable(world) == Money(10000, USD)
    assert balance_of(chart.CASH, USD) == Money.zero(USD)


def test_a_paid_transfer_that_comes_back_can_be_paid_again(at, bank, desk):
    """Faults 19, 25: with something netted, the book must not promise more than it holds."""
    maker, checker = desk
    world = make_world(at)
    onboard(world, bank, at=at - timedelta(days=90))
    sale = make_sale(world, "100.00", at=at - timedelta(days=80))
    earn(world, "60.00", at=at - timedelta(days=30))
    bank.fund(1_000_000, "usd")
    send(start(maker, checker, at=at - timedelta(days=20), label="first"))
    hear(bank)
    sales.refund_sale(sale.conversion, reference="rf", at=at)
    earn(world, "300.00", at=at)
    second = start(maker, checker, at=at, label="second")
    send(second)
    hear(bank)
    assert only_payout(second).state == "paid"

    bank.client().v1.transfers.reversals.create(only_payout(second).transfer_id, {})
    hear(bank)

    assert only_payout(second).block_reason == "transfer_reversed"
    assert payable(world) == Money(6000, USD)
    assert balance_of(chart.recoverable(world.affiliate), USD) == Money(2000, USD)
    third = start(maker, checker, at=at + timedelta(minutes=1), label="third")
    send(third)
    hear(bank)
    assert (only_payout(third).state, only_payout(third).amount) == ("paid", Money(4000, USD))
    assert Statement.objects.count() == 3


def test_news_of_what_is_not_ours_is_put_aside(at, bank, desk):
    """Fault 17: unknown groups, other installations, forged ids."""
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    account = methods.method_of(world.affiliate).account
    for group in ("order-77", Payout().public_id):
        bank.client().v1.transfers.create(
            {"amount": 100, "currency": "usd", "destination": account, "transfer_group": group}
        )
    stripe_events.store_event(
        "evt_forged", type="transfer.created", at=at,
        payload={"data": {"object": {"id": "tr_forged", "transfer_group": Payout().public_id}}},
    )  # fmt: skip
    stripe_events.store_event("evt_odd", type="account.updated", payload={"data": {"object": {"id": "acct_x"}}}, at=at)

    assert hear(bank) >= 4

    waiting = StripeEvent.objects.filter(handled_at=None)
    assert not waiting.exists()
    assert {event.error for event in events_of(bank)} == {"nothing of ours"}


def test_news_that_cannot_be_handled_now_is_kept_and_tried_again(at, bank, desk):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    send(run)
    stripe_events.catch_up(at=timezone.now())
    bank.fault(match={"path": "/v1/transfers/*"}, fault="drop", times=0)

    stripe_events.handle_waiting_events(sender(), at=at)

    [event] = events_of(bank)
    assert (event.handled_at, event.attempts) == (None, 1)
    assert "Unavailable" in event.error
    bank.control("DELETE", "faults")
    stripe_events.handle_waiting_events(sender(), at=at)
    assert only_payout(run).state == "sent"
    stripe_events.handle_waiting_events(sender(), at=at + timedelta(minutes=5))
    assert only_payout(run).state == "paid"


def test_an_account_event_refreshes_the_method(at, bank, desk):
    world = make_payee(bank, at)
    hear(bank)
    change_account(bank, methods.method_of(world.affiliate), transfers="restricted")

    hear(bank)

    assert methods.method_of(world.affiliate).status == "restricted"


def test_missed_webhooks_are_caught_up_once(at, bank, desk):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    send(run)

    first, second = stripe_events.catch_up(at=timezone.now()), stripe_events.catch_up(at=timezone.now())

    assert first >= 1
    assert second == 0
    assert set(StripeEvent.objects.values_list("type", flat=True)) >= {"transfer.created"}
    assert not StripeEvent.objects.filter(type__startswith="topup").exists()


# ── Two sets of books ────────────────────────────────────────────────────────────────────
def test_a_transfer_nobody_here_made_stops_the_run_until_a_person_has_looked(at, bank, desk):
    maker, checker = desk
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(maker, checker, at=at)
    foreign = bank.client().v1.transfers.create({
        "amount": 777, "currency": "usd", "destination": methods.method_of(world.affiliate).account,
        "transfer_group": "by-hand", "metadata": {"run": run.public_id, "instance": "demo"},
    })  # fmt: skip

    send(run)

    run.refresh_from_db()
    assert run.alarm == f"foreign {foreign.id}"
    assert only_payout(run).state == "ready"
    assert len(transfers_made(bank)) == 1
    runs.clear_alarm(run, note="paid by hand, agreed", by=checker, at=at)
    send(run)
    transfers.reconcile(run, sender())
    run.refresh_from_db()
    assert (run.alarm, only_payout(run).state) == ("", "paid")
    assert run.reconciled_at is not None


def test_a_second_transfer_for_one_payout_is_an_alarm_of_its_own(at, bank, desk):
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    send(run)
    payout = only_payout(run)
    bank.client().v1.transfers.create({
        "amount": 10000, "currency": "usd", "destination": methods.method_of(world.affiliate).account,
        "transfer_group": payout.public_id,
        "metadata": {"run": run.public_id, "instance": "demo", "payout": payout.public_id},
    })  # fmt: skip

    transfers.reconcile(run, sender())

    assert "doubled" in run.refreshed().alarm or "paid_twice" in run.refreshed().alarm
    assert balance_of(chart.CASH, USD) == Money(-10000, USD)


def test_an_alarm_stands_in_the_way_of_sending(at, bank, desk):
    maker, checker = desk
    make_payee(bank, at)
    run = prepare(maker, at=at)
    runs.submit_run(run, by=maker, at=at)
    runs.approve_run(run, by=checker, at=at)
    sender().store.close_reconcile(run.public_id, began_at=at, alarms=["missing pay_x"])

    with pytest.raises(RunHasAlarm):
        runs.start_run(run, by=checker, at=at)


def test_reconciling_settles_what_no_webhook_told_of(at, bank, desk):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    send(run)

    comparison = transfers.reconcile(run, sender())

    assert len(comparison.to_settle) == 1
    assert comparison.alarms == []
    assert only_payout(run).state == "paid"
    assert transfers.reconcile(run, sender()).matched == [only_payout(run).public_id]


# ── Two workers at once ──────────────────────────────────────────────────────────────────
@pytest.mark.django_db(transaction=True)
def test_two_workers_that_send_the_same_run_make_one_transfer_a_payout(at, bank):
    """Fault 2."""
    maker, checker = make_desk(at)
    for _ in range(4):
        make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(maker, checker, at=at)
    sender().reconcile_run(run.public_id)
    gate, failed = threading.Barrier(3), []

    def work():
        gate.wait()
        try:
            transfers.send_run(run, sender())
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    # Whatever one of them left in doubt is looked up, as the next poll would do.
    send(run, later=SOON)
    assert set(run.payouts.values_list("state", flat=True)) == {"sent"}
    assert len(transfers_made(bank)) == 4
    assert len({one["transfer_group"] for one in transfers_made(bank)}) == 4
    assert PayoutAttempt.objects.filter(outcome="accepted").count() == 4


@pytest.mark.django_db(transaction=True)
def test_starting_a_run_hands_it_to_the_worker_after_the_commit(at, bank, monkeypatch):
    make_payee(bank, at)
    heard = []
    monkeypatch.setattr(runs, "_HINTS", [heard.append])

    run = start(*make_desk(at), at=at)

    assert heard == [str(run.pk)]


def test_what_is_at_stripe_is_known_by_currency(bank):
    bank.fund(12_345, "usd")

    assert providers.available_funds()["USD"] == Money(12345, USD)
