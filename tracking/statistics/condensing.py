"""Condensing: busy owners' past days, one dimension at a time, so that long reports stay fast.

A day of UTC is condensed once it is over; a late click marks it wrong in its own transaction
(tracking/sql/statistics.sql), after which reports read the hours until it is condensed anew. Killed anywhere,
repeated, or run by two at once, the rows are those of the hours they stand for.

Beside the rows that tracking/sql/statistics.sql names there are finer ones, for time zones whose days are not
those of UTC: dimension '/q' is all clicks by the quarter of an hour, from the click log; 'sub1/h' and the like are
a dimension's values by the hour, for busy owners with few values. Which dimensions have those stands in the
day's `by_hour`.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from tracking.statistics.clicks import NETWORK
from tracking.statistics.questions import smallest_key

#: A day of an owner with fewer hourly rows than this is read from the hours as fast.
WORTH_CONDENSING = 50
#: A day of an owner with fewer hourly rows than this gains nothing from dimensions by the hour.
BUSY = 500
#: Dimensions are kept by the hour when the day knows no more values than these.
_FEW_VALUES = 64
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
_SUMS = "sum(clicks) AS clicks, sum(counted) AS counted, sum(uniques) AS uniques, sum(views) AS views"
# ruff: noqa: S608 - names and expressions of ours
_BY_DAY = " UNION ALL ".join(
    f"SELECT owner, '{name}' AS dimension, %(start)s::timestamptz AS hour, {value} AS value, {_SUMS}"
    f" FROM own GROUP BY owner, {value}"
    for name, value in _VALUES.items()
)
_BY_HOUR = " UNION ALL ".join(
    f"SELECT own.owner, '{name}/h', hour, {value}, {_SUMS} FROM own JOIN narrow ON narrow.owner = own.owner"
    f" AND narrow.dimension = '{name}' GROUP BY own.owner, hour, {value}"
    for name, value in _VALUES.items()
)
_CONDENSE = f"""
WITH own AS MATERIALIZED (
    SELECT {{owner}} AS owner, known.* FROM tracking_click_hour AS known
    WHERE hour >= %(start)s AND hour < %(end)s {{only}}
), by_day AS MATERIALIZED ({_BY_DAY}), narrow AS (
    SELECT owner, dimension FROM by_day
    WHERE owner IN (SELECT owner FROM own GROUP BY owner HAVING count(*) >= %(busy)s)
    GROUP BY owner, dimension HAVING count(*) <= %(few)s
), parts AS (
    SELECT owner, '' AS dimension, hour, '' AS value, {_SUMS} FROM own GROUP BY owner, hour
    UNION ALL
    SELECT {{owner}}, '/q', date_bin('15 minutes', clicked_at, '2000-01-01Z'), '',
           count(*) FILTER (WHERE kind = 'click'), count(*) FILTER (WHERE kind = 'click' AND is_counted),
           count(*) FILTER (WHERE is_unique), count(*) FILTER (WHERE kind = 'view' AND is_counted)
    FROM tracking_click AS known
    WHERE id >= %(first_key)s AND id < %(last_key)s AND clicked_at >= %(start)s AND clicked_at < %(end)s {{only}}
    GROUP BY 1, 3
    UNION ALL
    SELECT * FROM by_day
    UNION ALL
    {_BY_HOUR}
), written AS (
    INSERT INTO tracking_click_condensed (owner_id, dimension, hour, value, clicks, counted, uniques, views)
    SELECT * FROM parts
)
INSERT INTO tracking_click_condensed_day (owner_id, day, is_right, condensed_at, finer_at, by_hour)
SELECT owner, %(day)s, true, %(at)s, %(at)s,
       coalesce((SELECT array_agg(dimension) FROM narrow WHERE narrow.owner = owners.owner), '{{{{}}}}')
FROM unnest(%(owners)s::uuid[]) AS owners (owner)
ON CONFLICT (owner_id, day) DO UPDATE SET is_right = true, condensed_at = excluded.condensed_at,
    finer_at = excluded.finer_at, by_hour = excluded.by_hour
"""


def condense_clicks(*, at: datetime, since: datetime | None = None) -> int:
    """Condense what is over and not condensed yet, or wrong by now; how many days of owners it wrote.

    Goes on after the last day it has seen, or from `since` on. Takes its days one by one, each in transactions
    of its own.
    """
    written = 0
    for day, owners in _wrong_days().items():
        for column, keys in _by_column(owners).items():
            written += _condense(column, keys, day, at=at)
    last = (at - _SETTLED).astimezone(UTC).date()
    day = since.astimezone(UTC).date() if since else _next_day(last)
    while day < last:
        written += condense_day(day, at=at)
        day += timedelta(days=1)
    return written


def condense_day(day: date, *, at: datetime) -> int:
    """Condense one day of everybody for whom it is worth it; how many owners."""
    start = _midnight(day)
    with connection.cursor() as cursor:
        cursor.execute(_OWNERS, {"start": start, "end": start + timedelta(days=1), "worth": WORTH_CONDENSING})
        owners: dict[str, list[UUID]] = defaultdict(list)
        for column, owner in cursor.fetchall():
            owners[column].append(owner)
    written = sum(_condense(column, keys, day, at=at) for column, keys in owners.items())
    # Last, for it says that the day has been seen.
    return written + _condense("", [NETWORK], day, at=at)


def _condense(column: str, owners: list[UUID], day: date, *, at: datetime) -> int:
    """One day of some owners of one kind, in one transaction."""
    start, end = _midnight(day), _midnight(day + timedelta(days=1))
    values: dict[str, Any] = {
        "owners": owners, "day": day, "start": start, "end": end, "at": at, "busy": BUSY, "few": _FEW_VALUES,
        "network": NETWORK, "first_key": smallest_key(start), "last_key": smallest_key(end),
    }  # fmt: skip
    only = f"AND known.{column} = ANY(%(owners)s)" if column else ""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(
            "DELETE FROM tracking_click_condensed WHERE owner_id = ANY(%(owners)s) AND dimension = ANY(%(dimensions)s)"
            " AND hour >= %(start)s AND hour < %(end)s",
            values | {"dimensions": ["", "/q", *_VALUES, *(f"{name}/h" for name in _VALUES)]},
        )
        cursor.execute(_CONDENSE.format(owner=column or "%(network)s::uuid", only=only), values)
    return len(owners)


def _wrong_days() -> dict[date, list[UUID]]:
    """Owners by the days that have to be condensed anew: wrong by now, or without the finer rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, owner_id FROM tracking_click_condensed_day"
            " WHERE NOT is_right OR finer_at IS DISTINCT FROM condensed_at ORDER BY day, owner_id"
        )
        found: dict[date, list[UUID]] = defaultdict(list)
        for day, owner in cursor.fetchall():
            found[day].append(owner)
    return found


def _by_column(owners: Iterable[UUID]) -> dict[str, list[UUID]]:
    """Which column of the hours the owners stand in. Keys are unique over all tables."""
    found: dict[str, list[UUID]] = defaultdict(list)
    for owner in owners:
        if owner == NETWORK:
            found[""].append(owner)
            continue
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM tracking_click_hour WHERE program_id = %s)", [owner])
            row = cursor.fetchone()
        found["program_id" if row and row[0] else "affiliate_id"].append(owner)
    return found


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


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
