"""What an affiliate's pages show about its links and their clicks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from affiliates.models import Affiliate, Enrolment
from tracking.click_ids import smallest_key
from tracking.destinations import DestinationRefused, read_destination
from tracking.models import Click, ClickCount, Link


@dataclass(frozen=True, slots=True)
class ClickDay:
    """The clicks of one day: counted ones, on how many links, and those left out (machines, floods)."""

    day: date
    counted: int
    left_out: int
    links: int


def links_of(affiliate: Affiliate, *, program: str = "", text: str = "", is_retired: bool = False) -> QuerySet[Link]:
    """An affiliate's links, newest first; `program` is a slug, `text` is looked for in code, label and page."""
    status = Link.Status.RETIRED if is_retired else Link.Status.ACTIVE
    found = Link.objects.filter(affiliate=affiliate, status=status).select_related("program__merchant")
    if program:
        found = found.filter(program__slug=program)
    if text:
        found = found.filter(Q(code__icontains=text) | Q(label__icontains=text) | Q(destination__icontains=text))
    return found.order_by("-created_at", "-pk").fetch_mode(models.FETCH_RAISE)


def count_links(affiliate: Affiliate) -> dict[str, int]:
    """How many links an affiliate has, by status."""
    rows = Link.objects.filter(affiliate=affiliate).values_list("status").annotate(number=Count("pk"))
    return {str(status): number for status, number in rows}


def default_link_of(affiliate: Affiliate) -> Link | None:
    """The link to offer first: the oldest active one in a program the affiliate is a member of."""
    return (
        Link.objects.filter(affiliate=affiliate, status=Link.Status.ACTIVE, enrolment__status=Enrolment.Status.APPROVED)
        .select_related("program__merchant")
        .order_by("created_at", "pk")
        .first()
    )


def clicks_by_link(links: Iterable[Link]) -> dict[UUID, int]:
    """The counted clicks of each link since it was made; links without any are left out."""
    rows = (
        ClickCount.objects.filter(link_id__in=[link.pk for link in links])
        .values_list("link_id")
        .annotate(sum=Sum("counted"))
    )
    return {link: int(total) for link, total in rows}


def click_days_of(
    affiliate: Affiliate, *, since: datetime, until: datetime, link: Link | None = None
) -> list[ClickDay]:
    """Days with clicks, latest first, with since ≤ hour < until; of one link when it is named."""
    counts = ClickCount.objects.filter(affiliate_id=affiliate.pk, hour__gte=since, hour__lt=until)
    if link is not None:
        counts = counts.filter(link_id=link.pk)
    rows = (
        counts.annotate(day=TruncDate("hour"))
        .values("day")
        .annotate(all=Sum("clicks"), people=Sum("counted"), on=Count("link_id", distinct=True, filter=Q(counted__gt=0)))
        .order_by("-day")
    )
    return [ClickDay(row["day"], int(row["people"]), int(row["all"]) - int(row["people"]), row["on"]) for row in rows]


def last_click_day(affiliate: Affiliate) -> date | None:
    """The latest day, in UTC, on which somebody followed one of the affiliate's links."""
    found = ClickCount.objects.filter(affiliate_id=affiliate.pk).aggregate(last=Max("hour"))["last"]
    return found.astimezone(UTC).date() if found else None


def clicks_between(affiliate: Affiliate, *, since: datetime, until: datetime) -> QuerySet[Click]:
    """The affiliate's clicks of a short time, latest first. The keys carry the time, so only its pages are read."""
    return Click.objects.filter(
        affiliate_id=affiliate.pk, pk__gte=smallest_key(since), pk__lt=smallest_key(until)
    ).order_by("-pk")


def has_clicks(affiliate: Affiliate) -> bool:
    """Whether anybody has followed one of the affiliate's links yet."""
    return ClickCount.objects.filter(affiliate_id=affiliate.pk).exists()


def place_for_page(places: Sequence[Enrolment], page: str) -> Enrolment | None:
    """The first place whose program pays for this page; None when none does. Raises DestinationRefused
    for an address that no program could pay for (unreadable, not https, too long)."""
    for place in places:
        try:
            read_destination(
                page, allowed_hosts=place.program.allowed_hosts, allow_local=settings.ALLOW_LOCAL_DESTINATIONS
            )
        except DestinationRefused as refusal:
            if refusal.code != "destination_host_not_allowed":
                raise
        else:
            return place
    return None
