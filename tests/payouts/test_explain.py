"""Why an amount is what it is, the same for everybody (UX §1.3, §1.4; bars B2, B4)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from affiliates import enrolments, lifecycle
from ledger.accounts import balance_of
from ledger.money import Money
from payouts import chart, commissions, runs, sales
from payouts.models import Commission
from payouts.queries.explain import (
    COMMISSION_STATES,
    explanation_of,
    in_state,
    state_of,
    states_of,
)
from payouts.queries.states import expected_payout_at
from payouts.rules import versions
from portal.explain import Places, explain_context
from tests.factories import paying
from tests.factories.world import facts, make_click, make_sale, make_user, make_world
from tracking import links

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_agree")]

USD = "USD"


def _approved(world, amount="62.00", *, at):
    [commission] = make_sale(world, amount, at=at).commissions
    commissions.approve_due_commissions(at=commission.due_at)
    return commission.refreshed()


def test_a_pending_commission_says_how_it_was_made_and_what_comes_next(at):
    world = make_world(at)
    [commission] = make_sale(world, "62.00", at=at, order_ref="1042").commissions

    told = explanation_of(commission, viewer="partner", at=at)

    assert (told.amount, told.base, told.rule.rate) == (Money(1240, USD), Money(6200, USD), Decimal("0.2"))
    assert sum(step.amount.minor for step in told.base_steps) == told.base.minor
    assert told.base.share(told.rule.rate) == told.remaining
    assert (told.rule.version, told.rule.name, told.rule.terms_version) == (1, "Every sale", 1)
    assert (told.state.name, told.state.until) == ("pending", at + timedelta(days=30))
    assert (told.touch.at, told.touch.window_days, told.touch.link_code) == (
        at - timedelta(minutes=10),
        30,
        world.link.code,
    )
    assert [(step.what, step.state) for step in told.steps] == [
        ("click", "done"), ("order", "done"), ("attributed", "done"),
        ("hold", "current"), ("approved", ""), ("run", ""), ("sent", ""), ("paid", ""),
    ]  # fmt: skip
    assert [(line.debit, line.credit, line.amount) for line in told.ledger] == [
        (str(chart.receivable(world.merchant)), str(chart.pending(world.affiliate)), Money(1240, USD))
    ]


def test_gross_terms_show_what_was_taken_off_before_the_rate(at):
    world = make_world(at, basis="gross")
    [commission] = make_sale(world, "74.00", at=at, tax=Money(500, USD), shipping=Money(700, USD)).commissions

    told = explanation_of(commission, viewer="partner", at=at)

    assert [(step.what, step.amount.minor) for step in told.base_steps] == [
        ("amount", 7400),
        ("tax", -500),
        ("shipping", -700),
    ]
    assert told.base == Money(6200, USD)


def test_after_a_partial_refund_the_arithmetic_still_gives_what_is_left(at):
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at)
    sales.refund_sale(
        sale.conversion, amount=Money(3333, USD), reference="a", reason="item_returned", at=at + timedelta(days=1)
    )

    told = explanation_of(sale.commissions[0], viewer="partner", at=at + timedelta(days=2))

    assert (told.amount, told.taken_back, told.remaining) == (Money(2000, USD), Money(667, USD), Money(1333, USD))
    assert [(step.what, step.amount.minor) for step in told.base_steps] == [("amount", 10000), ("refunded", -3333)]
    assert told.base.share(told.rule.rate) == told.remaining
    assert [(one.amount.minor, one.of_order.minor, one.reason) for one in told.reversals] == [
        (667, 3333, "item_returned")
    ]
    assert told.state.name == "pending"


def test_the_timeline_of_a_paid_commission_has_its_real_dates(at):
    world = make_world(at)
    commission = _approved(world, at=at)
    month_end = commission.due_at + timedelta(days=20)
    paying.pay(month_end, label="APR-2026")

    told = explanation_of(commission, viewer="finance", at=month_end + timedelta(days=1))

    assert (told.state.name, told.state.until) == ("paid", month_end)
    assert [(step.what, step.at, step.state) for step in told.steps] == [
        ("click", at - timedelta(minutes=10), "done"),
        ("order", at, "done"),
        ("attributed", at, "done"),
        ("hold", commission.due_at, "done"),
        ("approved", commission.due_at, "done"),
        ("run", month_end, "done"),
        ("sent", month_end, "done"),
        ("paid", month_end, "done"),
    ]
    assert (told.payout.run_label, told.payout.share) == ("APR-2026", Money(1240, USD))
    assert told.payout.transfer_id.startswith("tr_")
    assert told.payout.statement.startswith("stmt_")
    assert [line.reference.rpartition(":")[2] for line in told.ledger] == ["accrual", "approval"]


def test_the_rival_has_no_name_for_partners_and_one_for_the_merchant(at):
    world, rival = make_world(at), make_world(at)
    place = enrolments.join_program(rival.affiliate, world.program, at=at - timedelta(days=300))
    rival_link = links.create_link(place, at=at - timedelta(days=300))
    visitor = world.enrolment.pk
    make_click(rival_link, at=at - timedelta(hours=4), visitor=visitor)
    make_click(world.link, at=at - timedelta(hours=2), visitor=visitor)
    last = make_click(world.link, at=at - timedelta(minutes=4), visitor=visitor)
    [commission] = sales.record_sale(world.merchant, facts("x", "50.00", at=at, click=last), at=at).commissions

    for_partner = explanation_of(commission, viewer="partner", at=at)
    for_merchant = explanation_of(commission, viewer="merchant", at=at)

    assert [(one.is_own, one.name, one.reason) for one in for_partner.rivals] == [
        (True, "", "older_than_the_last"), (False, "", "older_than_the_last"),
    ]  # fmt: skip
    assert [one.name for one in for_merchant.rivals] == ["", rival.affiliate.name]
    told = str(explain_context(for_partner, places=Places(here="/x/")))
    assert rival.affiliate.name not in told
    assert "Another partner" in told


def test_a_rule_that_did_not_apply_says_what_it_is_for(at):
    world = make_world(at)
    versions.publish_rules(
        world.program,
        [
            versions.LineDraft("Leads", "flat", event="lead", flat=Money(500, USD)),
            versions.LineDraft("Sales", "percent", rate=Decimal("0.1")),
        ],
        starts_at=at, at=at,
    )  # fmt: skip
    [commission] = make_sale(world, "50.00", at=at + timedelta(hours=1)).commissions

    told = explanation_of(commission, viewer="partner", at=at + timedelta(hours=2))

    assert [(one.name, one.why, one.wants, one.found) for one in told.skipped] == [("Leads", "event", "lead", "sale")]
    assert (told.rule.version, told.rule.position, told.rule.since) == (2, 2, at)


@pytest.fixture
def every_state(at):
    """One commission in each state, by the state's name."""
    world, frozen, blocked, zero = make_world(at), make_world(at), make_world(at), make_world(at, rate="0")
    found = {"not_paid": make_sale(zero, at=at).commissions[0]}
    paid, clawed = _approved(world, at=at), make_sale(world, at=at)
    commissions.approve_due_commissions(at=at + timedelta(days=31))
    paying.pay(at + timedelta(days=32))
    sales.refund_sale(clawed.conversion, reference="back", at=at + timedelta(days=33))
    found |= {"paid": paid, "clawed_back": clawed.commissions[0]}

    later = at + timedelta(days=40)
    bank = paying.Bank(refuses="approval_required")
    found["held"] = make_sale(blocked, at=later).commissions[0]
    commissions.approve_due_commissions(at=later + timedelta(days=30))
    held_at = later + timedelta(days=31)
    paying.send(paying.start(paying.prepare(held_at), at=held_at), bank, at=held_at)

    later += timedelta(days=40)
    found["sent"] = _approved(world, "900.00", at=later)
    sent_at = later + timedelta(days=31)
    paying.send(paying.start(paying.prepare(sent_at), at=sent_at), paying.Bank(), at=sent_at)
    later += timedelta(days=40)
    found["in_run"] = _approved(world, "800.00", at=later)
    paying.prepare(later + timedelta(days=31))
    later += timedelta(days=40)
    found["approved"] = _approved(world, "30.00", at=later)
    found["frozen"] = _approved(frozen, "40.00", at=later)
    lifecycle.freeze_affiliate(frozen.affiliate, reason="review", by=make_user(), at=later + timedelta(days=31))
    later += timedelta(days=32)
    sale = make_sale(world, at=later)
    sales.refund_sale(sale.conversion, reference="all", at=later)
    found |= {"reversed": sale.commissions[0], "pending": make_sale(world, at=later).commissions[0]}
    return {name: one.refreshed() for name, one in found.items()}, later


