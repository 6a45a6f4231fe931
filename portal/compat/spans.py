"""Dub's ranges of time: an interval by name, or start and end."""

from datetime import UTC, datetime, timedelta

from django.utils.dateparse import parse_datetime

from portal.compat.wire import Call, DubRefused

_DAYS = {"24h": 1, "7d": 7, "30d": 30, "90d": 90, "1y": 365}
_LONGEST = timedelta(days=366 * 3)


def span_of(call: Call, default: str = "24h") -> tuple[datetime, datetime]:
    """The half-open span a query asks for; `start` and `end` win over `interval`. Raises DubRefused."""
    if call.query.get("start"):
        start, end = _moment(call.query["start"], "start"), _moment(call.query.get("end", ""), "end", call.at)
        if end < start:
            raise DubRefused(422, "end lies before start.")
        return max(start, end - _LONGEST), end
    name = call.query.get("interval") or default
    today = call.at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if name in _DAYS:
        return call.at - timedelta(days=_DAYS[name]), call.at
    months = {"mtd": 1, "qtd": (today.month - 1) % 3 + 1, "ytd": today.month}
    if name in months:
        return today.replace(day=1, month=today.month - months[name] + 1), call.at
    if name == "all":
        return call.program.created_at, call.at
    raise DubRefused(422, f"interval: expected one of {', '.join([*_DAYS, *months, 'all'])}.")


def days_of(span: tuple[datetime, datetime]) -> list[tuple[datetime, datetime]]:
    """The span cut into hours when it is a day or so, else into days, else into months' worth of days."""
    start, end = span
    step = timedelta(hours=1) if end - start <= timedelta(days=2) else timedelta(days=1)
    if end - start > timedelta(days=180):
        step = timedelta(days=30)
    cut = start.replace(minute=0, second=0, microsecond=0)
    if step > timedelta(hours=1):
        cut = cut.replace(hour=0)
    found = []
    while cut < end:
        found.append((cut, cut + step))
        cut += step
    return found


def _moment(text: str, name: str, default: datetime | None = None) -> datetime:
    if not text and default is not None:
        return default
    try:
        found = parse_datetime(text if "T" in text or " " in text else f"{text}T00:00:00")
    except ValueError:
        found = None
    if found is None:
        raise DubRefused(422, f"{name}: expected a time such as 2026-11-03T00:00:00Z.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
