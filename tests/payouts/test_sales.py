"""From an order to an approved or reversed commission (C, E; faults 22, 25, 26, 30)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from affiliates import enrolments
from ledger.accounts import balance_of
from ledger.ids import new_uuid7
from ledger.money import Money
from payouts import chart, commissions, sales
from payouts.errors import NotYetDue
from payouts.models import Commission
from payouts.rules import versions
from tests.factories.world import facts, make_click, make_sale, make_world
from tracking import links
from tracking.conversions import OrderFacts
from tracking.errors import OrderConflict, RefundTooLarge
from tracking.models import Conversion

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_agree")]

USD = "USD"


def test_an_order_after_a_click_earns_twenty_percent_and_waits(at):
    world = make_world(at)

    sale = make_sale(world, "62.00", at=at)

    assert sale.conversion.verdict == "accepted"
    [commission] = sale.commissions
    assert commission.amount == Money(1240, USD)
    assert commission.due_at == at + timedelta(days=30)
    assert balance_of(chart.pending(world.affiliate), USD) == Money(1240, USD)
    assert balance_of(chart.receivable(world.merchant), USD) == Money(1240, USD)


def test_the_same_order_twice_is_one_conversion_and_one_commission(at):
    world = make_world(at)
    first = make_sale(world, at=at, order_ref="1042")
    again = sales.record_sale(
        world.merchant,
        _same(first.conversion),
        at=at + timedelta(hours=1),
    )

    assert again.is_new is False
    assert again.conversion == first.conversion
    assert Commission.objects.count() == 1


def _same(conversion):
    return OrderFacts(
        order_ref=conversion.order_ref,
        amount=conversion.amount,
        occurred_at=conversion.occurred_at,
        click_id=conversion.click_id,
    )


def test_the_same_order_with_another_amount_is_refused_and_changes_nothing(at):
    world = make_world(at)
    first = make_sale(world, "100.00", at=at, order_ref="1042")

    with pytest.raises(OrderConflict) as caught:
        sales.record_sale(world.merchant, facts("1042", "90.00", at=at), at=at)

    assert "amount" in caught.value.fields
    assert Conversion.objects.get().amount == first.conversion.amount


def test_the_hold_ends_only_when_it_is_over(at):
    world = make_world(at)
    [commission] = make_sale(world, at=at).commissions

    with pytest.raises(NotYetDue):
        commissions.approve_commission(commission, at=at + timedelta(days=29))
    assert balance_of(chart.payable(world.affiliate), USD) == Money.zero(USD)

    commissions.approve_due_commissions(at=at + timedelta(days=30))

    assert balance_of(chart.pending(world.affiliate), USD) == Money.zero(USD)
    assert balance_of(chart.payable(world.affiliate), USD) == Money(2000, USD)


def test_a_returned_order_takes_its_pending_commission_back(at):
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at)

    sales.refund_sale(sale.conversion, reference="rf-1", reason="item_returned", at=at + timedelta(days=3))

    assert balance_of(chart.pending(world.affiliate), USD) == Money.zero(USD)
    assert balance_of(chart.receivable(world.merchant), USD) == Money.zero(USD)
    assert Commission.objects.get().status == "reversed"


def test_partial_refunds_leave_what_the_rest_of_the_order_earns(at):
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at)

    sales.refund_sale(sale.conversion, amount=Money(3333, USD), reference="a", at=at)
    sales.refund_sale(sale.conversion, amount=Money(3333, USD), reference="a", at=at)
    sales.refund_sale(sale.conversion, amount=Money(3333, USD), reference="b", at=at)

    # 20 % of 33.34 left = 6.668 → 6.67
    assert balance_of(chart.pending(world.affiliate), USD) == Money(667, USD)
    with pytest.raises(RefundTooLarge):
        sales.refund_sale(sale.conversion, amount=Money(3335, USD), reference="c", at=at)


def test_an_approved_commission_is_taken_back_out_of_payable(at):
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at)
    commissions.approve_due_commissions(at=at + timedelta(days=30))

    sales.refund_sale(sale.conversion, reference="rf", at=at + timedelta(days=31))

    assert balance_of(chart.payable(world.affiliate), USD) == Money.zero(USD)
    assert balance_of(chart.recoverable(world.affiliate), USD) == Money.zero(USD)


def test_last_click_wins_and_the_others_are_kept_with_the_reason(at):
    world = make_world(at)
    rival = make_world(at)
    rival_place = enrolments.join_program(rival.affiliate, world.program, at=at - timedelta(days=300))
    rival_link = links.create_link(rival_place, at=at - timedelta(days=300))
    visitor = world.enrolment.pk
    make_click(rival_link, at=at - timedelta(hours=4), visitor=visitor)
    last = make_click(world.link, at=at - timedelta(minutes=4), visitor=visitor)

    sale = sales.record_sale(world.merchant, facts("x", "50.00", at=at, click=last), at=at)

    assert sale.attribution.enrolment == world.enrolment
    assert [row["reason"] for row in sale.attribution.candidates] == ["last_click", "older_than_the_last"]


@pytest.mark.parametrize(
    ("minutes", "verdict", "reason"),
    [(60 * 24 * 30, "accepted", ""), (60 * 24 * 30 + 1, "unattributed", "outside_window")],
)
def test_the_window_is_the_programs_and_is_enforced_on_the_server(at, minutes, verdict, reason):
    """C7"""
    world = make_world(at, window_days=30)
    click = make_click(world.link, at=at - timedelta(minutes=minutes))

    sale = sales.record_sale(world.merchant, facts("x", "50.00", at=at, click=click), at=at)

    assert (sale.conversion.verdict, sale.conversion.reason) == (verdict, reason)


def test_a_click_of_another_merchants_program_earns_nothing_here(at):
    world, other = make_world(at), make_world(at)
    click = make_click(other.link, at=at)

    sale = sales.record_sale(world.merchant, facts("x", "50.00", at=at, click=click), at=at)

    assert (sale.conversion.verdict, sale.conversion.reason) == ("unattributed", "click_of_another_merchant")
    assert Commission.objects.count() == 0


def test_a_click_still_on_its_way_holds_the_sale_until_it_arrives(at):
    world = make_world(at)
    click = make_click(world.link, at=at)
    late = new_uuid7(at)
    held = sales.record_sale(world.merchant, _with_click("x", late, at), at=at)
    assert held.conversion.verdict == "held"

    with connection.cursor() as cursor:
        cursor.execute("UPDATE tracking_click SET id = %s WHERE id = %s", [late, click.pk])
    sales.retry_held_sales(at=at + timedelta(minutes=1))

    assert Conversion.objects.get().verdict == "accepted"
    assert Commission.objects.get().amount == Money(1000, USD)


def test_whoever_stores_clicks_decides_over_the_orders_that_waited_for_them_and_no_others(at):
    world = make_world(at)
    click = make_click(world.link, at=at)
    here, away = new_uuid7(at), new_uuid7(at)
    for order_ref, click_id in (("here", here), ("away", away)):
        assert (
            sales.record_sale(world.merchant, _with_click(order_ref, click_id, at), at=at).conversion.verdict == "held"
        )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tracking_click SET id = %s WHERE id = %s", [here, click.pk])

    decided = [sales.decide_arrived_sales(at=at + timedelta(minutes=20)) for _ in range(2)]

    assert decided == [1, 0]
    assert dict(Conversion.objects.values_list("order_ref", "verdict")) == {"here": "accepted", "away": "held"}


def test_a_click_nobody_ever_saw_leaves_the_sale_unattributed(at):
    world = make_world(at)
    sales.record_sale(world.merchant, _with_click("x", new_uuid7(at), at), at=at)
    sales.retry_held_sales(at=at + timedelta(minutes=16))

    conversion = Conversion.objects.get()
    assert (conversion.verdict, conversion.reason) == ("unattributed", "click_unknown")


def _with_click(ref, key, at):
    return OrderFacts(order_ref=ref, amount=Money(5000, USD), occurred_at=at, click_id=key)


def test_a_test_order_says_what_it_would_earn_and_books_nothing(at):
    world = make_world(at)

    sale = make_sale(world, "62.00", at=at, is_test=True)

    assert sale.would_earn.amount == Money(1240, USD)
    assert Commission.objects.count() == 0
    assert balance_of(chart.pending(world.affiliate), USD) == Money.zero(USD)


def test_a_sale_is_priced_by_the_rules_of_its_own_time(at):
    """Fault 22; what happened is never repriced."""
    world = make_world(at)
    versions.publish_rules(
        world.program,
        [versions.LineDraft("Half", "percent", rate=Decimal("0.5"))],
        starts_at=at + timedelta(days=1),
        at=at,
    )

    before = make_sale(world, "100.00", at=at)
    after = make_sale(world, "100.00", at=at + timedelta(days=2))

    assert before.commissions[0].amount == Money(2000, USD)
    assert after.commissions[0].amount == Money(5000, USD)


def test_gross_terms_take_tax_shipping_and_discount_off_first(at):
    world = make_world(at, basis="gross")

    sale = make_sale(world, "74.00", at=at, tax=Money(500, USD), shipping=Money(700, USD), discount=Money(0, USD))

    assert sale.commissions[0].amount == Money(1240, USD)
    assert sale.commissions[0].trace["base"] == "62.00"
