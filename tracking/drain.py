"""The drain: moves clicks from the spool files into PostgreSQL.

A batch is copied into a staging table, inserted where its key is new, and what was really
inserted is added to the hourly counts, all in one transaction; after its commit the batch
is deleted from the spool. Killed anywhere, it starts again from the spool, and the click
table takes no key twice: at least once there, exactly one row here.

A click that the database will not take goes to the spool file's quarantine and holds
nothing up. Free of Django.
"""

import ipaddress
import json
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import psycopg

from ledger.base32 import number_of
from tracking.click_ids import PREFIX
from tracking.parameters import read_parameters
from tracking.partitions import Month, ensure_partitions, month_of
from tracking.spool import Batch, Click, Hold, SpoolReader, decode_rows, spool_files

logger = logging.getLogger("drain")

BATCH_OF_CLICKS = 5_000

_COLUMNS = (
    "id, link_id, enrolment_id, program_id, affiliate_id, clicked_at, visitor_id, destination, referrer,"
    " user_agent, ip, language, params, is_counted, uncounted_reason"
)
_STAGING = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS click_staging ON COMMIT DELETE ROWS AS
SELECT {_COLUMNS} FROM tracking_click WITH NO DATA
"""  # noqa: S608 - constants of ours
_COPY = f"COPY click_staging ({_COLUMNS}) FROM STDIN"
# Keys and counts are written in one order by everybody, so that two drains cannot block each other.
_MOVE = f"""
WITH inserted AS (
    INSERT INTO tracking_click ({_COLUMNS})
    SELECT {_COLUMNS} FROM click_staging ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING clicked_at, link_id, program_id, affiliate_id, is_counted
), counted AS (
    INSERT INTO tracking_click_count AS known (hour, link_id, program_id, affiliate_id, clicks, counted)
    SELECT date_trunc('hour', clicked_at, 'UTC'), link_id, (array_agg(program_id))[1],
           (array_agg(affiliate_id))[1], count(*), count(*) FILTER (WHERE is_counted)
    FROM inserted GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (hour, link_id) DO UPDATE
    SET clicks = known.clicks + excluded.clicks, counted = known.counted + excluded.counted
)
SELECT count(*) FROM inserted
"""  # noqa: S608 - constants of ours

type ClickRow = tuple[str | None, ...]


class Unstorable(ValueError):
    """What the spool holds is no click; the message says why."""


@dataclass(slots=True)
class Drained:
    """What a drain did."""

    clicks: int = 0
    inserted: int = 0
    duplicates: int = 0
    quarantined: int = 0

    def add(self, other: "Drained") -> None:
        """Adds another drain's figures to these."""
        self.clicks += other.clicks
        self.inserted += other.inserted
        self.duplicates += other.duplicates
        self.quarantined += other.quarantined


@dataclass(slots=True)
class Load:
    """Rows on their way to the database, and the clicks that cannot go."""

    rows: list[ClickRow] = field(default_factory=list)
    months: set[Month] = field(default_factory=set)
    refused: list[tuple[str, str]] = field(default_factory=list)


def connect(conninfo: str) -> psycopg.Connection[Any]:
    """A connection fit for the drain. Raises psycopg.Error."""
    connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=5, application_name="drain_clicks")
    # The spool forgets a click once the database has it, so "has it" must mean on disk.
    connection.execute("SET synchronous_commit = on")
    connection.execute("SET lock_timeout = '30s'")
    return connection


def drain_directory(
    connection: psycopg.Connection[Any], directory: Path, *, batch_of: int = BATCH_OF_CLICKS
) -> Drained:
    """Moves one batch of each spool file that no other drain holds; zeros when nothing waits.

    Raises psycopg.Error when the database is away. A spool file that cannot be read is
    logged and passed over.
    """
    total = Drained()
    for path in spool_files(directory):
        try:
            with Hold(path) as is_held:
                if is_held:
                    with closing(SpoolReader(path)) as reader:
                        total.add(drain_file(connection, reader, batch_of=batch_of))
        except (sqlite3.Error, OSError):
            logger.exception("%s cannot be drained", path)
    return total


def drain_all(connection: psycopg.Connection[Any], directory: Path, *, batch_of: int = BATCH_OF_CLICKS) -> Drained:
    """Drains until nothing waits. Raises psycopg.Error when the database is away."""
    total = Drained()
    while (step := drain_directory(connection, directory, batch_of=batch_of)).clicks:
        total.add(step)
    return total


def drain_file(connection: psycopg.Connection[Any], reader: SpoolReader, *, batch_of: int = BATCH_OF_CLICKS) -> Drained:
    """Moves one batch of one file: first into the database, then out of the spool."""
    batches = reader.batches(batch_of)
    if not batches:
        return Drained()
    load = read_batches(batches)
    inserted = store(connection, load)
    reader.discard(batches, quarantine=load.refused)
    for click, reason in load.refused:
        logger.error("quarantined in %s: %s: %.300s", reader.path.name, reason, click)
    return Drained(
        clicks=len(load.rows) + len(load.refused),
        inserted=inserted,
        duplicates=len(load.rows) - inserted,
        quarantined=len(load.refused),
    )


