"""B10: the screens, exports and the API of products, for merchants and for partners."""

import csv
import io
import json
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affiliates.keys import issue_key
from tests.factories.feeds import feed_server
from tests.factories.world import make_world
from tests.portal.partner import client_of, text_of
from tracking import feeds
from tracking.models import Link, Product, ProductFeed
from tracking.program_settings import change_tracking

pytestmark = pytest.mark.django_db

TABLE = """sku,title,price,sale_price,currency,availability,category,brand,link
T1,Ridge tent,189.00,149.00,USD,in stock,Camping > Tents,Ridge,https://shop.example/tent?a=1&b=2
P1,Trail pack,96.00,,USD,out of stock,Packs,Trail,https://shop.example/pack
M1,=Mug,12.00,,USD,in stock,Kitchen,,https://shop.example/mug
"""


@pytest.fixture
def now(at):
    with time_machine.travel(at):
        yield at


@pytest.fixture
def world(now):
    world = make_world(now)
    feeds.take_file(world.program, TABLE.encode(), name="one.csv", by=None, at=now)
    return world


def own(world, rest: str = "") -> str:
    return f"/merchant/{world.merchant.slug}/feeds/{rest}"


def send(world, content: bytes):
    address = own(world, f"{world.program.slug}/upload/")
    return client_of(world.owner).post(address, {"file": SimpleUploadedFile("feed.csv", content)}, follow=True)


def titles(page) -> list[str]:
    return [one.title for one, _address in page.context["rows"]]


# ── Merchants ────────────────────────────────────────────────────────────────────────────


def test_a_merchant_sends_a_file_and_reads_what_became_of_each_row(world):
    page = send(world, TABLE.encode() + b"X,,5,,,,,,https://shop.example/x\nY,Y,5,,,,,,https://evil.example/\n")

    words = text_of(page)
    assert "3 products, 2 rows refused" in words
    assert "Value missing. Fill in the field for this product." in words
    assert "Page not allowed" in words
    rows = list(
        csv.reader(
            io.StringIO(
                client_of(world.owner)
                .get(own(world, f"{world.program.slug}/refused.csv"))
                .getvalue()
                .decode("utf-8-sig")
            )
        )
    )
    assert [row[:4] for row in rows[1:]] == [
        ["5", "X", "title", "feed_field_missing"],
        ["6", "Y", "link", "feed_page_not_allowed"],
    ]


def test_a_broken_file_says_so_and_changes_nothing(world):
    page = send(world, b"<!DOCTYPE x []><rss/>")

    assert page.status_code == 400
    assert "Leave the line <!DOCTYPE …> out." in text_of(page)
    assert Product.objects.filter(gone_at=None).count() == 3


@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda text: TABLE.encode() + text.encode("utf-8", "replace")),
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_makes_the_page_fall_over(world, content):
    assert send(world, content).status_code in {200, 400}


def test_fetch_now_sends_for_the_feed(world, django_capture_on_commit_callbacks):
    browser = client_of(world.owner)
    with feed_server(TABLE.replace("96.00", "90.00").encode()) as server:
        page = browser.post(
            own(world, f"{world.program.slug}/save/"), {"url": server.url, "every_hours": "6"}, follow=True
        )
        assert "the feed is being fetched" in text_of(page)
        feeds.fetch_due_feeds(at=world.program.created_at)
        browser.post(own(world, f"{world.program.slug}/fetch/"))
        feed = ProductFeed.objects.get()
        feeds.fetch_feed(feed.pk, at=feed.next_at)

    feed.refresh_from_db()
    assert (feed.url, feed.reason, len(server.asked)) == (server.url, "", 1)
    assert Product.objects.get(sku="P1").price_minor == 9000


def test_an_address_that_is_not_called_is_refused_at_its_field(world):
    page = client_of(world.owner).post(
        own(world, f"{world.program.slug}/save/"), {"url": "ftp://x.example/", "every_hours": "6"}
    )

    assert page.status_code == 400
    assert "Use a public https:// address." in text_of(page)


def test_a_template_is_read_without_a_refusal(world):
    template = client_of(world.owner).get(own(world, "template.csv")).getvalue()

    send(world, template)

    assert ProductFeed.objects.get().refused_count == 0
    assert set(Product.objects.filter(gone_at=None).values_list("sku", flat=True)) == {"TENT-2", "PACK-38"}


def test_products_are_taken_out_of_the_lists(world):
    client_of(world.owner).post(own(world, f"{world.program.slug}/withdraw/"))

    assert titles(client_of(world.partner).get("/partner/products/")) == []


