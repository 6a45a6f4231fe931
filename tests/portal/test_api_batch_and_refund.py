"""Many orders at once, refunds, and the Idempotency-Key."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from ledger.accounts import balance_of
from ledger.money import Money
from payouts import chart, settling
from payouts.models import Commission
from tests.factories.world import make_click
from tests.portal.shop import CONVERSIONS, last_request, open_shop, order, verdict_of_last
from tracking import idempotency
from tracking.models import Conversion, IdempotencyKey, InboxRequest, Link, Refund

pytestmark = pytest.mark.django_db

BATCH = f"{CONVERSIONS}/batch"


@pytest.fixture
def shop():
    return open_shop()


def _sold(shop, order_id="1042", **more):
    click = make_click(shop.world.link, at=timezone.now() - timedelta(minutes=4))
    return shop.post(order(order_id, click_id=click.public_id, **more)).json()


# ── Batch ────────────────────────────────────────────────────────────────────────────────
def test_a_batch_gives_one_verdict_each_in_the_order_sent_and_a_bad_one_spoils_no_other(shop):
    shop.post(order("known"))
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=4))
    orders = [
        order("a", click_id=click.public_id), order("b", amount="x"), order("known"), "text", order("known", amount="1.00"),
        order("c", test=True), order("a", click_id=click.public_id),
    ]  # fmt: skip

    response = shop.post({"conversions": orders}, BATCH)

    assert response.status_code == 200
    told = [(one["status"], one["verdict"], one.get("code") or one.get("reason")) for one in response.json()["data"]]
    assert told == [
        (201, "accepted", None), (400, "rejected", "amount_unreadable"), (200, "duplicate", "same_order"),
        (400, "rejected", "field_invalid"), (409, "rejected", "order_conflict"), (201, "unattributed", "no_click"),
        (200, "duplicate", "same_order"),
    ]  # fmt: skip
    assert response.json()["summary"] == {"accepted": 1, "rejected": 3, "duplicate": 2, "unattributed": 1}
    assert set(Conversion.objects.values_list("order_ref", flat=True)) == {"known", "a", "c"}
    rows = InboxRequest.objects.filter(door="api.item").order_by("id")
    assert [row.verdict for row in rows] == [
        "accepted",
        "rejected",
        "duplicate",
        "rejected",
        "rejected",
        "test",
        "duplicate",
    ]
    assert bytes(rows[3].body) == b'"text"'
    assert rows[0].path == f"{BATCH}#0"
    whole = InboxRequest.objects.get(door="api.batch")
    assert (whole.verdict, whole.detail) == ("accepted", "1 accepted, 2 duplicate, 3 rejected, 1 unattributed")


def test_a_bare_list_is_a_batch_too_and_an_empty_one_is_answered(shop):
    assert shop.post([order()], BATCH).json()["data"][0]["verdict"] == "unattributed"
    assert shop.post([], BATCH).json() == {"data": [], "summary": {}}


def test_more_than_a_thousand_orders_are_refused_and_none_is_recorded(shop):
    response = shop.post({"conversions": [order(str(n)) for n in range(1_001)]}, BATCH)

    assert (response.status_code, response.json()["code"], response.json()["field"]) == (
        400,
        "batch_too_long",
        "conversions",
    )
    assert Conversion.objects.count() == 0


@pytest.mark.parametrize("body", [{}, {"conversions": {}}, 5, {"conversions": None}])
def test_a_batch_that_is_no_list_is_set_aside(shop, body):
    response = shop.post(body, BATCH)

    assert (response.status_code, response.json()["field"]) == (400, "conversions")
    assert verdict_of_last()[0] == "quarantined"


def test_numbers_in_a_batch_are_kept_as_they_were_written(shop):
    shop.post(b'[{"order_id": "1", "amount": 62.50, "currency": "USD"}]', BATCH)

    row = InboxRequest.objects.get(door="api.item")
    assert (row.reason, bytes(row.body)) == ("amount_unreadable", b'{"order_id":"1","amount":62.50,"currency":"USD"}')


def test_a_bug_with_one_order_leaves_the_others_standing(shop, monkeypatch):
    real = settling.decide_conversions

    def broken(conversions, *, at):
        return 1 / 0 if "b" in {one.order_ref for one in conversions} else real(conversions, at=at)

    monkeypatch.setattr(settling, "decide_conversions", broken)

    response = shop.post([order("a"), order("b"), order("c")], BATCH)

    assert [one["status"] for one in response.json()["data"]] == [201, 500, 201]
    assert InboxRequest.objects.get(reason="internal_error").path.endswith("#1")


# ── Refunds ──────────────────────────────────────────────────────────────────────────────
def test_a_partial_refund_takes_its_part_of_the_commission_back_and_says_what_is_left(shop):
    sold = _sold(shop)

    response = shop.post(
        {"amount": "20.00", "reason": "item_returned", "reference": "rf-1"}, f"{CONVERSIONS}/{sold['id']}/refund"
    )

    assert response.status_code == 201
    answer = response.json()
    assert (answer["amount"], answer["refunded"], answer["left"], answer["verdict"]) == (
        "20.00",
        "20.00",
        "42.00",
        "accepted",
    )
    assert [(one["amount"], one["reversed"]) for one in answer["commissions"]] == [("12.40", "4.00")]
    assert balance_of(chart.pending(shop.world.affiliate), "USD") == Money(840, "USD")
    assert verdict_of_last() == ("accepted", "item_returned", "")


def test_the_same_reference_again_changes_nothing(shop):
    sold = _sold(shop)
    path = f"{CONVERSIONS}/{sold['id']}/refund"
    first = shop.post({"amount": "20.00", "reference": "rf-1"}, path)

    again = shop.post({"amount": "20.00", "reference": "rf-1"}, path)
    other = shop.post({"amount": "21.00", "reference": "rf-1"}, path)

    assert (again.status_code, again.json()["id"], again.json()["verdict"]) == (200, first.json()["id"], "duplicate")
    assert (other.status_code, other.json()["code"]) == (409, "refund_conflict")
    assert Refund.objects.count() == 1


def test_a_refund_without_an_amount_takes_all_back(shop):
    sold = _sold(shop)

    answer = shop.post({"reference": "rf-1"}, f"{CONVERSIONS}/{sold['id']}/refund").json()

    assert (answer["amount"], answer["left"], answer["reason"]) == ("62.00", "0.00", "other")
    assert Commission.objects.get().status == "reversed"


@pytest.mark.parametrize(
    ("body", "status", "field", "code"),
    [
        ({}, 400, "reference", "field_missing"),
        (b"", 400, "reference", "field_missing"),
        ({"reference": "a", "amount": "62.01"}, 400, "amount", "refund_too_large"),
        ({"reference": "a", "amount": "0.00"}, 400, "amount", "refund_empty"),
        ({"reference": "a", "amount": "-1.00"}, 400, "amount", "amount_unreadable"),
        ({"reference": "a", "amount": 1}, 400, "amount", "amount_unreadable"),
        ({"reference": "a", "reason": "bored"}, 400, "reason", "field_invalid"),
        ({"reference": "a", "currency": "EUR"}, 400, "currency", "currency_mismatch"),
        ({"reference": "x" * 129}, 400, "reference", "field_too_long"),
        (b"[]", 400, "body", "body_no_object"),
        (b"{", 400, "body", "body_malformed"),
    ],
)
def test_a_bad_refund_is_refused_by_its_field_and_changes_nothing(shop, body, status, field, code):
    sold = _sold(shop)

    response = shop.post(body, f"{CONVERSIONS}/{sold['id']}/refund")

    assert (response.status_code, response.json()["field"], response.json()["code"]) == (status, field, code)
    assert verdict_of_last()[1:] == (code, field)
    assert balance_of(chart.pending(shop.world.affiliate), "USD") == Money(1240, "USD")


def test_an_order_of_another_merchant_cannot_be_refunded_or_read(shop):
    sold = _sold(shop)
    other = open_shop()

    for response in (
        other.post({"reference": "a"}, f"{CONVERSIONS}/{sold['id']}/refund"),
        other.get(f"{CONVERSIONS}/{sold['id']}"),
        other.get(f"{CONVERSIONS}/{sold['id']}/explain"),
        shop.get(f"{CONVERSIONS}/{sold['id']}", key=shop.test),
        shop.post({"reference": "a"}, f"{CONVERSIONS}/conv_nothing/refund"),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert Refund.objects.count() == 0


# ── Idempotency-Key ──────────────────────────────────────────────────────────────────────
def test_a_request_under_one_key_is_answered_twice_alike_to_the_letter(shop):
    first = shop.post(order(), idempotency_key="k-1")

    again = shop.post(order(), idempotency_key="k-1")

    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert verdict_of_last()[:2] == ("duplicate", "same_request")


def test_the_key_used_for_another_request_is_a_conflict(shop):
    shop.post(order(), idempotency_key="k-1")

    response = shop.post(order("1043"), idempotency_key="k-1")

    assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")
    assert Conversion.objects.count() == 1


def test_a_refusal_frees_its_key(shop):
    shop.post(order(amount="x"), idempotency_key="k-1")

    assert shop.post(order(), idempotency_key="k-1").status_code == 201


def test_two_merchants_and_live_and_test_have_their_own_keys(shop):
    other = open_shop()

    assert [
        shop.post(order(), idempotency_key="k").status_code,
        shop.post(order(), key=shop.test, idempotency_key="k").status_code,
        other.post(order(), idempotency_key="k").status_code,
    ] == [201, 201, 201]
    assert IdempotencyKey.objects.count() == 3


@pytest.mark.parametrize("key", ["x" * 256, "\u00e9\u00e9"])
def test_a_key_that_cannot_be_kept_is_refused(shop, key):
    response = shop.post(order(), idempotency_key=key)

    assert (response.status_code, response.json()["field"]) == (400, "Idempotency-Key")


def test_every_post_honours_the_key(shop):
    sold = _sold(shop)
    calls = [
        (BATCH, [order("b")]), (f"{CONVERSIONS}/{sold['id']}/refund", {"amount": "1.00"}),
        ("/api/v1/links", {"affiliate": shop.world.affiliate.public_id, "label": "news"}),
    ]  # fmt: skip

    for path, body in calls:
        first, again = (shop.post(body, path, idempotency_key=path) for _ in range(2))
        assert (again.json(), again.status_code) == (first.json(), first.status_code)
        assert again["Idempotent-Replayed"] == "true"
    # The refund had no reference of its own: its key became one.
    assert Refund.objects.get().reference == calls[1][0]
    assert Link.objects.filter(label="news").count() == 1


def test_a_key_left_behind_by_a_crash_is_taken_over_after_a_minute(shop):
    at = timezone.now()
    hashed = idempotency.hash_request("POST", CONVERSIONS, b"{}")
    idempotency.take_key("mer_x:sk_live", "k", request_hash=hashed, at=at)

    with pytest.raises(idempotency.IdempotencyKeyInUse):
        idempotency.take_key("mer_x:sk_live", "k", request_hash=hashed, at=at + timedelta(seconds=59))
    taken = idempotency.take_key("mer_x:sk_live", "k", request_hash=hashed, at=at + timedelta(seconds=61))

    assert taken == idempotency.Taken("mer_x:sk_live", "k", at + timedelta(seconds=61))
    assert idempotency.forget_old_keys(at=at + timedelta(days=32)) == 1


@pytest.mark.django_db(transaction=True)
def test_one_key_by_eight_threads_at_once_is_handled_once(shop):
    barrier = threading.Barrier(8)

    def send(_number: int):
        try:
            barrier.wait()
            return shop.post(order(), idempotency_key="k").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, range(8)))

    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert Conversion.objects.count() == 1
    assert set(InboxRequest.objects.filter(verdict="rejected").values_list("reason", flat=True)) <= {
        "idempotency_key_in_use"
    }
    assert InboxRequest.objects.filter(verdict="accepted").count() == 1
    assert last_request() is not None