def read_batches(batches: Sequence[Batch]) -> Load:
    """The rows of spooled batches. What is no click is set aside with its reason."""
    load = Load()
    for batch in batches:
        try:
            clicks = decode_rows(batch.content)
        except ValueError as error:
            load.refused.append((batch.content, f"no JSON: {error}"))
            continue
        for values in clicks if isinstance(clicks, list) else [clicks]:
            try:
                load.rows.append(_row_of(values, load.months))
            except (Unstorable, ValueError, TypeError, AttributeError) as error:
                load.refused.append((json.dumps(values), str(error)))
    return load


def store(connection: psycopg.Connection[Any], load: Load) -> int:
    """Puts the rows into the database, in one transaction; how many were new.

    If the database finds one of them unfit, the halves are tried apart until the unfit ones
    are found; they move to `load.refused`. Raises psycopg.Error for everything else.
    """
    if not load.rows:
        return 0
    ensure_partitions(connection, load.months, at=datetime.now(UTC))
    refused: list[tuple[str, str]] = []
    inserted, kept = _store_rows(connection, load.rows, refused)
    load.rows = kept
    load.refused += refused
    return inserted


def _store_rows(
    connection: psycopg.Connection[Any], rows: list[ClickRow], refused: list[tuple[str, str]]
) -> tuple[int, list[ClickRow]]:
    """How many rows were new, and the rows that were taken."""
    try:
        return _insert(connection, rows), rows
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(rows) == 1:
            refused.append((json.dumps(rows[0]), str(error).partition("\n")[0]))
            return 0, []
    middle = len(rows) // 2
    first, first_kept = _store_rows(connection, rows[:middle], refused)
    second, second_kept = _store_rows(connection, rows[middle:], refused)
    return first + second, first_kept + second_kept


def _insert(connection: psycopg.Connection[Any], rows: Sequence[ClickRow]) -> int:
    """One transaction: rows, then their counts; how many rows were new."""
    connection.execute(_STAGING)
    with connection.transaction(), connection.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)
        answer = cursor.execute(_MOVE).fetchone()
    return 0 if answer is None else int(answer[0])


def _row_of(values: Sequence[str | None], months: set[Month]) -> ClickRow:
    """A database row of a spooled click. Raises ValueError when it is none."""
    click = Click(*cast("Sequence[str]", values))
    key = number_of(click.id.removeprefix(PREFIX))
    second, millisecond = divmod(key >> 80, 1000)
    clicked_at, month = _second(second)
    months.add(month)
    ip = _ip_of(click.ip) if click.ip else None
    problems = click.problems if ip or not click.ip else f"{click.problems} ip:unreadable"
    texts = (
        click.destination,
        click.referrer or "",
        click.user_agent or "",
        click.language or "",
    )
    together = "".join(texts)
    if not together.isascii() or "\0" in together:
        texts = tuple(map(_storable, texts))  # type: ignore[assignment]
    destination, referrer, user_agent, language = texts
    return (
        f"{key:032x}",
        *_owners(click.belongs_to),
        f"{clicked_at}.{millisecond:03d}+00",
        None if click.visitor is None else f"{number_of(click.visitor):032x}",
        destination,
        referrer,
        user_agent,
        ip,
        language,
        _params_of(click.query, problems),
        "f" if click.uncounted_reason else "t",
        click.uncounted_reason,
    )


@lru_cache(maxsize=1_000)
def _second(second: int) -> tuple[str, Month]:
    """A second since 1970 as PostgreSQL reads it, and its month. Raises ValueError past the year 9999."""
    at = datetime.fromtimestamp(second, tz=UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}", month_of(at)


@lru_cache(maxsize=50_000)
def _owners(text: str) -> tuple[str, str, str, str]:
    """The keys of link, enrolment, program and affiliate."""
    owners = text.split(" ")
    if len(owners) != 4 or any(len(owner) != 32 for owner in owners):
        raise Unstorable("the click does not say whose it is")
    return owners[0], owners[1], owners[2], owners[3]


@lru_cache(maxsize=10_000)
def _params_of(query: str, problems: str) -> str:
    """The click's parameters as JSON."""
    return json.dumps(read_parameters(query, problems.split()))


@lru_cache(maxsize=50_000)
def _ip_of(text: str) -> str | None:
    """The address as PostgreSQL reads it, or None; an IPv4 in IPv6's clothes is undressed."""
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address).partition("%")[0]


def _storable(text: str) -> str:
    """The text without what PostgreSQL cannot keep: NUL and halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")
