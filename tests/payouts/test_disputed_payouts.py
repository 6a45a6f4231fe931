"""What is approved and not paid waits for the end of a dispute over its order, and comes back when it is won."""

from datetime import timedelta

import pytest

from ledger.audit import verify_books
from ledger.money import Money
from payouts import runs, sales
from payouts.commissions import approve_due_commissions
from payouts.models import Commission, PayoutItem
from payouts.queries.partner import EarningsFilter, earnings_of
from payouts.queries.standing import standings_of
from payouts.queries.states import in_state, state_of
from tests.factories.world import make_sale, make_user, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(at):
    return make_world(at - timedelta(days=60), hold_days=0)


@pytest.fixture
def orders(world, at):
    """Two approved commissions of 20.00; the order of the first is disputed."""
    day = at - timedelta(days=30)
    first, second = (make_sale(world, "100.00", at=day, order_ref=ref).conversion for ref in ("one", "two"))
    assert approve_due_commissions(at=day + timedelta(days=1)) == 2
    sales.dispute_opened(first, reference="dp_1", amount=Money(10000, "USD"), at=day + timedelta(days=2))
    return first, second


def _run(at, label="one"):
    return runs.prepare_run(label, starts_at=at - timedelta(days=90), ends_at=at, by=make_user("finance"), at=at)


def _paid_orders():
    return set(PayoutItem.objects.filter(released_at=None).values_list("commission__conversion__order_ref", flat=True))


def test_a_run_leaves_a_disputed_order_out_and_says_so(world, orders, at):
    preview = runs.preview_run(ends_at=at, at=at)
    run = _run(at)

    assert [one.minor for one in preview.amounts] == [2000]
    assert [(one.amount.minor, one.reason) for one in preview.left_out] == [(2000, "order_disputed")]
    assert run.notes["left_out"] == [
        {
            "affiliate": world.affiliate.public_id, "name": world.affiliate.name, "amount": "20.00",
            "currency": "USD", "reason": "order_disputed",
        }
    ]  # fmt: skip
    assert _paid_orders() == {"two"}
    assert list(verify_books()) == []


def test_the_partner_sees_it_held_and_expects_it_on_no_pay_day(world, orders, at):
    held, free = (Commission.objects.get(conversion=one) for one in orders)
    [standing] = standings_of(world.affiliate, at=at)

    assert (state_of(held, at=at).name, state_of(held, at=at).reason) == ("held", "order_disputed")
    assert state_of(free, at=at).name == "approved"
    assert [set(in_state(Commission.objects.all(), name)) for name in ("held", "approved")] == [{held}, {free}]
    assert (standing.available.minor, standing.approved.minor, standing.disputed.minor) == (2000, 2000, 2000)
    assert sum(one.expected.minor for one in standing.coming) == 2000
    day = standing.coming[0].at.date()
    assert set(earnings_of(world.affiliate, EarningsFilter(pays=day), at=at)) == {free}


def test_a_dispute_that_is_won_lets_it_go_into_the_next_run(orders, at):
    _run(at)
    sales.dispute_won(orders[0], reference="dp_1", amount=Money(10000, "USD"), at=at)

    second = _run(at + timedelta(days=1), label="two")

    assert second.notes["left_out"] == []
    assert _paid_orders() == {"one", "two"}
    assert list(verify_books()) == []


def test_a_dispute_that_is_lost_takes_it_and_nothing_is_left_to_recover(world, orders, at):
    sales.dispute_lost(orders[0], reference="dp_1", amount=Money(10000, "USD"), at=at)

    [standing] = standings_of(world.affiliate, at=at)
    _run(at)

    assert (standing.disputed.minor, standing.recoverable.minor) == (0, 0)
    assert state_of(Commission.objects.get(conversion=orders[0]), at=at).name == "reversed"
    assert _paid_orders() == {"two"}
    assert list(verify_books()) == []


def test_a_pending_commission_of_a_disputed_order_is_held_too(world, at):
    sale = make_sale(make_world(at, hold_days=30), "100.00", at=at)
    sales.dispute_opened(sale.conversion, reference="dp_2", amount=None, at=at)
    pending = Commission.objects.get(conversion=sale.conversion)

    assert state_of(pending, at=at).name == "held"
    assert list(in_state(Commission.objects.filter(pk=pending.pk), "held")) == [pending]
    assert list(in_state(Commission.objects.filter(pk=pending.pk), "pending")) == []
