"""Addresses of old clicks: shortened, hashed or forgotten once they are older than the operator keeps them.

Partition by partition and hour by hour, each hour in a transaction of its own together with the note of
how far it got: killed anywhere, it goes on where it was, and no address is hashed twice. Free of Django.
A click that arrives later than that is shortened by the drain.
"""

import hashlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from tracking.partitions import Month, bounds_of, smallest_key

SHORTEN, HASH, FORGET = "shorten", "hash", "forget"
_SLICE = timedelta(hours=1)
_BLOCK_BYTES = 64
_DEFAULT_PARTITION = "tracking_click_default"

_NEW_ADDRESS = {
    SHORTEN: "host(network(set_masklen(ip, CASE family(ip) WHEN 4 THEN 24 ELSE 48 END)))::inet",
    FORGET: "NULL::inet",
    # HMAC-SHA256 (RFC 2104) of month and address, as an address of fd00::/8, which no visitor has: equal
    # addresses of one month can still be told to be equal.
    HASH: """regexp_replace('fd' || left(encode(sha256(%(outer)s || sha256(%(inner)s || convert_to(
        to_char(clicked_at AT TIME ZONE 'UTC', 'YYYY-MM/') || host(ip), 'UTF8'))), 'hex'), 30), '(.{4})(?!$)', '\\1:', 'g')::inet""",
}


class _Part(NamedTuple):
    """A partition of the click table and the month it holds; the default one holds none."""

    name: str
    month: Month | None


def forget_addresses(
    connection: psycopg.Connection[Any], *, before: datetime, afterwards: str, secret: str, seconds: float = 600.0
) -> int:
    """Treats the addresses of clicks made before an instant, for at most so many seconds; how many it changed.

    `afterwards` is SHORTEN (/24 and /48), HASH (keyed with `secret`) or FORGET. Raises psycopg.Error.
    """
    until = time.monotonic() + seconds
    keys = _pads(secret)
    changed = 0
    for part in _parts(connection):
        if part.month is None:
            changed += _treat(connection, part.name, afterwards, keys, sql.SQL("clicked_at < {}").format(before))
            continue
        first, last = (_instant_of(key.int) for key in bounds_of(part.month))
        start, end = _done_until(connection, part.name) or first, min(last, before)
        while start < end and time.monotonic() < until:
            stop = min(start + _SLICE, end)
            with connection.transaction():
                changed += _treat(
                    connection,
                    part.name,
                    afterwards,
                    keys,
                    sql.SQL("id >= {} AND id < {}").format(str(smallest_key(start)), str(smallest_key(stop))),
                )
                connection.execute(
                    "INSERT INTO tracking_click_retention (partition, done_until) VALUES (%s, %s)"
                    " ON CONFLICT (partition) DO UPDATE SET done_until = excluded.done_until",
                    (part.name, stop),
                )
            start = stop
    return changed


def _treat(
    connection: psycopg.Connection[Any], partition: str, afterwards: str, keys: dict[str, bytes], which: sql.Composable
) -> int:
    """One statement over some rows of a partition; how many rows it changed."""
    statement = sql.SQL(
        "UPDATE {partition} SET ip = {new}, anonymous_key = NULL"
        " WHERE {which} AND (ip IS NOT NULL OR anonymous_key IS NOT NULL) AND NOT coalesce(ip << 'fd00::/8', false)"
        " AND (anonymous_key IS NOT NULL OR ip IS DISTINCT FROM {new})"
    ).format(partition=sql.Identifier(partition), new=sql.SQL(_NEW_ADDRESS[afterwards]), which=which)
    return connection.execute(statement, keys if afterwards == HASH else None).rowcount


def _parts(connection: psycopg.Connection[Any]) -> list[_Part]:
    """The partitions, oldest first, the default one last."""
    rows = connection.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = 'tracking_click'::regclass ORDER BY relname"
    ).fetchall()
    parts = []
    for (name,) in rows:
        year, _, month = name.removeprefix("tracking_click_").partition("_")
        parts.append(_Part(name, (int(year), int(month)) if name != _DEFAULT_PARTITION else None))
    return sorted(parts, key=lambda part: (part.month is None, part.name))


def _done_until(connection: psycopg.Connection[Any], partition: str) -> datetime | None:
    row = connection.execute(
        "SELECT done_until FROM tracking_click_retention WHERE partition = %s", (partition,)
    ).fetchone()
    return None if row is None else row[0]


def _instant_of(key: int) -> datetime:
    return datetime.fromtimestamp((key >> 80) / 1000, tz=UTC)


def _pads(secret: str) -> dict[str, bytes]:
    """HMAC's two keys, so that the database needs only SHA-256."""
    key = hashlib.sha256(b"click addresses\0" + secret.encode()).digest().ljust(_BLOCK_BYTES, b"\0")
    return {"outer": bytes(byte ^ 0x5C for byte in key), "inner": bytes(byte ^ 0x36 for byte in key)}
