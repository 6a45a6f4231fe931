"""The door without its database, without its disk, and under floods: visitors always get through."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.factories.doors import ClickDatabase, RunningDoor, running_door, start_door

NOBODY = "postgresql://nobody@/nothing?host=/nonexistent"


@pytest.fixture
def spool_dir(tmp_path: Path) -> Path:
    """Where the test's own door keeps its clicks."""
    return tmp_path / "spool"


def test_a_door_starts_from_its_snapshot_when_the_database_is_away(own_clicks, spool_dir):
    """Fault 4."""
    link = own_clicks.add_link()
    with running_door(own_clicks.url, spool_dir):
        pass

    with running_door(NOBODY, spool_dir) as door:
        answer = door.get(f"/r/{link.code}")
        unknown = door.get("/r/unknown", accept_language="zh-CN")
        figures = door.metrics()

    assert answer.location == f"https://shop.example/landing?click_id={answer.click_id}"
    assert (unknown.status, unknown.headers["retry-after"]) == (503, "5")
    assert "<h1>请稍后再试</h1>" in unknown.body
    assert (figures["click_database_up"], figures["click_links"]) == (0, 1)
    own_clicks.drain(spool_dir)
    assert own_clicks.click(answer.click_id)["link_id"] == link.id


def test_a_door_without_database_and_snapshot_says_try_again(spool_dir):
    with running_door(NOBODY, spool_dir) as door:
        assert door.get("/r/anything").status == 503
        assert door.get("/readyz").status == 503
        assert door.get("/healthz").status == 200


def shut(database: ClickDatabase) -> None:
    """Throws everybody out of the database and lets nobody in."""
    name = conninfo_to_dict(database.url)["dbname"]
    database.connection.close()
    with ClickDatabase(make_conninfo(database.url, dbname="postgres")).connection as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def open_again(database: ClickDatabase) -> None:
    """Lets everybody in."""
    name = conninfo_to_dict(database.url)["dbname"]
    with ClickDatabase(make_conninfo(database.url, dbname="postgres")).connection as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    database.connection = ClickDatabase(database.url).connection


def test_clicks_during_an_outage_are_served_and_recorded_afterwards(own_clicks, spool_dir):
    """Fault 4: the database goes away under a running door and comes back."""
    link = own_clicks.add_link()
    with running_door(own_clicks.url, spool_dir) as door:
        before = [door.get(f"/r/{link.code}").click_id for _ in range(5)]
        shut(own_clicks)
        during = [door.get(f"/r/{link.code}").click_id for _ in range(20)]
        unknown = door.get("/r/unknown").status
        open_again(own_clicks)
        newer = own_clicks.add_link()
        own_clicks.execute("UPDATE tracking_link SET destination = 'https://shop.example/after' WHERE id = %s", link.id)
        until = time.monotonic() + 10
        while "after" not in door.get(f"/r/{link.code}").location:
            assert time.monotonic() < until, "the door never found its database again"
            time.sleep(0.1)
        after = door.get(f"/r/{newer.code}").click_id

    own_clicks.drain(spool_dir)
    for click_id in [*before, *during, after]:
        assert own_clicks.click(click_id)["is_counted"]
    assert unknown == 503


def test_a_full_spool_lets_visitors_pass_and_says_so(own_clicks, spool_dir):
    """Fault 5: a spool bounded to a few pages stands for a full disk."""
    link = own_clicks.add_link()
    with running_door(own_clicks.url, spool_dir, CLICK_SPOOL_MOST_BYTES="65536") as door:
        answers = [door.get(f"/r/{link.code}?sub1={'x' * 250}") for _ in range(200)]
        full = door.metrics()
        own_clicks.drain(spool_dir)
        door.get(f"/r/{link.code}")
        emptied = door.metrics()
        log = door.log.read_text()

    assert {answer.status for answer in answers} == {302}
    assert full["clicks_unrecorded_total"] > 0
    assert full["clicks_recorded_total"] + full["clicks_unrecorded_total"] == 200
    assert "CLICKS ARE NOT BEING RECORDED" in log
    # As soon as the drain has made room, clicks are recorded again.
    assert emptied["clicks_recorded_total"] == full["clicks_recorded_total"] + 1
    recorded = own_clicks.execute("SELECT count(*) FROM tracking_click")[0][0]
    assert recorded == full["clicks_recorded_total"]