def test_every_state_has_one_name_and_the_list_filter_agrees_with_it(every_state):
    found, later = every_state
    names = {key: {"frozen": "held"}.get(key, key) for key in found}

    told = states_of(found.values(), at=later)

    assert {key: told[one.pk].name for key, one in found.items()} == names
    for name in COMMISSION_STATES:
        filtered = set(in_state(Commission.objects.all(), name))
        assert filtered == {one for one in Commission.objects.all() if state_of(one, at=later).name == name}, name
        assert filtered, name


def test_a_commission_whose_payout_was_called_off_is_approved_again(at):
    world = make_world(at)
    commission = _approved(world, at=at)
    run = paying.prepare(commission.due_at + timedelta(days=1))
    assert state_of(commission, at=at).name == "in_run"

    runs.cancel_run(run, by=run.prepared_by, at=commission.due_at + timedelta(days=2))

    assert state_of(commission, at=at).name == "approved"
    assert explanation_of(commission, viewer="finance", at=at).payout is None


def test_the_states_of_a_list_cost_the_same_however_long_it_is(every_state, django_assert_num_queries):
    found, later = every_state

    with django_assert_num_queries(5):
        states_of(found.values(), at=later)
    with django_assert_num_queries(1):
        states_of([found["paid"]], at=later)


