"""From the spool into the database: once each, whatever happens in between."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection as django_connection

from portal.click.links import FIELDS, HOST_SQL, LINK_SQL
from portal.management.commands.drain_clicks import conninfo
from tests.factories.doors import ClickDatabase, click_database, new_key
from tests.tracking.test_spool import AT, some_clicks
from tracking.click_ids import click_key, new_click_id
from tracking.drain import Drained, connect, drain_all, drain_file, read_batches, store
from tracking.partitions import bounds_of, ensure_partitions
from tracking.spool import SpoolReader, SpoolWriter, backlog_of


@pytest.fixture(scope="module")
def shared() -> Iterator[ClickDatabase]:
    """A database for this module."""
    with click_database(settings.DATABASE_URL) as database:
        yield database


@pytest.fixture
def database(shared) -> ClickDatabase:
    """The module's database, empty."""
    shared.execute("TRUNCATE tracking_click, tracking_click_hour")
    return shared


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[SpoolWriter]:
    """A spool of the test's own."""
    with closing(SpoolWriter.claim(tmp_path)) as writer:
        yield writer


def totals(database: ClickDatabase) -> tuple[int, int, int]:
    """Rows, and what the hourly counts say of all and of counted clicks."""
    ((rows,),) = database.execute("SELECT count(*) FROM tracking_click")
    ((clicks, counted),) = database.execute(
        "SELECT coalesce(sum(clicks), 0), coalesce(sum(counted), 0) FROM tracking_click_count"
    )
    return rows, clicks, counted


def test_clicks_arrive_with_everything_they_carry(database, spool, tmp_path):
    visitor = new_key()
    (click,) = some_clicks(
        1, visitor_id=visitor, referrer="https://blog.example/ä", user_agent="Mozilla/5.0", language="zh-CN",
        ip="[::ffff:203.0.113.7]", query="sub1=a&source_id=b&affiliate_click_id=c",
    )  # fmt: skip
    spool.append_many([click])

    assert database.drain(tmp_path) == Drained(clicks=1, inserted=1)

    row = database.click(click.id)
    assert (row["clicked_at"], row["visitor_id"], row["referrer"]) == (AT, visitor, "https://blog.example/ä")
    assert (str(row["ip"]), row["language"], row["country"]) == ("203.0.113.7", "zh-CN", "")
    assert row["params"] == {"sub1": "a", "source_id": "b", "affiliate_click_id": "c"}
    assert backlog_of(tmp_path).clicks == 0


def test_hourly_counts_follow_the_rows(database, spool, tmp_path):
    clicks = some_clicks(90, at=AT + timedelta(minutes=59))
    robots = [click._replace(uncounted_reason="bot", id=new_click_id(AT)) for click in clicks[:7]]
    spool.append_many([*clicks, *robots])

    database.drain(tmp_path)

    assert database.execute("SELECT hour, clicks, counted FROM tracking_click_count ORDER BY hour") == [
        (AT, 60 + 7, 60),
        (AT + timedelta(hours=1), 30, 30),
    ]


def test_the_same_clicks_again_add_nothing(database, spool, tmp_path):
    clicks = some_clicks(30)
    spool.append_many(clicks)
    database.drain(tmp_path)
    spool.append_many([*clicks, *clicks[:10], *some_clicks(5)])

    assert database.drain(tmp_path) == Drained(clicks=45, inserted=5, duplicates=40)

    assert totals(database) == (35, 35, 35)


def test_a_drain_that_dies_between_database_and_spool_does_no_harm(database, spool, tmp_path):
    spool.append_many(some_clicks(20))
    with closing(SpoolReader(spool.path)) as reader, closing(connect(database.url)) as connection:
        assert store(connection, read_batches(reader.batches(20))) == 20
        # Here it dies: the spool still holds everything.

    assert database.drain(tmp_path) == Drained(clicks=20, inserted=0, duplicates=20)
    assert totals(database) == (20, 20, 20)


def test_a_database_that_fails_leaves_the_spool_alone(database, spool, tmp_path):
    spool.append_many(some_clicks(20))
    connection = connect(database.url)
    connection.close()

    with pytest.raises(psycopg.Error):
        drain_all(connection, tmp_path)

    assert backlog_of(tmp_path).clicks == 20


