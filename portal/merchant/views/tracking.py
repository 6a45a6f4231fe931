"""Tracking: where a program's links may lead, what is added to them, and the hosts they are shown with."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates.access import may, open_program_of
from affiliates.queries import programs_of
from ledger.errors import Refusal
from portal.errors import sentence_of
from portal.merchant.pages import here, show
from portal.merchant.tracking_forms import DomainForm, OfferForm, PagesForm, ParametersForm
from portal.requests import MerchantRequest
from portal.routing_forms import refuse_at, rule_forms, rules_of
from tracking import domains, program_settings
from tracking.access import open_domain_in, open_landing_page_in
from tracking.queries.links import approved_places_in, places_named, program_links
from tracking.routing import RoutingRefused

if TYPE_CHECKING:
    from affiliates.models import Enrolment, Program
    from tracking.models import ProgramTracking, TrackingDomain

_MOST_NAMES = 200

_WHY_NOT: dict[str, str | Promise] = {
    domains.TXT_MISSING: gettext_lazy("The TXT record is not there yet. New records take minutes, sometimes hours."),
    domains.TXT_WRONG: gettext_lazy("The TXT record says something else. Copy its value again."),
    domains.HOST_MISSING: gettext_lazy("The TXT record is right. The CNAME record is not there yet."),
    domains.POINTS_ELSEWHERE: gettext_lazy("The TXT record is right. The host points elsewhere."),
    domains.DNS_SILENT: gettext_lazy("DNS did not answer. We try again by ourselves."),
}


@require_safe
def tracking(request: MerchantRequest) -> HttpResponse:
    """The first program's page, or word that there is none."""
    program = programs_of(request.merchant).first()
    if program is None:
        return show(request, "tracking.html", {"program": None}, place="tracking", title=_("Tracking"))
    return redirect("merchant:tracking-program", request.merchant.slug, program.slug)


@require_safe
def program(request: MerchantRequest, program_slug: str) -> HttpResponse:
    """A program's settings."""
    return _page(request, open_program_of(request.merchant, program_slug), {})


@require_POST
def save(request: MerchantRequest, program_slug: str) -> HttpResponse:
    """Save one card of the page; what is wrong is said at its field."""
    found = open_program_of(request.merchant, program_slug)
    part = request.POST.get("part", "")
    if part not in _CARDS:
        return redirect("merchant:tracking-program", request.merchant.slug, found.slug)
    name, make, keep = _CARDS[part]
    form = make(request.POST)
    if keep(request, found, form):
        return redirect(f"{here(request, 'tracking-program', found.slug)}#{part}")
    return _page(request, found, {name: form})


@require_http_methods(["GET", "HEAD", "POST"])
def routing(request: MerchantRequest, program_slug: str) -> HttpResponse:
    """Rules on where the program's links lead whom."""
    found = open_program_of(request.merchant, program_slug)
    data = request.POST if request.method == "POST" else None
    forms = rule_forms(data, program_settings.tracking_of(found).routing)
    rules = rules_of(forms) if data is not None else None
    if rules is not None:
        try:
            program_settings.change_tracking(found, routing=rules, by=request.user, at=timezone.now())
        except RoutingRefused as refusal:
            refuse_at(forms, refusal)
        else:
            messages.success(request, _("Saved. The rules hold within seconds."))
            return redirect("merchant:tracking-routing", request.merchant.slug, found.slug)
    back = here(request, "tracking-program", found.slug)
    context = {"forms": forms, "program": found, "hosts": ", ".join(found.allowed_hosts), "back_url": back}
    return show(
        request, "tracking_routing.html", context, place="tracking", title=_("Where links lead"),
        crumbs=[(_("Tracking"), back)], status=422 if any(form.errors for form in forms) else 200,
    )  # fmt: skip


@require_POST
def withdraw_page(request: MerchantRequest, page_id: str) -> HttpResponse:
    """Offer a page no longer."""
    page = open_landing_page_in(request.merchant, page_id)
    program_settings.withdraw_page(page, by=request.user, at=timezone.now())
    messages.success(request, _("The page is no longer offered. Links that lead to it stay as they are."))
    return redirect("merchant:tracking-program", request.merchant.slug, page.program.slug)


@require_POST
def add_domain(request: MerchantRequest) -> HttpResponse:
    """A host of the merchant's own."""
    programs = list(programs_of(request.merchant))
    form = DomainForm(request.POST, programs=[(one.slug, one.name) for one in programs])
    if form.is_valid():
        chosen = next((one for one in programs if one.slug == form.cleaned_data.get("program")), None)
        try:
            domains.add_domain(
                request.merchant, form.cleaned_data["host"], program=chosen, by=request.user, at=timezone.now()
            )
        except Refusal as refusal:
            form.add_error("host", sentence_of(refusal))
        else:
            messages.success(
                request, _("Set the two records below at your DNS provider; we look for them by ourselves.")
            )
            return redirect(f"{here(request, 'tracking')}#domains")
    if not programs:
        return redirect("merchant:tracking", request.merchant.slug)
    return _page(request, programs[0], {"domain_form": form})


