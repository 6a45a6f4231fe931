"""/hooks/stripe|shopify|woocommerce/<merchant>/: signed events of shops are kept, booked and answered (C10, F17, fault 17)."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affiliates.keys import issue_key
from affiliates.shops import pause_shop, resume_shop, rotate_shop_secret
from payouts.converging import catch_up
from portal.intake.replay import ReplayRefused, replay
from tests.factories.shops import (
    SECRET,
    ShopifyShop,
    StripeShop,
    WooShop,
    body_of,
    make_shop,
    shop_signature,
    stripe_signature,
)
from tests.factories.world import World, make_click, make_world
from tracking.models import Conversion, InboxRequest, ShopEvent

pytestmark = pytest.mark.django_db

KINDS = ("stripe", "shopify", "woocommerce")


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def world(now) -> World:
    return make_world(now)


def click_of(world: World, now) -> str:
    return make_click(world.link, at=now - timedelta(minutes=30)).public_id


def signed(
    kind: str, body: bytes, *, at, secret: str = SECRET, topic: str = "", event_id: str = "e-1"
) -> dict[str, str]:
    """The headers of an event."""
    if kind == "stripe":
        return {"Stripe-Signature": stripe_signature(body, at=at, secret=secret)}
    if kind == "shopify":
        return {
            "X-Shopify-Hmac-Sha256": shop_signature(body, secret=secret),
            "X-Shopify-Topic": topic or "orders/paid",
            "X-Shopify-Webhook-Id": event_id,
        }
    return {
        "X-WC-Webhook-Signature": shop_signature(body, secret=secret),
        "X-WC-Webhook-Topic": topic or "order.updated",
        "X-WC-Webhook-Delivery-ID": event_id,
    }


def send(world: World, kind: str, body: bytes, headers: dict[str, str], *, slug: str = ""):
    url = f"/hooks/{kind}/{slug or world.merchant.slug}/"
    return Client().post(url, body, content_type="application/json", headers=headers)


def order_of(kind: str, click: str, now):
    then = now - timedelta(minutes=20)
    if kind == "stripe":
        return StripeShop(click=click, at=then).checkout()
    if kind == "shopify":
        return ShopifyShop(click=click, at=then).order(minute=1)
    return WooShop(click=click, at=then).order(minute=1)


def last() -> InboxRequest:
    return InboxRequest.objects.latest("received_at")


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_order_is_booked_for_its_partner_and_comes_twice_as_once(kind, world, now):
    make_shop(world.merchant, kind, at=now)
    body = body_of(order_of(kind, click_of(world, now), now))

    first = send(world, kind, body, signed(kind, body, at=now))
    second = send(world, kind, body, signed(kind, body, at=now))

    order = Conversion.objects.get()
    assert (first.status_code, first.json()["verdict"]) == (200, "accepted")
    assert (second.status_code, second.json()["verdict"], second.json()["reason"]) == (200, "duplicate", "same_event")
    assert (order.verdict, order.source, order.amount.major) == ("accepted", kind, "100.00")
    assert order.commissions.get().amount.major == "20.00"
    assert list(InboxRequest.objects.order_by("received_at").values_list("door", "verdict", "merchant")) == [
        (kind, "accepted", world.merchant.pk),
        (kind, "duplicate", world.merchant.pk),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_customers_address_is_kept_nowhere(kind, world, now):
    make_shop(world.merchant, kind, at=now)
    body = body_of(order_of(kind, click_of(world, now), now))

    send(world, kind, body, signed(kind, body, at=now))

    event, row = ShopEvent.objects.get(), InboxRequest.objects.get()
    assert "kim@example.com" not in json.dumps(event.facts)
    assert b"kim@example.com" not in bytes(row.body)
    assert Conversion.objects.get().customer_email_key.startswith("email_")


@pytest.mark.parametrize("kind", KINDS)
def test_a_forged_signature_is_refused_with_its_reason_and_changes_nothing(kind, world, now):
    """F17."""
    make_shop(world.merchant, kind, at=now)
    body = body_of(order_of(kind, click_of(world, now), now))

    answer = send(world, kind, body, signed(kind, body, at=now, secret="whsec_of_somebody_else_000000"))

    row = last()
    assert (answer.status_code, answer.json()["code"]) == (401, "shop_signature_wrong")
    assert (row.verdict, row.reason, row.merchant) == ("rejected", "shop_signature_wrong", world.merchant)
    assert (Conversion.objects.count(), ShopEvent.objects.count()) == (0, 0)
    with pytest.raises(ReplayRefused):
        replay(row, by=None, at=now)
    assert Conversion.objects.count() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_without_a_signature_or_for_no_shop_is_refused(kind, world, now):
    body = body_of(order_of(kind, "", now))

    assert send(world, kind, body, signed(kind, body, at=now)).status_code == 404
    assert send(world, kind, body, {}, slug="nobody").status_code == 404
    make_shop(world.merchant, kind, at=now)
    assert send(world, kind, body, {}).status_code == 401
    assert InboxRequest.objects.filter(verdict="rejected").count() == 3


@pytest.mark.parametrize("minutes", [-6, 6])
def test_stripes_event_of_another_time_is_named(minutes, world, now):
    make_shop(world.merchant, "stripe", at=now)
    body = body_of(order_of("stripe", "", now))

    answer = send(world, "stripe", body, signed("stripe", body, at=now + timedelta(minutes=minutes)))

    assert (answer.status_code, answer.json()["code"], last().verdict) == (400, "shop_event_old", "rejected")


@pytest.mark.parametrize("kind", KINDS)
def test_ten_megabytes_are_refused_by_name_and_have_a_row(kind, world, now):
    make_shop(world.merchant, kind, at=now)

    answer = send(world, kind, b'{"a": "' + b"x" * 10_000_000 + b'"}', {})

    assert (answer.status_code, last().verdict, last().reason) == (413, "rejected", "body_too_large")


@pytest.mark.parametrize(
    ("kind", "event", "topic"),
    [
        ("stripe", {"id": "evt_9", "type": "payout.paid", "created": 1, "data": {"object": {}}}, ""),
        ("shopify", {"id": 1}, "products/update"),
        ("woocommerce", {"id": 1}, "product.updated"),
    ],
)
def test_an_event_that_is_not_used_is_accepted_and_says_so(kind, event, topic, world, now):
    make_shop(world.merchant, kind, at=now)
    body = body_of(event)

    answer = send(world, kind, body, signed(kind, body, at=now, topic=topic))

    assert (answer.status_code, answer.json()["reason"], last().verdict) == (200, "event_not_used", "accepted")


def test_woocommerces_greeting_is_answered(world, now):
    make_shop(world.merchant, "woocommerce", at=now)

    answer = Client().post(
        f"/hooks/woocommerce/{world.merchant.slug}/", b"webhook_id=12", content_type="application/x-www-form-urlencoded"
    )

    assert (answer.status_code, answer.json()["reason"]) == (200, "shop_ping")


def test_after_a_rotation_both_secrets_open_for_a_day(world, now):
    shop = make_shop(world.merchant, "stripe", at=now - timedelta(hours=30))
    body = body_of(order_of("stripe", "", now))

    rotate_shop_secret(shop, secret="whsec_the_new_one_0000000000", by=None, at=now - timedelta(hours=1))
    assert send(world, "stripe", body, signed("stripe", body, at=now)).status_code == 200
    rotate_shop_secret(shop, secret="whsec_the_newest_00000000000", by=None, at=now - timedelta(hours=25))
    assert send(world, "stripe", body, signed("stripe", body, at=now)).status_code == 401


def test_a_paused_shops_events_are_kept_and_booked_when_it_goes_on(world, now):
    shop = make_shop(world.merchant, "stripe", at=now)
    pause_shop(shop, by=None, at=now - timedelta(seconds=1))
    body = body_of(order_of("stripe", click_of(world, now), now))

    answer = send(world, "stripe", body, signed("stripe", body, at=now))
    before = Conversion.objects.count()
    turned, since = resume_shop(shop, by=None, at=now)
    catch_up(turned, since=since, at=now)

    assert (answer.json()["reason"], before, Conversion.objects.get().verdict) == ("shop_paused", 0, "accepted")


def test_the_same_order_by_the_api_the_webhook_and_the_webhook_again_counts_once(world, now):
    """C4: the shop's server reports it by its own number, Stripe with the same number in its metadata."""
    make_shop(world.merchant, "stripe", at=now)
    _key, secret = issue_key("sk_live", name="shop", merchant=world.merchant, by=None, at=now)
    click = click_of(world, now)
    report = {"order_id": "A-1", "amount": "100.00", "currency": "USD", "click_id": click}
    bearer = {"Authorization": f"Bearer {secret}"}
    Client().post("/api/v1/conversions", report, content_type="application/json", headers=bearer)
    shop = StripeShop(click=click, at=now - timedelta(minutes=20))
    for event in (shop.checkout(metadata={"order_id": "A-1"}), shop.refunded(2_500, minute=1)):
        body = body_of(event)
        send(world, "stripe", body, signed("stripe", body, at=now))

    order = Conversion.objects.get()
    assert (order.order_ref, order.amount.major, order.refunded.major) == ("A-1", "100.00", "25.00")
    assert order.commissions.get().remaining.major == "15.00"


