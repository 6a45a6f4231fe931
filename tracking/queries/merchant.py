"""What a merchant sees of clicks, links and requests."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery

from affiliates.models import Affiliate, Merchant
from tracking.models import Click, ClickHour, Conversion, InboxRequest, Link, Refund

INBOX_VERDICTS = tuple(InboxRequest.Verdict.values)
CONVERSION_VERDICTS = tuple(Conversion.Verdict.values)


def unknown_clicks(click_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the clicks that are not in the table."""
    wanted = set(click_ids)
    if not wanted:
        return wanted
    return wanted - set(Click.objects.filter(pk__in=wanted).values_list("pk", flat=True))


def link_of(click: Click) -> Link | None:
    """The link a click followed, as far as it is still there."""
    return Link.objects.filter(pk=click.link_id).first()


def links_in(merchant: Merchant) -> QuerySet[Link]:
    """The links to a merchant's programs, newest first."""
    return Link.objects.filter(program__merchant=merchant).order_by("-id")


def links_of(affiliate: Affiliate) -> QuerySet[Link]:
    """An affiliate's links, newest first."""
    return Link.objects.filter(affiliate=affiliate).order_by("-id")


def inbox_of(merchant: Merchant, *, verdict: str = "", door: str = "", text: str = "") -> QuerySet[InboxRequest]:
    """A merchant's requests, latest first, without their bodies; `text` is an order, a reason or a field."""
    found = (
        InboxRequest.objects.filter(merchant=merchant)
        .select_related("conversion")
        .defer("body")
        .order_by("-received_at", "-id")
    )
    if verdict:
        found = found.filter(verdict=verdict)
    if door:
        found = found.filter(Q(door=door) | Q(door__startswith=f"{door}."))
    if text:
        found = found.filter(Q(conversion__order_ref=text) | Q(reason=text) | Q(field=text))
    return found


def refunds_of(conversion: Conversion) -> QuerySet[Refund]:
    """The refunds of an order that stand, told twice or once, in order."""
    return Refund.objects.filter(conversion=conversion, voided_at=None).order_by("at", "pk")


def requests_about(conversion: Conversion) -> QuerySet[InboxRequest]:
    """The requests that made or changed a conversion, first one first."""
    return conversion.requests.order_by("received_at", "id")


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """How many requests came, by verdict. `received` is always the sum of the five."""

    received: int
    accepted: int
    duplicate: int
    rejected: int
    test: int
    quarantined: int


def count_inbox(merchant: Merchant, *, since: datetime | None = None) -> InboxCounts:
    """The requests of a merchant by verdict."""
    rows = InboxRequest.objects.filter(merchant=merchant)
    if since is not None:
        rows = rows.filter(received_at__gte=since)
    by_verdict = dict(rows.values_list("verdict").annotate(count=Count("id")))
    return InboxCounts(received=sum(by_verdict.values()), **{name: by_verdict.get(name, 0) for name in INBOX_VERDICTS})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a merchant's set-up has come: when each thing was last seen."""

    request_at: datetime | None
    test_at: datetime | None
    live_at: datetime | None
    attributed_at: datetime | None
    click_hour: datetime | None


def progress_of(merchant: Merchant) -> Progress:
    """What of the set-up has been seen to work."""
    requests = InboxRequest.objects.filter(merchant=merchant).aggregate(
        any=Max("received_at"),
        test=Max("received_at", filter=Q(verdict=InboxRequest.Verdict.TEST)),
        live=Max("received_at", filter=Q(verdict=InboxRequest.Verdict.ACCEPTED)),
    )
    attributed = Conversion.objects.filter(merchant=merchant, attribution__enrolment__isnull=False)
    # The last one of each program stands at the end of its index.
    hours = ClickHour.objects.filter(program_id=OuterRef("pk")).order_by("-hour").values("hour")[:1]
    programs = merchant.programs.annotate(last=Subquery(hours))
    return Progress(
        request_at=requests["any"],
        test_at=requests["test"],
        live_at=requests["live"],
        attributed_at=attributed.aggregate(last=Max("recorded_at"))["last"],
        click_hour=programs.aggregate(hour=Max("last"))["hour"],
    )
