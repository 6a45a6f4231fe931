"""Stretches of time, and where a report's groups cut the hours that clicks are counted by. Pure.

A stretch is start ≤ time < end. Lists of them are in order and do not overlap.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tracking.statistics.questions import Question, midnight

type Span = tuple[datetime, datetime]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: The finest stretch that clicks are condensed to. Every time zone of today begins its days on one.
QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def within(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """What lies in both."""
    found, at = [], 0
    for start, end in spans:
        while at < len(others) and others[at][1] <= start:
            at += 1
        number = at
        while number < len(others) and others[number][0] < end:
            found.append((max(start, others[number][0]), min(end, others[number][1])))
            number += 1
    return found


def without(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """What lies in the first and not in the others."""
    found = []
    for start, end in spans:
        at = start
        for first, last in within([(start, end)], others):
            if at < first:
                found.append((at, first))
            at = last
        if at < end:
            found.append((at, end))
    return found


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same, with neighbours made one."""
    found: list[Span] = []
    for start, end in spans:
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def cut_hours(question: Question) -> list[Span]:
    """The hours of UTC that the question's time or its groups begin or end inside of.

    Days begin at half past in India, and at a quarter to in Nepal.
    """
    edges = {question.start, question.end}
    unit = next((one.key for one in question.dimensions if one.is_time), "")
    if unit:
        edges |= set(_edges_of(question, unit))
    hours = {hour_of(edge) for edge in edges if edge != hour_of(edge)}
    return joined((hour, hour + HOUR) for hour in sorted(hours))


def hour_of(at: datetime) -> datetime:
    """The beginning of an instant's hour of UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def lies_on_quarters(at: datetime) -> bool:
    """Whether a quarter of an hour begins at an instant."""
    return not (at - _EPOCH) % QUARTER


def _edges_of(question: Question, unit: str) -> Iterable[datetime]:
    """Where groups of hours or days begin. Weeks and months begin with a day."""
    place = ZoneInfo(question.zone)
    if unit == "hour":
        at = hour_of(question.start)
        while at < question.end:
            yield at + timedelta(minutes=-at.astimezone(place).minute % 60)
            at += HOUR
        return
    day, last = (edge.astimezone(place).date() for edge in (question.start, question.end))
    while (day := day + DAY) <= last:
        edge = midnight(day, question.zone)
        if question.start < edge < question.end:
            yield edge
