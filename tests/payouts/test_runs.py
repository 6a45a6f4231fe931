"""Payout runs up to the moment money leaves: prepare, submit, approve, cancel (E, F; faults 20, 21, 25)."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from affiliates import lifecycle
from ledger.accounts import balance_of
from ledger.money import Money
from payouts import chart, commissions, deposits, methods, runs, sales
from payouts.dues import dues_until
from payouts.errors import (
    DepositRefused,
    PayoutNotInState,
    PeriodRefused,
    RunNotInState,
    SamePerson,
)
from payouts.models import Commission, Payout, PayoutItem, PayoutMethod, PayoutRun
from tests.factories.standin import earn, make_desk, prepare
from tests.factories.world import make_sale, make_world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_agree")]

USD = "USD"


@pytest.fixture
def desk(at):
    return make_desk(at)


def payable(world, currency=USD):
    return balance_of(chart.payable(world.affiliate), currency)


def test_preparing_freezes_amounts_and_reserves_them_in_the_book(at, desk):
    one, two = make_world(at), make_world(at)
    earn(one, "500.00", at=at)
    earn(two, "80.00", at=at)

    run = prepare(desk[0], at=at)

    assert sorted(run.payouts.values_list("amount_minor", flat=True)) == [1600, 10000]
    assert balance_of(chart.in_transit(run), USD) == Money(11600, USD)
    assert payable(one) == payable(two) == Money.zero(USD)
    assert run.notes["left_out"] == []


def test_the_preview_says_what_preparing_then_does_and_writes_nothing(at, desk):
    one, poor = make_world(at), make_world(at)
    earn(one, "500.00", at=at)
    earn(poor, "40.00", at=at)

    preview = runs.preview_run(ends_at=at, at=at)

    assert preview.amounts == [Money(10000, USD)]
    assert [(line.name, line.amount, line.reason) for line in preview.left_out] == [
        (poor.affiliate.name, Money(800, USD), "below_minimum")
    ]
    assert (PayoutRun.objects.count(), Payout.objects.count()) == (0, 0)
    run = prepare(desk[0], at=at)
    assert [payout.amount for payout in run.payouts.all()] == preview.amounts


def test_everybody_left_out_is_listed_with_the_reason_and_keeps_the_money(at, desk):
    worlds = {
        reason: make_world(at)
        for reason in (
            "affiliate_frozen", "no_payout_method", "payout_method_restricted", "payout_method_too_new", "below_minimum",
        )
    }  # fmt: skip
    for reason, world in worlds.items():
        earn(world, "49.95" if reason == "below_minimum" else "100.00", at=at)
    lifecycle.freeze_affiliate(worlds["affiliate_frozen"].affiliate, reason="fraud", by=None, at=at)
    PayoutMethod.objects.filter(affiliate=worlds["no_payout_method"].affiliate).delete()
    methods.apply_standing(
        methods.method_of(worlds["payout_method_restricted"].affiliate),
        status="restricted", fingerprint="", reason="requirements_past_due", at=at,
    )  # fmt: skip
    methods.apply_standing(
        methods.method_of(worlds["payout_method_too_new"].affiliate),
        status="verified", fingerprint="another bank", reason="", at=at - timedelta(days=1),
    )  # fmt: skip

    run = prepare(desk[0], at=at)

    found = {row["reason"]: row for row in run.notes["left_out"]}
    assert found.keys() == worlds.keys()
    assert found["below_minimum"] == {
        "affiliate": worlds["below_minimum"].affiliate.public_id,
        "name": worlds["below_minimum"].affiliate.name,
        "amount": "9.99",
        "currency": "USD",
        "reason": "below_minimum",
    }
    assert [payable(world) for world in worlds.values()] == [Money(2000, USD)] * 4 + [Money(999, USD)]
    assert Payout.objects.count() == 0


def test_what_was_approved_after_the_period_waits_for_the_next_run(at, desk):
    world = make_world(at)
    earn(world, "500.00", at=at)
    make_sale(world, "300.00", at=at - timedelta(days=30))
    commissions.approve_due_commissions(at=at)

    first = prepare(desk[0], at=at)
    second = runs.prepare_run(
        "2026-03", starts_at=at, ends_at=at + timedelta(days=31), by=desk[0], at=at + timedelta(days=31)
    )

    assert [payout.amount.minor for payout in first.payouts.all()] == [10000]
    assert [payout.amount.minor for payout in second.payouts.all()] == [6000]


def test_preparing_the_same_period_twice_gives_the_run_there_is(at, desk):
    world = make_world(at)
    earn(world, at=at)

    first, again = prepare(desk[0], at=at), prepare(desk[1], at=at + timedelta(hours=1))

    assert first == again
    assert Payout.objects.count() == 1


def test_a_period_that_goes_backwards_is_refused(at, desk):
    with pytest.raises(PeriodRefused):
        runs.prepare_run("x", starts_at=at, ends_at=at, by=desk[0], at=at)

    assert PayoutRun.objects.count() == 0


def test_nobody_approves_a_run_they_prepared_or_submitted(at, desk):
    """Fault 21."""
    maker, checker = desk
    earn(make_world(at), at=at)
    run = prepare(maker, at=at)
    runs.submit_run(run, by=checker, at=at)

    for person in (maker, checker):
        with pytest.raises(SamePerson):
            runs.approve_run(run, by=person, at=at)

    assert run.refreshed().status == "submitted"


@pytest.mark.parametrize("column", ["prepared_by", "submitted_by"])
def test_the_database_itself_refuses_one_pair_of_eyes(at, desk, column):
    """Fault 21: tried by SQL, past every verb."""
    run = prepare(desk[0], at=at)
    runs.submit_run(run, by=desk[1], at=at)

    with pytest.raises(IntegrityError, match="run_four_eyes"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE payouts_payoutrun SET status = 'approved', approved_by_id = {column}_id WHERE id = %s", [run.pk]
        )


def test_the_database_itself_refuses_to_send_what_nobody_approved(at, desk):
    run = prepare(desk[0], at=at)

    with pytest.raises(Exception, match="Invalid transition"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE payouts_payoutrun SET status = 'sending' WHERE id = %s", [run.pk])


def test_a_returned_run_can_be_changed_and_submitted_again(at, desk):
    maker, checker = desk
    earn(make_world(at), at=at)
    run = prepare(maker, at=at)
    runs.submit_run(run, by=maker, at=at)
    with pytest.raises(RunNotInState):
        runs.exclude_payout(run.payouts.get(), note="too early", by=maker, at=at)

    runs.return_run(run, note="look at line 1", by=checker, at=at)
    runs.exclude_payout(run.payouts.get(), note="bank account under review", by=maker, at=at)
    runs.submit_run(run, by=maker, at=at)

    assert runs.approve_run(run, by=checker, at=at).status == "approved"


def test_an_excluded_payout_gives_its_money_back_and_is_in_the_next_run(at, desk):
    world, other = make_world(at), make_world(at)
    earn(world, at=at)
    earn(other, at=at)
    run = prepare(desk[0], at=at)
    payout = run.payouts.get(affiliate=world.affiliate)

    payout = runs.exclude_payout(payout, note="name does not match", by=desk[0], at=at)

    assert (payout.state, payout.is_excluded, payout.block_reason) == ("cancelled", True, "excluded")
    assert payable(world) == Money(10000, USD)
    assert balance_of(chart.in_transit(run), USD) == Money(10000, USD)
    with pytest.raises(PayoutNotInState):
        runs.exclude_payout(payout, note="again", by=desk[0], at=at)
    following = prepare(desk[0], at=at + timedelta(days=1), label="2026-03")
    assert [one.affiliate for one in following.payouts.all()] == [world.affiliate]


@pytest.mark.parametrize("steps", [0, 1, 2], ids=["prepared", "submitted", "approved"])
def test_a_cancelled_run_gives_everything_back(at, desk, steps):
    maker, checker = desk
    worlds = [make_world(at) for _ in range(2)]
    for world in worlds:
        earn(world, at=at)
    run = prepare(maker, at=at)
    if steps > 0:
        runs.submit_run(run, by=maker, at=at)
    if steps > 1:
        runs.approve_run(run, by=checker, at=at)

    runs.cancel_run(run, by=maker, at=at)

    assert [payable(world) for world in worlds] == [Money(10000, USD)] * 2
    assert balance_of(chart.in_transit(run), USD) == Money.zero(USD)
    assert PayoutItem.objects.filter(released_at=None).count() == 0
    again = prepare(maker, at=at)
    assert again != run
    assert again.payouts.count() == 2


def test_what_came_back_after_it_was_paid_is_netted_from_the_next_payout(at, desk):
    """Fault 25."""
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at - timedelta(days=40))
    commissions.approve_due_commissions(at=at - timedelta(days=5))
    first = prepare(desk[0], at=at)
    sales.refund_sale(sale.conversion, reference="rf", at=at)
    earn(world, "300.00", at=at + timedelta(days=31))

    second = prepare(desk[0], at=at + timedelta(days=31), label="2026-03")

    payout = second.payouts.get()
    assert first.payouts.get().amount == Money(2000, USD)
    assert (payout.amount_minor, payout.netted_minor) == (4000, 2000)
    assert balance_of(chart.recoverable(world.affiliate), USD) == Money.zero(USD)
    assert payable(world) == Money.zero(USD)


def test_a_debt_larger_than_the_payout_leaves_nothing_to_pay_and_stays_owed(at, desk):
    """Fault 25: never a negative transfer."""
    world = make_world(at)
    sale = make_sale(world, "400.00", at=at - timedelta(days=40))
    commissions.approve_due_commissions(at=at - timedelta(days=5))
    prepare(desk[0], at=at)
    sales.refund_sale(sale.conversion, reference="rf", at=at)
    earn(world, "100.00", at=at + timedelta(days=31))

    second = prepare(desk[0], at=at + timedelta(days=31), label="2026-03")

    assert [row["reason"] for row in second.notes["left_out"]] == ["below_minimum"]
    assert balance_of(chart.recoverable(world.affiliate), USD) == Money(8000, USD)
    assert payable(world) == Money(2000, USD)


def test_a_refund_inside_a_cancelled_run_is_settled_by_the_next_one(at, desk):
    """Fault 25: the reservation held the refunded commission when the run was called off."""
    world = make_world(at)
    back = make_sale(world, "100.00", at=at - timedelta(days=40))
    make_sale(world, "200.00", at=at - timedelta(days=40))
    commissions.approve_due_commissions(at=at - timedelta(days=5))
    run = prepare(desk[0], at=at)
    sales.refund_sale(back.conversion, reference="rf", at=at)
    runs.cancel_run(run, by=desk[0], at=at)

    second = prepare(desk[0], at=at)

    assert second.payouts.get().amount == Money(4000, USD)
    assert payable(world) == Money.zero(USD)


def test_currencies_without_cents_at_stripe_leave_the_rest_for_next_time(at, desk):
    world = make_world(at, currency="HUF")
    earn(world, "10002.55", at=at)

    first = prepare(desk[0], at=at)
    earn(world, "10002.45", at=at + timedelta(days=31))
    second = prepare(desk[0], at=at + timedelta(days=31), label="2026-03")

    assert first.payouts.get().amount == Money(200000, "HUF")
    assert second.payouts.get().amount == Money(200100, "HUF")
    assert payable(world, "HUF") == Money.zero("HUF")


def test_amounts_and_destinations_are_frozen_by_the_database(at, desk):
    """Fault 24."""
    earn(make_world(at), at=at)
    run = prepare(desk[0], at=at)

    for change in ("amount_minor = amount_minor + 1", "destination = 'acct_thief'", "fingerprint = 'x'"):
        with pytest.raises(Exception, match="Cannot update"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE payouts_payout SET {change} WHERE run_id = %s", [run.pk])


def test_one_account_that_disagrees_with_the_book_does_not_stop_the_others(at, desk):
    odd, fine = make_world(at), make_world(at)
    earn(odd, at=at)
    earn(fine, at=at)
    # A refund that reached the book and not the commission; no verb does this.
    Commission.objects.filter(affiliate=odd.affiliate).update(amount_minor=20_000)

    run = prepare(desk[0], at=at)

    assert [payout.affiliate for payout in run.payouts.all()] == [fine.affiliate]
    assert [row["reason"] for row in run.notes["left_out"]] == ["books_disagree"]


def test_a_run_costs_a_fixed_number_of_readings(at, desk, django_assert_max_num_queries):
    for _ in range(3):
        earn(make_world(at), at=at)

    with django_assert_max_num_queries(8):
        preview = runs.preview_run(ends_at=at, at=at)

    assert len(preview.amounts) == 3


def test_a_deposit_is_booked_once_and_pays_what_the_merchant_owes_when_a_run_starts(at, desk):
    maker, checker = desk
    world = make_world(at)
    earn(world, at=at)
    assert deposits.fund_merchant(world.merchant, Money(8000, USD), reference="wire-7", at=at, by=maker.public_id)
    assert not deposits.fund_merchant(world.merchant, Money(8000, USD), reference="wire-7", at=at, by=maker.public_id)
    run = prepare(maker, at=at)
    runs.submit_run(run, by=maker, at=at)
    runs.approve_run(run, by=checker, at=at)

    runs.start_run(run, by=checker, at=at)

    assert balance_of(chart.deposit(world.merchant), USD) == Money.zero(USD)
    assert balance_of(chart.receivable(world.merchant), USD) == Money(2000, USD)
    assert balance_of(chart.CASH, USD) == Money(8000, USD)


@pytest.mark.parametrize("amount", [Money(0, "USD"), Money(500, "EUR")])
def test_a_deposit_of_nothing_or_of_another_currency_is_refused(at, amount):
    world = make_world(at)

    with pytest.raises(DepositRefused):
        deposits.fund_merchant(world.merchant, amount, reference="x", at=at)

    assert balance_of(chart.deposit(world.merchant), amount.currency) == Money.zero(amount.currency)


def test_an_account_sent_back_to_onboarding_does_not_come_out_as_a_first_account(at):
    """Fault 24: the waiting time of a changed bank account cannot be skipped by an interlude without one."""
    method = methods.method_of(make_world(at).affiliate)
    methods.apply_standing(method, status="pending", fingerprint="", reason="routine_onboarding", at=at)

    changed = methods.apply_standing(method, status="verified", fingerprint="thief", reason="", at=at)

    assert changed.usable_from == at + timedelta(days=7)


@pytest.mark.django_db(transaction=True)
def test_sixteen_people_approve_at_once_and_one_does(at):
    """Fault 20."""
    maker, checker = make_desk(at)
    earn(make_world(at), at=at)
    run = prepare(maker, at=at)
    runs.submit_run(run, by=maker, at=at)
    outcomes, gate = [], threading.Barrier(16)

    def approve():
        gate.wait()
        try:
            runs.approve_run(run, by=checker, at=at)
            outcomes.append("approved")
        except RunNotInState:
            outcomes.append("too late")
        finally:
            connection.close()

    threads = [threading.Thread(target=approve) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["approved"] + ["too late"] * 15


@pytest.mark.django_db(transaction=True)
def test_a_run_is_approved_or_cancelled_but_never_both(at):
    """Fault 20."""
    maker, checker = make_desk(at)
    world = make_world(at)
    earn(world, at=at)
    run = prepare(maker, at=at)
    runs.submit_run(run, by=maker, at=at)
    gate = threading.Barrier(2)

    def attempt(verb, person):
        gate.wait()
        try:
            verb(run, by=person, at=at)
        except RunNotInState:
            pass
        finally:
            connection.close()

    threads = [
        threading.Thread(target=attempt, args=(runs.approve_run, checker)),
        threading.Thread(target=attempt, args=(runs.cancel_run, maker)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    run.refresh_from_db()
    live = PayoutItem.objects.filter(released_at=None).aggregate(sum=Sum("amount_minor"))["sum"]
    # An approved run can still be cancelled; a cancelled one is never approved.
    assert (run.status, live) == ("cancelled", None)
    assert payable(world) == Money(10000, USD)


@pytest.mark.django_db(transaction=True)
def test_a_refund_in_the_midst_of_preparing_waits_and_is_recovered_later(at):
    """Faults 7, 25: the two never wait for each other in a circle."""
    maker, _checker = make_desk(at)
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at - timedelta(days=40))
    commissions.approve_due_commissions(at=at - timedelta(days=5))

    def refund():
        try:
            sales.refund_sale(sale.conversion, reference="rf", at=at)
        finally:
            connection.close()

    thread = threading.Thread(target=refund)
    with transaction.atomic():
        dues_until(at, is_held=True)
        thread.start()
        _wait_for_a_lock()
        run = prepare(maker, at=at)
    thread.join(20)

    assert run.payouts.get().amount == Money(2000, USD)
    assert balance_of(chart.recoverable(world.affiliate), USD) == Money(2000, USD)
    assert payable(world) == Money.zero(USD)


def _wait_for_a_lock():
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")
