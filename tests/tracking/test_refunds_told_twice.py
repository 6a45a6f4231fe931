"""A refund told by two ways counts once, whatever order they come in; two of one way are two."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit import verify_books
from ledger.money import Money
from payouts import sales
from payouts.commissions import approve_due_commissions
from payouts.models import Commission
from tests.factories.world import make_sale, make_world
from tracking.errors import InputRefused, RefundTooLarge
from tracking.models import Conversion, Refund
from tracking.refunds import NEAR, Told, twins_of

DAY = datetime(2026, 5, 1, tzinfo=UTC)


def _usd(minor):
    return Money(minor, "USD")


def _refunded(sale):
    fresh = Conversion.objects.get(pk=sale.conversion.pk)
    own = Commission.objects.get(conversion=fresh)
    return fresh.refunded.minor, own.remaining.minor


@pytest.fixture
def sale(db, at):
    return make_sale(make_world(at), "100.00", at=at)


def _api(sale, minor, ref, at, **more):
    return sales.refund_sale(sale.conversion, amount=_usd(minor), reference=ref, way="api", at=at, **more)


def _shop(sale, minor, name, at, shop="shopify"):
    origin = f"{shop}:{name}"
    return sales.refund_sale(sale.conversion, amount=_usd(minor), reference=f"{origin}#1", origin=origin, at=at)


@pytest.mark.parametrize("is_shop_first", [True, False])
def test_the_second_way_completes_the_first(sale, at, is_shop_first):
    tell = [lambda when: _api(sale, 2500, "rf-1", when), lambda when: _shop(sale, 2500, "991", when)]
    first, _new = tell[is_shop_first](at)
    second, _new = tell[not is_shop_first](at + timedelta(minutes=3))

    assert (first.is_told_twice, second.is_told_twice, second.twin) == (False, True, first)
    assert _refunded(sale) == (2500, 1500)


def test_ways_that_are_the_same_tell_of_two(sale, at):
    _api(sale, 2500, "rf-1", at)
    _api(sale, 2500, "rf-2", at)
    _shop(sale, 1000, "991", at)
    _shop(sale, 1000, "992", at)

    assert _refunded(sale) == (7000, 600)


def test_other_amounts_and_long_after_are_two(sale, at):
    _api(sale, 2500, "rf-1", at)
    _shop(sale, 2501, "991", at)
    _shop(sale, 2500, "992", at + NEAR + timedelta(seconds=1))

    assert _refunded(sale)[0] == 7501


def test_a_reference_in_common_joins_them_however_late(sale, at):
    _api(sale, 2500, "991", at)
    _shop(sale, 2500, "991", at + timedelta(days=90))

    assert _refunded(sale)[0] == 2500


def test_a_whole_refund_told_twice_is_no_mistake(sale, at):
    _shop(sale, 10000, "991", at)

    told, is_new = sales.refund_sale(sale.conversion, reference="rf-1", way="api", at=at)

    assert (told.is_told_twice, is_new, _refunded(sale)) == (True, True, (10000, 0))
    with pytest.raises(InputRefused):
        sales.refund_sale(sale.conversion, reference="rf-2", way="api", at=at)


def test_more_than_half_told_twice_is_not_too_much(sale, at):
    _api(sale, 6000, "rf-1", at)
    _shop(sale, 6000, "991", at)

    assert _refunded(sale) == (6000, 800)
    with pytest.raises(RefundTooLarge):
        _api(sale, 6000, "rf-2", at)


def test_three_ways_are_one_too(sale, at):
    _api(sale, 2500, "rf-1", at)
    _shop(sale, 2500, "991", at)
    sales.refund_sale(sale.conversion, amount=_usd(2500), reference="up-1", way="upload", at=at)

    assert _refunded(sale)[0] == 2500
    assert Refund.objects.filter(twin=None).count() == 1


@pytest.mark.parametrize("order", list(permutations(("api", "shop", "void"))))
def test_a_refund_that_the_shop_takes_back_leaves_what_the_api_told(sale, at, order):
    """Every order in which the shop's refund comes before its failure."""
    if order.index("void") < order.index("shop"):
        order = tuple({"shop": "void", "void": "shop"}.get(step, step) for step in order)
    for step in order:
        if step == "api":
            _api(sale, 2500, "rf-1", at)
        elif step == "shop":
            told, _new = _shop(sale, 2500, "991", at)
        else:
            sales.void_refund_of_sale(told, reason="refund_undone", at=at)

    assert _refunded(sale) == (2500, 1500)


