"""Links: the list, a new one, one of them with its QR code."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import segno
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates.queries import enrolments_of
from ledger.errors import Refusal
from ledger.money import Money
from payouts.queries.partner import rates_now, results_by_link
from portal import charts
from portal.affiliate.link_forms import CodeForm, LinkFilter, LinkForm
from portal.affiliate.link_words import refusal_words
from portal.affiliate.pages import PAGE_ROWS, earnings_url, has_several, link_url, show
from portal.affiliate.views.programs import rate_of
from portal.exports import csv_response
from portal.filters import ignored_keys
from portal.formats import format_moment, format_number
from portal.page_words import target_words
from portal.requests import PartnerRequest
from tracking import links as link_verbs
from tracking.access import open_link_of
from tracking.destinations import DestinationRefused
from tracking.queries.links import (
    addresses_of,
    alias_addresses_of,
    arrival_of,
    host_of_links,
    pages_for,
    target_of,
    targets_by_link,
)
from tracking.queries.partner import (
    click_days_of,
    clicks_by_link,
    count_links,
    links_of,
    place_for_page,
)

if TYPE_CHECKING:
    from affiliates.models import Enrolment
    from tracking.models import LandingPage, Link

_CHART_DAYS = 28
_MOST_EXPORTED = 20_000
_EXPORT_CHUNK = 500


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link with what it brought."""

    link: "Link"
    url: str
    clicks: int
    orders: int
    earned: tuple[Money, ...]
    earnings_url: str
    trouble: str


@require_safe
def links(request: PartnerRequest) -> HttpResponse:
    """The affiliate's links with clicks, orders and earnings of each."""
    places = _places(request)
    found, form = _asked(request, places)
    question = form.cleaned_data
    is_retired = request.GET.get("view") == "retired"
    page = Paginator(found, PAGE_ROWS).get_page(request.GET.get("page"))
    rows = _rows(request, list(page.object_list))
    counts = count_links(request.affiliate)
    own = reverse("partner:links")
    context = {
        "rows": rows,
        "page": page,
        "filter": form,
        "ignored": ignored_keys(request, form, known=["view"]),
        "is_filtered": bool(question.get("q") or question.get("program")),
        "most_clicks": max((row.clicks for row in rows), default=0),
        "can_make": any(place.status == "approved" for place in places),
        "several_currencies": has_several([amount for row in rows for amount in row.earned]),
        "export_url": reverse("partner:links-export", query=request.GET.dict() or None),
        "tabs": [
            (_("Active"), own, not is_retired, counts.get("active", 0)),
            (_("Retired"), f"{own}?view=retired", is_retired, counts.get("retired", 0)),
        ],
        "is_retired": is_retired,
    }
    return show(request, "links.html", context, place="links", title=_("Links"))


@require_safe
def export(request: PartnerRequest) -> HttpResponseBase:
    """The list of links as CSV, exactly what the filter shows."""
    found, _form = _asked(request, _places(request))
    chosen = list(found[:_MOST_EXPORTED])
    header = ("link", "code", "label", "page", "program", "state", "clicks", "orders", "earned", "page_problem", "made")

    def lines() -> Any:
        for start in range(0, len(chosen), _EXPORT_CHUNK):
            for row in _rows(request, chosen[start : start + _EXPORT_CHUNK]):
                link = row.link
                yield (
                    row.url, link.code, link.label, link.destination, link.program.name, link.status, row.clicks, row.orders,
                    " + ".join(f"{amount.major} {amount.currency}" for amount in row.earned), row.trouble, link.created_at.isoformat(),
                )  # fmt: skip

    return csv_response("links.csv", header, lines())


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PartnerRequest) -> HttpResponse:
    """The link builder; also where the home page's field leads to."""
    places = [place for place in _places(request) if place.status == "approved"]
    pages = pages_for(places)
    options: dict[str, Any] = {
        "programs": [(place.program.slug, place.program.name) for place in places],
        "pages": [(page.public_id, _page_name(page, places)) for page in pages],
        "hosts": ", ".join(dict.fromkeys(host for place in places for host in place.program.allowed_hosts)),
    }
    if request.method == "POST":
        form = LinkForm(request.POST, **options)
        if places and form.is_valid():
            link = _make(form, places, pages)
            if link is not None:
                messages.success(request, _("Your link is ready. Copy it and share it."))
                return redirect("partner:link", link.code)
    else:
        said = ("program", "page", "destination", "label")
        form = LinkForm(**options, initial={name: request.GET.get(name, "") for name in said})
    rates = rates_now([place.program for place in places], at=timezone.now())
    context = {
        "form": form,
        "places": places,
        "earnings": [(place.program, rate_of(place.program, rates.get(place.program_id))) for place in places],
        "host": host_of_links(places[0].program) if len(places) == 1 else "",
    }
    return show(
        request, "link_new.html", context, place="links", title=_("New link"),
        crumbs=[(_("Links"), reverse("partner:links"))], status=422 if form.errors else 200,
    )  # fmt: skip


