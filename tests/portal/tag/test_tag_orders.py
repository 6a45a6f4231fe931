"""Orders from shoppers' browsers: taken from the shop's pages only, believed less than the shop's server (C4, C19)."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from payouts.browser_orders import confirm_waiting_sale, set_tag_orders
from payouts.models import Commission
from payouts.sales import retry_held_sales
from portal.intake.replay import replay
from portal.tag.orders import DOT
from tests.factories.world import make_click, make_world
from tests.portal.shop import last_request, open_shop, order, verdict_of_last
from tracking.models import Conversion, InboxRequest

pytestmark = pytest.mark.django_db

PAGE = {"origin": "https://shop.example", "referer": "https://shop.example/thanks"}


@pytest.fixture
def shop():
    return open_shop()


@pytest.fixture
def click(shop):
    return make_click(shop.world.link, at=shop.at - timedelta(minutes=4))


def report(shop, body=None, *, headers=PAGE, **values):
    """What the tag sends: JSON as text/plain."""
    said = {"merchant": shop.world.merchant.slug, "order_id": "1042", "amount": "62.00", "currency": "USD"} | values
    content = json.dumps(said) if body is None else body
    return Client(raise_request_exception=False).post("/t/order", content, content_type="text/plain", headers=headers)


def draw(shop, *, headers=PAGE, **values):
    """What an image in an old shop's page asks for."""
    said = {"merchant": shop.world.merchant.slug, "order_id": "1042", "amount": "62.00", "currency": "USD"} | values
    return Client(raise_request_exception=False).get(f"/t/p.gif?{urlencode(said)}", headers=headers)


def test_an_order_from_the_shops_page_counts_and_tells_nothing_about_partners(shop, click):
    response = report(shop, click_id=click.public_id)

    answer = response.json()
    assert response.status_code == 201
    assert answer == {
        "verdict": "accepted", "reason": None, "order_id": "1042", "id": Conversion.objects.get().public_id,
        "test": False, "field": None, "detail": None, "ignored": [],
    }  # fmt: skip
    assert response["Access-Control-Allow-Origin"] == "https://shop.example"
    assert Commission.objects.get().amount_minor == 1240
    row = last_request()
    assert (row.door, row.verdict, row.merchant) == ("tag", "accepted", shop.world.merchant)


def test_numbers_of_javascript_are_read_as_written(shop):
    body = '{"merchant":"%s","order_id":1042,"amount":62.5,"items":[{"sku":7,"amount":62.5,"quantity":1}]}'

    report(shop, body % shop.world.merchant.slug)

    found = Conversion.objects.get()
    assert (found.order_ref, found.amount_minor, found.items[0]["amount"]) == ("1042", 6250, "62.50")


@pytest.mark.parametrize("number", ["0.30000000000000004", "1e3", "-1", "NaN"])
def test_a_number_that_is_no_amount_is_refused(shop, number):
    response = report(shop, f'{{"merchant":"{shop.world.merchant.slug}","order_id":"1","amount":{number}}}')

    assert response.status_code == 400
    assert Conversion.objects.count() == 0


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"origin": "https://evil.example"}, "origin_not_allowed"),
        ({"origin": "https://shop.example.evil.example"}, "origin_not_allowed"),
        ({"origin": "https://notshop.example"}, "origin_not_allowed"),
        ({"origin": "https://shop.example:8443"}, "origin_not_allowed"),
        ({"origin": "https://["}, "origin_not_allowed"),
        ({"origin": "null"}, "origin_missing"),
        ({}, "origin_missing"),
    ],
)
def test_an_order_from_elsewhere_is_refused_by_name_and_its_merchant_sees_it(shop, headers, code):
    response = report(shop, headers=headers)

    assert (response.status_code, response.json()["code"]) == (403, code)
    assert verdict_of_last() == ("rejected", code, "Origin")
    assert last_request().merchant == shop.world.merchant
    assert Conversion.objects.count() == 0


