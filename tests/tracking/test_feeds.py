"""B10: a feed becomes a program's products in sets, from an address or a file, and nothing a server does breaks them."""

from datetime import timedelta

import pytest

from affiliates.outside import AddressRefused
from ledger.models import Event
from tests.factories.feeds import feed_server
from tests.factories.world import make_world
from tracking import feeds
from tracking.feed_reading import FeedUnreadable
from tracking.models import FeedRefusal, Product, ProductFeed

pytestmark = pytest.mark.django_db

HEAD = "sku,title,price,link\n"


def table(*rows: str) -> bytes:
    return (HEAD + "\n".join(rows)).encode()


def row(sku: str, price: str = "5.00", page: str = "") -> str:
    return f"{sku},Thing {sku},{price},https://shop.example/{page or sku}"


@pytest.fixture
def world(at):
    return make_world(at)


def listed(world) -> dict[str, int]:
    found = Product.objects.filter(program=world.program, gone_at=None)
    return dict(found.values_list("sku", "price_minor"))


def counts(feed: ProductFeed) -> tuple[int, ...]:
    feed.refresh_from_db()
    return (feed.row_count, feed.product_count, feed.refused_count, feed.new_count, feed.changed_count, feed.gone_count)


def test_a_second_feed_adds_changes_and_lets_go(world, at):
    feed = feeds.take_file(world.program, table(row("a"), row("b"), row("c")), name="one.csv", by=None, at=at)
    assert counts(feed) == (3, 3, 0, 3, 0, 0)
    first = Product.objects.get(sku="a")

    later = at + timedelta(hours=1)
    feed = feeds.take_file(
        world.program, table(row("a"), row("b", "6.00"), row("d")), name="two.csv", by=None, at=later
    )

    assert counts(feed) == (3, 3, 0, 1, 1, 1)
    assert listed(world) == {"a": 500, "b": 600, "d": 500}
    assert Product.objects.get(sku="a").changed_at == first.changed_at
    assert Product.objects.get(sku="c").gone_at == later


def test_a_product_that_comes_back_keeps_its_id(world, at):
    feeds.take_file(world.program, table(row("a"), row("b")), name="1", by=None, at=at)
    known = Product.objects.get(sku="b")
    feeds.take_file(world.program, table(row("a")), name="2", by=None, at=at)

    feed = feeds.take_file(world.program, table(row("a"), row("b")), name="3", by=None, at=at)

    assert Product.objects.get(sku="b").pk == known.pk
    assert listed(world) == {"a": 500, "b": 500}
    assert counts(feed)[3:] == (0, 1, 0)


def test_the_same_file_twice_is_once(world, at):
    for _time in range(2):
        feed = feeds.take_file(world.program, table(row("a"), row("b")), name="1", by=None, at=at)

    assert counts(feed) == (2, 2, 0, 2, 0, 0)
    assert Event.objects.filter(name="feed.read").count() == 1


def test_every_refused_row_is_told_and_the_good_ones_count(world, at):
    content = table(
        row("a"), "b,,5,https://shop.example/b", row("c", "much"), row("a"), "e,E,5,https://evil.example/", "f,F,1,2,3"
    )

    feed = feeds.take_file(world.program, content, name="1", by=None, at=at)

    told = FeedRefusal.objects.filter(feed=feed).order_by("number").values_list("number", "sku", "field", "code")
    assert list(told) == [
        (3, "b", "title", "feed_field_missing"),
        (4, "c", "price", "feed_price_invalid"),
        (5, "a", "sku", "feed_sku_twice"),
        (6, "e", "link", "feed_page_not_allowed"),
        (7, "", "row", "feed_row_unreadable"),
    ]
    assert counts(feed)[:3] == (6, 1, 5)


@pytest.mark.parametrize("content", [b"", HEAD.encode(), table("a,,,"), b"<rss><item>", b"\xff\xfe\x00"])
def test_a_feed_without_a_product_empties_no_shop(world, at, content):
    feeds.take_file(world.program, table(row("a")), name="1", by=None, at=at)

    with pytest.raises(FeedUnreadable):
        feeds.take_file(world.program, content, name="2", by=None, at=at)

    assert listed(world) == {"a": 500}


def test_one_programs_feed_touches_no_other(at):
    one, other = make_world(at), make_world(at)
    feeds.take_file(one.program, table(row("a")), name="1", by=None, at=at)

    feeds.take_file(other.program, table(row("a", "9.00"), row("z")), name="2", by=None, at=at)
    feeds.take_file(one.program, table(row("b")), name="3", by=None, at=at)

    assert (listed(one), listed(other)) == ({"b": 500}, {"a": 900, "z": 500})


def test_an_address_is_fetched_when_due_and_asked_conditionally(world, at):
    with feed_server(table(row("a")), etag='"v1"') as server:
        feeds.set_address(world.program, server.url, every_hours=6, by=None, at=at)
        assert feeds.fetch_due_feeds(at=at) == 1
        assert feeds.fetch_due_feeds(at=at + timedelta(hours=5)) == 0
        assert feeds.fetch_due_feeds(at=at + timedelta(hours=6)) == 1
        feed = ProductFeed.objects.get()
        read_first = feed.read_at

        server.content, server.etag = table(row("a", "7.00")), '"v2"'
        assert feeds.fetch_due_feeds(at=at + timedelta(hours=12)) == 1

    assert [asked.get("if-none-match", "") for asked in server.asked] == ["", '"v1"', '"v1"']
    assert (read_first, feed.asked_at) == (at, at + timedelta(hours=6))
    assert listed(world) == {"a": 700}