@require_POST
def check_domain(request: MerchantRequest, domain_id: str) -> HttpResponse:
    """Look the records up now."""
    domain = domains.verify_domain(open_domain_in(request.merchant, domain_id), at=timezone.now(), by=request.user)
    if domain.status == "verified" and not domain.reason:
        messages.success(
            request, _("%(host)s is verified. Links are shown with it from now on.") % {"host": domain.host}
        )
    else:
        messages.warning(request, str(_WHY_NOT.get(domain.reason, _WHY_NOT[domains.DNS_SILENT])))
    return redirect(f"{here(request, 'tracking')}#domains")


@require_POST
def remove_domain(request: MerchantRequest, domain_id: str) -> HttpResponse:
    """Use a host no longer."""
    domain = open_domain_in(request.merchant, domain_id)
    domains.remove_domain(domain, by=request.user, at=timezone.now())
    messages.success(
        request, _("%(host)s is removed. Links are shown with the network's host.") % {"host": domain.host}
    )
    return redirect(f"{here(request, 'tracking')}#domains")


def _page(request: MerchantRequest, found: "Program", forms: Mapping[str, Any]) -> HttpResponse:
    programs = list(programs_of(request.merchant))
    facts = program_links(request.merchant, program=found)
    template = "\n".join(f"{name}={value}" for name, value in facts.tracking.utm_template.items())
    context = {
        "program": found,
        "facts": facts,
        "may_change": may(request.roles, "merchant.rules"),
        "tabs": [(one.name, here(request, "tracking-program", one.slug), one.pk == found.pk) for one in programs],
        "pages_form": PagesForm(initial=_pages_of(found, facts.tracking)),
        "parameters_form": ParametersForm(initial={"template": template}),
        "offer_form": OfferForm(),
        "domain_form": DomainForm(programs=[(one.slug, one.name) for one in programs]),
        "names": [place.affiliate.name for place in approved_places_in(found)[:_MOST_NAMES]],
        "domains": [_shown(domain) for domain in domains.domains_of(request.merchant)],
        **forms,
    }
    is_wrong = any(form.errors for form in forms.values())
    return show(
        request, "tracking.html", context, place="tracking", title=_("Tracking"), status=422 if is_wrong else 200,
        lead=_("Where your partners' links lead, what is added to them, and the host they are shown with."),
    )  # fmt: skip


def _shown(domain: "TrackingDomain") -> dict[str, Any]:
    return {
        "domain": domain,
        "records": domains.records_for(domain),
        "stops_at": domains.stops_at(domain),
        "why": str(_WHY_NOT[domain.reason]) if domain.reason in _WHY_NOT else "",
    }


def _pages_of(found: "Program", settings: "ProgramTracking") -> dict[str, Any]:
    return {
        "landing_url": found.landing_url,
        "allowed_hosts": "\n".join(found.allowed_hosts),
        "deep_links": settings.deep_links,
        "hide_referrer": settings.hide_referrer,
        "traffic_back_url": settings.traffic_back_url,
        "consent": settings.consent,
        "unique_window_hours": settings.unique_window_hours,
    }


def _save_pages(request: MerchantRequest, found: "Program", form: PagesForm) -> bool:
    if not form.is_valid():
        return False
    said, at = form.cleaned_data, timezone.now()
    names = ("deep_links", "hide_referrer", "traffic_back_url", "consent", "unique_window_hours")
    try:
        with transaction.atomic():
            program_settings.change_hosts(
                found, landing_url=said["landing_url"], allowed_hosts=form.hosts(), by=request.user, at=at
            )
            program_settings.change_tracking(found, by=request.user, at=at, **{name: said[name] for name in names})
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return False
    messages.success(request, _("Saved. Links work so within seconds."))
    return True


def _save_parameters(request: MerchantRequest, found: "Program", form: ParametersForm) -> bool:
    pairs = form.pairs() if form.is_valid() else None
    if pairs is None:
        return False
    try:
        program_settings.change_tracking(found, utm_template=pairs, by=request.user, at=timezone.now())
    except Refusal as refusal:
        name = (refusal.field or "").partition(".")[2]
        form.add_error("template", f"{name}: {refusal.message}" if name else refusal.message)
        return False
    messages.success(request, _("Saved. The parameters are added within seconds."))
    return True


def _save_offer(request: MerchantRequest, found: "Program", form: OfferForm) -> bool:
    if not form.is_valid():
        return False
    said = form.cleaned_data
    place: Enrolment | None = None
    if said["partner"].strip():
        places = places_named(found, said["partner"])
        if len(places) != 1:
            form.add_error(
                "partner",
                _("Several partners have this name. Write the id instead.")
                if places
                else _("No partner in this program has this name or id."),
            )
            return False
        place = places[0]
    try:
        program_settings.offer_page(
            found, name=said["name"], url=said["url"], enrolment=place, by=request.user, at=timezone.now()
        )
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return False
    messages.success(request, _("The page is offered."))
    return True


#: The cards of the page: what their form is called there, how it is made, and what saves it.
_CARDS: dict[str, tuple[str, Callable[..., Any], Callable[..., bool]]] = {
    "links": ("pages_form", PagesForm, _save_pages),
    "parameters": ("parameters_form", ParametersForm, _save_parameters),
    "pages": ("offer_form", OfferForm, _save_offer),
}
