"""Bad input: an answer that names the field and the remedy, a row in the inbox with its verdict, never a 500 (fault 28)."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import Refusal
from ledger.ids import new_uuid7
from portal.inbox.payloads import lay_out
from portal.intake.bodies import LARGEST_BODY, read_json, write_json
from portal.intake.orders import ORDER_FIELDS, read_order
from portal.intake.privacy import hide_addresses, hide_keys
from tests.portal.shop import CONVERSIONS, last_request, open_shop, order, verdict_of_last
from tracking.models import Conversion, InboxRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return open_shop()


def _text(value: dict) -> bytes:
    return json.dumps(value).encode()


def _raw(amount: str) -> bytes:
    """An order whose amount is written as it stands, without quotes around it."""
    return b'{"order_id": "1", "currency": "USD", "amount": ' + amount.encode() + b"}"


#: What is sent, the field that is named, and the code.
UNREADABLE = {
    "nothing": (b"", "body", "body_empty"),
    "blanks": (b" \n ", "body", "body_empty"),
    "half an object": (b'{"order_id": "1"', "body", "body_malformed"),
    "words": (b"hello", "body", "body_malformed"),
    "a form": (b"order_id=1&amount=1.00", "body", "body_malformed"),
    "single quotes": (b"{'order_id': '1'}", "body", "body_malformed"),
    "not UTF-8": (b'{"order_id": "\xff\xfe"}', "body", "body_not_utf8"),
    "UTF-16": ('{"order_id": "1"}'.encode("utf-16"), "body", "body_not_utf8"),
    "a list": (b"[1, 2]", "body", "body_no_object"),
    "a number": (b"5", "body", "body_no_object"),
    "null": (b"null", "body", "body_no_object"),
    "NaN": (_raw("NaN"), "body", "number_not_finite"),
    "Infinity": (_raw("Infinity"), "body", "number_not_finite"),
    "minus Infinity": (_raw("-Infinity"), "body", "number_not_finite"),
    "a number of 5,000 digits": (_raw("1" * 5_000), "body", "body_malformed"),
    "100,000 brackets": (b"[" * 100_000, "body", "body_too_deep"),
    "deep objects": (b'{"a":' * 50 + b"1" + b"}" * 50, "body", "body_too_deep"),
    "a field twice": (b'{"amount": "1.00", "amount": "2.00"}', "amount", "field_doubled"),
    "an odd field twice": (b'{"\\ud800\\u0000": 1, "\\ud800\\u0000": 2}', "??", "field_doubled"),
}

REFUSED = {
    "no order_id": ({"amount": "1.00", "currency": "USD"}, "order_id", "field_missing"),
    "empty order_id": (order(""), "order_id", "field_missing"),
    "blank order_id": (order("   "), "order_id", "field_missing"),
    "order_id of 129": (order("x" * 129), "order_id", "field_too_long"),
    "order_id as a number": (order(1042), "order_id", "field_invalid"),
    "order_id as an object": (order({}), "order_id", "field_invalid"),
    "order_id with NUL": (order("1\x002"), "order_id", "field_invalid"),
    "order_id with half a sign": (order("\ud800"), "order_id", "field_invalid"),
    "order_id with a line break": (order("1\n2"), "order_id", "field_invalid"),
    "no amount": ({"order_id": "1", "currency": "USD"}, "amount", "field_missing"),
    "amount as a number": (order(amount=62), "amount", "amount_unreadable"),
    "amount true": (order(amount=True), "amount", "amount_unreadable"),
    "amount as a list": (order(amount=["1"]), "amount", "amount_unreadable"),
    "amount of three decimals": (order(amount="62.005"), "amount", "amount_unreadable"),
    "yen with decimals": (order(amount="62.5", currency="JPY"), "amount", "amount_unreadable"),
    "amount with an exponent": (order(amount="1e3"), "amount", "amount_unreadable"),
    "amount NaN": (order(amount="NaN"), "amount", "amount_unreadable"),
    "amount Infinity": (order(amount="Infinity"), "amount", "amount_unreadable"),
    "a negative amount": (order(amount="-1.00"), "amount", "amount_unreadable"),
    "a plus sign": (order(amount="+1.00"), "amount", "amount_unreadable"),
    "a thousands comma": (order(amount="1,000.00"), "amount", "amount_unreadable"),
    "a decimal comma": (order(amount="10,00"), "amount", "amount_unreadable"),
    "other digits": (order(amount="٦٢"), "amount", "amount_unreadable"),
    "hexadecimal": (order(amount="0x10"), "amount", "amount_unreadable"),
    "10^30": (order(amount="1" + "0" * 30), "amount", "amount_unreadable"),
    "over the largest": (order(amount="9" * 15), "amount", "amount_unreadable"),
    "an empty amount": (order(amount=""), "amount", "amount_unreadable"),
    "negative tax": (order(tax="-1.00"), "tax", "amount_unreadable"),
    "shipping as a number": (order(shipping=7), "shipping", "amount_unreadable"),
    "discount NaN": (order(discount="NaN"), "discount", "amount_unreadable"),
    "no currency": ({"order_id": "1", "amount": "1.00"}, "currency", "field_missing"),
    "an unknown currency": (order(currency="XYZ"), "currency", "currency_unknown"),
    "gold": (order(currency="XAU"), "currency", "currency_unknown"),
    "points": (order(currency="PTS"), "currency", "currency_unknown"),
    "a currency's sign": (order(currency="$"), "currency", "currency_unknown"),
    "currency as a number": (order(currency=840), "currency", "field_invalid"),
    "an event with blanks": (order(event="big sale"), "event", "field_invalid"),
    "an event of 41": (order(event="x" * 41), "event", "field_too_long"),
    "no click id": (order(click_id="abc"), "click_id", "click_id_malformed"),
    "a macro for a click": (order(click_id="{click_id}"), "click_id", "click_id_malformed"),
    "a click id of 256": (order(click_id="x" * 256), "click_id", "field_too_long"),
    "a click id as a number": (order(click_id=7), "click_id", "field_invalid"),
    "a coupon of 65": (order(coupon="x" * 65), "coupon", "field_too_long"),
    "a customer as text": (order(customer="kim"), "customer", "field_invalid"),
    "no address": (order(customer={"email": "kim"}), "customer.email", "field_invalid"),
    "an unknown status": (order(customer={"status": "vip"}), "customer.status", "field_invalid"),
    "a country in words": (order(customer={"country": "France"}), "customer.country", "field_invalid"),
    "items as an object": (order(items={}), "items", "field_invalid"),
    "201 items": (order(items=[{}] * 201), "items", "field_too_long"),
    "an item as text": (order(items=["PRO-1"]), "items.0", "field_invalid"),
    "a negative quantity": (order(items=[{"quantity": -1}]), "items.0.quantity", "field_invalid"),
    "half a quantity": (order(items=[{"quantity": 1.5}]), "items.0.quantity", "field_invalid"),
    "an item's amount": (order(items=[{}, {"amount": "x"}]), "items.1.amount", "amount_unreadable"),
    "a day": (order(occurred_at="2026-11-03"), "occurred_at", "field_invalid"),
    "a time without zone": (order(occurred_at="2026-11-03T14:02:00"), "occurred_at", "instant_naive"),
    "no day of the calendar": (order(occurred_at="2026-02-30T14:02:00Z"), "occurred_at", "field_invalid"),
    "a Unix time": (order(occurred_at=1_790_000_000), "occurred_at", "field_invalid"),
    "the year 1": (order(occurred_at="0001-01-01T00:00:00+14:00"), "occurred_at", "instant_too_old"),
    "the year 9999": (order(occurred_at="9999-12-31T23:59:59-14:00"), "occurred_at", "instant_in_future"),
    "test as text": (order(test="true"), "test", "field_invalid"),
    "test as a number": (order(test=1), "test", "field_invalid"),
    "metadata as a list": (order(metadata=[]), "metadata", "field_invalid"),
    "51 notes": (order(metadata={str(n): n for n in range(51)}), "metadata", "field_too_long"),
    "a note in a note": (order(metadata={"a": {"b": 1}}), "metadata.a", "field_invalid"),
    "a note of 501": (order(metadata={"a": "x" * 501}), "metadata.a", "field_too_long"),
    "a note with NUL": (order(metadata={"a": "\x00"}), "metadata.a", "field_invalid"),
    "a note of 10^30": (order(metadata={"a": 10**30}), "metadata.a", "field_invalid"),
    "a note without a name": (order(metadata={"": 1}), "metadata", "field_invalid"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_set_aside_and_says_why(shop, name):
    body, field, code = UNREADABLE[name]

    response = shop.post(body)

    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert (response.json()["code"], response.json()["field"]) == (code, field)
    assert response.json()["detail"].endswith((".", '".'))
    row = last_request()
    assert (row.verdict, row.reason, row.field, row.merchant) == ("quarantined", code, field, shop.world.merchant)
    assert bytes(row.body) == body[:1_048_576]
    assert Conversion.objects.count() == 0


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_understood_and_wrong_is_refused_by_its_field(shop, name):
    body, field, code = REFUSED[name]

    response = shop.post(body)

    assert response.status_code == 400, response.content
    answer = response.json()
    assert (answer["code"], answer["field"], answer["status"]) == (code, field, 400)
    assert field in answer["detail"] or code == "currency_unknown"
    assert verdict_of_last() == ("rejected", code, field)
    assert Conversion.objects.count() == 0


def test_a_body_over_a_megabyte_is_413(shop):
    response = shop.post(b'{"order_id": "' + b"x" * LARGEST_BODY + b'"}')

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert verdict_of_last() == ("rejected", "body_too_large", "body")
    assert last_request().merchant == shop.world.merchant


@pytest.mark.parametrize(("ahead", "status"), [(4, 201), (6, 400)])
def test_shops_clocks_may_run_five_minutes_ahead(shop, ahead, status):
    moment = timezone.now() + timedelta(minutes=ahead)

    assert shop.post(order(occurred_at=moment.isoformat())).status_code == status


@pytest.mark.parametrize(("days", "status"), [(399, 201), (401, 400)])
def test_orders_older_than_400_days_are_imported_and_not_reported(shop, days, status):
    moment = timezone.now() - timedelta(days=days)

    assert shop.post(order(occurred_at=moment.isoformat())).status_code == status


@pytest.mark.parametrize(
    "good",
    [
        {"amount": "0.00"}, {"amount": "62"}, {"amount": "62.5"}, {"currency": "usd"}, {"event": "Sale"},
        {"order_id": "№ 42/ä"}, {"order_id": "x" * 128}, {"occurred_at": None}, {"customer": {}}, {"items": []},
        {"coupon": None}, {"metadata": {"n": 1, "f": 1.5, "ok": True, "none": None, "t": "line\nbreak"}}, {"test": False},
        {"click_id": ""}, {"amount": "9999999999999.99"},
    ],
)  # fmt: skip
def test_what_is_unusual_and_right_is_taken(shop, good):
    assert shop.post(_text(order() | good)).status_code == 201


def test_the_many_ways_to_write_a_click_id(shop):
    key = new_uuid7(shop.at)

    for number, text in enumerate((str(key), key.hex)):
        assert shop.post(order(str(number), click_id=text)).json()["verdict"] == "held"


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_other_methods_at_an_intake_are_405_and_leave_a_row(shop, method):
    response = getattr(Client(), method)(CONVERSIONS)

    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert verdict_of_last() == ("rejected", "method_not_allowed", "method")


def test_an_unknown_address_of_the_api_is_a_404_problem():
    response = Client().get("/api/v1/nothing", headers={"accept": "*/*"})

    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert InboxRequest.objects.count() == 0


@pytest.mark.parametrize(
    "header",
    ["Basic abc", "Bearer", "Bearer  ", "Bearer \xff\xfe", "Bearer " + "x" * 5_000, "sk_live_00000000_x"],
)
def test_any_other_authorization_is_401(shop, header):
    response = shop.post(order(), key="", authorization=header)

    assert response.status_code == 401
    assert last_request().verdict == "rejected"


def test_a_database_that_is_away_is_503_and_says_when_to_come_again(shop, monkeypatch):
    def away(*_args, **_more):
        raise OperationalError("away")

    monkeypatch.setattr("portal.api.single.inbox.receive_many", away)

    response = shop.post(order())

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["code"] == "unavailable"


@settings(max_examples=300, deadline=None, database=None)
@given(
    body=st.one_of(
        st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))
    )
)
def test_the_readers_of_bytes_answer_or_refuse_and_never_break(body):
    hidden = hide_addresses(hide_keys(body))
    assert hide_addresses(hidden) == hidden
    lay_out(body.decode("utf-8", "replace"))
    with suppress(Refusal):
        value = read_json(body)
        assert read_json(write_json(value)) == value


@settings(max_examples=300, deadline=None, database=None)
@given(
    source=st.dictionaries(
        st.sampled_from(sorted(ORDER_FIELDS)),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.text(max_size=40)
            | st.sampled_from(["USD", "1.00", "2026-11-03T14:02:00Z"]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
            max_leaves=5,
        ),
    )
)
def test_the_reader_of_orders_answers_or_refuses_by_a_field(source):
    field: str | None = "nothing was refused"
    try:
        read_order(source, is_test=False, at=timezone.now())
    except Refusal as refusal:
        field = refusal.field

    assert field
