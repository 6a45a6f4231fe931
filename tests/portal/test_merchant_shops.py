"""Merchants connect their shops on a screen: the secret once, the address, what came, pause and rotation."""

import pytest
from django.test import Client
from django.utils import timezone

from affiliates.models import ShopConnection
from tests.factories.shops import StripeShop, body_of, stripe_signature
from tests.portal.shop import Shop, open_shop
from tests.portal.test_merchant_pages import address, sign_in

pytestmark = pytest.mark.django_db

SECRET = "whsec_pasted_by_the_merchant_1"


@pytest.fixture
def shop() -> Shop:
    return open_shop()


@pytest.fixture
def owner(shop):
    return sign_in(shop.world.owner)


def test_a_stripe_shop_is_connected_its_secret_pasted_and_its_first_event_seen(shop, owner):
    owner.post(address(shop, "shop-connect"), {"kind": "stripe", "label": "Main"})
    connection = ShopConnection.objects.get()
    page = owner.get(address(shop, "shop", connection.public_id)).text
    owner.post(address(shop, "shop-rotate", connection.public_id), {"secret": SECRET})
    now = timezone.now()
    body = body_of(StripeShop(at=now).checkout())
    url = f"/hooks/stripe/{shop.world.merchant.slug}/"
    answer = Client().post(
        url,
        body,
        content_type="application/json",
        headers={"Stripe-Signature": stripe_signature(body, at=now, secret=SECRET)},
    )
    after = owner.get(address(shop, "shop", connection.public_id)).text

    assert url in page
    assert "checkout.session.completed" in page
    assert answer.status_code == 200
    assert "pi_" in after
    assert SECRET not in after


def test_woocommerces_secret_is_shown_once(shop, owner):
    first = owner.post(address(shop, "shop-connect"), {"kind": "woocommerce", "label": "Blog shop"})
    connection = ShopConnection.objects.get()
    again = owner.get(address(shop, "shop", connection.public_id)).text

    assert connection.secret in first.text
    assert first.headers["Cache-Control"] == "no-store"
    assert connection.secret not in again


def test_a_secret_that_is_an_api_key_is_refused(shop, owner):
    owner.post(address(shop, "shop-connect"), {"kind": "stripe", "label": "Main"})
    connection = ShopConnection.objects.get()

    owner.post(address(shop, "shop-rotate", connection.public_id), {"secret": "sk_live_000000000000000000"})

    assert ShopConnection.objects.get().secret == ""


def test_a_name_is_given_to_one_shop_of_a_kind(shop, owner):
    for _time in range(2):
        answer = owner.post(address(shop, "shop-connect"), {"kind": "stripe", "label": "Main"})

    assert (answer.status_code, ShopConnection.objects.count()) == (400, 1)


def test_a_shop_is_paused_and_resumed(shop, owner):
    owner.post(address(shop, "shop-connect"), {"kind": "shopify", "label": "Main"})
    url = address(shop, "shop-turn", ShopConnection.objects.get().public_id)

    owner.post(url)
    assert ShopConnection.objects.get().status == "paused"
    owner.post(url)
    assert ShopConnection.objects.get().status == "active"


def test_the_list_and_every_kinds_page_open(shop, owner):
    empty = owner.get(address(shop, "shops"))
    for kind in ("stripe", "shopify", "woocommerce"):
        owner.post(address(shop, "shop-connect"), {"kind": kind, "label": kind})

    assert empty.status_code == 200
    for one in ShopConnection.objects.all():
        assert owner.get(address(shop, "shop", one.public_id)).status_code == 200
        assert one.label in owner.get(address(shop, "shops")).text