def test_partner_merchant_and_finance_read_the_same_amounts_states_and_dates(every_state):
    """B4"""
    found, later = every_state
    for one in found.values():
        told = [explanation_of(one, viewer=viewer, at=later) for viewer in ("partner", "merchant", "finance")]
        views = [
            (each.amount, each.remaining, each.base, each.base_steps, each.state, each.steps, each.ledger)
            for each in told
        ]
        assert views[0] == views[1] == views[2]


def test_the_pending_states_add_up_to_the_pending_account(every_state):
    found, _later = every_state
    affiliate = found["pending"].affiliate
    pending = in_state(Commission.objects.filter(affiliate=affiliate), "pending")

    assert sum(one.remaining.minor for one in pending) == balance_of(chart.pending(affiliate), USD).minor


def test_an_explanation_costs_the_same_for_one_rival_and_for_three(at, django_assert_max_num_queries):
    world = make_world(at)
    [commission] = make_sale(world, at=at).commissions

    with django_assert_max_num_queries(14):
        explanation_of(commission, viewer="merchant", at=at)


@pytest.mark.parametrize(
    ("approved", "now", "expected"),
    [
        ((2026, 3, 10), (2026, 3, 11), (2026, 4, 5)),
        ((2026, 12, 31), (2026, 12, 31), (2027, 1, 5)),
        ((2026, 1, 10), (2026, 3, 4), (2026, 3, 5)),
        ((2026, 1, 10), (2026, 3, 6), (2026, 4, 5)),
    ],
)
def test_what_is_approved_is_paid_on_the_next_pay_day_after_its_month(approved, now, expected):
    assert expected_payout_at(datetime(*approved, tzinfo=UTC), at=datetime(*now, tzinfo=UTC)) == datetime(
        *expected, tzinfo=UTC
    )
