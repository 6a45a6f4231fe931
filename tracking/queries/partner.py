"""What an affiliate's pages show about its links and their clicks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from django.conf import settings
from django.db import connection, models
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from affiliates.models import Affiliate, Enrolment
from tracking.click_ids import smallest_key
from tracking.destinations import DestinationRefused, read_destination
from tracking.models import Click, ClickHour, Link
from tracking.statistics.clicks import count_clicks
from tracking.statistics.questions import Question, Scope
from tracking.statistics.spans import DAY, HOUR, hour_of

#: No click is older.
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_MOST_LINKS_NAMED = 500


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
    wanted = {link.pk: link.affiliate_id for link in links}
    found: dict[UUID, int] = {}
    for affiliate in dict.fromkeys(wanted.values()):
        counts = count_clicks(
            Question(Scope(affiliate_id=affiliate), _FIRST, _hour_after(datetime.now(UTC)) + DAY, groups=("link",))
        )
        found |= {UUID(link): sums[1] for (link,), sums in counts.items() if UUID(link) in wanted}
    return found


def click_days_of(
    affiliate: Affiliate, *, since: datetime, until: datetime, link: Link | None = None
) -> list[ClickDay]:
    """Days of the current time zone with clicks, latest first, from `since` to the end of the hour of `until`; of one
    link when it is named."""
    filters = (("link", str(link.pk)),) if link is not None else ()
    zone = timezone.get_current_timezone_name()
    counts = count_clicks(
        Question(Scope(affiliate_id=affiliate.pk), since, _hour_after(until), zone, ("day", "link"), filters)
    )
    days: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (day, _link), (gross, counted, _unique, _views) in counts.items():
        days[day].append((gross, counted))
    return [
        ClickDay(
            date.fromisoformat(day),
            sum(counted for _gross, counted in sums),
            sum(gross - counted for gross, counted in sums),
            sum(counted > 0 for _gross, counted in sums),
        )
        for day, sums in sorted(days.items(), reverse=True)
    ]


def last_click_day(affiliate: Affiliate) -> date | None:
    """The latest day, in UTC, on which somebody followed one of the affiliate's links."""
    found = ClickHour.objects.filter(affiliate_id=affiliate.pk).aggregate(last=Max("hour"))["last"]
    return found.astimezone(UTC).date() if found else None


def clicks_between(affiliate: Affiliate, *, since: datetime, until: datetime) -> QuerySet[Click]:
    """The affiliate's clicks of a short time, latest first. The keys carry the time, so only its pages are read."""
    found = Click.objects.filter(
        affiliate_id=affiliate.pk, pk__gte=smallest_key(since), pk__lt=smallest_key(until)
    ).order_by("-pk")
    # Named, so that the planner knows whether few of the time's clicks are theirs, or many.
    links = list(Link.objects.filter(affiliate=affiliate).values_list("pk", flat=True)[:_MOST_LINKS_NAMED])
    if len(links) < _MOST_LINKS_NAMED:
        found = found.filter(link_id__in=links, clicked_at__gte=since, clicked_at__lt=until)
    return found


def count_clicks_between(affiliate: Affiliate, *, since: datetime, until: datetime) -> int:
    """How many clicks `clicks_between` has, from the links' index alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM tracking_click WHERE clicked_at >= %s AND clicked_at < %s"
            " AND link_id = ANY (ARRAY(SELECT id FROM tracking_link WHERE affiliate_id = %s))",
            [since, until, affiliate.pk],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def has_clicks(affiliate: Affiliate) -> bool:
    """Whether anybody has followed one of the affiliate's links yet."""
    return ClickHour.objects.filter(affiliate_id=affiliate.pk).exists()


def _hour_after(at: datetime) -> datetime:
    """The end of an instant's hour; the instant itself where one begins."""
    return at if at == hour_of(at) else hour_of(at) + HOUR


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
