"""Creatives: the banners, text links and HTML that partners put on their sites."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates.access import open_program_of
from affiliates.queries import programs_of
from ledger.errors import Refusal
from portal.asset_words import KINDS, language_word
from portal.filters import chips_of, ignored_keys
from portal.merchant.asset_forms import AssetFilterForm, CreativeForm
from portal.merchant.asset_pages import blame, crumbs, last_day, tabs
from portal.merchant.pages import here, page_of, show
from portal.requests import MerchantRequest
from tracking import creatives as verbs
from tracking.queries.assets import creatives_in, open_creative_in

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import Creative


@require_safe
def creatives(request: MerchantRequest) -> HttpResponse:
    """Every creative with its state, and where to see what it brought."""
    at = timezone.now()
    programs = [(one.slug, one.name) for one in programs_of(request.merchant)]
    form = AssetFilterForm(request.GET, programs=programs, has_kinds=True)
    form.is_valid()
    said = form.cleaned_data
    found = creatives_in(
        request.merchant, text=said.get("q", ""), kind=said.get("kind", ""), state=said.get("state", ""),
        program=said.get("program", ""), at=at,
    )  # fmt: skip
    page = page_of(request, found)
    context = {
        "rows": [
            (
                one, one.state_at(at), KINDS[one.kind], language_word(one.language) if one.language else "",
                here(request, "reports", by="creative", creative=one.public_id, period="30d"),
            )
            for one in page.object_list
        ],
        "page": page,
        "filter": form,
        "chips": chips_of(request, {
            "q": said.get("q", ""), "kind": KINDS.get(said.get("kind", ""), ""),
            "state": dict(form.fields["state"].choices).get(said.get("state", ""), ""),  # type: ignore[attr-defined]
            "program": said.get("program", ""),
        }),
        "ignored": ignored_keys(request, form),
        "clear_url": request.path,
        "report_url": here(request, "reports", by="creative"),
        "tabs": tabs(request, "assets"),
    }  # fmt: skip
    return show(
        request, "creatives.html", context, place="assets", title=_("Creatives"),
        lead=_("Banners, text links and HTML that your partners put on their sites, each with the partner's own link."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: MerchantRequest) -> HttpResponse:
    """Add a creative."""
    programs = [(one.slug, one.name) for one in programs_of(request.merchant)]
    if not programs:
        return redirect("merchant:assets", request.merchant.slug)
    data = request.POST if request.method == "POST" else None
    form = CreativeForm(data, request.FILES or None, zone=request.merchant.time_zone, programs=programs)
    if data is not None and form.is_valid():
        at = timezone.now()
        try:
            made = verbs.add_creative(
                open_program_of(request.merchant, form.cleaned_data["program"]),
                _draft(form, form.cleaned_data["kind"], form.starts_at(at)), by=request.user, at=at,
            )  # fmt: skip
        except Refusal as refusal:
            blame(form, refusal)
        else:
            messages.success(request, _("“%(name)s” is in your partners' library.") % {"name": made.name})
            return redirect("merchant:assets", request.merchant.slug)
    return show(
        request, "creative.html", {"form": form, "creative": None}, place="assets", title=_("New creative"),
        crumbs=crumbs(request), status=200 if data is None else 422,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def creative(request: MerchantRequest, creative_id: str) -> HttpResponse:
    """Change a creative."""
    found = open_creative_in(request.merchant, creative_id)
    data = request.POST if request.method == "POST" else None
    form = CreativeForm(
        data, request.FILES or None, zone=request.merchant.time_zone, programs=[], is_new=False, kind=found.kind,
        initial=_initial(found),
    )  # fmt: skip
    if data is not None and form.is_valid():
        try:
            verbs.change_creative(
                found, _draft(form, found.kind, form.starts_at(found.starts_at)), by=request.user, at=timezone.now()
            )
        except Refusal as refusal:
            blame(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("merchant:assets", request.merchant.slug)
    context = {
        "form": form,
        "creative": found,
        "state": found.state_at(timezone.now()),
        "kind": KINDS[found.kind],
        "banner_url": reverse("banner", args=[found.public_id]) if found.path else "",
    }
    return show(
        request, "creative.html", context, place="assets", title=found.name, crumbs=crumbs(request),
        status=200 if data is None else 422,
    )  # fmt: skip


@require_POST
def end(request: MerchantRequest, creative_id: str) -> HttpResponse:
    """Offer a creative no longer."""
    found = verbs.end_creative(open_creative_in(request.merchant, creative_id), by=request.user, at=timezone.now())
    messages.success(
        request,
        _("“%(name)s” has left your partners' library. Where it stands, it goes on working.") % {"name": found.name},
    )
    return redirect("merchant:assets", request.merchant.slug)


def _draft(form: CreativeForm, kind: str, starts_at: Any) -> verbs.CreativeDraft:
    said = form.cleaned_data
    return verbs.CreativeDraft(
        name=said["name"], kind=kind, text=said["text"], target_url=said["target_url"], language=said["language"],
        starts_at=starts_at, ends_at=form.ends_at(), picture=form.picture_bytes(),
    )  # fmt: skip


def _initial(found: "Creative") -> dict[str, Any]:
    return {
        "name": found.name, "text": found.text, "target_url": found.target_url, "language": found.language,
        "starts_on": timezone.localtime(found.starts_at).date(), "ends_on": last_day(found.ends_at),
    }  # fmt: skip
