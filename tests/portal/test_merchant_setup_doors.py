"""Setup of the tag and the postback: snippets with the merchant's own values, a test with a live verdict, the translator (X11)."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from payouts.models import Commission
from payouts.queries.browser_orders import tag_orders_of
from tests.factories.world import make_click
from tests.portal.shop import last_request, open_shop
from tracking.models import Conversion

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return open_shop()


@pytest.fixture
def owner(shop):
    client = Client()
    client.force_login(shop.world.owner)
    return client


def at(shop, name, **question):
    return reverse(f"merchant:{name}", args=[shop.world.merchant.slug], query=question or None)


def test_the_tags_page_has_the_merchants_own_snippet_and_hosts(shop, owner):
    page = owner.get(at(shop, "setup-tag", consent="granted")).text

    assert f"data-merchant=&quot;{shop.world.merchant.slug}&quot; data-consent=&quot;granted&quot;" in page
    assert "<code>shop.example</code>" in page


def test_when_orders_from_browsers_count_is_set_on_a_screen(shop, owner):
    owner.post(at(shop, "setup-tag-orders"), {"orders": "wait"})
    assert tag_orders_of(shop.world.merchant) == "wait"

    assert owner.post(at(shop, "setup-tag-orders"), {"orders": "never"}).status_code == 400
    assert tag_orders_of(shop.world.merchant) == "wait"


def test_a_test_order_takes_the_real_way_and_shows_its_verdict(shop, owner):
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=1))

    page = owner.post(at(shop, "setup-test"), {"amount": "62.00", "click_id": click.public_id}, follow=True)

    found = Conversion.objects.get()
    assert (found.is_test, found.verdict, Commission.objects.count()) == (True, "accepted", 0)
    assert last_request().verdict == "test"
    assert found.order_ref in page.text


def test_a_test_order_that_is_refused_says_why(shop, owner):
    page = owner.post(at(shop, "setup-test"), {"amount": "62,00", "click_id": "{clickid}"}, follow=True)

    assert last_request().reason == "macro_not_filled"
    assert "left a placeholder" in page.text


def test_another_merchants_request_is_not_shown_as_the_answer(shop, owner):
    other = open_shop()
    other.post({"order_id": "theirs", "amount": "1.00"})

    page = owner.get(at(shop, "setup-postback", arrived=last_request().public_id)).text

    assert "theirs" not in page


def test_the_translator_answers_in_our_words_and_explains(shop, owner):
    page = owner.get(at(shop, "setup-translator") + "?" + urlencode({"address": "https://t.example/p.ashx?o=1&r=#reqid#&t=#tx#"})).text  # fmt: skip

    assert "CAKE" in page
    assert "click_id=#reqid#&amp;order_id=#tx#" in page
    assert "It has no amount" in page


@pytest.mark.parametrize("address", ["", "nonsense", "https://[", "<script>alert(1)</script>", "x" * 9000])
def test_the_translator_takes_whatever_is_pasted(shop, owner, address):
    response = owner.get(at(shop, "setup-translator") + "?" + urlencode({"address": address}))

    assert response.status_code == 200
    assert "<script>alert" not in response.text
