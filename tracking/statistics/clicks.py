"""Clicks by any group: from condensed days, from the hourly roll-up, or one by one from the click log.

The three give the same figures; the first that can answer the question does. Nothing here knows money.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from tracking.statistics.dimensions import DIMENSIONS
from tracking.statistics.questions import MOST_GROUPS, Question, Scope, smallest_key

#: The owner of the whole network's condensed days.
NETWORK = UUID(int=0)

_SUMS = "sum({0}.clicks), sum({0}.counted), sum({0}.uniques), sum({0}.views)"
_RAW_SUMS = """count(*) FILTER (WHERE k.kind = 'click'), count(*) FILTER (WHERE k.kind = 'click' AND k.is_counted),
 count(*) FILTER (WHERE k.is_unique), count(*) FILTER (WHERE k.kind = 'view' AND k.is_counted)"""

#: Groups of a report's clicks: (gross, counted, unique, views) by the values of its dimensions.
type Counts = dict[tuple[str, ...], tuple[int, int, int, int]]
type Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class _Owner:
    """One whose days may be condensed, and its column in the hourly roll-up."""

    id: UUID
    column: str


def count_clicks(question: Question) -> Counts:
    """The clicks of every group of the question; of () when it has no groups. Groups without clicks are left out."""
    if not question.knows_clicks:
        return {}
    if question.is_raw:
        return _from_log(question)
    found: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    dimension = _condensed_dimension(question)
    if dimension is None:
        _add(found, _from_hours(question, _condition(question.scope), {}, [(question.start, question.end)]))
    else:
        for owner in _owners(question.scope):
            for counts in _from_owner(question, owner, dimension):
                _add(found, counts)
    return {key: (sums[0], sums[1], sums[2], sums[3]) for key, sums in found.items()}


def _add(found: dict[tuple[str, ...], list[int]], counts: Counts) -> None:
    for key, sums in counts.items():
        known = found[key]
        for place, number in enumerate(sums):
            known[place] += number


def _condensed_dimension(question: Question) -> str | None:
    """The condensed dimension that answers the question; None when only the hours can.

    Condensed days are days of UTC: a group of something by time needs the viewer's days to be the same.
    """
    if question.filters:
        return None
    times = [one for one in question.dimensions if one.is_time]
    others = [one for one in question.dimensions if not one.is_time]
    if not others:
        return ""
    if len(others) > 1 or not others[0].condensed:
        return None
    if times and (times[0].key == "hour" or question.zone not in {"UTC", "Etc/UTC"}):
        return None
    return others[0].condensed


def _owners(scope: Scope) -> list[_Owner]:
    if scope.affiliate_id is not None:
        return [_Owner(scope.affiliate_id, "affiliate_id")]
    if scope.merchant_id is not None:
        return [_Owner(program_id, "program_id") for program_id in scope.program_ids]
    return [_Owner(NETWORK, "")]


def _from_owner(question: Question, owner: _Owner, dimension: str) -> Iterator[Counts]:
    """An owner's clicks: its condensed days, and the hours between them."""
    condensed = _condensed_days(owner, question.start, question.end)
    spans, left = _parts(condensed, *_hours_of(question))
    if spans:
        own = {"owner": owner.id, "dimension": dimension}
        yield _from_condensed(question, own, spans)
    if left:
        condition = f"h.{owner.column} = %(owner)s" if owner.column else ""
        yield _from_hours(question, condition, {"owner": owner.id}, left)


