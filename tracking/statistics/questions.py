"""A question to the statistics: whose figures, of which time, grouped and filtered how."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tracking.statistics.dimensions import DIMENSIONS, Dimension

#: Click logs are counted over this many days at most; the roll-ups know no such end.
RAW_DAYS = 31
#: A report's longest period.
LONGEST_DAYS = 366 * 2
#: Groups that a report holds; the ones with fewest clicks or orders fall off.
MOST_GROUPS = 10_000


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose figures: an affiliate's, a merchant's with its programs, or (both None) the whole network's."""

    affiliate_id: UUID | None = None
    merchant_id: UUID | None = None
    program_ids: tuple[UUID, ...] = ()

    @property
    def is_network(self) -> bool:
        """Whether it is everybody's."""
        return self.affiliate_id is None and self.merchant_id is None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: start ≤ time < end, days of `zone`, up to two groups, filters as (dimension, value)."""

    scope: Scope
    start: datetime
    end: datetime
    zone: str = "UTC"
    groups: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    currency: str = ""

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """What it is grouped by."""
        return tuple(DIMENSIONS[key] for key in self.groups)

    @property
    def asked(self) -> tuple[Dimension, ...]:
        """Every dimension in it, by group or filter."""
        return (*self.dimensions, *(DIMENSIONS[key] for key, _value in self.filters))

    @property
    def knows_clicks(self) -> bool:
        """Whether clicks can be told apart as it asks."""
        return all(one.has_clicks for one in self.asked)

    @property
    def is_raw(self) -> bool:
        """Whether clicks have to be counted one by one."""
        return self.knows_clicks and any(one.is_raw for one in self.asked)

    def by(self, *groups: str) -> "Question":
        """The same, grouped otherwise."""
        return replace(self, groups=groups)

    def at(self, span: tuple[datetime, datetime]) -> "Question":
        """The same of another time."""
        return replace(self, start=span[0], end=span[1])


def midnight(day: date, zone: str) -> datetime:
    """When a day begins in a time zone, in UTC."""
    return datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)


def span_of_days(first: date, last: date, zone: str) -> tuple[datetime, datetime]:
    """The half-open stretch of whole days, both included."""
    return midnight(first, zone), midnight(last + timedelta(days=1), zone)


def days_before(first: date, last: date) -> tuple[date, date]:
    """As many days, ending the day before."""
    length = last - first + timedelta(days=1)
    return first - length, last - length


def year_before(first: date, last: date) -> tuple[date, date]:
    """The same dates a year earlier; the 29th of February becomes the 28th."""

    def back(day: date) -> date:
        try:
            return day.replace(year=day.year - 1)
        except ValueError:
            return day.replace(year=day.year - 1, day=28)

    return back(first), back(last)


def groups_between(start: datetime, end: datetime, unit: str, zone: str) -> list[str]:
    """The keys of all groups of time from start to end, those without anything included."""
    place = ZoneInfo(zone)
    if unit == "hour":
        keys: list[str] = []
        at = start
        while at < end:
            key = at.astimezone(place).strftime("%Y-%m-%d %H:00")
            if not keys or keys[-1] != key:
                keys.append(key)
            at += timedelta(hours=1)
        return keys
    first, last = start.astimezone(place).date(), (end - timedelta(microseconds=1)).astimezone(place).date()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    if unit == "week":
        days = [day - timedelta(days=day.weekday()) for day in days]
    elif unit == "month":
        days = [day.replace(day=1) for day in days]
    return list(dict.fromkeys(day.isoformat() for day in days))


def smallest_key(at: datetime) -> UUID:
    """The smallest key that something of this instant can have: its first 48 bits are milliseconds (UUIDv7)."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
