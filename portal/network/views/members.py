"""Partners, merchants and people."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates import lifecycle
from affiliates.access import open_any_affiliate
from affiliates.queries import (
    all_affiliates,
    channels_of,
    enrolments_of,
    merchants_with_programs,
    people,
    people_of,
    role_choices,
    users_by_id,
)
from ledger.errors import Refusal
from ledger.journal import events_about
from payouts.methods import method_of
from portal.errors import sentence_of
from portal.filters import chips_of, ignored_keys
from portal.network.forms import PartnersFilter, PeopleFilter, ReasonForm
from portal.network.pages import page_of, show
from portal.network.words import event_words
from portal.requests import FinanceRequest
from portal.states import state_of


@require_safe
def partners(request: FinanceRequest) -> HttpResponse:
    """All members under a question."""
    form = PartnersFilter(request.GET)
    form.is_valid()
    said = form.cleaned_data
    page = page_of(request, all_affiliates(status=said.get("status", ""), text=said.get("q", "")))
    labels = {
        "q": _("Name or address: %(text)s") % {"text": said.get("q")},
        "status": str(state_of("affiliate", said.get("status") or "").label),
    }
    context = {
        "page": page,
        "filter": form,
        "chips": chips_of(request, {name: label for name, label in labels.items() if said.get(name)}),
        "ignored": ignored_keys(request, form),
    }
    return show(request, "partners.html", context, place="partners", title=_("Partners"))


@require_safe
def partner(request: FinanceRequest, affiliate_id: str) -> HttpResponse:
    """One member: standing, places, people, what happened."""
    return _partner(request, affiliate_id, ReasonForm())


@require_POST
def partner_freeze(request: FinanceRequest, affiliate_id: str) -> HttpResponse:
    """Stop a member's payouts, with a reason; it keeps earning."""
    found = open_any_affiliate(request.user, affiliate_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _partner(request, affiliate_id, form, status=400)
    try:
        lifecycle.freeze_affiliate(found, reason=form.cleaned_data["reason"], by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        messages.success(request, _("%(name)s is frozen. Payouts stop before their next step.") % {"name": found.name})
    return _back(found.public_id)


@require_POST
def partner_unfreeze(request: FinanceRequest, affiliate_id: str) -> HttpResponse:
    """Let a member's payouts go out again."""
    found = open_any_affiliate(request.user, affiliate_id)
    try:
        lifecycle.unfreeze_affiliate(found, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        messages.success(
            request, _("%(name)s is active again. What waited goes with the next run.") % {"name": found.name}
        )
    return _back(found.public_id)


@require_safe
def merchants(request: FinanceRequest) -> HttpResponse:
    """All merchants with their programs."""
    page = page_of(request, merchants_with_programs())
    context = {"page": page, "ignored": sorted(set(request.GET) - {"page"})}
    return show(request, "merchants.html", context, place="merchants", title=_("Merchants"))


@require_safe
def people_list(request: FinanceRequest) -> HttpResponse:
    """Everybody, and what each may do where."""
    form = PeopleFilter(request.GET)
    form.is_valid()
    said = form.cleaned_data
    page = page_of(request, people(role=said.get("role", ""), text=said.get("q", "")))
    labels = {
        "q": _("Name or address: %(text)s") % {"text": said.get("q")},
        "role": str(dict(role_choices()).get(said.get("role") or "", "")),
    }
    context = {
        "page": page,
        "rows": [(one, [_grant(grant) for grant in one.grants.all()]) for one in page.object_list],
        "filter": form,
        "chips": chips_of(request, {name: label for name, label in labels.items() if said.get(name)}),
        "ignored": ignored_keys(request, form),
    }
    return show(
        request, "people.html", context, place="people", title=_("People"),
        lead=_("Everybody who can sign in, and what each may do where."),
    )  # fmt: skip


def _partner(request: FinanceRequest, affiliate_id: str, form: ReasonForm, *, status: int = 200) -> HttpResponse:
    found = open_any_affiliate(request.user, affiliate_id)
    events = list(events_about(found.public_id).filter(name__startswith="affiliate.")[:30])
    actors = users_by_id(event.actor for event in events if event.actor)
    context = {
        "affiliate": found,
        "method": method_of(found),
        "channels": channels_of([found]).get(found.public_id, []),
        "places": enrolments_of(found),
        "people": people_of(found),
        "form": form,
        "log": [
            {
                "what": event_words(event.name),
                "at": event.at,
                "detail": " · ".join(
                    part for part in (actors.get(event.actor, ""), str(event.data.get("reason") or "")) if part
                ),
                "state": "bad" if event.name in {"affiliate.frozen", "affiliate.closed"} else "done",
            }
            for event in events
        ],
    }
    return show(
        request, "partner.html", context, place="partners", title=found.name,
        crumbs=[(_("Partners"), reverse("network:partners"))], status=status,
    )  # fmt: skip


def _grant(grant: Any) -> tuple[str, str]:
    """A role in words, and where it holds."""
    where = grant.merchant or grant.affiliate
    return str(grant.get_role_display()), str(where) if where else ""


def _back(affiliate_id: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("network:partner", args=[affiliate_id]))
