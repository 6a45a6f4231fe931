"""Unique, duplicate and invalid clicks, and the roll-ups that follow them (features C20 and C21)."""

import random
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from ledger.base32 import encode, number_of
from tests.factories.doors import BROWSER, ClickDatabase, click_database, new_key
from tracking import storing
from tracking.drain import Drainer, connect
from tracking.reading import read_batches
from tracking.spool import Batch, Click, SpoolWriter, backlog_of, encode_rows, make_click
from tracking.storing import store

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PROGRAM, OTHER_PROGRAM = new_key(), new_key()
LINKS = [new_key(), new_key()]
VISITORS = [new_key() for _ in range(3)]


@pytest.fixture(scope="module")
def shared() -> Iterator[ClickDatabase]:
    """A database for this module."""
    with click_database(settings.DATABASE_URL) as database:
        yield database


@pytest.fixture
def database(shared: ClickDatabase) -> ClickDatabase:
    """The module's database, empty."""
    return emptied(shared)


def emptied(database: ClickDatabase) -> ClickDatabase:
    """Without clicks and settings."""
    database.execute("TRUNCATE tracking_click, tracking_click_hour, tracking_program_settings")
    return database


def a_click(minute: float, visitor: int | None = 0, *, program=PROGRAM, link: int = 0, **facts) -> Click:
    """A click so many minutes after AT."""
    facts = {"user_agent": BROWSER, "language": "en", "ip": "203.0.113.7", **facts}
    return make_click(
        at=AT + timedelta(minutes=minute),
        link_id=LINKS[link],
        enrolment_id=PROGRAM,
        program_id=program,
        affiliate_id=PROGRAM,
        destination="https://shop.example/",
        visitor_id=None if visitor is None else VISITORS[visitor],
        **facts,
    )


def put(database: ClickDatabase, *clicks: Click) -> None:
    """Stores these clicks as one batch."""
    store(database.connection, read_batches([Batch(1, encode_rows(clicks))]))


def uniques(database: ClickDatabase) -> list[float]:
    """The minutes of the unique clicks."""
    rows = database.execute("SELECT clicked_at FROM tracking_click WHERE is_unique ORDER BY id")
    return [(at - AT).total_seconds() / 60 for (at,) in rows]


def check_roll_ups(database: ClickDatabase) -> None:
    """The hours say what the clicks say, in every column."""
    wrong = database.execute("""
        WITH said AS (
            SELECT date_trunc('hour', clicked_at, 'UTC') AS hour, link_id, coalesce(params ->> 'sub1', '') AS sub1,
                   country, device, count(*) FILTER (WHERE kind = 'click')::int AS clicks,
                   (count(*) FILTER (WHERE kind = 'click' AND is_counted))::int AS counted,
                   (count(*) FILTER (WHERE is_unique))::int AS uniques,
                   (count(*) FILTER (WHERE kind = 'view' AND is_counted))::int AS views
            FROM tracking_click GROUP BY 1, 2, 3, 4, 5
        )
        (SELECT * FROM said EXCEPT SELECT hour, link_id, sub1, country, device, clicks, counted, uniques, views
                                   FROM tracking_click_hour)
        UNION ALL
        (SELECT hour, link_id, sub1, country, device, clicks, counted, uniques, views FROM tracking_click_hour
         EXCEPT SELECT * FROM said)
    """)
    assert wrong == []


def test_gross_is_unique_and_duplicate_and_invalid(database):
    put(database, a_click(0), a_click(5), a_click(9, uncounted_reason="bot"), a_click(10, 1))

    ((clicks, counted, unique),) = database.execute(
        "SELECT sum(clicks), sum(counted), sum(uniques) FROM tracking_click_count"
    )
    assert (clicks, counted, unique) == (4, 3, 2)
    assert uniques(database) == [0, 10]


def test_a_visitor_is_unique_again_after_the_window(database):
    put(database, a_click(0), a_click(24 * 60 - 1))
    put(database, a_click(2 * 24 * 60))

    assert uniques(database) == [0, 2 * 24 * 60]