def test_a_door_without_any_disk_still_redirects(own_clicks, tmp_path):
    """Fault 5."""
    link = own_clicks.add_link()
    (tmp_path / "logs").mkdir()
    no_disk = tmp_path / "logs" / "file" / "spool"
    (tmp_path / "logs" / "file").write_text("a file where a directory should be")
    door = start_door(own_clicks.url, tmp_path / "logs" / "unused", CLICK_SPOOL_DIR=str(no_disk))
    try:
        answers = [door.get(f"/r/{link.code}") for _ in range(3)]
        figures = door.metrics()
    finally:
        door.stop()

    assert [answer.status for answer in answers] == [302] * 3
    assert (figures["clicks_recorded_total"], figures["clicks_unrecorded_total"]) == (0, 3)
    assert figures["click_links"] == 1


def test_a_hanging_disk_holds_nobody_up_for_long(own_clicks, spool_dir):
    """A lock that nobody lets go of stands for a disk that does not answer."""
    link = own_clicks.add_link()
    with running_door(own_clicks.url, spool_dir, CLICK_PATIENCE_SECONDS="1") as door:
        before = door.get(f"/r/{link.code}").click_id
        with closing(sqlite3.connect(spool_dir / "clicks-0.sqlite3", isolation_level=None)) as spool:
            spool.execute("BEGIN IMMEDIATE")
            started = time.monotonic()
            during = door.get(f"/r/{link.code}").click_id
            waited = time.monotonic() - started
            spool.execute("ROLLBACK")
        after = door.get(f"/r/{link.code}").click_id
        figures = door.metrics()

    assert 1 <= waited < 4
    assert figures["clicks_answered_early_total"] == 1
    assert figures["clicks_unrecorded_total"] == 0
    own_clicks.drain(spool_dir)
    for click_id in (before, during, after):
        assert own_clicks.click(click_id)["is_counted"]


def test_a_damaged_spool_is_kept_aside_and_a_new_one_begun(own_clicks, spool_dir):
    link = own_clicks.add_link()
    spool_dir.mkdir()
    (spool_dir / "clicks-0.sqlite3").write_bytes(b"this is no database at all " * 1_000)

    with running_door(own_clicks.url, spool_dir) as door:
        answer = door.get(f"/r/{link.code}")
        figures = door.metrics()

    assert figures["clicks_unrecorded_total"] == 0
    own_clicks.drain(spool_dir)
    assert own_clicks.click(answer.click_id)["link_id"] == link.id
    assert [path.read_bytes()[:12] for path in spool_dir.glob("*.broken-*.sqlite3")] == [b"this is no d"]


def test_a_spool_file_taken_away_is_begun_anew(own_clicks, spool_dir):
    link = own_clicks.add_link()
    with running_door(own_clicks.url, spool_dir) as door:
        door.get(f"/r/{link.code}")
        for path in spool_dir.glob("clicks-0.sqlite3*"):
            path.unlink()
        time.sleep(1.1)
        answer = door.get(f"/r/{link.code}")

    own_clicks.drain(spool_dir)
    assert own_clicks.click(answer.click_id)["link_id"] == link.id


def test_a_flood_from_one_address_is_recorded_and_does_not_count(own_clicks, spool_dir):
    """Fault 32."""
    link, other = own_clicks.add_link(), own_clicks.add_link()
    with running_door(own_clicks.url, spool_dir, CLICK_FLOOD_LIMIT="10") as door:
        statuses = {door.get(f"/r/{link.code}").status for _ in range(25)}
        calm = door.get(f"/r/{other.code}").click_id

    own_clicks.drain(spool_dir)
    assert statuses == {302}
    assert own_clicks.execute(
        "SELECT uncounted_reason, count(*) FROM tracking_click WHERE link_id = %s GROUP BY 1 ORDER BY 1", link.id
    ) == [("", 10), ("flood", 15)]
    assert own_clicks.click(calm)["is_counted"]