def _condensed_days(owner: _Owner, start: datetime, end: datetime) -> list[datetime]:
    """The midnights of the right condensed days that lie wholly in the time, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day FROM tracking_click_condensed_day WHERE owner_id = %s AND is_right AND day >= %s AND day < %s"
            " ORDER BY day",
            [owner.id, start.astimezone(UTC).date(), end.astimezone(UTC).date()],
        )
        days = [datetime(day.year, day.month, day.day, tzinfo=UTC) for (day,) in cursor.fetchall()]
    return [day for day in days if day >= start and day + timedelta(days=1) <= end]


def _parts(days: list[datetime], start: datetime, end: datetime) -> tuple[list[Span], list[Span]]:
    """The stretches of days that follow each other, and the stretches between them."""
    inside: list[list[datetime]] = []
    for day in days:
        if inside and inside[-1][1] == day:
            inside[-1][1] = day + timedelta(days=1)
        else:
            inside.append([day, day + timedelta(days=1)])
    outside, at = [], start
    for first, last in inside:
        if at < first:
            outside.append((at, first))
        at = last
    if at < end:
        outside.append((at, end))
    return [(first, last) for first, last in inside], outside


def _hours_of(question: Question) -> Span:
    """The question's time in whole hours of UTC, each boundary moved back to its hour."""
    start, end = (edge.astimezone(UTC).replace(minute=0, second=0, microsecond=0) for edge in (
        question.start, question.end))  # fmt: skip
    return start, end


def _from_condensed(question: Question, own: dict[str, Any], spans: list[Span]) -> Counts:
    keys = ["h.value" if not one.is_time else one.hour for one in question.dimensions]
    return _ask(
        question, keys, _SUMS.format("h"),
        "unnest(%(starts)s, %(ends)s) AS span (first, last)"
        " JOIN tracking_click_condensed h ON h.hour >= span.first AND h.hour < span.last",
        ["h.owner_id = %(owner)s", "h.dimension = %(dimension)s"],
        own | _bounds(spans),
    )  # fmt: skip


def _from_hours(question: Question, condition: str, own: dict[str, Any], spans: list[Span]) -> Counts:
    spans = [_hours_of(question.at(span)) for span in spans]
    filters, values = _filters(question, "hour")
    return _ask(
        question, [one.hour for one in question.dimensions], _SUMS.format("h"),
        "unnest(%(starts)s, %(ends)s) AS span (first, last)"
        " JOIN tracking_click_hour h ON h.hour >= span.first AND h.hour < span.last",
        [condition, *filters], values | own | _scope_values(question.scope) | _bounds(spans),
    )  # fmt: skip


def _from_log(question: Question) -> Counts:
    """One by one; the key carries the time, so other months are not read."""
    filters, values = _filters(question, "raw")
    own = {
        "start": question.start,
        "end": question.end,
        "first": smallest_key(question.start),
        "last": smallest_key(question.end),
    }
    scope = _condition(question.scope, "k")
    if question.scope.affiliate_id is not None:
        # The log is indexed by link, not by affiliate.
        scope = "k.link_id = ANY (ARRAY(SELECT id FROM tracking_link WHERE affiliate_id = %(affiliate)s))"
    conditions = [
        "k.id >= %(first)s AND k.id < %(last)s", "k.clicked_at >= %(start)s AND k.clicked_at < %(end)s", scope, *filters,
    ]  # fmt: skip
    return _ask(
        question, [one.raw for one in question.dimensions], _RAW_SUMS, "tracking_click k", conditions,
        values | own | _scope_values(question.scope), limit=MOST_GROUPS,
    )  # fmt: skip


def _ask(
    question: Question,
    keys: list[str],
    sums: str,
    source: str,
    conditions: list[str],
    values: dict[str, Any],
    *,
    limit: int | None = None,
) -> Counts:
    where = " AND ".join(condition for condition in conditions if condition) or "TRUE"
    groups = ", ".join(str(number + 1) for number in range(len(keys)))
    statement = f"SELECT {', '.join([*keys, sums])} FROM {source} WHERE {where}"  # noqa: S608 - expressions of ours
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


def _condition(scope: Scope, alias: str = "h") -> str:
    if scope.affiliate_id is not None:
        return f"{alias}.affiliate_id = %(affiliate)s"
    return "" if scope.is_network else f"{alias}.program_id = ANY(%(programs)s)"


def _scope_values(scope: Scope) -> dict[str, Any]:
    return {"affiliate": scope.affiliate_id, "programs": list(scope.program_ids)}


def _bounds(spans: list[Span]) -> dict[str, Any]:
    return {"starts": [first for first, _last in spans], "ends": [last for _first, last in spans]}