def test_a_program_sets_its_own_window(database):
    database.execute(
        "INSERT INTO tracking_program_settings (program_id, unique_window_hours) VALUES (%s, 1)", OTHER_PROGRAM
    )

    put(
        database, *(a_click(minute, program=program) for minute in (0, 30, 100) for program in (PROGRAM, OTHER_PROGRAM))
    )

    assert uniques(database) == [0, 0, 100]


def test_a_bot_does_not_take_the_visitors_first_click(database):
    put(database, a_click(0, uncounted_reason="prefetch"))
    put(database, a_click(1))

    assert uniques(database) == [1]


def test_without_a_visitor_the_shortened_address_and_the_agent_tell(database):
    put(database, a_click(0, None), a_click(1, None, ip="203.0.113.99"))
    put(database, a_click(2, None), a_click(3, None, ip="203.0.114.7"), a_click(4, None, user_agent=BROWSER + " X"))

    assert uniques(database) == [0, 3, 4]


def test_a_late_click_goes_to_its_hour_and_takes_the_mark(database):
    put(database, a_click(90, query="sub1=blog"))
    assert uniques(database) == [90]

    put(database, a_click(10, query="sub1=news"))

    assert uniques(database) == [10]
    hours = database.execute("SELECT hour, sub1, clicks, uniques FROM tracking_click_hour ORDER BY hour")
    assert hours == [(AT, "news", 1, 1), (AT + timedelta(hours=1), "blog", 1, 0)]
    check_roll_ups(database)


def test_views_are_counted_apart(database):
    """C11."""
    put(database, a_click(0, kind="view"), a_click(1, kind="view", uncounted_reason="bot"), a_click(2))

    assert database.execute("SELECT clicks, counted, uniques, views FROM tracking_click_hour") == [(1, 1, 1, 1)]
    assert uniques(database) == [2]


def rightly_unique(clicks: list[Click]) -> list[str]:
    """By the definition, click by click: no counted click of the same visitor on the program in the day before."""
    counted = sorted(click for click in clicks if not click.uncounted_reason and click.kind == "click")
    found = []
    for click in counted:
        at = _milliseconds(click)
        before = [
            other
            for other in counted
            if other.id < click.id
            and (other.visitor, other.belongs_to.split()[2]) == (click.visitor, click.belongs_to.split()[2])
            and at - _milliseconds(other) < 24 * 3_600_000
        ]
        if not before:
            found.append(click.id)
    return found


def _milliseconds(click: Click) -> int:
    return number_of(click.id.removeprefix("clk_")) >> 80


touches = st.lists(
    st.tuples(
        st.integers(0, 72 * 60),
        st.integers(0, 2),
        st.sampled_from([PROGRAM, OTHER_PROGRAM]),
        st.sampled_from(["", "", "", "bot"]),
        st.sampled_from(["click", "click", "click", "view"]),
    ),
    min_size=1,
    max_size=25,
)


@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(touches, st.integers(1, 9), st.randoms(use_true_random=False))
def test_in_whatever_order_they_arrive_the_same_clicks_are_unique(shared, facts, size, shuffled):
    database = emptied(shared)
    clicks = [
        a_click(minute, visitor, program=program, uncounted_reason=reason, kind=kind)
        for minute, visitor, program, reason, kind in facts
    ]
    expected = rightly_unique(clicks)
    shuffled.shuffle(clicks)

    for start in range(0, len(clicks), size):
        put(database, *clicks[start : start + size])
        put(database, *clicks[start : start + size])

    found = database.execute("SELECT id FROM tracking_click WHERE is_unique ORDER BY id")
    assert [f"clk_{encode(key)}" for (key,) in found] == expected
    check_roll_ups(database)


def test_two_drains_at_once_call_a_visitor_unique_once(database, tmp_path):
    chance = random.Random(7)
    clicks = [a_click(chance.random() * 60, chance.randrange(3), query=f"sub1={number % 5}") for number in range(3_000)]
    spools = [tmp_path / "one", tmp_path / "two"]
    for spool, part in zip(spools, (clicks[::2], clicks[1::2]), strict=True):
        with closing(SpoolWriter.claim(spool)) as writer:
            for start in range(0, len(part), 50):
                writer.write(part[start : start + 50])

    def drain(spool) -> None:
        with closing(connect(database.url)) as connection:
            # With two connections each, four store by turns.
            Drainer(batch_of=100, conninfo=database.url).drain_all(connection, spool)

    threads = [threading.Thread(target=drain, args=(spool,)) for spool in spools]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert database.execute(
        "SELECT count(*), count(DISTINCT visitor_id) FILTER (WHERE is_unique) FROM tracking_click"
    ) == [(3_000, 3)]
    assert len(uniques(database)) == 3
    check_roll_ups(database)


