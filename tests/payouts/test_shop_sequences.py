"""Events of shops in every order end in one state, and the books agree (fault 17, goal 5)."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from ledger.audit import verify_books
from ledger.money import Money
from payouts.converging import hear
from payouts.models import Commission
from tests.factories.shops import ShopifyShop, StripeShop, WooShop, make_shop
from tests.factories.world import World, make_click, make_world
from tracking.models import Conversion, Dispute, Refund, ShopEvent
from tracking.shops import shopify_events, stripe_events, woocommerce_events
from tracking.shops.orders import Notice

pytestmark = pytest.mark.django_db

type Story = Sequence[Notice]


class Rolled(Exception):
    """Ends a play without a trace."""


def stripe_story(kind: str, click: str, at: datetime) -> Story:
    shop = StripeShop(click=click, at=at)
    events: dict[str, list[dict[str, Any]]] = {
        "refunds": [
            shop.checkout(),
            shop.refunded(2_000, minute=10),
            shop.refunded(5_000, minute=20),
            shop.refunded(7_500, minute=30),
        ],
        "dispute_won": [
            shop.checkout(),
            shop.refunded(3_000, minute=5),
            shop.dispute("created", minute=10),
            shop.dispute("funds_withdrawn", minute=10),
            shop.dispute("closed", minute=30, status="won"),
            shop.dispute("funds_reinstated", minute=31, status="won"),
        ],
        "dispute_lost": [
            shop.checkout("completed", paid=False),
            shop.checkout("async_payment_succeeded", minute=3),
            shop.refunded(2_500, minute=5),
            shop.dispute("created", minute=10),
            shop.dispute("funds_withdrawn", minute=11),
            shop.dispute("closed", minute=30, status="lost"),
        ],
        "subscription": [
            shop.checkout(mode="subscription", subscription=f"sub_{shop.number}", payment_intent=None, invoice="in_a"),
            shop.invoice("in_a", minute=1),
            shop.event(
                "invoice_payment.paid",
                {"id": "inpay_1", "invoice": "in_a", "payment": {"payment_intent": shop.payment}},
                minute=1,
            ),
            shop.refunded(4_000, minute=9),
            shop.dispute("created", minute=10, minor=5_000),
            shop.dispute("closed", minute=12, minor=5_000, status="lost"),
        ],
    }
    return [notice for event in events[kind] if (notice := stripe_events.read(event))]


def shopify_story(kind: str, click: str, at: datetime) -> Story:
    shop = ShopifyShop(click=click, at=at)
    told: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "edited_and_refunded": [
            ("orders/create", shop.order(minute=0, status="pending")),
            ("orders/paid", shop.order(minute=1)),
            ("orders/updated", shop.order(minute=5, goods="160.00")),
            ("refunds/create", shop.refund(901, "30.00", minute=8)),
            ("refunds/create", shop.refund(902, "20.00", minute=9)),
            (
                "orders/updated",
                shop.order(
                    minute=9, goods="160.00", status="partially_refunded", refunds=[shop.refund(901, "30.00", minute=8)]
                ),
            ),
        ],
        "cancelled": [
            ("orders/create", shop.order(minute=0)),
            ("orders/paid", shop.order(minute=1)),
            ("refunds/create", shop.refund(903, "100.00", minute=8)),
            ("orders/updated", shop.order(minute=9, status="refunded")),
            (
                "orders/cancelled",
                shop.order(minute=10, status="refunded", cancelled_at=at.isoformat(), cancel_reason="inventory"),
            ),
        ],
    }
    found = [shopify_events.read(topic, f"{kind}-{number}", event) for number, (topic, event) in enumerate(told[kind])]
    return [one for one in found if one]


def woo_story(kind: str, click: str, at: datetime) -> Story:
    shop = WooShop(click=click, at=at)
    told: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "refunded": [
            ("order.created", shop.order(minute=0, status="pending")),
            ("order.updated", shop.order(minute=1)),
            ("order.updated", shop.order(minute=2, total="120.00")),
            ("order.updated", shop.order(minute=5, total="120.00", refunds=[{"id": 1, "total": "-10.00"}])),
            (
                "order.updated",
                shop.order(
                    minute=6,
                    status="completed",
                    total="120.00",
                    refunds=[{"id": 1, "total": "-10.00"}, {"id": 2, "total": "-25.00"}],
                ),
            ),
        ],
        "cancelled_and_back": [
            ("order.created", shop.order(minute=0)),
            ("order.updated", shop.order(minute=1, status="cancelled")),
            ("order.updated", shop.order(minute=2, status="processing")),
            ("order.updated", shop.order(minute=3, status="completed", refunds=[{"id": 1, "total": "-10.00"}])),
        ],
        "deleted": [
            ("order.created", shop.order(minute=0)),
            ("order.updated", shop.order(minute=2, status="completed")),
            ("order.deleted", {"id": shop.number}),
        ],
    }
    found = [
        woocommerce_events.read(topic, f"{kind}-{number}", event, at=at)
        for number, (topic, event) in enumerate(told[kind])
    ]
    return [one for one in found if one]


#: Shop, story, what is left of the order, and what it earns at 20 %.
STORIES = [
    ("stripe", stripe_story, "refunds", "25.00", "5.00"),
    ("stripe", stripe_story, "dispute_won", "70.00", "14.00"),
    ("stripe", stripe_story, "dispute_lost", "0.00", "0.00"),
    ("stripe", stripe_story, "subscription", "10.00", "2.00"),
    ("shopify", shopify_story, "edited_and_refunded", "110.00", "22.00"),
    ("shopify", shopify_story, "cancelled", "0.00", "0.00"),
    ("woocommerce", woo_story, "refunded", "85.00", "17.00"),
    ("woocommerce", woo_story, "cancelled_and_back", "90.00", "18.00"),
    ("woocommerce", woo_story, "deleted", "0.00", "0.00"),
]
STORY_IDS = [f"{shop}-{kind}" for shop, _make, kind, _left, _earns in STORIES]


def state_now() -> dict[str, Any]:
    """Everything about the orders that a reader could see; how it came about stays out."""
    orders = []
    for one in Conversion.objects.order_by("order_ref"):
        disputes = (
            Dispute.objects.filter(conversion=one)
            .order_by("reference")
            .values_list("reference", "status", "amount_minor")
        )
        live = Refund.objects.filter(conversion=one, voided_at=None)
        earned = sum(row.remaining.minor for row in Commission.objects.filter(conversion=one))
        assert sum(live.values_list("amount_minor", flat=True)) == one.refunded_minor
        orders.append(
            (
                one.order_ref, one.verdict, one.reason, one.amount_minor, one.refunded_minor, one.items, str(one.click_id),
                one.customer_ref, one.subscription_ref, one.is_disputed, one.occurred_at, earned, list(disputes),
            )
        )  # fmt: skip
    return {"orders": orders}


def play(world: World, shop: Any, story: Sequence[Notice], at: datetime) -> dict[str, Any]:
    """Hear the events in this order, in a transaction that leaves no trace; the state at the end."""
    state: dict[str, Any] = {}
    try:
        with transaction.atomic():
            for number, notice in enumerate(story):
                hear(shop, notice, at=at + timedelta(hours=1, minutes=number))
            state = state_now()
            assert [str(one) for one in verify_books()] == []
            connection.check_constraints()
            raise Rolled
    except Rolled:
        return state


def setting(shop_kind: str, make: Any, kind: str, at: datetime) -> tuple[World, Any, Story]:
    world = make_world(at)
    shop = make_shop(world.merchant, shop_kind, at=at)
    click = make_click(world.link, at=at - timedelta(minutes=5))
    return world, shop, make(kind, click.public_id, at)


@pytest.mark.parametrize(("shop_kind", "make", "kind", "left", "earns"), STORIES, ids=STORY_IDS)
def test_a_story_told_backwards_twice_or_in_turns_ends_as_it_ends_in_its_own_order(
    shop_kind, make, kind, left, earns, at
):
    """Duplicates too: everything once, then everything again."""
    world, shop, story = setting(shop_kind, make, kind, at)

    told = play(world, shop, story, at)

    [order] = told["orders"]
    assert (Money(order[3] - order[4], "USD").major, Money(order[11], "USD").major) == (left, earns)
    ways = [story[::-1], [*story, *story], [*story[1:], story[0]], [*story[-1:], *story[:-1]], [*story[::-1], *story]]
    for way in ways:
        assert play(world, shop, way, at) == told


@pytest.mark.slow
@pytest.mark.parametrize(("shop_kind", "make", "kind", "left", "earns"), STORIES, ids=STORY_IDS)
def test_every_order_of_a_storys_events_ends_in_one_state(shop_kind, make, kind, left, earns, at):
    """Up to 720 permutations of 6 events each."""
    world, shop, story = setting(shop_kind, make, kind, at)
    told = play(world, shop, story, at)

    different = [way for way in itertools.permutations(story) if play(world, shop, way, at) != told]

    assert different == []


def test_an_event_heard_twice_is_kept_once(at):
    _world, shop, story = setting("stripe", stripe_story, "refunds", at)

    first, second = hear(shop, story[0], at=at), hear(shop, story[0], at=at)

    assert (first.is_new, second.is_new) == (True, False)
    assert (ShopEvent.objects.count(), Conversion.objects.count()) == (1, 1)


def test_a_refund_that_comes_before_its_order_waits_for_it(at):
    _world, shop, story = setting("stripe", stripe_story, "refunds", at)

    early = hear(shop, story[1], at=at)
    late = hear(shop, story[0], at=at)

    assert early.sale is None
    assert late.sale is not None
    assert late.sale.conversion.refunded == Money(2_000, "USD")


def test_renewals_are_orders_of_their_own_and_learn_the_click_from_their_subscription(at):
    """C9, C10: the click came with the Checkout session; renewals name only the subscription."""
    world = make_world(at, window_days=90)
    connection_of = make_shop(world.merchant, "stripe", at=at)
    click = make_click(world.link, at=at - timedelta(minutes=5))
    shop = StripeShop(click=click.public_id, at=at)
    events = [
        shop.invoice("in_2", minute=2, reason="subscription_cycle"),
        shop.invoice("in_1", minute=1),
        shop.checkout(mode="subscription", subscription=f"sub_{shop.number}", payment_intent=None, invoice="in_1"),
    ]

    for event in events:
        hear(connection_of, stripe_events.read(event), at=at + timedelta(hours=1))

    rows = Conversion.objects.order_by("order_ref").values_list(
        "order_ref", "is_renewal", "verdict", "subscription_ref"
    )
    subscription = f"sub_{shop.number}"
    assert list(rows) == [("in_1", False, "accepted", subscription), ("in_2", True, "accepted", subscription)]


def test_a_customers_click_kept_by_dubs_keys_makes_the_order_the_partners(at):
    """The keys of Stripe that a shop coming from Dub already sends (C10)."""
    world = make_world(at)
    connection_of = make_shop(world.merchant, "stripe", at=at)
    click = make_click(world.link, at=at - timedelta(minutes=5))
    shop = StripeShop(at=at)
    customer = {"id": "cus_1", "metadata": {"dubClickId": click.public_id, "dubCustomerExternalId": "u-7"}}

    hear(connection_of, stripe_events.read(shop.checkout()), at=at + timedelta(hours=1))
    hear(connection_of, stripe_events.read(shop.event("customer.created", customer)), at=at + timedelta(hours=1))

    order = Conversion.objects.get()
    assert (order.verdict, order.click_id) == ("accepted", click.pk)


def test_client_reference_id_with_dubs_prefix_names_the_click(at):
    world = make_world(at)
    click = make_click(world.link, at=at - timedelta(minutes=5))
    shop = StripeShop(click=f"dub_id_{click.public_id}", at=at)

    heard = hear(make_shop(world.merchant, "stripe", at=at), stripe_events.read(shop.checkout()), at=at)

    assert heard.sale.conversion.click_id == click.pk


@pytest.mark.parametrize(
    ("currency", "stripes", "ours"),
    [
        ("usd", 1050, "10.50"),
        ("jpy", 1050, "1050"),
        ("kwd", 10500, "10.500"),
        ("isk", 105000, "1050"),
        ("huf", 105000, "1050.00"),
    ],
)
def test_stripes_amounts_are_read_in_each_currencys_own_units(currency, stripes, ours, at):
    event = StripeShop(at=at, currency=currency).checkout(amount_total=stripes)

    order = stripe_events.fold([stripe_events.read(event)])

    assert Money(order.goods, order.currency).major == ours


def test_test_mode_is_a_test_order_and_books_nothing(at):
    """C18: livemode false."""
    world = make_world(at)
    event = StripeShop(at=at, livemode=False).checkout()

    heard = hear(make_shop(world.merchant, "stripe", at=at), stripe_events.read(event), at=at)

    assert heard.sale.conversion.is_test is True
    assert Commission.objects.count() == 0


def test_tax_and_shipping_are_no_part_of_a_net_amount_and_are_taken_off_a_gross_one(at):
    """Both bases of a program's terms pay commission on the goods alone."""
    details = {"amount_tax": 800, "amount_shipping": 700, "amount_discount": 500}
    for basis in ("net", "gross"):
        world = make_world(at, basis=basis)
        click = make_click(world.link, at=at - timedelta(minutes=5))
        event = StripeShop(click=click.public_id, at=at).checkout(total_details=details)

        heard = hear(make_shop(world.merchant, "stripe", at=at, basis=basis), stripe_events.read(event), at=at)

        assert heard.sale.commissions[0].amount == Money(1_700, "USD")
