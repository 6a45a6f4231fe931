"""Programs: one's own places, the directory, joining and leaving."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates import enrolments as enrolment_verbs
from affiliates.access import open_enrolment_of, open_public_program
from affiliates.errors import NotVisible
from affiliates.queries import enrolments_of, open_programs, terms_of
from ledger.errors import Refusal
from payouts.claims.policies import policy_of
from payouts.queries.claims import figures_of as claim_figures_of
from payouts.queries.partner import RatesNow, rates_now
from payouts.queries.public import program_facts
from portal.affiliate.forms import JoinForm
from portal.affiliate.pages import show
from portal.claims import minutes_text, share_text
from portal.errors import sentence_of
from portal.explain import event_words, rate_text
from portal.formats import explained
from portal.requests import PartnerRequest
from tracking import links as link_verbs

if TYPE_CHECKING:
    from affiliates.models import Enrolment, Program


@dataclass(frozen=True, slots=True)
class ProgramRow:
    """A program with what it pays now, and the affiliate's place in it where there is one."""

    program: "Program"
    rate: SafeString
    place: "Enrolment | None" = None


@require_safe
def programs(request: PartnerRequest) -> HttpResponse:
    """The affiliate's programs, and the open ones it could join."""
    at = timezone.now()
    places = list(enrolments_of(request.affiliate))
    taken = {place.program_id for place in places if place.status != "left"}
    offered = [program for program in open_programs() if program.pk not in taken]
    rates = rates_now([*(place.program for place in places), *offered], at=at)
    context = {
        "mine": [
            ProgramRow(place.program, rate_of(place.program, rates.get(place.program_id)), place)
            for place in places
            if place.status != "left"
        ],
        "directory": [ProgramRow(program, rate_of(program, rates.get(program.pk))) for program in offered],
    }
    return show(request, "programs.html", context, place="programs", title=_("Programs"))


@require_safe
def program(request: PartnerRequest, slug: str) -> HttpResponse:
    """One program: what it pays now, its terms in every version, one's place in it."""
    found, place = _open(request, slug)
    at = timezone.now()
    facts = program_facts(found, at=at)
    rates = rates_now([found], at=at).get(found.pk)
    context = {
        "program": found,
        "place": place,
        "facts": facts,
        "rates": rates,
        "lines": list(_lines(found, rates)),
        "terms": list(terms_of(found)),
        "join_form": JoinForm(),
        "can_join": found.status == "open" and (place is None or place.status == "left"),
        "can_leave": place is not None and place.status in {"approved", "applied", "suspended"},
        "decline_reason": place.get_decline_reason_display() if place and place.decline_reason else "",
        "at": at,
        "claim_policy": policy_of(found.merchant),
        "claim_figures": (figures := claim_figures_of(found.merchant, at=at)),
        "in_time": share_text(figures.in_time_share),
        "accepted_claims": share_text(figures.accepted_share),
        "usual_reply": minutes_text(figures.median_minutes),
    }
    return show(
        request, "program.html", context, place="programs", title=found.name,
        lead=found.merchant.name, crumbs=[(_("Programs"), reverse("partner:programs"))],
    )  # fmt: skip


@require_POST
def join(request: PartnerRequest, slug: str) -> HttpResponse:
    """Join or apply; where there is a place at once, its first link is made too."""
    at = timezone.now()
    found = open_public_program(slug)
    form = JoinForm(request.POST)
    message = form.cleaned_data["message"] if form.is_valid() else ""
    try:
        place = enrolment_verbs.join_program(request.affiliate, found, message=message, at=at)
        if place.status == "approved":
            made = link_verbs.create_link(place, at=at)
            messages.success(request, _("You are in. Your link to %(program)s is ready.") % {"program": found.name})
            return redirect("partner:link", made.code)
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
        return redirect("partner:program", slug)
    if place.status == "applied":
        messages.success(
            request,
            _("Your application is with %(merchant)s. You read the answer here.") % {"merchant": found.merchant.name},
        )
    return redirect("partner:program", slug)


@require_POST
def leave(request: PartnerRequest, slug: str) -> HttpResponse:
    """Give the place up; what was earned stays owed."""
    place = open_enrolment_of(request.affiliate, slug)
    try:
        enrolment_verbs.leave_program(place, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        messages.success(
            request,
            _("You have left %(program)s. What you earned stays owed to you.") % {"program": place.program.name},
        )
    return redirect("partner:programs")


def _open(request: PartnerRequest, slug: str) -> "tuple[Program, Enrolment | None]":
    """One's own program whatever its state, or a public one. Raises NotVisible."""
    try:
        place = open_enrolment_of(request.affiliate, slug)
    except NotVisible:
        return open_public_program(slug), None
    return place.program, place


def rate_of(program: "Program", rates: RatesNow | None) -> SafeString:
    """What a program pays, in short: "20% per sale · $5.00 per lead"."""
    return format_html_join(" · ", "{}", ((rate,) for rate, _name in _lines(program, rates)))


def _lines(program: "Program", rates: RatesNow | None) -> Iterator[tuple[SafeString, str]]:
    url = f"{reverse('partner:program', args=[program.slug])}#rules"
    for line in rates.lines if rates else ():
        rate = explained(rate_text(line), url) if line.flat is not None else rate_text(line)
        yield format_html(_("{rate} per {event}"), rate=rate, event=event_words(line.event)), line.name