@pytest.mark.parametrize("where", ["", "{url}", "postgresql:///nowhere?host=/nonexistent"])
def test_reading_and_copying_ahead_lose_nothing(database, tmp_path, where):
    """Over one connection, over two, and over one because a second is not to be had. More batches than one round of the drain takes, and one that is no click among them."""
    with closing(SpoolWriter.claim(tmp_path)) as writer:
        for number in range(60):
            writer.write([a_click(number), a_click(number, 1)])
        writer.write([["no", "click"]])
        writer.write([a_click(100)])

    with closing(connect(database.url)) as connection:
        done = Drainer(batch_of=1, conninfo=where.format(url=database.url)).drain_all(connection, tmp_path)

    assert (done.inserted, done.quarantined) == (121, 1)
    check_roll_ups(database)


def test_a_row_the_database_refuses_goes_apart_while_the_next_batch_is_copied_in(database, tmp_path):
    database.execute("ALTER TABLE tracking_click ADD CONSTRAINT moody CHECK (language <> 'xx')")
    with closing(SpoolWriter.claim(tmp_path)) as writer:
        for number in range(12):
            # Every third batch holds one that no look at it would give away.
            writer.write([a_click(number), a_click(number, 1, language="xx" if number % 3 == 0 else "en")])

    with closing(connect(database.url)) as connection:
        done = Drainer(batch_of=2, conninfo=database.url).drain_all(connection, tmp_path)

    database.execute("ALTER TABLE tracking_click DROP CONSTRAINT moody")
    assert (done.inserted, done.quarantined) == (20, 4)
    assert backlog_of(tmp_path).clicks == 0
    check_roll_ups(database)


def test_a_second_connection_that_dies_takes_nothing_with_it(database, tmp_path):
    """The batch that was being copied in is still in the spool; the next turn stores it, once."""
    with closing(SpoolWriter.claim(tmp_path)) as writer:
        for number in range(6):
            writer.write([a_click(number)])
    database.execute(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF pg_backend_pid() <> current_setting('drain.first')::int THEN"
        " PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$;"
        "CREATE TRIGGER die AFTER INSERT ON tracking_click_hour FOR EACH STATEMENT EXECUTE FUNCTION die()"
    )
    with closing(connect(database.url)) as connection:
        url = make_conninfo(database.url, options=f"-c drain.first={connection.info.backend_pid}")
        connection.execute(f"SET drain.first = {connection.info.backend_pid}")
        drainer = Drainer(batch_of=1, conninfo=url)

        with pytest.raises(psycopg.OperationalError):
            drainer.drain_all(connection, tmp_path)
        left = backlog_of(tmp_path).clicks
        database.execute("DROP FUNCTION die CASCADE")
        done = drainer.drain_all(connection, tmp_path)

    # The first batch went over the first connection; the second died with its connection.
    assert left == 5
    assert (done.inserted, done.duplicates) == (5, 0)
    check_roll_ups(database)


def test_a_clock_that_runs_fast_does_not_have_every_batch_corrected(database):
    """Correcting all rows of each batch would make the drain several times slower until that day comes."""
    put(database, a_click(200 * 24 * 60, 2))
    with database.connection.transaction():
        database.connection.execute(storing._STAGING)
        with database.connection.cursor().copy(storing._COPY) as copy:
            copy.write("".join(read_batches([Batch(1, encode_rows([a_click(0)]))]).rows))
        far = database.execute(storing._LATEST)
    put(database, a_click(60))
    with database.connection.transaction():
        with database.connection.cursor().copy(storing._COPY) as copy:
            copy.write("".join(read_batches([Batch(1, encode_rows([a_click(0)]))]).rows))
        near = database.execute(storing._LATEST)

    assert far == []
    assert len(near) == 1
