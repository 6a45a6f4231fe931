"""Working time: when a promise of so many working minutes falls due. Pure; no database, no clock."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from affiliates.models import Merchant
from payouts.models import ClaimPolicy

_SATURDAY = 5
#: No promise reaches over more days than this.
_MOST_DAYS = 400


def reply_due_at(policy: ClaimPolicy, merchant: Merchant, *, since: datetime) -> datetime:
    """The instant by which the first reply was promised to a claim made at `since`."""
    return after_working_minutes(
        policy.reply_minutes,
        since=since,
        opens_at=policy.opens_at,
        closes_at=policy.closes_at,
        works_weekends=policy.works_weekends,
        zone=ZoneInfo(merchant.time_zone),
    )


def deadline_at(policy: ClaimPolicy, *, since: datetime) -> datetime:
    """The instant at which silence becomes a yes."""
    return since + timedelta(days=policy.deadline_days)


def appeal_until(decided_at: datetime) -> datetime:
    """Until when a declined claim may go to the network."""
    return decided_at + timedelta(days=settings.CLAIM_APPEAL_DAYS)


def after_working_minutes(
    minutes: int, *, since: datetime, opens_at: time, closes_at: time, works_weekends: bool, zone: ZoneInfo
) -> datetime:
    """`since` plus so many minutes of the office's hours, which are local times of `zone`.

    Clocks that are put back or forward are heeded, because each day's hours are taken as instants.
    """
    left = timedelta(minutes=minutes)
    day = since.astimezone(zone).date()
    for _ in range(_MOST_DAYS):
        if works_weekends or day.weekday() < _SATURDAY:
            start = max(_instant(day, opens_at, zone), since)
            end = _instant(day, closes_at, zone)
            if end > start:
                if start + left <= end:
                    return start + left
                left -= end - start
        day += timedelta(days=1)
    raise ValueError("an office that is never open keeps no promise")


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(ZoneInfo("UTC"))