@pytest.mark.parametrize("origin", ["https://www.shop.example", "https://SHOP.example", "http://shop.example"])
def test_hosts_below_the_programs_are_the_shops_too(shop, origin):
    assert report(shop, headers={"origin": origin}).status_code == 201


def test_an_unknown_merchant_is_named_and_kept(shop):
    response = report(shop, merchant="nobody")

    assert (response.status_code, response.json()["code"]) == (400, "merchant_unknown")
    assert verdict_of_last()[0] == "rejected"


def test_a_merchant_may_be_named_by_its_id(shop):
    assert report(shop, merchant=shop.world.merchant.public_id).status_code == 201


def test_a_placeholder_that_the_template_left_is_refused_by_name(shop):
    response = report(shop, order_id="{{ order.number }}")

    assert (response.status_code, response.json()["code"], response.json()["field"]) == (400, "macro_not_filled", "order_id")  # fmt: skip


def test_a_browser_may_ask_for_leave_first(shop):
    response = Client().options("/t/order", headers={"origin": "https://shop.example"})

    assert (response.status_code, response["Access-Control-Allow-Methods"]) == (204, "POST")
    assert InboxRequest.objects.count() == 0


# ── By several ways ──────────────────────────────────────────────────────────────────────


def test_the_same_order_by_tag_pixel_postback_and_api_counts_once(shop, click):
    """C4: whatever the ways and their order."""
    first = report(shop, click_id=click.public_id)
    second = draw(shop)
    third = Client().get(
        f"/postback?{urlencode({'order_id': '1042', 'amount': '62.00', 'currency': 'USD', 'key': shop.live})}"
    )
    fourth = shop.post(order("1042"))

    assert [first.status_code, second.status_code, third.status_code, fourth.status_code] == [201, 200, 200, 200]
    assert second["X-Verdict"] == "duplicate"
    assert Conversion.objects.count() == Commission.objects.count() == 1


def test_the_click_that_only_the_page_knew_makes_the_servers_order_somebodys(shop, click):
    shop.post(order("1042"))
    assert Conversion.objects.get().verdict == "unattributed"

    report(shop, click_id=click.public_id)

    assert Conversion.objects.get().verdict == "accepted"
    assert Commission.objects.get().amount_minor == 1240


def test_the_server_wins_over_the_browser_about_the_amount(shop, click):
    report(shop, amount="99.00", click_id=click.public_id)

    response = shop.post(order("1042"))

    assert response.status_code == 200
    found = Conversion.objects.get()
    assert (found.amount_minor, found.click_id, found.source) == (6200, click.pk, "api")
    assert Commission.objects.get().remaining.minor == 1240


def test_the_browser_never_wins_over_the_server(shop, click):
    shop.post(order("1042", click_id=click.public_id))

    response = report(shop, amount="9999.00", coupon="MINE")

    assert (response.status_code, response.json()["verdict"]) == (200, "duplicate")
    assert (Conversion.objects.get().amount_minor, Conversion.objects.get().coupon) == (6200, "")


def test_once_the_server_has_spoken_it_may_not_contradict_itself(shop):
    report(shop, amount="99.00")
    shop.post(order("1042"))

    assert shop.post(order("1042", amount="70.00")).status_code == 409


# ── Waiting for the server's word ────────────────────────────────────────────────────────


@pytest.fixture
def waiting_shop(shop):
    set_tag_orders(shop.world.merchant, "wait", by=shop.world.owner, at=shop.at)
    return shop


def test_an_order_waits_for_the_server_where_the_merchant_wants_that(waiting_shop, click):
    response = report(waiting_shop, click_id=click.public_id)

    assert (response.json()["verdict"], response.json()["reason"]) == ("held", "browser_unconfirmed")
    retry_held_sales(at=timezone.now())
    assert (Conversion.objects.get().verdict, Commission.objects.count()) == ("held", 0)


