"""Month partitions of tracking_click, bounded by UUIDv7 keys.

A month's bounds are the smallest keys of its first millisecond and of the next month's.
What is older than the first sensible month or far in the future stays in the default
partition, so that a broken clock cannot make partitions without end.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

FIRST_YEAR = 2015
_MONTHS_AHEAD = 2
#: Any number that nothing else in the house locks: only one transaction changes the partitions, or judges
#: and stores clicks (tracking/storing.py). Taken before any lock on the tables.
CLICKS_LOCK = 7_240_161_103

type Month = tuple[int, int]


def month_of(at: datetime) -> Month:
    """The year and month of an instant, in UTC."""
    utc = at.astimezone(UTC)
    return utc.year, utc.month


def name_of(month: Month) -> str:
    """The partition's table name, tracking_click_2026_11."""
    return f"tracking_click_{month[0]:04d}_{month[1]:02d}"


def bounds_of(month: Month) -> tuple[UUID, UUID]:
    """The month's smallest key and the next month's."""
    year, number = month
    start = datetime(year, number, 1, tzinfo=UTC)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return smallest_key(start), smallest_key(end)


def is_sensible(month: Month, *, at: datetime) -> bool:
    """Whether a month deserves a partition of its own, seen from `at`."""
    year, number = month_of(at)
    ahead = (month[0] - year) * 12 + month[1] - number
    return month[0] >= FIRST_YEAR and ahead <= _MONTHS_AHEAD


def ensure_partitions(connection: psycopg.Connection[Any], months: Iterable[Month], *, at: datetime) -> int:
    """Makes the partitions of these months that are missing; how many it made.

    Each in a transaction of its own; rows of the month that wait in the default partition
    move over. Harmless to run in many processes at once. Raises psycopg.Error.
    """
    wanted = sorted({month for month in months if is_sensible(month, at=at)})
    missing = [month for month in wanted if not _exists(connection, month)]
    for month in missing:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (CLICKS_LOCK,))
            if not _exists(connection, month):
                _make(connection, month)
    return len(missing)


def _exists(connection: psycopg.Connection[Any], month: Month) -> bool:
    """Whether the month's partition is there, asked of the rows and not of the session's cache."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = 'tracking_click'::regclass AND relname = %s)",
        (name_of(month),),
    ).fetchone()
    return row is not None and bool(row[0])


def _make(connection: psycopg.Connection[Any], month: Month) -> None:
    """Makes one partition, moving what the default partition holds of it."""
    names = {"name": sql.Identifier(name_of(month))}
    start, end = (sql.Literal(str(bound)) for bound in bounds_of(month))
    connection.execute(
        sql.SQL("CREATE TABLE {name} (LIKE tracking_click INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(**names)
    )
    # Nobody may add to the default partition between the move and the attaching.
    connection.execute("LOCK TABLE tracking_click_default IN SHARE ROW EXCLUSIVE MODE")
    connection.execute(
        sql.SQL(
            "WITH moved AS (DELETE FROM tracking_click_default WHERE id >= {start} AND id < {end} RETURNING *)"
            " INSERT INTO {name} SELECT * FROM moved"
        ).format(start=start, end=end, **names)
    )
    connection.execute(
        sql.SQL("ALTER TABLE tracking_click ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})").format(
            start=start, end=end, **names
        )
    )


def smallest_key(at: datetime) -> UUID:
    """The smallest UUID whose first 48 bits are this instant's milliseconds."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
