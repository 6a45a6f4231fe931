"""What the Dub-compatible surface shows: figures by link and by partner, lists, and the last orders of a customer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum

from affiliates.models import Enrolment, Merchant, Program
from payouts.models import Commission, Payout
from tracking.click_ids import smallest_key
from tracking.models import Click, ClickCount, Conversion, Link

LEAD = "lead"


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """What a link brought; `sale_minor` in the program's currency."""

    clicks: int = 0
    leads: int = 0
    sales: int = 0
    sale_minor: int = 0
    last_clicked: datetime | None = None


@dataclass(frozen=True, slots=True)
class PartnerFigures:
    """What a partner brought to a program."""

    clicks: int = 0
    leads: int = 0
    sales: int = 0
    sale_minor: int = 0
    commission_minor: int = 0


_LINK_ORDERS = """
SELECT c.link_id, count(*) FILTER (WHERE v.event = 'lead'), count(*) FILTER (WHERE v.event <> 'lead'),
       coalesce(sum(v.amount_minor - v.refunded_minor) FILTER (WHERE v.event <> 'lead'), 0)
FROM tracking_attribution a
JOIN tracking_conversion v ON v.id = a.conversion_id
JOIN tracking_click c ON c.id = a.click_id
WHERE c.link_id = ANY(%s) AND v.is_test = %s AND a.enrolment_id IS NOT NULL
GROUP BY 1
"""


def link_figures(links: Sequence[Link], *, is_test: bool) -> dict[UUID, LinkFigures]:
    """By link: counted clicks, leads, sales and their revenue."""
    keys = [link.pk for link in links]
    if not keys:
        return {}
    clicks = {
        row["link_id"]: int(row["number"])
        for row in ClickCount.objects.filter(link_id__in=keys).values("link_id").annotate(number=Sum("counted"))
    }
    with connection.cursor() as cursor:
        cursor.execute(_LINK_ORDERS, [keys, is_test])
        orders = {link: (int(leads), int(sales), int(minor)) for link, leads, sales, minor in cursor.fetchall()}
    return {key: LinkFigures(clicks.get(key, 0), *orders.get(key, (0, 0, 0))) for key in keys}


_PARTNER_ORDERS = """
SELECT e.affiliate_id, count(*) FILTER (WHERE v.event = 'lead'), count(*) FILTER (WHERE v.event <> 'lead'),
       coalesce(sum(v.amount_minor - v.refunded_minor) FILTER (WHERE v.event <> 'lead'), 0)
FROM tracking_attribution a
JOIN tracking_conversion v ON v.id = a.conversion_id
JOIN affiliates_enrolment e ON e.id = a.enrolment_id
WHERE e.program_id = %s AND e.affiliate_id = ANY(%s) AND v.is_test = %s
  AND v.occurred_at >= %s AND v.occurred_at < %s
GROUP BY 1
"""
_EVER = (datetime.fromisoformat("2000-01-01T00:00:00+00:00"), datetime.fromisoformat("2200-01-01T00:00:00+00:00"))


def partner_figures(
    program: Program, affiliates: Sequence[UUID], *, is_test: bool, span: tuple[datetime, datetime] = _EVER
) -> dict[UUID, PartnerFigures]:
    """By affiliate: counted clicks, leads, sales, revenue and commission in the program, in a span of time."""
    keys = list(affiliates)
    clicks = {
        row["affiliate_id"]: int(row["number"])
        for row in ClickCount.objects.filter(
            program_id=program.pk, affiliate_id__in=keys, hour__gte=span[0], hour__lt=span[1]
        )
        .values("affiliate_id")
        .annotate(number=Sum("counted"))
    }
    with connection.cursor() as cursor:
        cursor.execute(_PARTNER_ORDERS, [program.pk, keys, is_test, *span])
        orders = {key: (int(leads), int(sales), int(minor)) for key, leads, sales, minor in cursor.fetchall()}
    earned = {
        row["affiliate_id"]: int(row["minor"])
        for row in Commission.objects.filter(
            program=program,
            affiliate__in=keys,
            conversion__occurred_at__gte=span[0],
            conversion__occurred_at__lt=span[1],
        )
        .values("affiliate_id")
        .annotate(minor=Sum(F("amount_minor") - F("reversed_minor")))
    }
    return {key: PartnerFigures(clicks.get(key, 0), *orders.get(key, (0, 0, 0)), earned.get(key, 0)) for key in keys}


def places_in(program: Program, *, status: str = "", text: str = "") -> QuerySet[Enrolment]:
    """The places in a program with their affiliates, newest first."""
    found: QuerySet[Enrolment] = Enrolment.objects.filter(program=program).select_related("affiliate", "program")
    if status:
        found = found.filter(status=status)
    if text:
        found = found.filter(Q(affiliate__name__icontains=text) | Q(affiliate__contact_email__icontains=text))
    return found.order_by("-applied_at", "-pk")


def links_in_program(program: Program) -> QuerySet[Link]:
    """The program's links, newest first."""
    return Link.objects.filter(program=program).select_related("enrolment", "affiliate").order_by("-created_at", "-pk")


