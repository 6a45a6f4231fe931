"""Events of all merchants, and of nobody: every request that came to any door."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates.access import may
from affiliates.queries import merchants
from ledger.errors import Refusal
from portal.exports import csv_response
from portal.inbox import screens
from portal.intake.replay import ReplayRefused
from portal.network.pages import page_of, show
from portal.requests import FinanceRequest
from tracking import replay_jobs
from tracking.access import open_any_inbox_request


@require_safe
def events(request: FinanceRequest) -> HttpResponse:
    """The inbox of the house, latest first."""
    at, place = timezone.now(), _place()
    form = screens.filter_of(request, place, at=at, shops=_shops())
    may_act = may(request.roles, "network.members")
    context = screens.list_context(request, place, form, lambda rows: page_of(request, rows), may_act=may_act, at=at)
    return show(
        request, "portal/inbox/events.html", context, place="events", title=_("Events"),
        lead=_("Every request to every door, whosever it is. Nothing received is dropped."),
    )  # fmt: skip


@require_safe
def export(request: FinanceRequest) -> StreamingHttpResponse:
    """The rows of the list as CSV."""
    place = _place()
    asked = screens.filter_of(request, place, at=timezone.now(), shops=_shops()).asked()
    return csv_response("events.csv", screens.csv_header(with_merchant=True), screens.csv_rows(place, asked))


@require_safe
def event(request: FinanceRequest, request_id: str) -> HttpResponse:
    """One request."""
    found = open_any_inbox_request(request_id)
    may_act = may(request.roles, "network.members")
    context = screens.event_context(_place(), found, may_act=may_act, at=timezone.now())
    return show(
        request, "portal/inbox/event.html", context, place="events", title=_("Request"),
        crumbs=[(_("Events"), reverse("network:events"))],
    )  # fmt: skip


@require_POST
def replay(request: FinanceRequest, request_id: str) -> HttpResponse:
    """Handle one request again; it acts with its own merchant's rights."""
    found = open_any_inbox_request(request_id)
    try:
        told = screens.replay_one(found, by=request.user, at=timezone.now())
    except ReplayRefused as refusal:
        messages.error(request, screens.sentence_of_refusal(refusal))
    else:
        screens.say_outcome(request, told)
    return redirect("network:event", found.public_id)


@require_POST
def replay_many(request: FinanceRequest) -> HttpResponse:
    """Handle everything again that fits the filter in the address."""
    at = timezone.now()
    asked = screens.filter_of(request, _place(), at=at, shops=_shops()).asked()
    try:
        job = replay_jobs.start_job(None, asked, by=request.user, at=at)
    except Refusal as refusal:
        messages.error(request, screens.sentence_of_refusal(refusal))
        return redirect("network:events")
    screens.run_job(job)
    return redirect("network:events-job", job.public_id)


@require_safe
def job(request: FinanceRequest, office_job_id: str) -> HttpResponse:
    """A bulk replay: how far it is."""
    context = screens.job_context(_place(), replay_jobs.open_job(None, office_job_id), at=timezone.now())
    return show(
        request, "portal/inbox/job.html", context, place="events", title=_("Handled again"),
        crumbs=[(_("Events"), reverse("network:events"))],
    )  # fmt: skip


@require_POST
def job_cancel(request: FinanceRequest, office_job_id: str) -> HttpResponse:
    """Stop a bulk replay; what it did stays done."""
    found = replay_jobs.cancel_job(replay_jobs.open_job(None, office_job_id), at=timezone.now())
    return redirect("network:events-job", found.public_id)


def _shops() -> list[tuple[str, str]]:
    return list(merchants().order_by("name").values_list("slug", "name"))


def _place() -> screens.Place:
    def url(name: str, *args: str) -> str:
        return reverse(f"network:{name}", args=args)

    def order_url(conversion: Any) -> str:
        # The office reads verdicts; an order's own page is its merchant's.
        return ""

    return screens.Place(None, url, order_url)
