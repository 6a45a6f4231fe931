"""Clicks by any group: from condensed days, from the hourly roll-up, or one by one from the click log.

The three give the same figures, and together they answer one question: condensed days what they can, the hours
what is left of whole hours, the log the hours that a boundary cuts. Nothing here knows money.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from tracking.statistics.dimensions import DIMENSIONS
from tracking.statistics.questions import MOST_GROUPS, Question, Scope, smallest_key
from tracking.statistics.spans import DAY, Span, cut_hours, joined, lies_on_quarters, within, without

# ruff: noqa: S608 - tables and expressions of ours

#: The owner of the whole network's condensed days.
NETWORK = UUID(int=0)

_SUMS = "sum(h.clicks), sum(h.counted), sum(h.uniques), sum(h.views)"
_RAW_SUMS = """count(*) FILTER (WHERE k.kind = 'click'), count(*) FILTER (WHERE k.kind = 'click' AND k.is_counted),
 count(*) FILTER (WHERE k.is_unique), count(*) FILTER (WHERE k.kind = 'view' AND k.is_counted)"""
#: So many stretches are written into the statement; the planner then knows how much each of them holds.
_MOST_WRITTEN = 8

#: Groups of a report's clicks: (gross, counted, unique, views) by the values of its dimensions.
type Counts = dict[tuple[str, ...], tuple[int, int, int, int]]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Which condensed rows answer a question: of which dimension, how fine, and of one value only."""

    dimension: str
    grain: str
    value: str | None = None

    @property
    def stored_as(self) -> str:
        """The dimension as the condensed rows name it."""
        if self.grain == "quarter":
            return f"{self.dimension}/q"
        return f"{self.dimension}/h" if self.dimension and self.grain == "hour" else self.dimension


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A stretch of one owner's time."""

    owner: UUID
    start: datetime
    end: datetime


def count_clicks(question: Question) -> Counts:
    """The clicks of every group of the question; of () when it has no groups. Groups without clicks are left out.

    Four statements at most, whoever asks.
    """
    if not question.knows_clicks:
        return {}
    owners, column = _owners(question.scope)
    if not owners:
        return {}
    asked = (question.start, question.end)
    if question.is_raw:
        return _from_log(question, column, _of(owners, [asked]), limit=MOST_GROUPS)
    cuts = cut_hours(question)
    whole, cut = without([asked], cuts), within([asked], cuts)
    rows = _rows_for(question, cut)
    condensed, hours, log = [], [], []
    days = _condensed_days(owners, question, rows) if rows else {}
    for owner in owners:
        covered = _covered(asked, whole, days.get(owner, []), rows) if rows else []
        condensed += _of([owner], covered)
        hours += _of([owner], without(whole, covered))
        log += _of([owner], without(cut, covered))
    found: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    if rows and condensed:
        _add(found, _from_condensed(question, rows, condensed))
    if hours:
        _add(found, _from_hours(question, column, hours))
    if log:
        _add(found, _from_log(question, column, log))
    return {key: (sums[0], sums[1], sums[2], sums[3]) for key, sums in found.items()}


def _add(found: dict[tuple[str, ...], list[int]], counts: Counts) -> None:
    for key, sums in counts.items():
        known = found[key]
        for place, number in enumerate(sums):
            known[place] += number


def _of(owners: Sequence[UUID], spans: Sequence[Span]) -> list[_Stretch]:
    return [_Stretch(owner, start, end) for owner in owners for start, end in spans if start < end]


def _owners(scope: Scope) -> tuple[list[UUID], str]:
    """Whose clicks are asked for, and the column they stand in."""
    if scope.affiliate_id is not None:
        return [scope.affiliate_id], "affiliate_id"
    if scope.merchant_id is not None:
        return list(scope.program_ids), "program_id"
    return [NETWORK], ""


def _rows_for(question: Question, cut: Sequence[Span]) -> _Rows | None:
    """The condensed rows that answer the question; None when only the hours can."""
    others = {one.key: one for one in question.dimensions if not one.is_time}
    filters = dict(question.filters)
    names = {*others, *filters}
    times = [one.key for one in question.dimensions if one.is_time]
    if not names:
        is_fine = bool(cut) and all(lies_on_quarters(edge) for edge in (question.start, question.end))
        return _Rows("", "quarter" if is_fine else "hour")
    if len(names) > 1 or len(filters) != len(question.filters):
        return None
    (name,) = names
    dimension = DIMENSIONS[name].condensed
    if not dimension:
        return None
    # Days of another time zone, and hours, are not made of days of UTC.
    is_by_day = not times or (times != ["hour"] and question.zone in {"UTC", "Etc/UTC"})
    return _Rows(dimension, "day" if is_by_day else "hour", filters.get(name))


def _covered(asked: Span, whole: Sequence[Span], days: Sequence[Span], rows: _Rows) -> list[Span]:
    """The stretches that condensed rows answer."""
    if rows.grain == "quarter":
        return within([asked], days)
    if rows.grain == "hour":
        return within(whole, days)
    return within(
        whole, joined((start, start + DAY) for start in _starts(days) if asked[0] <= start and start + DAY <= asked[1])
    )


