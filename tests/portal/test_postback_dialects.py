"""/postback in other networks' words, end to end, and whatever else comes (C2, C8, C17–C19, X11)."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from payouts.models import Commission
from portal.intake.replay import replay
from tests.factories.world import make_click
from tests.portal.shop import last_request, open_shop, verdict_of_last
from tracking.dialects import ALIASES
from tracking.models import Conversion, InboxRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return open_shop()


@pytest.fixture
def click(shop):
    return make_click(shop.world.link, at=shop.at - timedelta(minutes=4))


def send(**values):
    return Client(raise_request_exception=False).get(f"/postback?{urlencode(values)}")


@pytest.mark.parametrize(
    "query",
    [
        "transaction_id={c}&amount=62.00&adv_sub=1", "nid=1&transaction_id={c}&amount=62.00&adv1=1", "o=5&r={c}&t=1&amount=62.00",
        "clickid={c}&action_id=1&sum=62.00&status=1", "cid={c}&payout=62.00&txid=1", "subid={c}&payout=62.00&tid=1&status=sale",
        "cnv_id={c}&payout=62.00&order_id=1&cnv_status=approved",
        "tt=ss&tv=2&merchant=3&amount=62.00&ch=aw&vc=&cr=USD&ref=1&testmode=0&cks={c}&parts=CD%3A62.00",
        "CID=1&TYPE=1&METHOD=S2S&CJEVENT={c}&OID=1&CURRENCY=USD&ITEM1=A&AMT1=31.00&QTY1=2&DCNT1=0&CUST_STATUS=New",
        "ClickId={c}&OrderId=1&EventTypeCode=sale&EventDate=NOW&ItemSku1=A&ItemQuantity1=1&ItemSubTotal1=62.00",
        "TotalCost=62.00&OrderID=1&PAPVisitorId={c}&ProductID=p", "external_id=1&amount=62.00&click_id={c}",
    ],
)  # fmt: skip
def test_a_shop_keeps_its_sender_and_its_sale_counts(shop, click, query):
    response = Client().get(f"/postback?{query.replace('{c}', click.public_id)}&key={shop.live}")

    assert (response.status_code, response.json()["status"]) == (200, "accepted"), response.json()
    found = Conversion.objects.get()
    assert (found.order_ref, found.amount_minor, found.source) == ("1", 6200, "postback")
    assert Commission.objects.get().amount_minor == 1240


def test_the_short_json_of_post_affiliate_pro(shop, click):
    body = {"t": "62.00", "o": "1", "p": "x", "visitorid": click.public_id, "cr": "USD", "s": "A", "key": shop.live}

    response = Client().post("/postback", json.dumps(body), content_type="application/json")

    assert response.json()["status"] == "accepted"
    assert Commission.objects.get().amount_minor == 1240


@pytest.mark.parametrize("macro", ["{clickid}", "#reqid#", "!!!awc!!!", "[[cid]]", "%7Bcid%7D", "{{cid}}"])
@pytest.mark.parametrize("name", ["cid", "order_id", "amount", "coupon"])
def test_a_placeholder_nobody_filled_in_is_refused_with_its_name(shop, name, macro):
    values = {"order_id": "1", "amount": "62.00", "key": shop.live} | {name: macro}

    response = send(**values)

    assert (response.status_code, response.json()["code"], response.json()["field"]) == (400, "macro_not_filled", name)
    assert verdict_of_last() == ("rejected", "macro_not_filled", name)
    assert last_request().merchant == shop.world.merchant
    assert Conversion.objects.count() == 0


def test_a_key_left_as_a_placeholder_is_told_so(shop):
    assert send(order_id="1", amount="1.00", key="{api_key}").json()["code"] == "macro_not_filled"


@pytest.mark.parametrize("name", ["click_id", "coupon", "event", "customer_id", "status"])
def test_nothing_is_ever_cut(shop, name):
    response = send(**{"order_id": "1", "amount": "1.00", "key": shop.live} | {name: "x" * 256})

    assert (response.status_code, response.json()["code"], response.json()["field"]) == (400, "field_too_long", name)


@pytest.mark.parametrize("word", ["test", "testmode", "test_mode"])
def test_a_test_order_books_nothing(shop, click, word):
    """C18."""
    send(**{"order_id": "1", "amount": "62.00", "cid": click.public_id, "key": shop.live, word: "1"})

    assert (Conversion.objects.get().is_test, Commission.objects.count(), verdict_of_last()[0]) == (True, 0, "test")
    assert send(**{"order_id": "2", "amount": "1.00", "key": shop.live, word: "perhaps"}).json()["field"] == "test"


def test_a_postback_may_have_a_coupon_and_no_click(shop):
    """C8."""
    response = send(order_id="1", amount="62.00", voucher="MAYA10", key=shop.live)

    assert response.json()["status"] == "accepted"
    assert Conversion.objects.get().coupon == "MAYA10"


def test_a_part_may_be_taken_back(shop, click):
    send(order_id="1", amount="62.00", cid=click.public_id, key=shop.live)

    for _time in range(2):
        send(order_id="1", status="refunded", refund_amount="31.00", reference="rf-1", key=shop.live)

    assert Conversion.objects.get().refunded_minor == 3100
    assert Commission.objects.get().remaining.minor == 620


def test_old_senders_may_ask_for_200_in_the_form_too(shop):
    response = Client().post("/postback", {"order_id": "1", "legacy": "200", "key": shop.live})

    assert (response.status_code, response.json()["status"]) == (200, "rejected")


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_refused_postback_can_be_handled_again(shop, click, method):
    values = {"order_id": "1", "amount": "62.00", "cid": click.public_id, "key": shop.live, "status": "odd"}
    getattr(Client(), method)("/postback", values)
    row = last_request()
    assert row.verdict == "rejected"
    InboxRequest.objects.filter(pk=row.pk).update(body=bytes(row.body).replace(b"odd", b"approved"))

    if method == "post":
        # A form of several parts is not read; an encoded one is.
        InboxRequest.objects.filter(pk=row.pk).update(
            body=urlencode(values | {"status": "approved", "key": "***"}).encode(),
            content_type="application/x-www-form-urlencoded",
        )
    replay(row.refreshed(), by=shop.world.owner, at=timezone.now())

    assert row.refreshed().verdict == "accepted"
    assert Commission.objects.get().amount_minor == 1240


_names = st.sampled_from(sorted({name for names in ALIASES.values() for name in names} - {"key"})) | st.text(
    max_size=12
)
_values = st.text(max_size=40) | st.sampled_from(
    [
        "62.00",
        "{x}",
        "#x#",
        "!!!x!!!",
        "%7Bx%7D",
        "1e9",
        "-1",
        "NaN",
        "\x00",
        "clk_0000000000000000000000000a",
        "9" * 300,
        "refunded",
        "3",
    ]
)


class TestWhateverComes(TestCase):
    """Never a 5xx, always a row with a verdict."""

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.dictionaries(_names, _values, max_size=8),
        st.sampled_from(["get", "form", "json", "raw"]),
        st.binary(max_size=60),
    )
    def test_is_answered_and_kept(self, values, way, raw):
        shop = open_shop()
        values = values | {"key": shop.live}
        client = Client(raise_request_exception=False)

        if way == "get":
            response = client.get(f"/postback?{urlencode(values, errors='replace')}")
        elif way == "form":
            response = client.post(
                "/postback", urlencode(values, errors="replace"), content_type="application/x-www-form-urlencoded"
            )
        elif way == "json":
            response = client.post("/postback", json.dumps(values), content_type="application/json")
        else:
            response = client.post(f"/postback?key={shop.live}", raw, content_type="text/plain")

        assert response.status_code < 500
        assert response.json()["status"] in {"accepted", "duplicate", "rejected"}
        assert last_request().verdict in {"accepted", "duplicate", "rejected", "test", "quarantined"}
        assert last_request().reason != "being_read"
        assert InboxRequest.objects.count() == 1

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.dictionaries(
            st.sampled_from(
                ["order_id", "amount", "currency", "click_id", "coupon", "customer", "items", "via", "test", "event"]
            ),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | _values,
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                max_leaves=6,
            ),
        ),
        st.sampled_from(["https://shop.example", "https://evil.example", "null", "x", ""]),
        st.booleans(),
    )
    def test_is_answered_and_kept_at_the_tags_door(self, values, origin, is_pixel):
        shop = open_shop()
        values = values | {"merchant": shop.world.merchant.slug}
        client = Client(raise_request_exception=False)
        headers = {"origin": origin} if origin else {}

        if is_pixel:
            response = client.get(f"/t/p.gif?{urlencode(values, errors='replace')}", headers=headers)
        else:
            response = client.post("/t/order", json.dumps(values), content_type="text/plain", headers=headers)

        assert response.status_code < 500
        assert last_request().reason != "being_read"
        assert InboxRequest.objects.count() == 1