def test_people_who_try_out_codes_do_not_reach_the_database_each_time(door: RunningDoor, clicks: ClickDatabase):
    before = door.metrics()["clicks_unknown_total"]
    started = time.monotonic()

    for _ in range(3):
        for number in range(30):
            assert door.get(f"/r/guess{number}").status == 404

    assert door.metrics()["clicks_unknown_total"] == before + 90
    assert time.monotonic() - started < 10


def test_two_doors_on_one_directory_keep_files_of_their_own(own_clicks, spool_dir):
    link = own_clicks.add_link()
    with running_door(own_clicks.url, spool_dir) as first, running_door(own_clicks.url, spool_dir) as second:
        clicks = [door.get(f"/r/{link.code}").click_id for door in (first, second)]

    assert sorted(path.name for path in spool_dir.glob("clicks-*.sqlite3")) == ["clicks-0.sqlite3", "clicks-1.sqlite3"]
    own_clicks.drain(spool_dir)
    assert [own_clicks.click(click_id)["link_id"] for click_id in clicks] == [link.id, link.id]


def test_a_door_behind_a_proxy_records_the_visitors_address(own_clicks, spool_dir):
    link = own_clicks.add_link()
    settings = {"TRUSTED_PROXY_COUNT": "1", "CLICK_BASE_URL": "https://go.network.example"}
    with running_door(own_clicks.url, spool_dir, **settings) as door:
        answer = door.get(f"/r/{link.code}", x_forwarded_for="198.51.100.7, 2001:db8::9")

    own_clicks.drain(spool_dir)
    assert str(own_clicks.click(answer.click_id)["ip"]) == "2001:db8::9"
    assert all(line.endswith("; SameSite=Lax; Secure") for line in answer.cookie_lines)


def test_the_spool_can_be_opened_by_anybody_with_sqlite(own_clicks, spool_dir):
    link = own_clicks.add_link()
    with running_door(own_clicks.url, spool_dir) as door:
        answer = door.get(f"/r/{link.code}?sub1=x")

    with sqlite3.connect(spool_dir / "clicks-0.sqlite3") as spool:
        rows = spool.execute(
            "SELECT json_extract(click.value, '$[0]'), json_extract(click.value, '$[8]')"
            " FROM batch, json_each(batch.content) AS click"
        ).fetchall()
    spool.close()
    assert rows == [(answer.click_id, "sub1=x")]
    assert oct((spool_dir / "clicks-0.sqlite3").stat().st_mode)[-3:] == "600"


def test_a_stopped_door_ends_within_moments_even_while_it_loads(own_clicks, spool_dir):
    for pause in (0.3, 0.6, 0.9, 1.5):
        door = start_door(own_clicks.url, spool_dir, wait=False)
        time.sleep(pause)
        started = time.monotonic()
        door.stop()
        assert time.monotonic() - started < 10


def test_whichever_worker_is_asked_tells_the_figures_of_all(own_clicks, spool_dir):
    """Several workers answer behind one port, and a scrape reaches any of them; a dead one is not told."""
    link = own_clicks.add_link()
    with running_door(own_clicks.url, spool_dir) as one, running_door(own_clicks.url, spool_dir) as other:
        for _ in range(3):
            one.get(f"/r/{link.code}")
        other.get(f"/r/{link.code}")

        until = time.monotonic() + 10
        wanted = {'clicks_recorded_total{door="0"} 3', 'clicks_recorded_total{door="1"} 1'}
        while not all(wanted <= set(door.get("/metrics").body.splitlines()) for door in (one, other)):
            assert time.monotonic() < until, one.get("/metrics").body
            time.sleep(0.1)
        text = one.get("/metrics").body
        other.stop()
        alone = one.get("/metrics").body

    # The lines of a name stand together, under one heading.
    assert text.count("# TYPE clicks_recorded_total counter") == 1
    assert 'click_database_up{door="0"} 1\nclick_database_up{door="1"} ' in text
    assert 'door="1"' not in alone
    assert not list(spool_dir.glob("figures-*"))
