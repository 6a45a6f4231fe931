"""Partners: who promotes, what each brought, and who wants to."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates import enrolments
from affiliates.access import open_enrolment_in
from affiliates.queries import channels_of, enrolments_in, members_of
from ledger.errors import Refusal
from payouts.queries.merchant import brought_by
from portal.errors import sentence_of
from portal.filters import chips_of, ignored_keys
from portal.merchant.forms import DeclineForm, PartnerFilterForm
from portal.merchant.pages import has_several, here, page_of, show
from portal.requests import MerchantRequest
from portal.states import state_of


@require_safe
def partners(request: MerchantRequest) -> HttpResponse:
    """Everybody in the merchant's programs, with what each brought so far."""
    form = PartnerFilterForm(request.GET)
    form.is_valid()
    said = form.cleaned_data
    page = page_of(request, members_of(request.merchant, status=said.get("status", ""), text=said.get("q", "")))
    places = list(page.object_list)
    brought = brought_by(places)
    rows = [
        (place, brought[place.pk], here(request, "conversions", partner=place.affiliate.public_id)) for place in places
    ]
    context = {
        "rows": rows,
        "page": page,
        "filter": form,
        "chips": chips_of(request, {
            "status": state_of("enrolment", said.get("status", "")).label if said.get("status") else "",
            "q": said.get("q", ""),
        }),
        "tabs": _tabs(request, "partners"),
        "ignored": ignored_keys(request, form),
        "several_currencies": has_several([row[1].revenue for row in rows]),
        "clear_url": request.path,
    }  # fmt: skip
    return show(request, "partners.html", context, place="partners", title=_("Partners"))


@require_safe
def applications(request: MerchantRequest) -> HttpResponse:
    """Who waits for an answer, the longest waiting first."""
    found = enrolments_in(request.merchant, status="applied").reverse()
    page = page_of(request, found)
    waiting = list(page.object_list)
    channels = channels_of(place.affiliate for place in waiting)
    context = {
        "rows": [(place, channels.get(place.affiliate.public_id, [])) for place in waiting],
        "page": page,
        "decline_form": DeclineForm(auto_id=False),
        "tabs": _tabs(request, "applications"),
    }
    return show(request, "applications.html", context, place="partners", title=_("Applications"))


@require_POST
def approve(request: MerchantRequest, enrolment_id: str) -> HttpResponse:
    """Give a partner its place, or give it back."""
    place = open_enrolment_in(request.merchant, enrolment_id)
    try:
        enrolments.approve_enrolment(place, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        messages.success(request, _("%(name)s is in the program. The link works now.") % {"name": place.affiliate.name})
    return _back(request)


@require_POST
def decline(request: MerchantRequest, enrolment_id: str) -> HttpResponse:
    """Decline an application; the applicant reads the reason."""
    place = open_enrolment_in(request.merchant, enrolment_id)
    form = DeclineForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a reason from the list. The applicant reads it."))
        return _back(request)
    try:
        enrolments.decline_enrolment(place, reason=form.cleaned_data["reason"], by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        messages.success(request, _("The application of %(name)s is declined.") % {"name": place.affiliate.name})
    return _back(request)


@require_POST
def suspend(request: MerchantRequest, enrolment_id: str) -> HttpResponse:
    """Count no new clicks for a partner; what was earned stays owed."""
    place = open_enrolment_in(request.merchant, enrolment_id)
    try:
        enrolments.suspend_enrolment(place, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        messages.success(
            request,
            _("%(name)s is suspended: new clicks do not count, what was earned stays owed.")
            % {"name": place.affiliate.name},
        )
    return _back(request)


def _back(request: MerchantRequest) -> HttpResponse:
    """To the list the button stood on."""
    name = "applications" if request.POST.get("from") == "applications" else "partners"
    return redirect(f"merchant:{name}", request.merchant.slug)


def _tabs(request: MerchantRequest, current: str) -> list[tuple[str, str, bool]]:
    return [
        (_("In the program"), here(request, "partners"), current == "partners"),
        (_("Applications"), here(request, "applications"), current == "applications"),
    ]
