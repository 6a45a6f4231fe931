"""What a partner changes about a link: its page and parameters, its codes, its rules; and a look at the page."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from ledger.errors import Refusal
from portal.affiliate.link_forms import LEFT_OUT, CodeForm, EditForm
from portal.affiliate.link_words import refusal_words
from portal.affiliate.pages import Text, link_url, show
from portal.errors import sentence_of
from portal.page_words import target_words
from portal.requests import PartnerRequest
from portal.routing_forms import refuse_at, rule_forms, rules_of
from tracking import links as link_verbs
from tracking.access import open_link_of
from tracking.queries.links import trackings_of
from tracking.routing import RoutingRefused
from tracking.targets import check_now

if TYPE_CHECKING:
    from tracking.models import Link


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PartnerRequest, code: str) -> HttpResponse:
    """Another page, another label, other parameters."""
    found = open_link_of(request.affiliate, code)
    initial = {"destination": found.destination, "label": found.label, **found.presets}
    initial |= {name: text or LEFT_OUT for name, text in found.utm.items()}
    hosts = ", ".join(found.program.allowed_hosts)
    form = EditForm(request.POST if request.method == "POST" else None, hosts=hosts, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            changed = link_verbs.change_link(
                found, destination=said["destination"], label=said["label"], presets=form.presets(), utm=form.utm(),
                at=timezone.now(),
            )  # fmt: skip
        except Refusal as refusal:
            name, sentence = refusal_words(refusal, [found.enrolment])
            form.add_error(name if name in form.fields else None, sentence)
        else:
            messages.success(request, _("Saved. The link works so within seconds."))
            return redirect("partner:link", changed.code)
    template = trackings_of([found.program])[found.program_id].utm_template
    context = {"form": form, "link": found, "link_url": link_url(found), "template": template}
    return show(
        request, "link_edit.html", context, place="links", title=_("Change link"), crumbs=_crumbs(found),
        status=422 if form.errors else 200,
    )  # fmt: skip


@require_POST
def add_code(request: PartnerRequest, code: str) -> HttpResponse:
    """Another code, shown from now on or kept beside the main one."""
    found = open_link_of(request.affiliate, code)
    form = CodeForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("partner:link", found.code)
    try:
        verb = link_verbs.rename_link if form.cleaned_data["is_main"] else link_verbs.add_alias
        found = verb(found, form.cleaned_data["code"], at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        messages.success(request, _("Done. Every code of this link works for ever."))
    return redirect("partner:link", found.code)


@require_http_methods(["GET", "HEAD", "POST"])
def routing(request: PartnerRequest, code: str) -> HttpResponse:
    """Rules on where the link leads whom."""
    found = open_link_of(request.affiliate, code)
    data = request.POST if request.method == "POST" else None
    forms = rule_forms(data, found.routing)
    rules = rules_of(forms) if data is not None else None
    if rules is not None:
        try:
            link_verbs.route_link(found, rules, at=timezone.now())
        except RoutingRefused as refusal:
            refuse_at(forms, refusal)
        except Refusal as refusal:
            forms[0].add_error(None, refusal_words(refusal, [found.enrolment])[1])
        else:
            messages.success(request, _("Saved. The rules hold within seconds."))
            return redirect("partner:link-routing", found.code)
    context = {
        "forms": forms,
        "link": found,
        "hosts": ", ".join(found.program.allowed_hosts),
        "program_rules": len(trackings_of([found.program])[found.program_id].routing),
        "back_url": reverse("partner:link", args=[found.code]),
    }
    return show(
        request, "link_routing.html", context, place="links", title=_("Where the link leads"), crumbs=_crumbs(found),
        status=422 if any(form.errors for form in forms) else 200,
    )  # fmt: skip


@require_POST
def check(request: PartnerRequest, code: str) -> HttpResponse:
    """Look at the link's page now."""
    found = open_link_of(request.affiliate, code)
    trouble = target_words(check_now(found.destination, at=timezone.now()))
    if trouble:
        messages.warning(request, trouble)
    else:
        messages.success(request, _("The page is there."))
    return redirect("partner:link", found.code)


def _crumbs(found: "Link") -> list[tuple[Text, str]]:
    return [
        (_("Links"), reverse("partner:links")),
        (found.label or found.code, reverse("partner:link", args=[found.code])),
    ]