# ── Partners ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("", ["=Mug", "Trail pack", "Ridge tent"]),
        ("q=TENT", ["Ridge tent"]),
        ("q=ridge+camping", ["Ridge tent"]),
        ("q=ridge+pack", []),
        ("category=Packs", ["Trail pack"]),
        ("least=90&most=150", ["Trail pack", "Ridge tent"]),
        ("most=100", ["=Mug", "Trail pack"]),
        ("stock=yes", ["=Mug", "Ridge tent"]),
        ("stock=sale", ["Ridge tent"]),
        ("q=%00", ["=Mug", "Trail pack", "Ridge tent"]),
        ("least=x&page=99&program=nonsense", ["=Mug", "Trail pack", "Ridge tent"]),
    ],
)
def test_products_are_found(world, question, found):
    assert sorted(titles(client_of(world.partner).get(f"/partner/products/?{question}"))) == sorted(found)


def test_each_product_has_the_partners_own_address_and_one_link_serves_all(world):
    browser = client_of(world.partner)
    for _time in range(2):
        page = browser.get("/partner/products/?q=ridge")

    [(_product, address)] = page.context["rows"]
    link = Link.objects.get(enrolment=world.enrolment, label="Products")
    assert urlsplit(address).path == f"/r/{link.code}"
    assert parse_qs(urlsplit(address).query) == {"url": ["https://shop.example/tent?a=1&b=2"]}
    assert address in page.content.decode().replace("&amp;", "&")


def test_the_exports_are_what_is_seen_with_the_addresses_and_nothing_a_spreadsheet_runs(world):
    browser = client_of(world.partner)
    answer = browser.get("/partner/products/export.csv?most=100")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    data = json.loads(browser.get("/partner/products/export.json").getvalue())

    assert answer.streaming
    assert {row["title"] for row in rows} == {"'=Mug", "Trail pack"}
    assert all("/r/" in row["link"] and "url=https%3A%2F%2Fshop.example" in row["link"] for row in rows)
    assert {one["sku"]: (one["price"], one["sale_price"]) for one in data} == {
        "T1": ("189.00", "149.00"), "P1": ("96.00", None), "M1": ("12.00", None),
    }  # fmt: skip
    assert json.loads(browser.get("/partner/products/export.json?q=nothing").getvalue()) == []


def test_who_has_no_open_place_sees_nothing(world, now):
    stranger = make_world(now)

    assert titles(client_of(stranger.partner).get("/partner/products/")) == []
    type(world.enrolment).objects.filter(pk=world.enrolment.pk).update(status="suspended")
    assert titles(client_of(world.partner).get("/partner/products/")) == []


def test_a_program_that_chooses_its_pages_shows_no_products_and_tells_the_merchant(world, now):
    change_tracking(world.program, by=None, at=now, deep_links=False)

    assert titles(client_of(world.partner).get("/partner/products/")) == []
    page = client_of(world.owner).get(own(world, f"{world.program.slug}/"))
    assert "Partners cannot link to single pages" in text_of(page)


def test_a_page_of_many_asks_as_often_as_one_of_few(world, now):
    browser = client_of(world.partner)
    browser.get("/partner/products/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get("/partner/products/")
    more = "".join(f"N{n},Thing {n},5.00,,USD,,,,https://shop.example/{n}\n" for n in range(120))
    feeds.take_file(world.program, (TABLE + more).encode(), name="2", by=None, at=now)

    with CaptureQueriesContext(connection) as many:
        page = browser.get("/partner/products/")

    assert len(page.context["rows"]) == 50
    assert len(many) == len(few) <= 25


# ── API ──────────────────────────────────────────────────────────────────────────────────


def ask(secret: str, query: str = ""):
    address = query if query.startswith("/") else f"/api/v1/products?{query}"
    return Client().get(address, headers={"authorization": f"Bearer {secret}"})


def test_a_partners_key_pages_through_products_with_its_own_links(world, now):
    _key, secret = issue_key("pk", name="blog", affiliate=world.affiliate, at=now)
    first = ask(secret, "limit=2").json()
    second = ask(secret, first["next"]).json()

    found = first["data"] + second["data"]
    assert sorted(one["sku"] for one in found) == ["M1", "P1", "T1"]
    assert second["next"] is None
    assert all("/r/" in one["link"] for one in found)
    assert [one["sku"] for one in ask(secret, "q=tent&price_to=150&currency=usd").json()["data"]] == ["T1"]


def test_a_merchants_key_reads_its_own_and_nobody_elses(world, now):
    other = make_world(now)
    _key, secret = issue_key("sk_live", name="shop", merchant=world.merchant, at=now)
    _key, others = issue_key("sk_live", name="shop", merchant=other.merchant, at=now)

    assert {one["link"] for one in ask(secret).json()["data"]} == {None}
    assert ask(others).json()["data"] == []


@pytest.mark.parametrize("query", ["price_from=-1", "price_from=x", "limit=0", "cursor=!", "price_to=NaN"])
def test_what_cannot_be_asked_is_refused_by_name(world, now, query):
    _key, secret = issue_key("pk", name="blog", affiliate=world.affiliate, at=now)

    assert ask(secret, query).status_code in {400, 422}


def test_without_a_key_there_is_nothing(world):
    assert Client().get("/api/v1/products").status_code == 401
