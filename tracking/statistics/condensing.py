"""Condensing: busy owners' past days, one dimension at a time, so that long reports stay fast.

A day of UTC is condensed once it is over; a late click marks it wrong in its own transaction
(tracking/sql/statistics.sql), after which reports read the hours until it is condensed anew. Killed anywhere,
repeated, or run by two at once, the rows are those of the hours they stand for.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from tracking.statistics.clicks import NETWORK

#: A day of an owner with fewer hourly rows than this is read from the hours as fast.
WORTH_CONDENSING = 200
#: A day is condensed when it has been over for so long.
_SETTLED = timedelta(hours=1)
# The number of tracking/sql/statistics.sql.
_LOCK = 7_240_161_109

_OWNERS = """
SELECT 'affiliate_id', affiliate_id FROM tracking_click_hour WHERE hour >= %(start)s AND hour < %(end)s
GROUP BY affiliate_id HAVING count(*) >= %(worth)s
UNION ALL
SELECT 'program_id', program_id FROM tracking_click_hour WHERE hour >= %(start)s AND hour < %(end)s
GROUP BY program_id HAVING count(*) >= %(worth)s
"""
_VALUES = {
    "program": "program_id::text", "affiliate": "affiliate_id::text", "link": "link_id::text",
    "sub1": "sub1", "country": "country", "device": "device",
}  # fmt: skip
_PARTS = " UNION ALL ".join(
    [
        "SELECT '', hour, '', sum(clicks), sum(counted), sum(uniques), sum(views) FROM own GROUP BY hour",
        *(
            f"SELECT '{name}', %(start)s, {value}, sum(clicks), sum(counted), sum(uniques), sum(views)"  # noqa: S608
            f" FROM own GROUP BY {value}"
            for name, value in _VALUES.items()
        ),
    ]
)


def condense_clicks(*, at: datetime, since: datetime | None = None) -> int:
    """Condense what is over and not condensed yet, or wrong by now; how many days of owners it wrote.

    Goes on after the last day it has seen, or from `since` on. Takes its days one by one, each in a transaction
    of its own.
    """
    written = 0
    for owner_id, day in _wrong_days():
        written += _condense(owner_id, _column_of(owner_id, day), day, at=at)
    last = (at - _SETTLED).astimezone(UTC).date()
    day = since.astimezone(UTC).date() if since else _next_day(last)
    while day < last:
        written += condense_day(day, at=at)
        day += timedelta(days=1)
    return written


def condense_day(day: date, *, at: datetime) -> int:
    """Condense one day of everybody for whom it is worth it; how many owners."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(_OWNERS, {"start": start, "end": start + timedelta(days=1), "worth": WORTH_CONDENSING})
        owners = cursor.fetchall()
    for column, owner_id in owners:
        _condense(owner_id, column, day, at=at)
    # Last, for it says that the day has been seen.
    _condense(NETWORK, "", day, at=at)
    return len(owners) + 1


def _condense(owner_id: UUID, column: str, day: date, *, at: datetime) -> int:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    own = f"AND {column} = %(owner)s" if column else ""
    values: dict[str, Any] = {"owner": owner_id, "day": day, "start": start, "end": start + timedelta(days=1), "at": at}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(
            "DELETE FROM tracking_click_condensed WHERE owner_id = %(owner)s AND hour >= %(start)s AND hour < %(end)s"
            " AND dimension = ANY(%(dimensions)s)",
            values | {"dimensions": ["", *_VALUES]},
        )
        cursor.execute(
            f"WITH own AS (SELECT * FROM tracking_click_hour WHERE hour >= %(start)s AND hour < %(end)s {own})"  # noqa: S608
            " INSERT INTO tracking_click_condensed"
            " (dimension, hour, value, clicks, counted, uniques, views, owner_id)"
            f" SELECT *, %(owner)s FROM ({_PARTS}) AS parts",
            values,
        )
        cursor.execute(
            "INSERT INTO tracking_click_condensed_day (owner_id, day, is_right, condensed_at)"
            " VALUES (%(owner)s, %(day)s, true, %(at)s)"
            " ON CONFLICT (owner_id, day) DO UPDATE SET is_right = true, condensed_at = excluded.condensed_at",
            values,
        )
    return 1


def _wrong_days() -> list[tuple[UUID, date]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT owner_id, day FROM tracking_click_condensed_day WHERE NOT is_right ORDER BY day, owner_id"
        )
        return list(cursor.fetchall())


def _column_of(owner_id: UUID, day: date) -> str:
    """Which column of the hours the owner stands in. Keys are unique over all tables."""
    if owner_id == NETWORK:
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM tracking_click_hour WHERE program_id = %s)", [owner_id])
        row = cursor.fetchone()
    return "program_id" if row and row[0] else "affiliate_id"


def _next_day(last: date) -> date:
    """The day after the last one seen; the first day with clicks when none was; `last` when there are no clicks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(day) FROM tracking_click_condensed_day WHERE owner_id = %s", [NETWORK])
        seen = cursor.fetchone()
        if seen and seen[0]:
            return seen[0] + timedelta(days=1)
        cursor.execute("SELECT min(hour) FROM tracking_click_hour")
        first = cursor.fetchone()
    return first[0].astimezone(UTC).date() if first and first[0] else last
