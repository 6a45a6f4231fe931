"""Deals: dated offers that partners tell their readers of."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates.access import open_enrolment_in, open_program_of
from affiliates.queries import enrolments_in, programs_of
from ledger.errors import Refusal
from portal.filters import chips_of, ignored_keys
from portal.merchant.asset_forms import AssetFilterForm, DealForm
from portal.merchant.asset_pages import blame, crumbs, last_day, tabs
from portal.merchant.pages import here, page_of, show
from portal.requests import MerchantRequest
from tracking import deals as verbs
from tracking.queries.assets import deals_in, open_deal_in

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import Deal


@require_safe
def deals(request: MerchantRequest) -> HttpResponse:
    """Every deal with its days and for whom it is."""
    at = timezone.now()
    programs = [(one.slug, one.name) for one in programs_of(request.merchant)]
    form = AssetFilterForm(request.GET, programs=programs, has_kinds=False)
    form.is_valid()
    said = form.cleaned_data
    found = deals_in(
        request.merchant, text=said.get("q", ""), state=said.get("state", ""), program=said.get("program", ""), at=at
    )
    page = page_of(request, found)
    context = {
        "rows": [
            (
                one, one.state_at(at), [place.affiliate.name for place in one.places.all()],
                here(request, "reports", by="creative", creative=one.public_id, period="30d"),
            )
            for one in page.object_list
        ],
        "page": page,
        "filter": form,
        "chips": chips_of(request, {
            "q": said.get("q", ""),
            "state": dict(form.fields["state"].choices).get(said.get("state", ""), ""),  # type: ignore[attr-defined]
            "program": said.get("program", ""),
        }),
        "ignored": ignored_keys(request, form),
        "clear_url": request.path,
        "tabs": tabs(request, "deals"),
    }  # fmt: skip
    return show(
        request, "deals.html", context, place="assets", title=_("Deals"),
        lead=_("What you offer customers for a time. Partners tell of it with their own link, until it ends."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: MerchantRequest) -> HttpResponse:
    """Add a deal."""
    programs = [(one.slug, one.name) for one in programs_of(request.merchant)]
    if not programs:
        return redirect("merchant:deals", request.merchant.slug)
    data = request.POST if request.method == "POST" else None
    form = DealForm(
        data, zone=request.merchant.time_zone, programs=programs, partners=_partners(request, several=len(programs) > 1)
    )
    if data is not None and form.is_valid():
        at = timezone.now()
        # Twice the same form on one day is the same deal.
        today = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            made = verbs.add_deal(
                open_program_of(request.merchant, form.cleaned_data["program"]),
                _draft(request, form, form.starts_at(today)), by=request.user, at=at,
            )  # fmt: skip
        except Refusal as refusal:
            blame(form, refusal)
        else:
            messages.success(request, _("“%(name)s” is in your partners' list of deals.") % {"name": made.title})
            return redirect("merchant:deals", request.merchant.slug)
    return show(
        request, "deal.html", {"form": form, "deal": None}, place="assets", title=_("New deal"),
        crumbs=crumbs(request, is_deal=True), status=200 if data is None else 422,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def deal(request: MerchantRequest, deal_id: str) -> HttpResponse:
    """Change a deal."""
    found = open_deal_in(request.merchant, deal_id)
    data = request.POST if request.method == "POST" else None
    form = DealForm(
        data, zone=request.merchant.time_zone, programs=[], partners=_partners(request, found), initial=_initial(found)
    )
    if data is not None and form.is_valid():
        try:
            verbs.change_deal(
                found, _draft(request, form, form.starts_at(found.starts_at)), by=request.user, at=timezone.now()
            )
        except Refusal as refusal:
            blame(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("merchant:deals", request.merchant.slug)
    context = {"form": form, "deal": found, "state": found.state_at(timezone.now())}
    return show(
        request, "deal.html", context, place="assets", title=found.title, crumbs=crumbs(request, is_deal=True),
        status=200 if data is None else 422,
    )  # fmt: skip


@require_POST
def end(request: MerchantRequest, deal_id: str) -> HttpResponse:
    """Take a deal out of every list."""
    found = verbs.end_deal(open_deal_in(request.merchant, deal_id), by=request.user, at=timezone.now())
    messages.success(request, _("“%(name)s” has left your partners' lists.") % {"name": found.title})
    return redirect("merchant:deals", request.merchant.slug)


def _partners(request: MerchantRequest, found: "Deal | None" = None, *, several: bool = False) -> list[tuple[str, str]]:
    places = enrolments_in(request.merchant, status="approved").order_by("affiliate__name", "pk")
    if found is not None:
        places = places.filter(program=found.program_id)
    named = [
        (place.public_id, f"{place.affiliate.name} · {place.program.name}" if several else place.affiliate.name)
        for place in places
    ]
    if found is not None:
        # Whoever has lost the place meanwhile stays named until the merchant takes it out.
        known = dict(named)
        left = found.places.select_related("affiliate", "program__merchant")
        named += [(place.public_id, place.affiliate.name) for place in left if place.public_id not in known]
    return named


def _draft(request: MerchantRequest, form: DealForm, starts_at: Any) -> verbs.DealDraft:
    said = form.cleaned_data
    return verbs.DealDraft(
        title=said["title"], starts_at=starts_at, ends_at=form.ends_at(), terms=said["terms"], code=said["code"],
        target_url=said["target_url"],
        places=[open_enrolment_in(request.merchant, one) for one in said.get("places", [])],
    )  # fmt: skip


def _initial(found: "Deal") -> dict[str, Any]:
    return {
        "title": found.title, "terms": found.terms, "code": found.code, "target_url": found.target_url,
        "starts_on": timezone.localtime(found.starts_at).date(), "ends_on": last_day(found.ends_at),
        "places": [place.public_id for place in found.places.all()],
    }  # fmt: skip