def test_a_get_is_answered_with_what_is_taken(world):
    answer = Client().get(f"/hooks/stripe/{world.merchant.slug}/")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12),
    st.sampled_from(["usd", "USD", "paid", "payment", "100.00", "1e9", "\x00", "\ud800", "2026-01-01T00:00:00Z", "clk_x"]),
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
TOPICS = {
    "stripe": ["checkout.session.completed", "invoice.paid", "invoice_payment.paid", "charge.refunded", "refund.failed",
               "charge.dispute.closed", "customer.updated"],
    "shopify": ["orders/create", "orders/paid", "orders/updated", "orders/cancelled", "refunds/create"],
    "woocommerce": ["order.created", "order.updated", "order.deleted", "order.restored"],
}  # fmt: skip


@st.composite
def mangled(draw):
    """A real event of which some members are replaced by anything, or which is anything."""
    kind = draw(st.sampled_from(KINDS))
    now = timezone.now()
    event = draw(st.one_of(ANYTHING, st.just(order_of(kind, "", now))))
    topic = draw(st.sampled_from(TOPICS[kind]))
    if isinstance(event, dict) and "id" in event:
        event["type"] = topic
        thing = event["data"]["object"] if kind == "stripe" else event
        for name in draw(st.lists(st.sampled_from(sorted(thing)), max_size=4)):
            thing[name] = draw(ANYTHING)
    return kind, topic, json.dumps(event).encode()


def fuzz(world: World, kind: str, topic: str, body: bytes) -> None:
    before = InboxRequest.objects.count()
    at = timezone.now()

    answer = send(world, kind, body, signed(kind, body, at=at, topic=topic, event_id=""))

    assert answer.status_code < 500, (kind, topic, body, answer.content)
    assert InboxRequest.objects.count() == before + 1
    assert last().reason not in {"being_read", "internal_error"}


_FUZZ = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


@settings(max_examples=60, **_FUZZ)
@given(case=mangled())
def test_whatever_a_signed_body_holds_it_is_answered_and_kept(case, world, now):
    """Bad input: no 500, no lost row."""
    for kind in KINDS:
        if not world.merchant.shops.filter(kind=kind).exists():
            make_shop(world.merchant, kind, at=now)
    fuzz(world, *case)


@pytest.mark.slow
@settings(max_examples=2_000, **_FUZZ)
@given(case=mangled())
def test_whatever_thousands_of_signed_bodies_hold_they_are_answered_and_kept(case, world, now):
    """The same, longer."""
    for kind in KINDS:
        if not world.merchant.shops.filter(kind=kind).exists():
            make_shop(world.merchant, kind, at=now)
    fuzz(world, *case)