@require_safe
def link(request: PartnerRequest, code: str) -> HttpResponse:
    """One link: the address to copy, its QR code, its clicks, what it brought."""
    found = open_link_of(request.affiliate, code)
    if found.code != code:
        return redirect("partner:link", found.code, permanent=False)
    at = timezone.now()
    result = results_by_link(request.affiliate, [found]).get(found.pk)
    url = link_url(found)
    target = target_of(found)
    context: dict[str, Any] = {
        "link": found,
        "link_url": url,
        "aliases": alias_addresses_of(found),
        "arrival": arrival_of(found),
        "target": target,
        "trouble": target_words(target),
        "rules": len(found.routing),
        "may_change": found.enrolment.status == "approved",
        "code_form": CodeForm(auto_id="id_code_%s"),
        "disclosure": _("I earn a commission when you buy through links on this page."),
        "chart": _chart(request, found, at=at),
        "clicks": clicks_by_link([found]).get(found.pk, 0),
        "orders": result.orders if result else 0,
        "earned": result.earned if result else (Money.zero(found.program.currency),),
        "earnings_url": earnings_url(link=found.code),
        "sub_example": f"{url}{'&' if '?' in url else '?'}sub1=newsletter&sub2=2026-11",
        "at": at,
    }
    return show(
        request, "link.html", context, place="links", title=found.label or found.code,
        crumbs=[(_("Links"), reverse("partner:links"))],
    )  # fmt: skip


@require_safe
def qr_code(request: PartnerRequest, code: str) -> HttpResponse:
    """The link as a QR code (ISO/IEC 18004, error correction Q), dark on white in either theme."""
    found = open_link_of(request.affiliate, code)
    drawn = io.BytesIO()
    segno.make_qr(link_url(found), error="q").save(drawn, kind="svg", scale=8, border=4, light="#fff", xmldecl=False)
    response = HttpResponse(drawn.getvalue(), content_type="image/svg+xml")
    if request.GET.get("download"):
        response["Content-Disposition"] = f'attachment; filename="{found.code}.svg"'
    return response


@require_safe
def qr_picture(request: PartnerRequest, code: str) -> HttpResponse:
    """The QR code as PNG, about 1,024 pixels wide: 300 dpi at 8.7 centimetres."""
    found = open_link_of(request.affiliate, code)
    made = segno.make_qr(link_url(found), error="q")
    drawn = io.BytesIO()
    made.save(drawn, kind="png", scale=max(1, round(1024 / made.symbol_size(border=4)[0])), border=4, dpi=300)
    response = HttpResponse(drawn.getvalue(), content_type="image/png")
    response["Content-Disposition"] = f'attachment; filename="{found.code}.png"'
    return response


@require_POST
def retire(request: PartnerRequest, code: str) -> HttpResponse:
    """Take a link out of the lists; shared addresses go on working."""
    found = open_link_of(request.affiliate, code)
    link_verbs.retire_link(found, at=timezone.now())
    messages.success(request, _("The link is retired. Addresses you have shared go on working."))
    return redirect("partner:links")


