"""Links: the list, a new one, one of them with its QR code."""

import io
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import segno
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates.queries import enrolments_of
from ledger.errors import Refusal
from ledger.money import Money
from payouts.queries.partner import results_by_link
from portal import charts
from portal.affiliate.forms import LinkFilter, LinkForm
from portal.affiliate.pages import PAGE_ROWS, earnings_url, has_several, link_url, show
from portal.errors import sentence_of
from portal.filters import ignored_keys
from portal.formats import format_moment, format_number
from portal.requests import PartnerRequest
from tracking import links as link_verbs
from tracking.access import open_link_of
from tracking.destinations import DestinationRefused
from tracking.errors import CodeTaken
from tracking.queries.partner import (
    click_days_of,
    clicks_by_link,
    count_links,
    links_of,
    place_for_page,
)

if TYPE_CHECKING:
    from affiliates.models import Enrolment
    from tracking.models import Link

_CHART_DAYS = 28


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link with what it brought."""

    link: "Link"
    url: str
    clicks: int
    orders: int
    earned: tuple[Money, ...]
    earnings_url: str


@require_safe
def links(request: PartnerRequest) -> HttpResponse:
    """The affiliate's links with clicks, orders and earnings of each."""
    places = _places(request)
    form = LinkFilter(request.GET, programs=[(place.program.slug, place.program.name) for place in places])
    question = form.cleaned_data if form.is_valid() else {**form.cleaned_data}
    is_retired = request.GET.get("view") == "retired"
    found = links_of(
        request.affiliate, program=question.get("program", ""), text=question.get("q", ""), is_retired=is_retired
    )
    page = Paginator(found, PAGE_ROWS).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    clicks, results = clicks_by_link(shown), results_by_link(request.affiliate, shown)
    rows = []
    for link in shown:
        result = results.get(link.pk)
        nothing = (Money.zero(link.program.currency),)
        rows.append(LinkRow(
            link, link_url(link), clicks.get(link.pk, 0), result.orders if result else 0,
            result.earned if result else nothing, earnings_url(link=link.code),
        ))  # fmt: skip
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
        "tabs": [
            (_("Active"), own, not is_retired, counts.get("active", 0)),
            (_("Retired"), f"{own}?view=retired", is_retired, counts.get("retired", 0)),
        ],
        "is_retired": is_retired,
    }
    return show(request, "links.html", context, place="links", title=_("Links"))


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PartnerRequest) -> HttpResponse:
    """The link builder; also where the home page's field leads to."""
    places = [place for place in _places(request) if place.status == "approved"]
    choices = [(place.program.slug, place.program.name) for place in places]
    hosts = ", ".join(dict.fromkeys(host for place in places for host in place.program.allowed_hosts))
    if request.method == "POST":
        form = LinkForm(request.POST, programs=choices, hosts=hosts)
        if places and form.is_valid():
            link = _make(form, places)
            if link is not None:
                messages.success(request, _("Your link is ready. Copy it and share it."))
                return redirect("partner:link", link.code)
    else:
        form = LinkForm(programs=choices, hosts=hosts, initial={"program": request.GET.get("program", "")})
    return show(
        request, "link_new.html", {"form": form, "places": places}, place="links", title=_("New link"),
        crumbs=[(_("Links"), reverse("partner:links"))], status=422 if form.errors else 200,
    )  # fmt: skip


@require_safe
def link(request: PartnerRequest, code: str) -> HttpResponse:
    """One link: the address to copy, its QR code, its clicks, what it brought."""
    found = open_link_of(request.affiliate, code)
    at = timezone.now()
    result = results_by_link(request.affiliate, [found]).get(found.pk)
    url = link_url(found)
    context: dict[str, Any] = {
        "link": found,
        "link_url": url,
        "chart": _chart(request, found, at=at),
        "clicks": clicks_by_link([found]).get(found.pk, 0),
        "orders": result.orders if result else 0,
        "earned": result.earned if result else (Money.zero(found.program.currency),),
        "earnings_url": earnings_url(link=found.code),
        "sub_example": f"{url}?sub1=newsletter&sub2=2026-11",
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


@require_POST
def retire(request: PartnerRequest, code: str) -> HttpResponse:
    """Take a link out of the lists; shared addresses go on working."""
    found = open_link_of(request.affiliate, code)
    link_verbs.retire_link(found, at=timezone.now())
    messages.success(request, _("The link is retired. Addresses you have shared go on working."))
    return redirect("partner:links")


def _places(request: PartnerRequest) -> "list[Enrolment]":
    return list(enrolments_of(request.affiliate))


def _make(form: LinkForm, places: "list[Enrolment]") -> "Link | None":
    """The link; None with the refusal at its field."""
    said = form.cleaned_data
    place = None
    try:
        place = _place(form, places)
        if place is None:
            return None
        return link_verbs.create_link(
            place, destination=said["destination"], label=said["label"].strip(), code=said["code"], at=timezone.now()
        )
    except DestinationRefused as refusal:
        form.add_error("destination", _destination_sentence(refusal, [place] if place else places))
    except CodeTaken as refusal:
        if refusal.field == "label":
            form.add_error(
                "label",
                _("You have a link to this page under this label. Give it another label, or leave the code empty."),
            )
        else:
            form.add_error("code", sentence_of(refusal))
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
    return None


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


def _destination_sentence(refusal: DestinationRefused, places: "list[Enrolment]") -> str:
    if refusal.code == "destination_host_not_allowed":
        return " ".join(
            _("%(merchant)s pays only for pages on %(hosts)s.") % {
                "merchant": place.program.merchant.name, "hosts": _(" and ").join(place.program.allowed_hosts),
            }
            for place in places
        ) + " " + _("Paste a page from one of these sites.")  # fmt: skip
    return {
        "destination_not_https": _("The address must begin with https://. Paste the page's secure address."),
        "destination_has_userinfo": _("The address carries a user name before the @. Paste it without."),
        "destination_too_long": _("The address is too long for a link. Paste it without its tracking parameters."),
    }.get(refusal.code, _("This is no address of a page. Copy it from the browser's address bar."))


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
