"""Events: every request that came in, with its verdict, its reason and what was sent; and handling it again."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates.access import may
from ledger.errors import Refusal
from portal.exports import csv_response
from portal.inbox import screens
from portal.intake.replay import ReplayRefused
from portal.merchant.pages import here, page_of, show
from portal.requests import MerchantRequest
from tracking import replay_jobs
from tracking.access import open_inbox_request_in


@require_safe
def events(request: MerchantRequest) -> HttpResponse:
    """The inbox, latest first."""
    at, place = timezone.now(), _place(request)
    form = screens.filter_of(request, place, at=at)
    may_act = may(request.roles, "merchant.review")
    context = screens.list_context(request, place, form, lambda rows: page_of(request, rows), may_act=may_act, at=at)
    return show(
        request, "portal/inbox/events.html", {**context, "setup_url": here(request, "setup")}, place="events",
        title=_("Events"), lead=_("Every request your shop sent, with what became of it. Nothing received is dropped."),
    )  # fmt: skip


@require_safe
def export(request: MerchantRequest) -> StreamingHttpResponse:
    """The rows of the list as CSV."""
    place = _place(request)
    asked = screens.filter_of(request, place, at=timezone.now()).asked()
    return csv_response("events.csv", screens.csv_header(with_merchant=False), screens.csv_rows(place, asked))


@require_safe
def event(request: MerchantRequest, request_id: str) -> HttpResponse:
    """One request: verdict, reason with its remedy, and what was sent."""
    found = open_inbox_request_in(request.merchant, request_id)
    may_act = may(request.roles, "merchant.review")
    context = screens.event_context(_place(request), found, may_act=may_act, at=timezone.now())
    return show(
        request, "portal/inbox/event.html", context, place="events", title=_("Request"),
        crumbs=[(_("Events"), here(request, "events"))],
    )  # fmt: skip


@require_POST
def replay(request: MerchantRequest, request_id: str) -> HttpResponse:
    """Handle one request again."""
    found = open_inbox_request_in(request.merchant, request_id)
    try:
        told = screens.replay_one(found, by=request.user, at=timezone.now())
    except ReplayRefused as refusal:
        messages.error(request, screens.sentence_of_refusal(refusal))
    else:
        screens.say_outcome(request, told)
    return redirect("merchant:event", request.merchant.slug, found.public_id)


@require_POST
def replay_many(request: MerchantRequest) -> HttpResponse:
    """Handle everything again that fits the filter in the address."""
    place, at = _place(request), timezone.now()
    asked = screens.filter_of(request, place, at=at).asked()
    try:
        job = replay_jobs.start_job(request.merchant, asked, by=request.user, at=at)
    except Refusal as refusal:
        messages.error(request, screens.sentence_of_refusal(refusal))
        return redirect("merchant:events", request.merchant.slug)
    screens.run_job(job)
    return redirect("merchant:events-job", request.merchant.slug, job.public_id)


@require_safe
def job(request: MerchantRequest, job_id: str) -> HttpResponse:
    """A bulk replay: how far it is."""
    found = replay_jobs.open_job(request.merchant, job_id)
    context = screens.job_context(_place(request), found, at=timezone.now())
    return show(
        request, "portal/inbox/job.html", context, place="events", title=_("Handled again"),
        crumbs=[(_("Events"), here(request, "events"))],
    )  # fmt: skip


@require_POST
def job_cancel(request: MerchantRequest, job_id: str) -> HttpResponse:
    """Stop a bulk replay; what it did stays done."""
    found = replay_jobs.cancel_job(replay_jobs.open_job(request.merchant, job_id), at=timezone.now())
    return redirect("merchant:events-job", request.merchant.slug, found.public_id)


def _place(request: MerchantRequest) -> screens.Place:
    def url(name: str, *args: str) -> str:
        return here(request, name, *args)

    def order_url(conversion: Any) -> str:
        return here(request, "conversion", conversion.public_id)

    return screens.Place(request.merchant, url, order_url)
