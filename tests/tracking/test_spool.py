"""The spool: durable, ordered, never losing what was not discarded."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.base32 import encode
from tests.factories.doors import ROOT, new_key
from tracking.click_ids import click_key, clicked_at_of
from tracking.spool import Hold, SpoolReader, SpoolWriter, backlog_of, make_click, spool_files

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def some_clicks(count: int, *, at: datetime = AT, **facts) -> list:
    """Clicks of one link, a second apart."""
    keys = {name: new_key() for name in ("link_id", "enrolment_id", "program_id", "affiliate_id")}
    return [
        make_click(at=at + timedelta(seconds=number), destination="https://shop.example/", **keys, **facts)
        for number in range(count)
    ]


@pytest.fixture
def writer(tmp_path: Path):
    """A writer on a spool of its own."""
    with closing(SpoolWriter.claim(tmp_path)) as writer:
        yield writer


def test_a_made_click_carries_its_own_date_and_its_owners():
    link, visitor = new_key(), new_key()

    click = make_click(
        at=AT,
        link_id=link,
        enrolment_id=link,
        program_id=link,
        affiliate_id=link,
        destination="https://shop.example/",
        visitor_id=visitor,
        query="sub1=a",
    )

    assert clicked_at_of(click_key(click.id)) == AT
    assert click.belongs_to == " ".join([link.hex] * 4)
    assert click.visitor == encode(visitor)


def test_what_is_written_is_read_back_in_order(writer):
    clicks = some_clicks(2_500, user_agent='小红\ud800"\\\n')

    assert writer.append_many(clicks) == 2_500

    with closing(SpoolReader(writer.path)) as reader:
        batches = reader.batches(10_000)
        assert [len(batch.content) > 0 for batch in batches] == [True] * 3
        assert reader.waiting() == 2_500
        assert reader.oldest_at() == AT
        assert [len(reader.batches(at_least)) for at_least in (1, 1_000, 1_001)] == [1, 1, 2]


def test_discarding_takes_away_only_what_was_read(writer):
    writer.append_many(some_clicks(10))
    with closing(SpoolReader(writer.path)) as reader:
        read = reader.batches(10)
        writer.append_many(some_clicks(7))

        reader.discard(read)

        assert reader.waiting() == 7
        # Numbers are not used again: a slow drain cannot delete what it never read.
        assert reader.batches(10)[0].id > read[-1].id
        reader.discard(reader.batches(10))
        writer.append_many(some_clicks(1))
        reader.discard(read)
        assert reader.waiting() == 1


def test_a_failed_discard_leaves_everything(writer):
    writer.append_many(some_clicks(3))
    with closing(SpoolReader(writer.path)) as reader:
        with pytest.raises(sqlite3.Error):
            reader.discard(reader.batches(3), quarantine=[("x", None)])

        assert reader.waiting() == 3
        assert reader.quarantine_size() == 0


def test_a_claimed_file_is_nobody_elses_until_it_is_let_go(tmp_path):
    first, second = SpoolWriter.claim(tmp_path), SpoolWriter.claim(tmp_path)
    assert (first.number, second.number) == (0, 1)

    first.close()

    third = SpoolWriter.claim(tmp_path)
    assert third.number == 0
    second.close()
    third.close()


def test_a_killed_process_lets_its_file_go_and_keeps_its_clicks(tmp_path):
    program = """
import os, signal, sys
from pathlib import Path
from tests.tracking.test_spool import some_clicks
from tracking.spool import SpoolWriter
SpoolWriter.claim(Path(sys.argv[1])).append_many(some_clicks(5))
os.kill(os.getpid(), signal.SIGKILL)
"""

    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, check=False)

    assert killed.returncode == -9
    with closing(SpoolWriter.claim(tmp_path)) as writer:
        assert writer.number == 0
        writer.append_many(some_clicks(1))
    assert backlog_of(tmp_path).clicks == 6


def test_the_spool_syncs_every_commit(writer):
    writer.append_many(some_clicks(1))

    pragmas = {
        name: writer._ready().execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
    }

    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_a_bounded_spool_refuses_what_does_not_fit_and_recovers(tmp_path):
    with closing(SpoolWriter(tmp_path / "clicks-0.sqlite3", most_bytes=200_000)) as writer:
        with pytest.raises(sqlite3.OperationalError, match="full"):
            writer.append_many(some_clicks(5_000))
        with closing(SpoolReader(writer.path)) as reader:
            kept = reader.waiting()
            reader.discard(reader.batches(kept))

        writer.append_many(some_clicks(100))

        assert kept % 1_000 == 0
        assert backlog_of(tmp_path).clicks == 100


def test_only_one_drain_holds_a_file(writer):
    writer.append_many(some_clicks(1))

    with Hold(writer.path) as first, Hold(writer.path) as second:
        assert (first, second) == (True, False)
    with Hold(writer.path) as third:
        assert third


def test_the_backlog_counts_every_file_and_nothing_else(tmp_path):
    writers = [SpoolWriter.claim(tmp_path) for _ in range(12)]
    for number, writer in enumerate(writers):
        writer.append_many(some_clicks(number + 1, at=AT - timedelta(days=number)))
    (tmp_path / "links.snapshot").write_text("x")
    (tmp_path / "clicks-3.broken-20260101T000000.sqlite3").write_text("x")

    backlog = backlog_of(tmp_path)

    assert [path.name for path in spool_files(tmp_path)] == [f"clicks-{number}.sqlite3" for number in range(12)]
    assert (backlog.clicks, backlog.quarantined) == (78, 0)
    assert backlog.oldest_at == AT - timedelta(days=11)
    assert backlog.bytes > 0
    for writer in writers:
        writer.close()


def test_an_empty_or_missing_directory_has_no_backlog(tmp_path):
    assert backlog_of(tmp_path / "nowhere") == (0, 0, 0, None)
