"""PATCH /api/v1/conversions/{id} and refunds by item: orders live on (C3, C17)."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories.world import make_click
from tests.portal.shop import Shop, open_shop, order
from tests.portal.test_merchant_pages import address, sign_in
from tracking.models import Conversion, InboxRequest

pytestmark = pytest.mark.django_db

ITEMS = [{"sku": "A", "quantity": 2, "amount": "62.00"}]


@pytest.fixture
def shop() -> Shop:
    return open_shop()


@pytest.fixture
def sold(shop) -> Conversion:
    click = make_click(shop.world.link, at=timezone.now() - timedelta(minutes=4))
    shop.post(order("1042", click_id=click.public_id, items=ITEMS))
    return Conversion.objects.get(order_ref="1042")


def patch(shop: Shop, sold: Conversion, body: dict, **headers):
    return Client().patch(
        f"/api/v1/conversions/{sold.public_id}",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {shop.live}", **headers},
    )


def test_an_amended_amount_changes_what_the_order_earns_and_twice_is_once(shop, sold):
    first = patch(shop, sold, {"amount": "100.00", "reference": "am-1"})
    second = patch(shop, sold, {"amount": "100.00", "reference": "am-1"})

    assert (first.status_code, first.json()["verdict"]) == (200, "accepted")
    assert second.json()["verdict"] == "duplicate"
    assert sold.commissions.get().remaining.major == "20.00"
    assert sold.refreshed().version == 2
    assert list(
        InboxRequest.objects.filter(door="api.amend").order_by("received_at").values_list("verdict", flat=True)
    ) == [
        "accepted",
        "duplicate",
    ]


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 400, "field_missing", "body"),
        ({"amount": "1.005"}, 400, "amount_unreadable", "amount"),
        ({"amount": "10.00", "currency": "EUR"}, 400, "currency_mismatch", "currency"),
        ({"coupon": "LATE"}, 400, "attribution_settled", "coupon"),
    ],
)
def test_an_amendment_that_cannot_be_is_refused_by_name_and_changes_nothing(shop, sold, body, status, code, field):
    answer = patch(shop, sold, body)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (status, code, field)
    assert (sold.refreshed().amount.major, sold.refreshed().version) == ("62.00", 1)


def test_another_merchants_order_cannot_be_amended(shop, sold):
    assert patch(open_shop(), sold, {"amount": "1.00"}).status_code == 404


def test_items_are_refunded_for_what_they_cost(shop, sold):
    answer = Client().post(
        f"/api/v1/conversions/{sold.public_id}/refund",
        {"items": [{"sku": "A", "quantity": 1}], "reference": "rf-1"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {shop.live}"},
    )

    assert (answer.status_code, answer.json()["amount"], answer.json()["left"]) == (201, "31.00", "31.00")


def test_a_merchant_corrects_an_amount_on_the_orders_page_and_sees_what_changed(shop, sold):
    owner = sign_in(shop.world.owner)

    owner.post(address(shop, "conversion-amend", sold.public_id), {"new_amount": "80.00", "amendment": "w-1"})
    page = owner.get(address(shop, "conversion", sold.public_id)).text

    assert sold.commissions.get().remaining.major == "16.00"
    assert "62.00 → 80.00" in page