def test_other_hosts_of_the_program_are_reason_to_read_the_same_feed_again(world, at):
    with feed_server(table(row("a"), "b,B,5,https://other.example/b"), etag='"v1"') as server:
        feed = feeds.set_address(world.program, server.url, every_hours=1, by=None, at=at)
        feeds.fetch_feed(feed.pk, at=at)
        assert set(listed(world)) == {"a"}

        type(world.program).objects.update(allowed_hosts=["shop.example", "other.example"])
        feeds.fetch_feed(feed.pk, at=at + timedelta(hours=1))

    assert set(listed(world)) == {"a", "b"}


def test_a_packed_answer_is_unpacked_and_a_bomb_is_not_swallowed(world, at, settings):
    with feed_server(table(row("a"))) as server:
        server.is_packed = True
        feed = feeds.set_address(world.program, server.url, every_hours=1, by=None, at=at)
        feeds.fetch_feed(feed.pk, at=at)
        assert listed(world) == {"a": 500}

        settings.FEED_MOST_BYTES = 100_000
        server.content = table(row("b"), "x" * 5_000_000)
        feeds.fetch_feed(feed.pk, at=at + timedelta(hours=1))

    feed.refresh_from_db()
    assert (feed.reason, feed.failures) == ("file_too_large", 1)
    assert listed(world) == {"a": 500}


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"status": 404}, "feed_answer"),
        ({"status": 302}, "feed_answer"),
        ({"content": b"<!DOCTYPE x []><rss/>"}, "feed_doctype"),
        ({"is_torn": True, "content": table(row("b"))}, "not_connected"),
        ({"drip": 0.2}, "timed_out"),
    ],
)
def test_what_goes_wrong_is_written_down_and_tried_again_sooner(world, at, settings, trouble, reason):
    settings.FEED_SECONDS = 1
    feeds.take_file(world.program, table(row("a")), name="1", by=None, at=at)
    with feed_server(table(row("a"), row("b"))) as server:
        for name, value in trouble.items():
            setattr(server, name, value)
        feed = feeds.set_address(world.program, server.url, every_hours=24, by=None, at=at)
        feeds.fetch_feed(feed.pk, at=at)

    feed.refresh_from_db()
    assert (feed.reason, feed.failures, feed.fetching_since) == (reason, 1, None)
    assert feed.next_at == at + timedelta(minutes=15)
    assert listed(world) == {"a": 500}
    assert Event.objects.filter(name="feed.failed", data__reason=reason).count() == 1


def test_nobody_answering_waits_longer_each_time(world, at):
    feed = feeds.set_address(world.program, "http://127.0.0.1:9/feed", every_hours=1, by=None, at=at)
    waits = []
    now = at
    for _time in range(4):
        feeds.fetch_feed(feed.pk, at=now)
        feed.refresh_from_db()
        waits.append(feed.next_at - now)
        now = feed.next_at

    assert waits == [timedelta(minutes=minutes) for minutes in (15, 30, 60, 60)]
    assert Event.objects.filter(name="feed.failed").count() == 1


def test_two_workers_fetch_a_due_feed_once_and_a_dead_one_is_followed(world, at):
    with feed_server(table(row("a"))) as server:
        feed = feeds.set_address(world.program, server.url, every_hours=1, by=None, at=at)
        ProductFeed.objects.update(fetching_since=at)
        assert feeds.fetch_feed(feed.pk, at=at + timedelta(minutes=1)) is False
        assert feeds.fetch_feed(feed.pk, at=at + timedelta(minutes=16)) is True

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/feed", "ftp://shop.example/feed", "https://user@shop.example/", "nonsense"]
)
def test_addresses_that_are_not_called(world, at, settings, url):
    settings.ALLOW_LOCAL_DESTINATIONS = False

    with pytest.raises(AddressRefused):
        feeds.set_address(world.program, url, every_hours=24, by=None, at=at)

    assert not ProductFeed.objects.exclude(url="").exists()


def test_a_private_network_is_not_reached_by_a_name(world, at, settings):
    feed = feeds.set_address(world.program, "https://localhost.example/feed", every_hours=24, by=None, at=at)
    ProductFeed.objects.update(url="http://127.0.0.1:1/feed")
    settings.ALLOW_LOCAL_DESTINATIONS = False

    feeds.fetch_feed(feed.pk, at=at)

    feed.refresh_from_db()
    assert feed.reason == "address_refused"


def test_products_taken_out_come_back_with_the_next_feed(world, at):
    feed = feeds.take_file(world.program, table(row("a")), name="1", by=None, at=at)

    assert feeds.withdraw_products(feed, by=None, at=at) == 1
    assert listed(world) == {}
    feeds.take_file(world.program, table(row("a")), name="1", by=None, at=at)

    assert listed(world) == {"a": 500}