@require_POST
def restore(request: PartnerRequest, code: str) -> HttpResponse:
    """Take a retired link back into the list."""
    found = open_link_of(request.affiliate, code)
    link_verbs.restore_link(found, at=timezone.now())
    messages.success(request, _("The link is back in your list."))
    return redirect("partner:link", found.code)


def _places(request: PartnerRequest) -> "list[Enrolment]":
    return list(enrolments_of(request.affiliate))


def _asked(request: PartnerRequest, places: "Sequence[Enrolment]") -> "tuple[QuerySet[Link], LinkFilter]":
    """The links that the address asks for."""
    form = LinkFilter(request.GET, programs=[(place.program.slug, place.program.name) for place in places])
    form.is_valid()
    said = form.cleaned_data
    is_retired = request.GET.get("view") == "retired"
    found = links_of(request.affiliate, program=said.get("program", ""), text=said.get("q", ""), is_retired=is_retired)
    return found, form


def _rows(request: PartnerRequest, shown: "list[Link]") -> list[LinkRow]:
    clicks, results = clicks_by_link(shown), results_by_link(request.affiliate, shown)
    addresses, targets = addresses_of(shown), targets_by_link(shown)
    rows = []
    for one in shown:
        result, target = results.get(one.pk), targets.get(one.pk)
        nothing = (Money.zero(one.program.currency),)
        rows.append(LinkRow(
            one, addresses[one.pk], clicks.get(one.pk, 0), result.orders if result else 0,
            result.earned if result else nothing, earnings_url(link=one.code),
            target_words(target) if target is not None and target.is_failing else "",
        ))  # fmt: skip
    return rows


def _page_name(page: "LandingPage", places: "Sequence[Enrolment]") -> str:
    return f"{page.program.name}: {page.name}" if len(places) > 1 else page.name


def _make(form: LinkForm, places: "list[Enrolment]", pages: "list[LandingPage]") -> "Link | None":
    """The link; None with the refusal at its field."""
    said = form.cleaned_data
    place = None
    try:
        chosen = next((page for page in pages if page.public_id == said.get("page")), None)
        place = _place(form, places) if chosen is None else _place_of(chosen, places)
        if place is None:
            return None
        return link_verbs.create_link(
            place,
            destination=chosen.url if chosen else said["destination"],
            label=said["label"],
            code=said["code"],
            presets=form.presets(),
            utm=form.utm() or None,
            at=timezone.now(),
        )
    except Refusal as refusal:
        name, sentence = refusal_words(refusal, [place] if place else places)
        form.add_error(name if name in form.fields else None, sentence)
    return None


def _place_of(page: "LandingPage", places: "list[Enrolment]") -> "Enrolment":
    return next(place for place in places if place.program_id == page.program_id)


def _place(form: LinkForm, places: "list[Enrolment]") -> "Enrolment | None":
    """The place the link is for: the chosen one, the only one, or the one whose program pays for the page."""
    chosen, page = form.cleaned_data.get("program", ""), form.cleaned_data["destination"]
    if chosen:
        return next(place for place in places if place.program.slug == chosen)
    if len(places) == 1:
        return places[0]
    if not page:
        form.add_error("program", _("Choose a program, or paste a page."))
        return None
    found = place_for_page(places, page)
    if found is None:
        raise DestinationRefused("destination_host_not_allowed", page)
    return found


def _chart(request: PartnerRequest, found: "Link", *, at: datetime) -> charts.Chart:
    today = timezone.localdate(at)
    first = today - timedelta(days=_CHART_DAYS - 1)
    since = datetime.combine(first, time(), tzinfo=timezone.get_current_timezone())
    counted = {
        day.day: day.counted
        for day in click_days_of(request.affiliate, since=since, until=at + timedelta(hours=1), link=found)
    }
    days = [first + timedelta(days=number) for number in range(_CHART_DAYS)]
    total = sum(counted.values())
    title = ngettext("%(number)s click in 28 days", "%(number)s clicks in 28 days", total) % {
        "number": format_number(total)
    }
    return charts.columns(
        [format_moment(day, style="short") for day in days],
        [counted.get(day, 0) for day in days],
        title=title, name=_("Clicks"), label_name=_("Day"), unit=_("clicks a day"),
    )  # fmt: skip