def test_five_drains_at_once_move_every_click_once(database, tmp_path):
    writers = [SpoolWriter.claim(tmp_path) for _ in range(3)]
    for writer in writers:
        for start in range(0, 3_000, 500):
            writer.append_many(some_clicks(500, at=AT + timedelta(days=start // 100)))
    done = []

    def drain() -> None:
        with closing(connect(database.url)) as connection:
            done.append(drain_all(connection, tmp_path, batch_of=300))

    threads = [threading.Thread(target=drain) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(one.inserted for one in done) == 9_000
    assert totals(database) == (9_000, 9_000, 9_000)
    for writer in writers:
        writer.close()


def test_drains_that_read_the_same_batches_at_once_store_each_click_once(database, spool):
    """The lock is a convenience: without it the key decides."""
    spool.append_many(some_clicks(2_000))
    barrier = threading.Barrier(4)
    done = []

    def drain() -> None:
        with closing(connect(database.url)) as connection, closing(SpoolReader(spool.path)) as reader:
            load = read_batches(reader.batches(2_000))
            barrier.wait()
            done.append(store(connection, load))

    threads = [threading.Thread(target=drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(done) == 2_000
    assert totals(database) == (2_000, 2_000, 2_000)


def test_a_click_that_cannot_be_stored_is_kept_aside_and_holds_nothing_up(database, spool, tmp_path):
    good = some_clicks(40)
    poison = [
        good[0]._replace(id="clk_nonsense"),
        good[1]._replace(id=new_click_id(AT), belongs_to="nobody"),
        good[2]._replace(id=new_click_id(AT), belongs_to=" ".join(["z" * 32] * 4)),
        good[3]._replace(id=new_click_id(AT), visitor="u" * 26),
    ]
    spool.append_many([*good[:20], *poison, *good[20:]])
    spool.write([["too", "short"]])
    spool._ready().execute("INSERT INTO batch (clicks, content) VALUES (1, 'no json'), (1, '7'), (1, '[7, null]')")

    done = database.drain(tmp_path)

    assert (done.inserted, done.quarantined) == (40, 4 + 1 + 4)
    assert totals(database) == (40, 40, 40)
    with closing(SpoolReader(spool.path)) as reader:
        kept = reader.quarantined()
    assert json.loads(kept[0][0])[0] == "clk_nonsense"
    assert "invalid input syntax for type uuid" in " ".join(reason for _, reason in kept)
    assert backlog_of(tmp_path)[:3:2] == (0, 9)


def test_odd_text_is_stored_as_far_as_text_can_be(database, spool, tmp_path):
    (click,) = some_clicks(
        1, referrer="https://b.example/\0\ud800", user_agent="a\tb\\N\n\r", query="sub1=%00&sub2=%5CN", ip="not an address",
    )  # fmt: skip
    spool.append_many([click])

    assert database.drain(tmp_path).quarantined == 0

    row = database.click(click.id)
    assert (row["referrer"], row["user_agent"], row["ip"]) == ("https://b.example/?", "a\tb\\N\n\r", None)
    assert row["params"] == {"sub2": "\\N", "problems": ["ip:unreadable", "sub1:control_character"]}


def test_every_month_has_a_partition_and_odd_times_have_the_default(database, spool, tmp_path):
    now = datetime.now(UTC)
    clicks = [
        *some_clicks(1, at=datetime(2025, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        *some_clicks(1, at=datetime(2026, 1, 1, tzinfo=UTC)),
        *some_clicks(1, at=datetime(1999, 1, 1, tzinfo=UTC)),
        *some_clicks(1, at=now + timedelta(days=400)),
    ]
    spool.append_many(clicks)

    database.drain(tmp_path)

    where = dict(database.execute("SELECT id, tableoid::regclass::text FROM tracking_click"))
    assert [where[click_key(click.id)] for click in clicks] == [
        "tracking_click_2025_12", "tracking_click_2026_01", "tracking_click_default", "tracking_click_default",
    ]  # fmt: skip


def test_rows_waiting_in_the_default_partition_move_to_their_month(database):
    (click,) = some_clicks(1, at=datetime(2024, 2, 29, 12, tzinfo=UTC))
    key = click_key(click.id)
    database.execute(
        "INSERT INTO tracking_click (id, link_id, enrolment_id, program_id, affiliate_id, clicked_at, destination, is_counted)"
        " VALUES (%s, %s, %s, %s, %s, now(), '', true)",
        *(key, key, key, key, key),
    )

    assert ensure_partitions(database.connection, [(2024, 2)], at=datetime.now(UTC)) == 1
    assert ensure_partitions(database.connection, [(2024, 2)], at=datetime.now(UTC)) == 0

    assert database.execute("SELECT tableoid::regclass::text FROM tracking_click") == [("tracking_click_2024_02",)]


def test_partitions_are_made_once_by_many(database):
    made = []

    def make() -> None:
        with closing(connect(database.url)) as connection:
            made.append(ensure_partitions(connection, [(2023, month) for month in range(1, 7)], at=datetime.now(UTC)))

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 4
    ((count,),) = database.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'tracking_click_2023___'")
    assert count == 6


def test_months_join_without_a_gap():
    for year, month in [(2025, 11), (2025, 12), (2026, 1)]:
        following = (year + month // 12, month % 12 + 1)
        assert bounds_of((year, month))[1] == bounds_of(following)[0]


def test_a_file_that_is_no_spool_is_passed_over(database, spool, tmp_path):
    spool.append_many(some_clicks(3))
    (tmp_path / "clicks-7.sqlite3").write_bytes(b"rubbish " * 500)

    assert database.drain(tmp_path).inserted == 3


def test_clicks_of_a_link_that_is_gone_are_recorded(database, spool, tmp_path):
    spool.append_many(some_clicks(1))

    assert database.drain(tmp_path).inserted == 1


def test_sixty_thousand_historic_clicks_go_through_in_seconds(database, spool, tmp_path):
    clicks = [click for day in range(12) for click in some_clicks(5_000, at=AT + timedelta(days=30 * day - 330))]

    spool.append_many(clicks)
    started = datetime.now(UTC)
    done = database.drain(tmp_path)

    assert done == Drained(clicks=60_000, inserted=60_000)
    # A few seconds alone on a core; the bound leaves room for a busy machine.
    assert datetime.now(UTC) - started < timedelta(seconds=30)
    assert totals(database) == (60_000, 60_000, 60_000)


@pytest.mark.django_db(transaction=True)
def test_the_command_drains_into_djangos_database(tmp_path):
    (click,) = some_clicks(1)
    with closing(SpoolWriter.claim(tmp_path)) as writer:
        writer.append_many([click])
    output = StringIO()

    call_command("drain_clicks", once=True, spool_dir=tmp_path, stdout=output)

    assert output.getvalue().startswith("drain_clicks: clicks=1 inserted=1 duplicates=0 quarantined=0 waiting=0")
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tracking_click WHERE id = %s", [click_key(click.id)])
        assert cursor.fetchone() == (1,)
        cursor.execute("TRUNCATE tracking_click, tracking_click_hour")
    assert django_connection.settings_dict["NAME"] in conninfo()


@pytest.mark.django_db
def test_the_doors_sql_fits_the_real_tables():
    with django_connection.cursor() as cursor:
        cursor.execute(f"{HOST_SQL} LIMIT 0")
        cursor.execute(f"{LINK_SQL} LIMIT 0")
        assert len(cursor.description) == FIELDS
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE '%_changed%' ORDER BY 1")
        assert {name for (name,) in cursor.fetchall()} >= {
            "affiliate_changed", "enrolment_changed", "link_changed_insert", "link_changed_update", "program_changed",
        }  # fmt: skip


def test_one_file_can_be_drained_alone(database, spool):
    spool.append_many(some_clicks(2_000))
    with closing(SpoolReader(spool.path)) as reader, closing(connect(database.url)) as connection:
        assert drain_file(connection, reader, batch_of=1).clicks == 1_000
        assert reader.waiting() == 1_000
