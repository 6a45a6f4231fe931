"""Settings: the profile, the payout account at Stripe, and which of several memberships is worked in."""

import logging
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates.access import open_affiliate
from affiliates.members import update_profile
from affiliates.queries import workspaces_of
from payouts.methods import method_of, refresh_method, start_onboarding
from payouts.stripe import Rejected, Unavailable
from portal.affiliate.forms import CountryForm, ProfileForm
from portal.affiliate.pages import settings_tabs, show
from portal.affiliate.setup import next_step
from portal.errors import SENTENCES
from portal.middleware import CHOSEN_AFFILIATE
from portal.reasons import reason_of
from portal.requests import PartnerRequest

log = logging.getLogger(__name__)


def _policy() -> Mapping[str, Collection[str] | str]:
    """The page's policy: a form's redirect is watched by the page that holds the form, and this one leads to Stripe."""
    usual: Any = settings.SECURE_CSP
    away = ["https://connect.stripe.com", *filter(None, [settings.STRIPE_API_BASE])]
    return {**usual, "form-action": [*usual["form-action"], *away]}


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: PartnerRequest) -> HttpResponse:
    """Name, country, contact; and the person's other memberships."""
    affiliate = request.affiliate
    if request.method == "POST":
        form = ProfileForm(request.POST)
        if form.is_valid():
            update_profile(affiliate, by=request.user, at=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Your profile is saved."))
            return redirect("partner:settings")
    else:
        form = ProfileForm(
            initial={"name": affiliate.name, "country": affiliate.country, "contact_email": affiliate.contact_email}
        )
    memberships = [place for place in workspaces_of(request.user) if place.kind == "partner"]
    context = {
        "form": form,
        "tabs": settings_tabs("profile"),
        "memberships": memberships if len(memberships) > 1 else [],
        "affiliate": affiliate,
    }
    return show(
        request, "settings.html", context, place="settings", title=_("Settings"), status=422 if form.errors else 200
    )


@csp_override(_policy())
@require_safe
def payout(request: PartnerRequest) -> HttpResponse:
    """Where the money goes, and the way to Stripe."""
    return _payout_page(request, CountryForm(initial={"country": request.affiliate.country}))


@csp_override(_policy())
@require_POST
def payout_start(request: PartnerRequest) -> HttpResponse:
    """Hand the partner over to Stripe's own pages by a link that works once."""
    at = timezone.now()
    affiliate = request.affiliate
    if not affiliate.country and method_of(affiliate) is None:
        form = CountryForm(request.POST)
        if not form.is_valid():
            return _payout_page(request, form, status=422)
        affiliate = update_profile(
            affiliate,
            name=affiliate.name,
            contact_email=affiliate.contact_email,
            by=request.user,
            at=at,
            **form.cleaned_data,
        )
    back = request.build_absolute_uri(reverse("partner:payout-return"))
    try:
        address = start_onboarding(affiliate, refresh_url=f"{back}?expired=1", return_url=back, by=request.user, at=at)
    except Unavailable:
        messages.error(request, SENTENCES["stripe_unavailable"])
        return redirect("partner:settings-payout")
    except Rejected as refusal:
        log.warning("onboarding of %s was refused: %s", affiliate.public_id, refusal)
        messages.error(
            request,
            _("Stripe does not take this account as it is. Look at your country and e-mail address, then try again."),
        )
        return redirect("partner:settings-payout")
    # The address is a bearer token: it goes to the browser and nowhere else.
    return HttpResponseRedirect(address)


@require_safe
def payout_return(request: PartnerRequest) -> HttpResponse:
    """Back from Stripe: read the account's standing again. Safe to open at any time."""
    if request.GET.get("expired"):
        messages.info(request, _("The way to Stripe had expired. Start again; what you entered is kept."))
        return redirect("partner:settings-payout")
    method = method_of(request.affiliate)
    if method is None:
        return redirect("partner:settings-payout")
    try:
        method = refresh_method(method, at=timezone.now())
    except (Unavailable, Rejected):
        messages.info(request, _("Stripe does not answer at the moment. The account's state follows by itself."))
        return redirect("partner:settings-payout")
    if method.status == "verified":
        messages.success(request, _("Your payout account is ready."))
    elif method.status == "pending":
        messages.info(request, _("Stripe is not finished yet. Continue, or wait until it has checked your answers."))
    else:
        messages.error(request, _("Stripe needs something more before you can be paid."))
    return redirect("partner:settings-payout")


@require_POST
def switch(request: PartnerRequest) -> HttpResponse:
    """Work in another of one's memberships. Raises NotVisible for one of somebody else."""
    chosen = open_affiliate(request.user, request.POST.get("affiliate", "-"))
    request.session[CHOSEN_AFFILIATE] = chosen.public_id
    messages.success(request, _("You are now in %(name)s.") % {"name": chosen.name})
    return redirect("partner:home")


def _payout_page(request: PartnerRequest, form: CountryForm, *, status: int = 200) -> HttpResponse:
    method = method_of(request.affiliate)
    context = {
        "method": method,
        "account_tail": method.account[-6:] if method else "",
        "step": next_step(request.affiliate, method, at=timezone.now()),
        "reason": str(reason_of(f"payout_method_{method.status}").partner)
        if method and method.status != "verified"
        else "",
        "form": form,
        "asks_country": method is None and not request.affiliate.country,
        "is_standin": settings.STRIPE_IS_STANDIN,
        "tabs": settings_tabs("payout"),
        "at": timezone.now(),
    }
    return show(request, "settings_payout.html", context, place="settings", title=_("Settings"), status=status)
