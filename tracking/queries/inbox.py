"""What is asked of the inbox: lists, counts that add up, days for charts. Merchant None is everybody's."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, tzinfo
from typing import Any, Self

from django.db.models import Avg, Count, Max, Q, QuerySet
from django.db.models.functions import TruncDate

from affiliates.models import Merchant
from tracking.models import InboxReplay, InboxRequest, ReplayJob

VERDICTS = ("accepted", "duplicate", "test", "rejected", "quarantined")

#: Rows that only hold others: counted as requests, and not as orders.
_REPLAYABLE = ("quarantined", "rejected")


@dataclass(frozen=True, slots=True)
class InboxFilter:
    """A question to the inbox. `mode` is test or live; `text` an order, a request's id, a field or a reason."""

    verdict: str = ""
    door: str = ""
    reason: str = ""
    mode: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    merchant_slug: str = ""

    def as_json(self) -> dict[str, str]:
        """The question as a row keeps it; what is empty is left out."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items() if value
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """The question as it was kept."""
        instants: dict[str, Any] = {
            name: datetime.fromisoformat(kept[name]) for name in ("since", "until") if kept.get(name)
        }
        texts: dict[str, Any] = {name: str(kept[name]) for name in kept if name not in {"since", "until"}}
        return cls(**texts, **instants)


@dataclass(frozen=True, slots=True)
class Count5:
    """How many requests came, by verdict; `received` was counted by itself."""

    received: int
    accepted: int
    duplicate: int
    test: int
    rejected: int
    quarantined: int
    latency_avg: int = 0
    latency_max: int = 0

    @property
    def adds_up(self) -> bool:
        """received = accepted + rejected + duplicate + test + quarantined."""
        return self.received == self.accepted + self.duplicate + self.test + self.rejected + self.quarantined


def inbox_rows(merchant: Merchant | None, asked: InboxFilter) -> QuerySet[InboxRequest]:
    """The requests that fit, latest first, without their bodies."""
    return (
        found(merchant, asked)
        .select_related("conversion", "merchant")
        .defer("body", "headers")
        .order_by("-received_at", "-id")
    )


def found(merchant: Merchant | None, asked: InboxFilter) -> QuerySet[InboxRequest]:
    """The requests that fit, in no order."""
    rows = InboxRequest.objects.all() if merchant is None else InboxRequest.objects.filter(merchant=merchant)
    if asked.merchant_slug == "-":
        rows = rows.filter(merchant=None)
    elif asked.merchant_slug:
        rows = rows.filter(merchant__slug=asked.merchant_slug)
    if asked.verdict:
        rows = rows.filter(verdict=asked.verdict)
    if asked.door:
        rows = rows.filter(Q(door=asked.door) | Q(door__startswith=f"{asked.door}."))
    if asked.reason:
        rows = rows.filter(reason=asked.reason)
    if asked.mode:
        is_test = Q(is_test=True) | Q(verdict="test")
        rows = rows.filter(is_test if asked.mode == "test" else ~is_test)
    if asked.since is not None:
        rows = rows.filter(received_at__gte=asked.since)
    if asked.until is not None:
        rows = rows.filter(received_at__lt=asked.until)
    if asked.text:
        rows = rows.filter(_about(asked.text))
    return rows


def count_by_verdict(rows: QuerySet[InboxRequest]) -> Count5:
    """The five counts, the whole, and how long the answers took. One query."""
    said = rows.order_by().aggregate(
        received=Count("pk"),
        **{name: Count("pk", filter=Q(verdict=name)) for name in VERDICTS},
        latency_avg=Avg("latency_ms"),
        latency_max=Max("latency_ms"),
    )
    return Count5(**{name: round(value or 0) for name, value in said.items()})


def count_by_reason(rows: QuerySet[InboxRequest], *, most: int = 12) -> list[tuple[str, str, int]]:
    """(reason, verdict, count) of what was refused or set aside, the commonest first."""
    refused = rows.filter(verdict__in=_REPLAYABLE).exclude(reason="")
    counted = refused.order_by().values_list("reason", "verdict").annotate(count=Count("pk"))
    return [(reason, verdict, count) for reason, verdict, count in counted.order_by("-count", "reason")[:most]]


def days_by_verdict(rows: QuerySet[InboxRequest], *, zone: tzinfo) -> dict[date, dict[str, int]]:
    """How many requests of each verdict came on each day of a time zone; days without any are left out."""
    counted = (
        rows.order_by()
        .annotate(day=TruncDate("received_at", tzinfo=zone))
        .values_list("day", "verdict")
        .annotate(count=Count("pk"))
    )
    days: dict[date, dict[str, int]] = {}
    for day, verdict, count in counted:
        days.setdefault(day, {})[verdict] = count
    return days


def reasons_in(merchant: Merchant | None, *, since: datetime) -> list[str]:
    """The reasons that were given since an instant, for the filter's list."""
    rows = InboxRequest.objects.filter(received_at__gte=since).exclude(reason="")
    if merchant is not None:
        rows = rows.filter(merchant=merchant)
    return sorted(rows.order_by().values_list("reason", flat=True).distinct())


def parts_by_verdict(whole: InboxRequest) -> dict[str, int]:
    """What became of the parts of a request that holds several."""
    return dict(whole.parts.order_by().values_list("verdict").annotate(count=Count("pk")))


def history_of(request: InboxRequest) -> QuerySet[InboxReplay]:
    """How often a request was handled again, first one first."""
    return request.replays.select_related("by", "conversion").order_by("at", "id")


def jobs_of(merchant: Merchant | None) -> QuerySet[ReplayJob]:
    """The bulk replays of a merchant, latest first; those of the office for None."""
    return ReplayJob.objects.filter(merchant=merchant).select_related("by").order_by("-started_at")


def _about(text: str) -> Q:
    about = Q(conversion__order_ref=text) | Q(reason=text) | Q(field=text) | Q(upload_row__order_ref=text)
    try:
        key = InboxRequest.key_of(text)
    except ValueError:
        return about
    return about | Q(pk=key) | Q(whole=key)
