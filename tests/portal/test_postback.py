"""/postback: an order by parameters, under every name for the click id, signed or with the key, with a real status."""

import time
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client

from affiliates import keys
from affiliates.signatures import sign, signing_secret_of
from payouts.models import Commission
from tests.factories.world import make_click
from tests.portal.shop import last_request, open_shop, verdict_of_last
from tracking.dialects import CLICK_ALIASES
from tracking.models import Conversion, InboxRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return open_shop()


@pytest.fixture
def click(shop):
    return make_click(shop.world.link, at=shop.at - timedelta(minutes=4))


def _send(**values):
    return Client(raise_request_exception=False).get(f"/postback?{urlencode(values)}")


@pytest.mark.parametrize("alias", CLICK_ALIASES)
def test_the_click_id_goes_by_many_names(shop, click, alias):
    response = _send(**{alias: click.public_id}, order_id="1", amount="62.00", currency="USD", key=shop.live)

    assert response.status_code == 200
    assert response.json() == {
        "status": "accepted", "code": None, "conversion_id": Conversion.objects.get().public_id,
        "field": None, "detail": None, "ignored": [],
    }  # fmt: skip
    assert Commission.objects.get().amount_minor == 1240


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json"])
def test_a_postback_may_be_a_post(shop, click, content_type):
    values = {"click_id": click.public_id, "order_id": "1", "amount": "62.00", "key": shop.live}
    body = values if content_type.endswith("json") else urlencode(values)

    response = Client().post("/postback", body, content_type=content_type)

    assert (response.status_code, response.json()["status"]) == (200, "accepted")
    assert Conversion.objects.get().currency == "USD"


def test_the_same_order_again_is_a_duplicate_and_another_amount_a_conflict(shop):
    _send(order_id="1", amount="62.00", key=shop.live)

    again = _send(order_id="1", amount="62.00", key=shop.live)
    other = _send(order_id="1", amount="63.00", key=shop.live)

    assert (again.status_code, again.json()["status"], again.json()["code"]) == (200, "duplicate", "same_order")
    assert (other.status_code, other.json()["status"], other.json()["code"]) == (409, "rejected", "order_conflict")
    assert other.json()["conversion_id"] == Conversion.objects.get().public_id


def test_a_signed_postback_needs_no_secret_in_its_address(shop, click):
    key, _secret = keys.issue_key("sk_live", name="signed", merchant=shop.world.merchant, at=shop.at)
    ts = str(int(time.time()))
    sig = sign(signing_secret_of(key), ts, click.public_id, "1", "62.00", "USD")
    values = {
        "cid": click.public_id,
        "order_id": "1",
        "amount": "62.00",
        "currency": "USD",
        "key": key.prefix,
        "ts": ts,
    }

    assert _send(**values, sig=sig).json()["status"] == "accepted"
    assert _send(**values | {"amount": "99.00"}, sig=sig).status_code == 401
    assert _send(**values | {"order_id": "2"}, sig=sig.upper()).status_code == 401
    assert verdict_of_last() == ("rejected", "signature_wrong", "sig")


@pytest.mark.parametrize(("shift", "is_good"), [(0, True), (-299, True), (-301, False), (301, False)])
def test_a_signature_is_good_for_five_minutes(shop, shift, is_good):
    key, _secret = keys.issue_key("sk_test", name="signed", merchant=shop.world.merchant, at=shop.at)
    ts = str(int(time.time()) + shift)
    sig = sign(signing_secret_of(key), ts, "", "1", "62.00", "")

    response = _send(order_id="1", amount="62.00", key=key.prefix, ts=ts, sig=sig)

    assert response.status_code == (200 if is_good else 401)
    if not is_good:
        assert (response.json()["code"], response.json()["field"]) == ("signature_wrong", "ts")


def test_a_revoked_key_signs_nothing(shop):
    key, secret = keys.issue_key("sk_live", name="signed", merchant=shop.world.merchant, at=shop.at)
    keys.revoke_key(key, by=shop.world.owner, at=shop.at)
    ts = str(int(time.time()))

    signed = _send(
        order_id="1", amount="1.00", key=key.prefix, ts=ts, sig=sign(signing_secret_of(key), ts, "", "1", "1.00", "")
    )
    plain = _send(order_id="1", amount="1.00", key=secret)

    assert (signed.status_code, plain.status_code) == (401, 401)


def test_no_key_is_ever_kept_or_logged(shop, caplog):
    _send(order_id="1", amount="1.00", key=shop.live)
    _send(order_id="x", amount="nonsense", key=shop.live)
    _send(order_id="1", amount="1.00", key="my-own-secret")
    Client().post(
        "/postback", urlencode({"key": shop.live, "order_id": "2", "amount": "1.00"}), content_type="text/plain"
    )
    Client().post("/postback", {"key": shop.live, "order_id": "3", "amount": "1.00"}, content_type="application/json")
    Client().post("/postback", {"key": shop.live, "order_id": "4", "amount": "1.00"})

    tail = shop.live.rpartition("_")[2]
    assert InboxRequest.objects.count() == 6
    for row in InboxRequest.objects.all():
        kept = row.path + bytes(row.body).decode() + row.detail
        assert tail not in kept
        assert "my-own-secret" not in kept
    assert tail not in caplog.text
    assert shop.live.rpartition("_")[0] in InboxRequest.objects.order_by("received_at").first().path


