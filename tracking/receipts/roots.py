"""Roots of the log: made each hour, chained, signed, never changed.

What arrives late (a click that waited in a door's spool, a transaction that committed after its
hour) gets a further root of its hour; no root that was published is ever made again. Which rows
are under no root yet is found by comparing counts, so nothing is marked and no row is rewritten.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Sum

from ledger.journal import count_events_by_hour, keys_of_events
from tracking.click_ids import smallest_key
from tracking.models import LogRoot
from tracking.receipts.leaves import Leaf, instant, leaves_of_clicks, leaves_of_events
from tracking.receipts.merkle import root_of
from tracking.receipts.signing import key_id_of, public_key, sign

#: What the first statement follows.
GENESIS = "0" * 64
#: No tree is larger, so that a receipt is quickly made; an hour may have several.
MOST_LEAVES = 50_000
#: An hour is rooted when it has been over for so long.
GRACE = timedelta(minutes=10)

_LOCK = 7_240_161_117
_CLICK_HOURS = """
SELECT date_trunc('hour', clicked_at, 'UTC') AS hour, count(*)
FROM tracking_click WHERE id >= %s AND id < %s GROUP BY 1 ORDER BY 1
"""
_CLICK_KEYS = "SELECT id FROM tracking_click WHERE id >= %s AND id < %s ORDER BY id"
# What becomes of an order is told by these events, recorded in the transaction that decides it.
_TOLD = ("conversion.", "commission.")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a kind come from: how many an hour has, their keys, and their leaves."""

    kind: LogRoot.Kind
    hours: Callable[[datetime, datetime], dict[datetime, int]]
    keys: Callable[[datetime, datetime], list[UUID]]
    leaves: Callable[[list[UUID]], Iterator[Leaf]]


def _click_hours(since: datetime, until: datetime) -> dict[datetime, int]:
    with connection.cursor() as cursor:
        cursor.execute(_CLICK_HOURS, [smallest_key(since), smallest_key(until)])
        return {hour.astimezone(UTC): int(count) for hour, count in cursor.fetchall()}


def _click_keys(since: datetime, until: datetime) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_CLICK_KEYS, [smallest_key(since), smallest_key(until)])
        return [key for (key,) in cursor.fetchall()]


def _event_hours(since: datetime, until: datetime) -> dict[datetime, int]:
    return count_events_by_hour(_TOLD, since=since, until=until)


def _event_keys(since: datetime, until: datetime) -> list[UUID]:
    return keys_of_events(_TOLD, since=since, until=until)


SOURCES = (
    Source(LogRoot.Kind.CLICKS, _click_hours, _click_keys, leaves_of_clicks),
    Source(LogRoot.Kind.EVENTS, _event_hours, _event_keys, leaves_of_events),
)


def root_log(*, at: datetime, since: datetime) -> list[LogRoot]:
    """Root every row since an instant that is under no root yet and whose hour is over; the new roots."""
    until = _hour_of(at - GRACE)
    made: list[LogRoot] = []
    for source in SOURCES:
        for hour, count in _open_hours(source, since=_hour_of(since), until=until):
            made += _root_hour(source, hour, count, at=at)
    return made


def source_of(kind: str) -> Source:
    """The source of a kind of rows. Raises StopIteration never: the kinds are a closed list."""
    return next(source for source in SOURCES if source.kind == kind)


def statement_of(
    number: int, kind: str, hour: datetime, size: int, root: bytes, previous: str, made_at: datetime, key: bytes
) -> str:
    """The text that is signed: one fact a line, in this order."""
    return (
        "affiliate-network log v1\n"
        f"number {number}\nkind {kind}\nhour {instant(hour)}\nsize {size}\nroot {root.hex()}\n"
        f"previous {previous}\nmade {instant(made_at)}\nkey {key_id_of(key)}\n"
    )


def digest_of(statement: str, signature: bytes) -> str:
    """What the next statement names as the one before: SHA-256 over text and signature, in hex."""
    return hashlib.sha256(statement.encode() + signature).hexdigest()


def _open_hours(source: Source, *, since: datetime, until: datetime) -> list[tuple[datetime, int]]:
    """The hours with more rows than their roots hold, and how many rows they have."""
    found = source.hours(since, until)
    rooted = dict(
        LogRoot.objects.filter(kind=source.kind, hour__gte=since, hour__lt=until)
        .values_list("hour")
        .annotate(Sum("size"))
    )
    return [(hour, count) for hour, count in sorted(found.items()) if count > rooted.get(hour, 0)]


@transaction.atomic
def _root_hour(source: Source, hour: datetime, count: int, *, at: datetime) -> list[LogRoot]:
    with connection.cursor() as cursor:
        # One writer at a time: numbers and chain have no gaps, and no row gets two roots.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    known = {key for root in LogRoot.objects.filter(kind=source.kind, hour=hour) for key in root.keys}
    if len(known) >= count:
        return []
    keys = [key for key in source.keys(hour, hour + timedelta(hours=1)) if key not in known]
    return [
        _make_root(source, hour, keys[start : start + MOST_LEAVES], at=at) for start in range(0, len(keys), MOST_LEAVES)
    ]


def _make_root(source: Source, hour: datetime, keys: list[UUID], *, at: datetime) -> LogRoot:
    hashes = {leaf.key: leaf.hash for leaf in source.leaves(keys)}
    ordered = [key for key in keys if key in hashes]
    root = root_of([hashes[key] for key in ordered])
    last = LogRoot.objects.order_by("-number").defer("members").first()
    number = last.number + 1 if last else 1
    previous = digest_of(last.statement, bytes(last.signature)) if last else GENESIS
    key = public_key()
    statement = statement_of(number, source.kind, hour, len(ordered), root, previous, at, key)
    return LogRoot.objects.create(
        number=number,
        kind=source.kind,
        hour=hour,
        size=len(ordered),
        root=root,
        previous=previous,
        made_at=at,
        statement=statement,
        signature=sign(statement),
        public_key=key,
        members=b"".join(one.bytes for one in ordered),
    )


def _hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