def test_one_word_of_stripes_stands_for_several_refunds(sale, at):
    _api(sale, 2000, "rf-1", at)
    _api(sale, 1000, "rf-2", at)
    _shop(sale, 3000, "ch_1", at, shop="stripe")

    assert _refunded(sale) == (3000, 1400)


def test_and_before_them_too(sale, at):
    _shop(sale, 3000, "ch_1", at, shop="stripe")
    _api(sale, 2000, "rf-1", at)
    _api(sale, 1000, "rf-2", at)

    assert _refunded(sale) == (3000, 1400)
    assert list(verify_books()) == []


def test_two_that_are_two_are_told_apart_once(sale, at):
    _api(sale, 2500, "rf-1", at)
    second, _new = _shop(sale, 2500, "991", at)

    assert [sales.tell_refunds_apart(second, at=at + timedelta(hours=1)) for _ in range(2)] == [True, False]
    assert _refunded(sale) == (5000, 1000)
    # A third telling finds the first alone.
    sales.refund_sale(sale.conversion, amount=_usd(2500), reference="up-1", way="upload", at=at)
    assert _refunded(sale) == (5000, 1000)
    assert list(verify_books()) == []


def test_two_cannot_be_more_than_the_order(sale, at):
    _api(sale, 6000, "rf-1", at)
    second, _new = _shop(sale, 6000, "991", at)

    with pytest.raises(RefundTooLarge):
        sales.tell_refunds_apart(second, at=at)
    assert _refunded(sale)[0] == 6000


def test_told_apart_after_approval_takes_from_what_is_payable(sale, at):
    _api(sale, 2500, "rf-1", at)
    second, _new = _shop(sale, 2500, "991", at)
    approve_due_commissions(at=at + timedelta(days=31))

    sales.tell_refunds_apart(second, at=at + timedelta(days=32))

    assert _refunded(sale) == (5000, 1000)
    assert list(verify_books()) == []


def test_a_banks_claim_is_no_refund_told_twice(sale, at):
    _api(sale, 2500, "rf-1", at)
    sales.dispute_lost(sale.conversion, reference="dp_1", amount=_usd(2500), at=at)

    assert _refunded(sale)[0] == 5000


told = st.lists(
    st.tuples(st.sampled_from(["api", "shopify", "upload", ""]), st.sampled_from([100, 250]), st.integers(0, 20)),
    max_size=7,
)


@given(told, st.randoms(use_true_random=False))
def test_what_counts_depends_on_the_refunds_and_not_on_their_order(rows, random):
    refunds = [
        Told(UUID(int=number + 1), way, minor, DAY + timedelta(days=days))
        for number, (way, minor, days) in enumerate(rows)
    ]
    mixed = random.sample(refunds, len(refunds))

    assert twins_of(mixed) == twins_of(refunds)
    for refund, twin in twins_of(refunds).items():
        one, other = refunds[refund.int - 1], refunds[twin.int - 1]
        assert (one.minor == other.minor, one.way != other.way, abs(one.at - other.at) <= NEAR) == (True, True, True)
        assert twin not in twins_of(refunds)


@given(st.lists(st.tuples(st.sampled_from(["api", "shopify"]), st.sampled_from([100, 250, 400])), max_size=8))
def test_within_a_week_each_amount_counts_as_often_as_the_way_that_told_it_most(rows):
    refunds = [Told(UUID(int=number + 1), way, minor, DAY) for number, (way, minor) in enumerate(rows)]
    twins = twins_of(refunds)

    counted = sorted(one.minor for one in refunds if one.key not in twins)

    assert counted == sorted(
        minor for minor in (100, 250, 400) for _ in range(max(rows.count((way, minor)) for way in ("api", "shopify")))
    )