@pytest.mark.parametrize(
    ("values", "status", "code", "field"),
    [
        ({"order_id": "1", "amount": "1.00", "key": ""}, 401, "key_missing", "Authorization"),
        ({"order_id": "1", "amount": "1.00", "key": "\x00"}, 401, "key_unknown", "Authorization"),
        (
            {"order_id": "1", "amount": "1.00", "key": "sk_live_00000000", "sig": "00", "ts": "x"},
            401,
            "signature_wrong",
            "ts",
        ),
        (
            {
                "order_id": "1",
                "amount": "1.00",
                "key": "sk_live_00000000",
                "sig": "\u00e9",
                "ts": str(int(time.time())),
            },
            401,
            "signature_wrong",
            "sig",
        ),
        ({"amount": "1.00"}, 400, "field_missing", "order_id"),
        ({"order_id": "1"}, 400, "field_missing", "amount"),
        ({"order_id": "1", "amount": "NaN"}, 400, "amount_unreadable", "amount"),
        ({"order_id": "1", "amount": "1e5"}, 400, "amount_unreadable", "amount"),
        ({"order_id": "1", "amount": "-1"}, 400, "amount_unreadable", "amount"),
        ({"order_id": "1", "amount": "1.234"}, 400, "amount_unreadable", "amount"),
        ({"order_id": "1", "amount": "1.00", "currency": "ZZZ"}, 400, "currency_unknown", "currency"),
        ({"order_id": "1", "amount": "1.00", "click_id": "{clickid}"}, 400, "macro_not_filled", "click_id"),
        ({"order_id": "1", "amount": "1.00", "status": "maybe"}, 400, "field_invalid", "status"),
        ({"order_id": "\x00", "amount": "1.00"}, 400, "field_invalid", "order_id"),
        ({"order_id": "9", "status": "refunded"}, 404, "order_unknown", "order_id"),
        ({"order_id": "1", "amount": "1.00", "cid": "a", "tid": "b"}, 400, "field_doubled", "click_id"),
    ],
)
def test_a_bad_postback_says_which_parameter_and_why(shop, values, status, code, field):
    response = _send(**{"key": shop.live} | values)

    answer = response.json()
    assert (response.status_code, answer["status"], answer["code"], answer["field"]) == (
        status,
        "rejected",
        code,
        field,
    )
    assert answer["conversion_id"] is None
    assert answer["detail"]
    assert verdict_of_last() == ("rejected", code, field)
    assert Conversion.objects.count() == 0


@pytest.mark.parametrize(
    ("query", "verdict"),
    [
        ("order_id=%ff%fe&amount=1.00", "quarantined"), ("&".join(f"p{n}=1" for n in range(150)), "quarantined"),
        ("order_id=1&order_id=2&amount=1.00", "rejected"), ("", "rejected"), ("%", "rejected"), ("\u00e9=1", "rejected"),
    ],
)  # fmt: skip
def test_an_odd_query_is_answered_and_kept(shop, query, verdict):
    response = Client(raise_request_exception=False).get(f"/postback?{query}")

    assert response.status_code in {400, 401}
    assert last_request().verdict == verdict


def test_old_senders_get_200_with_the_truth_in_the_body(shop):
    response = _send(order_id="1", amount="x", key=shop.live, legacy="200")

    assert (response.status_code, response.json()["status"], response.json()["code"]) == (
        200,
        "rejected",
        "amount_unreadable",
    )
    assert last_request().status_code == 400


@pytest.mark.parametrize("word", ["rejected", "refunded", "3", "Cancelled"])
def test_a_status_takes_a_known_order_back_once(shop, click, word):
    _send(order_id="1", amount="62.00", click_id=click.public_id, key=shop.live)

    first, again = (_send(order_id="1", amount="62.00", status=word, key=shop.live) for _ in range(2))

    assert (first.status_code, first.json()["status"]) == (200, "accepted")
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    assert Commission.objects.get().status == "reversed"


def test_a_lead_needs_no_amount(shop):
    assert _send(order_id="1", event="lead", key=shop.live).json()["status"] == "accepted"
    assert Conversion.objects.get().amount_minor == 0


def test_a_test_key_makes_a_test_order(shop):
    _send(order_id="1", amount="62.00", key=shop.test)

    assert Conversion.objects.get().is_test
    assert verdict_of_last()[0] == "test"


def test_a_partners_key_and_other_methods_are_refused(shop):
    assert _send(order_id="1", amount="1.00", key=shop.partner).status_code == 403
    assert Client().put("/postback").status_code == 405
    assert InboxRequest.objects.count() == 2


def test_parameters_nobody_asked_for_are_named(shop):
    assert _send(order_id="1", amount="1.00", key=shop.live, payout="3").json()["ignored"] == ["payout"]