def test_the_servers_word_lets_it_count_with_the_pages_click(waiting_shop, click):
    report(waiting_shop, click_id=click.public_id)

    response = waiting_shop.post(order("1042", amount="50.00"))

    assert response.status_code == 200
    assert (Conversion.objects.get().verdict, Conversion.objects.get().reason) == ("accepted", "")
    assert Commission.objects.get().amount_minor == 1000


def test_the_same_word_from_the_server_is_enough(waiting_shop, click):
    report(waiting_shop, click_id=click.public_id)

    waiting_shop.post(order("1042", click_id=click.public_id))

    assert Commission.objects.get().amount_minor == 1240


def test_a_person_may_speak_for_the_server_once(waiting_shop, click):
    report(waiting_shop, click_id=click.public_id)
    owner = Client()
    owner.force_login(waiting_shop.world.owner)
    slug, found = waiting_shop.world.merchant.slug, Conversion.objects.get()
    page = owner.get(reverse("merchant:setup-waiting", args=[slug]))
    assert "1042" in page.text

    for _time in range(2):
        owner.post(reverse("merchant:setup-confirm", args=[slug, found.public_id]))

    assert Commission.objects.get().amount_minor == 1240
    assert confirm_waiting_sale(found, by=waiting_shop.world.owner, at=timezone.now()).conversion.verdict == "accepted"


def test_the_servers_own_orders_never_wait(waiting_shop, click):
    waiting_shop.post(order("7", click_id=click.public_id))

    assert Conversion.objects.get().verdict == "accepted"


# ── The picture ──────────────────────────────────────────────────────────────────────────


def test_the_picture_always_comes_and_its_headers_tell(shop, click):
    good = draw(shop, click_id=click.public_id)
    bad = draw(shop, amount="nonsense", order_id="2")
    elsewhere = draw(shop, headers={"referer": "https://evil.example/x"}, order_id="3")

    assert [one.content for one in (good, bad, elsewhere)] == [DOT] * 3
    assert [one["Content-Type"] for one in (good, bad, elsewhere)] == ["image/gif"] * 3
    assert [(one.status_code, one["X-Verdict"], one["X-Reason"]) for one in (good, bad, elsewhere)] == [
        (200, "accepted", "none"), (400, "rejected", "amount_unreadable"), (403, "rejected", "origin_not_allowed"),
    ]  # fmt: skip


def test_the_picture_reads_the_click_that_the_door_itself_remembered(shop, click):
    """C5, C6: where the shop's own domain leads to us, the cookie was set by the server."""
    client = Client()
    client.cookies["afc"] = click.public_id

    client.get(f"/t/p.gif?merchant={shop.world.merchant.slug}&order_id=5&amount=62.00", headers=PAGE)

    assert Conversion.objects.get().click_id == click.pk


def test_a_test_order_books_nothing(shop, click):
    """C18."""
    draw(shop, click_id=click.public_id, test="1")

    assert (Conversion.objects.get().is_test, Commission.objects.count(), verdict_of_last()[0]) == (True, 0, "test")


def test_other_methods_are_refused_and_kept(shop):
    assert Client().get("/t/order").status_code == 405
    assert Client().post("/t/p.gif").status_code == 405
    assert InboxRequest.objects.count() == 2


# ── Again ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("send", [report, draw])
def test_a_refused_order_is_taken_when_it_is_handled_again_after_the_host_was_added(shop, click, send):
    headers = {"origin": "https://new.example", "referer": "https://new.example/thanks"}
    send(shop, headers=headers, click_id=click.public_id)
    row = last_request()
    assert row.reason == "origin_not_allowed"
    shop.world.program.allowed_hosts.append("new.example")
    shop.world.program.save()

    replay(row, by=shop.world.owner, at=timezone.now())

    assert (row.refreshed().verdict, Commission.objects.get().amount_minor) == ("accepted", 1240)


def test_another_merchants_click_earns_nothing(shop):
    other = make_world(shop.at)
    click = make_click(other.link, at=shop.at - timedelta(minutes=1))

    report(shop, click_id=click.public_id)

    assert Commission.objects.count() == 0
