"""A shop that tells of a refund by API and by its own events: the API says so, the page shows it and can make two of them."""

import pytest
from django.urls import reverse
from django.utils import timezone

from ledger.money import Money
from payouts import sales
from tests.portal.partner import client_of, text_of
from tests.portal.shop import CONVERSIONS, open_shop, order, verdict_of_last
from tracking.models import Conversion, Refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return open_shop()


@pytest.fixture
def conversion(shop):
    """An order of 62.00 of which the shop's event gave 20.00 back."""
    shop.post(order())
    found = Conversion.objects.get()
    sales.refund_sale(
        found, amount=Money(2000, "USD"), reference="shopify:901#1", origin="shopify:901", at=timezone.now()
    )
    return found


def _tell(shop, conversion, amount="20.00", reference="rf-1"):
    body = {"amount": amount, "reference": reference, "reason": "item_returned"}
    return shop.post(body, f"{CONVERSIONS}/{conversion.public_id}/refund")


def test_the_api_says_which_refund_counts(shop, conversion):
    answer = _tell(shop, conversion)

    said = answer.json()
    assert (answer.status_code, said["verdict"], said["refunded"], said["left"]) == (200, "duplicate", "20.00", "42.00")
    assert said["told_twice"] == Refund.objects.get(twin=None).public_id
    assert verdict_of_last() == ("duplicate", "refund_told_twice", "")
    assert _tell(shop, conversion, "5.00", "rf-2").json()["told_twice"] is None


def test_the_api_can_say_that_two_are_two_once(shop, conversion):
    told = _tell(shop, conversion).json()["id"]
    path, body = f"{CONVERSIONS}/{conversion.public_id}/refunds/apart", {"refund": told}

    answers = [shop.post(body, path).json() for _ in range(2)]

    assert [(one["verdict"], one["refunded"], one["told_twice"]) for one in answers] == [
        ("accepted", "40.00", None), ("duplicate", "40.00", None),
    ]  # fmt: skip
    assert shop.post(body, path, key=open_shop().live).status_code == 404
    assert shop.post(body, path, key=shop.partner).status_code in {401, 403}


def test_the_page_lists_it_and_makes_two_of_it(shop, conversion):
    _tell(shop, conversion)
    client, slug = client_of(shop.world.owner), shop.world.merchant.slug
    page = reverse("merchant:conversion", args=[slug, conversion.public_id])
    told = Refund.objects.exclude(twin=None).get()
    shown = client.get(page)

    assert "Told twice" in text_of(shown)
    assert "These are two refunds" in text_of(shown)
    apart = reverse("merchant:conversion-refunds-apart", args=[slug, conversion.public_id])
    after = client.post(apart, {"refund": told.public_id}, follow=True)

    assert "Both refunds count now." in text_of(after)
    assert "These are two refunds" not in text_of(after)
    assert conversion.refreshed().refunded.minor == 4000
    assert client.post(apart, {"refund": "rfnd_nonsense"}).status_code == 302
    assert conversion.refreshed().refunded.minor == 4000


def test_a_person_who_refunds_what_the_shop_told_of_hears_it(shop, conversion):
    client, slug = client_of(shop.world.owner), shop.world.merchant.slug
    path = reverse("merchant:conversion-refund", args=[slug, conversion.public_id])

    after = client.post(path, {"amount": "20.00", "reason": "item_returned", "reference": "web-1"}, follow=True)

    assert "had been told by another way" in text_of(after)
    assert conversion.refreshed().refunded.minor == 2000
