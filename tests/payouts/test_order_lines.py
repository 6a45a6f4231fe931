"""Copies of orders for reports (K1): what changes after the copying is in the figures at once, and once (X1)."""

from datetime import timedelta

import pytest
from django.db import connection

from ledger.money import Money
from payouts import sales
from payouts.models import OrderLine
from payouts.order_lines import WHOLE, changed_orders, copy_changed_orders
from payouts.queries import statistics
from payouts.queries.partner import results_by_link
from payouts.queries.statistics import report_on, scope_of_merchant, scope_of_network, scope_of_partner
from tests.factories.world import make_sale, make_world
from tracking.statistics.questions import Question

pytestmark = pytest.mark.django_db


def takings(world, at):
    """(orders, sales, refunds, commission) for the partner, the merchant, the network, and the merchant by partner."""
    found = []
    for scope, groups in (
        (scope_of_partner(world.affiliate), ()),
        (scope_of_merchant(world.merchant), ()),
        (scope_of_network(), ()),
        (scope_of_merchant(world.merchant), ("affiliate",)),
    ):
        figures = report_on(Question(scope, at - timedelta(days=2), at + timedelta(days=2), groups=groups)).total
        sums = figures.of("USD")
        found.append((sums.orders, sums.sales, sums.refunds, sums.commission))
    return found


def test_k1_copies_and_orders_themselves_give_the_same_figures(at):
    world = make_world(at)
    first, second = make_sale(world, "80.00", at=at), make_sale(world, "20.00", at=at)

    before = takings(world, at)
    while copy_changed_orders():
        pass

    assert before == [(2, 10_000, 0, 2_000)] * 4
    assert changed_orders() == []
    assert takings(world, at) == before
    lines = OrderLine.objects.filter(conversion_id__in=[first.conversion.pk, second.conversion.pk])
    assert sorted(lines.values_list("affiliate_id", flat=True)) == sorted([WHOLE, world.affiliate.pk] * 2)


@pytest.mark.parametrize("most_named", [2_000, 0])
def test_x1_a_refund_after_the_copying_counts_at_once(at, monkeypatch, most_named):
    """With few noted orders and with many, which are looked up and not named."""
    monkeypatch.setattr(statistics, "MOST_NAMED", most_named)
    world = make_world(at)
    sale = make_sale(world, "80.00", at=at)
    make_sale(world, "20.00", at=at)
    while copy_changed_orders():
        pass

    sales.refund_sale(sale.conversion, reference="back", amount=Money(8_000, "USD"), at=at + timedelta(days=1))

    assert takings(world, at) == [(2, 10_000, 8_000, 400)] * 4
    assert changed_orders() == [sale.conversion.pk]
    while copy_changed_orders():
        pass
    assert takings(world, at) == [(2, 10_000, 8_000, 400)] * 4


def test_k1_a_links_results_are_those_of_its_clicks(at):
    world = make_world(at)
    make_sale(world, "80.00", at=at)
    copy_changed_orders()
    make_sale(world, "20.00", at=at)

    result = results_by_link(world.affiliate, [world.link])[world.link.pk]

    assert (result.orders, result.earned) == (2, (Money(2_000, "USD"),))


def test_an_order_that_was_noted_twice_is_copied_once(at):
    world = make_world(at)
    sale = make_sale(world, "80.00", at=at)
    copy_changed_orders()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tracking_conversion SET event = event WHERE id = %s", [sale.conversion.pk])
        cursor.execute("UPDATE tracking_conversion SET event = event WHERE id = %s", [sale.conversion.pk])

    assert copy_changed_orders() == 2
    assert copy_changed_orders() == 0