def _starts(days: Sequence[Span]) -> list[datetime]:
    return [start + DAY * number for start, end in days for number in range((end - start) // DAY)]


def _condensed_days(owners: Sequence[UUID], question: Question, rows: _Rows) -> dict[UUID, list[Span]]:
    """The condensed days of each owner that are right, in order, neighbours joined."""
    needed = rows.dimension if rows.dimension and rows.grain == "hour" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT owner_id, day FROM tracking_click_condensed_day WHERE owner_id = ANY(%s) AND is_right"
            " AND finer_at = condensed_at AND day >= %s AND day <= %s AND (%s = '' OR %s = ANY(by_hour))"
            " ORDER BY owner_id, day",
            [list(owners), question.start.astimezone(UTC).date(), question.end.astimezone(UTC).date(), needed, needed],
        )
        found: dict[UUID, list[Span]] = defaultdict(list)
        for owner, day in cursor.fetchall():
            start = datetime(day.year, day.month, day.day, tzinfo=UTC)
            found[owner].append((start, start + DAY))
    return {owner: joined(days) for owner, days in found.items()}


def _from_condensed(question: Question, rows: _Rows, stretches: list[_Stretch]) -> Counts:
    keys = ["h.value" if not one.is_time else one.hour for one in question.dimensions]
    conditions = ["h.dimension = %(dimension)s"]
    if rows.value is not None:
        conditions.append("h.value = %(value)s")
    source, values = _source("tracking_click_condensed", "h", "owner_id", stretches, conditions)
    return _ask(question, keys, _SUMS, source, values | {"dimension": rows.stored_as, "value": rows.value})


def _from_hours(question: Question, column: str, stretches: list[_Stretch]) -> Counts:
    conditions, own = _filters(question, "hour")
    source, values = _source("tracking_click_hour", "h", column, stretches, conditions)
    return _ask(question, [one.hour for one in question.dimensions], _SUMS, source, own | values)


def _from_log(question: Question, column: str, stretches: list[_Stretch], *, limit: int | None = None) -> Counts:
    """One by one; the key carries the time, so other months are not read."""
    conditions, own = _filters(question, "raw")
    if column == "affiliate_id":
        # The log is indexed by link, not by affiliate.
        conditions.append("k.link_id = ANY (ARRAY(SELECT id FROM tracking_link WHERE affiliate_id = %(affiliate)s))")
    source, values = _source("tracking_click", "k", column, stretches, conditions)
    values["affiliate"] = question.scope.affiliate_id
    return _ask(question, [one.raw for one in question.dimensions], _RAW_SUMS, source, own | values, limit=limit)


_TIME = {"h": "{alias}.hour >= {first} AND {alias}.hour < {last}"}
_TIME["k"] = (
    "{alias}.clicked_at >= {first} AND {alias}.clicked_at < {last} AND {alias}.id >= {low} AND {alias}.id < {high}"
)


def _source(
    table: str, alias: str, column: str, stretches: list[_Stretch], conditions: list[str]
) -> tuple[str, dict[str, Any]]:
    """The rows of a table that lie in the stretches, under the alias; and the values its text needs.

    A few stretches stand in the statement itself, so that the planner sees how many rows they hold. Many are
    looked up one after the other: guessing, it would rather read the whole table.
    """
    own = f"{alias}.{column} = {{owner}} AND " if column else ""
    inside = own + _TIME[alias]
    values: dict[str, Any] = {}
    if len(stretches) <= _MOST_WRITTEN:
        texts = []
        for number, one in enumerate(stretches):
            names = {name: f"%({name}{number})s" for name in ("owner", "first", "last", "low", "high")}
            texts.append(f"({inside.format(alias=alias, **names)})")
            for name, value in zip(names, _values(one), strict=True):
                values[f"{name}{number}"] = value
        where = " AND ".join([f"({' OR '.join(texts)})", *conditions])
        return f"{table} {alias} WHERE {where}", values
    for place, name in enumerate(("owner", "first", "last", "low", "high")):
        values[f"{name}s"] = [_values(one)[place] for one in stretches]
    names = {name: f"span.{name}" for name in ("owner", "first", "last", "low", "high")}
    where = " AND ".join([inside.format(alias=alias, **names), *conditions])
    return (
        "unnest(%(owners)s::uuid[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[], %(lows)s::uuid[],"
        " %(highs)s::uuid[]) AS span (owner, first, last, low, high)"
        f" CROSS JOIN LATERAL (SELECT {alias}.* FROM {table} {alias} WHERE {where} OFFSET 0) AS {alias}"
    ), values


def _values(one: _Stretch) -> tuple[UUID, datetime, datetime, UUID, UUID]:
    # The key holds milliseconds: one more, and the condition by the time itself decides.
    return one.owner, one.start, one.end, smallest_key(one.start), smallest_key(one.end + timedelta(milliseconds=1))


def _ask(
    question: Question, keys: list[str], sums: str, source: str, values: dict[str, Any], *, limit: int | None = None
) -> Counts:
    groups = ", ".join(str(number + 1) for number in range(len(keys)))
    statement = f"SELECT {', '.join([*keys, sums])} FROM {source}"
    if keys:
        statement += f" GROUP BY {groups}"
    if limit:
        statement += f" ORDER BY {len(keys) + 1} DESC LIMIT {limit}"
    with connection.cursor() as cursor:
        cursor.execute(statement, {"zone": question.zone, **values})
        rows = cursor.fetchall()
    size = len(keys)
    return {
        tuple(row[:size]): (int(row[size]), int(row[size + 1]), int(row[size + 2]), int(row[size + 3]))
        for row in rows
        if row[size] is not None
    }


def _filters(question: Question, place: str) -> tuple[list[str], dict[str, Any]]:
    """Conditions and their values, from the dimensions' own expressions."""
    conditions, values = [], {}
    for number, (key, value) in enumerate(question.filters):
        dimension = DIMENSIONS[key]
        expression = dimension.raw if place == "raw" else dimension.hour
        if key in {"program", "affiliate", "link"} and value:
            # The column itself, so that its index is used.
            expression, value = expression.removesuffix("::text"), UUID(value)  # type: ignore[assignment]  # noqa: PLW2901
        conditions.append(f"{expression} = %(filter{number})s")
        values[f"filter{number}"] = value
    return conditions, values