def commissions_in(program: Program) -> QuerySet[Commission]:
    """The program's commissions with what their answer names."""
    return Commission.objects.filter(program=program).select_related("conversion", "affiliate", "enrolment")


def payouts_to(merchant: Merchant, program: Program) -> QuerySet[Payout]:
    """Payouts that hold a commission of the program."""
    return (
        Payout.objects.filter(items__commission__program=program, items__commission__merchant=merchant)
        .select_related("affiliate", "run")
        .distinct()
    )


def conversions_in(program: Program, *, is_test: bool, kind: str) -> QuerySet[Conversion]:
    """The program's leads or sales that belong to somebody, newest first."""
    found = Conversion.objects.filter(program=program, is_test=is_test, attribution__enrolment__isnull=False)
    found = found.filter(event=LEAD) if kind == "leads" else found.exclude(event=LEAD)
    return found.select_related("attribution", "attribution__enrolment").order_by("-occurred_at", "-pk")


def clicks_by_id(keys: Iterable[UUID]) -> dict[UUID, Click]:
    """Clicks by their keys."""
    return {click.pk: click for click in Click.objects.filter(pk__in=list(keys))}


def links_by_id(keys: Iterable[UUID]) -> dict[UUID, Link]:
    """Links by their keys, with place and affiliate."""
    found = Link.objects.filter(pk__in=list(keys)).select_related("enrolment", "affiliate", "program")
    return {link.pk: link for link in found}


def last_lead_of(merchant: Merchant, customer_ref: str, *, event_name: str, is_test: bool) -> Conversion | None:
    """The customer's latest lead that named a click, of one name when it is given."""
    found = Conversion.objects.filter(
        merchant=merchant, customer_ref=customer_ref, event=LEAD, is_test=is_test, click_id__isnull=False
    )
    if event_name:
        found = found.filter(metadata__eventName=event_name)
    return found.order_by("-occurred_at", "-pk").first()


def customer_figures(merchant: Merchant, refs: Sequence[str], *, is_test: bool) -> dict[str, dict[str, Any]]:
    """By customer: how many sales, their sum, and when the first was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT customer_ref, count(*), sum(amount_minor - refunded_minor), min(occurred_at)"
            " FROM tracking_conversion WHERE merchant_id = %s AND customer_ref = ANY(%s) AND is_test = %s"
            " AND event <> 'lead' GROUP BY 1",
            [merchant.pk, list(refs), is_test],
        )
        return {
            ref: {"sales": int(number), "saleAmount": int(minor or 0), "first": first}
            for ref, number, minor, first in cursor.fetchall()
        }


def clicks_grouped(
    program: Program, column: str, *, span: tuple[datetime, datetime], links: Sequence[UUID] | None, limit: int = 100
) -> list[tuple[str, int]]:
    """Counted clicks by country, device, browser, system, referrer or page, the most first."""
    found = Click.objects.filter(
        program_id=program.pk, is_counted=True, clicked_at__gte=span[0], clicked_at__lt=span[1]
    )
    if links is not None:
        found = found.filter(link_id__in=list(links))
    with_sums = found.values_list(column).annotate(number=Count("pk"))
    return [(str(value or ""), int(number)) for value, number in with_sums.order_by("-number")[:limit]]


def clicks_in(program: Program, *, span: tuple[datetime, datetime], links: Sequence[UUID] | None) -> QuerySet[Click]:
    """The program's counted clicks of a span, newest first."""
    found = Click.objects.filter(
        program_id=program.pk, is_counted=True, pk__gte=smallest_key(span[0]), pk__lt=smallest_key(span[1])
    )
    return (found if links is None else found.filter(link_id__in=list(links))).order_by("-pk")


def totals_of(
    program: Program, *, span: tuple[datetime, datetime], links: Sequence[UUID] | None, is_test: bool
) -> tuple[int, int, int, int]:
    """Counted clicks (by the hour), leads, sales and revenue of a span."""
    counts = ClickCount.objects.filter(
        program_id=program.pk, hour__gte=span[0].replace(minute=0, second=0, microsecond=0), hour__lt=span[1]
    )
    orders = Conversion.objects.filter(
        program=program, is_test=is_test, occurred_at__gte=span[0], occurred_at__lt=span[1],
        attribution__enrolment__isnull=False,
    )  # fmt: skip
    if links is not None:
        counts = counts.filter(link_id__in=list(links))
        keys = Click.objects.filter(link_id__in=list(links)).values("pk")
        orders = orders.filter(attribution__click_id__in=keys)
    clicks = counts.aggregate(number=Sum("counted"))["number"]
    found = orders.aggregate(
        leads=Count("pk", filter=Q(event=LEAD)),
        sales=Count("pk", filter=~Q(event=LEAD)),
        minor=Sum(F("amount_minor") - F("refunded_minor"), filter=~Q(event=LEAD)),
    )
    return int(clicks or 0), int(found["leads"]), int(found["sales"]), int(found["minor"] or 0)
