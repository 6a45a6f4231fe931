"""Stretches of time as a merchant asks for them: whole days of its own time zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from payouts.queries.merchant import Span

#: Days of the overview's chart and figures, today included.
OVERVIEW_DAYS = 28

PERIODS = (
    ("28d", _("Last 28 days")),
    ("month", _("This month")),
    ("last-month", _("Last month")),
    ("year", _("This year")),
)


def span_of(period: str, *, zone: str, at: datetime) -> Span | None:
    """The stretch that a period's name stands for now; None for all time."""
    today = at.astimezone(ZoneInfo(zone)).date()
    month = today.replace(day=1)
    days = {
        "28d": (today - timedelta(days=OVERVIEW_DAYS - 1), today + timedelta(days=1)),
        "month": (month, today + timedelta(days=1)),
        "last-month": ((month - timedelta(days=1)).replace(day=1), month),
        "year": (today.replace(month=1, day=1), today + timedelta(days=1)),
    }.get(period)
    return Span(start_of(days[0], zone=zone), start_of(days[1], zone=zone)) if days else None


def start_of(day: date, *, zone: str) -> datetime:
    """Midnight of a day in a time zone."""
    return datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)


def days_until(day: date, count: int) -> list[date]:
    """The `count` days up to and with a day."""
    return [day - timedelta(days=count - 1 - number) for number in range(count)]


def month_span(month: date, *, zone: str) -> Span:
    """A whole month."""
    following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return Span(start_of(month.replace(day=1), zone=zone), start_of(following, zone=zone))
