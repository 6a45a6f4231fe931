"""The steps of a run: one verb each, then back to its page."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from ledger.errors import Refusal
from payouts import access, runs, transfers
from payouts.providers import stripe_sender
from payouts.queries import finance
from payouts.stripe import Unavailable
from portal.errors import sentence_of
from portal.finance.forms import NoteForm
from portal.finance.funds import forget_funds, funds_now
from portal.finance.pages import show
from portal.requests import FinanceRequest

if TYPE_CHECKING:
    from payouts.models import PayoutRun


@require_POST
def run_submit(request: FinanceRequest, run_id: str) -> HttpResponse:
    """Hand the run over for approval."""
    run = access.open_run(request.user, run_id, action="finance.prepare")
    return _step(request, run, runs.submit_run, said=_("Submitted. Another person approves it now."))


@require_POST
def run_approve(request: FinanceRequest, run_id: str) -> HttpResponse:
    """Approve the run, as the second person."""
    run = access.open_run(request.user, run_id, action="finance.approve")
    return _step(request, run, runs.approve_run, said=_("Approved. It can be sent."))


@require_POST
def run_return(request: FinanceRequest, run_id: str) -> HttpResponse:
    """Give the run back for review, with a note."""
    run = access.open_run(request.user, run_id, action="finance.approve")
    note = _note(request)
    if note is None:
        return _back(run)
    return _step(request, run, runs.return_run, said=_("Returned for review."), note=note)


@require_http_methods(["GET", "HEAD", "POST"])
def run_start(request: FinanceRequest, run_id: str) -> HttpResponse:
    """Ask once more, then begin to send: the payouts leave after the commit, by the worker."""
    run = access.open_run(request.user, run_id, action="finance.send")
    if request.method == "POST":
        return _step(
            request, run, runs.start_run, said=_("Sending has begun. You can close this page; it goes on by itself.")
        )
    totals = finance.totals_of(run)
    context = {
        "run": run,
        "totals": totals,
        "shortages": funds_now(is_fresh=True).shortages,
        "payouts": sum(total.payouts for total in totals),
        "several_currencies": len(totals) > 1,
        "is_ready": run.status == "approved" and not run.alarm,
    }
    crumbs = [(_("Runs"), reverse("finance:runs")), (run.label, reverse("finance:run", args=[run.public_id]))]
    return show(
        request,
        "run_start.html",
        context,
        place="runs",
        title=_("Send run %(label)s") % {"label": run.label},
        crumbs=crumbs,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def run_cancel(request: FinanceRequest, run_id: str) -> HttpResponse:
    """Ask once more, then cancel a run that has not been sent."""
    run = access.open_run(request.user, run_id, action="finance.prepare")
    if request.method == "POST":
        try:
            transfers.reconcile_after_restore(run, stripe_sender())
        except Unavailable:
            messages.error(
                request, _("Stripe does not answer at the moment. Nothing was changed. Try again in a minute.")
            )
            return _back(run)
        return _step(request, run, runs.cancel_run, said=_("Cancelled. Everything is payable again."))
    context = {
        "run": run,
        "totals": finance.totals_of(run),
        "is_ready": run.status in {"prepared", "submitted", "approved"},
    }
    crumbs = [(_("Runs"), reverse("finance:runs")), (run.label, reverse("finance:run", args=[run.public_id]))]
    return show(
        request,
        "run_cancel.html",
        context,
        place="runs",
        title=_("Cancel run %(label)s") % {"label": run.label},
        crumbs=crumbs,
    )


@require_POST
def run_reconcile(request: FinanceRequest, run_id: str) -> HttpResponse:
    """Compare the run with Stripe's books now, and close it when everything has come to its end."""
    run = access.open_run(request.user, run_id, action="finance.send")
    forget_funds()
    try:
        comparison = transfers.reconcile(run, stripe_sender())
    except Unavailable:
        messages.error(request, _("Stripe does not answer at the moment. Nothing was changed. Try again in a minute."))
        return _back(run)
    runs.close_finished_run(run, at=timezone.now())
    if comparison.alarms:
        messages.error(request, _("Our books and Stripe disagree. Look at the alarm."))
    else:
        messages.success(request, _("Compared with Stripe: both books agree."))
    return _back(run)


@require_POST
def run_clear_alarm(request: FinanceRequest, run_id: str) -> HttpResponse:
    """Say that somebody has looked, with a note, so that the run may go on."""
    run = access.open_run(request.user, run_id, action="finance.approve")
    note = _note(request)
    if note is None:
        return _back(run)
    return _step(request, run, runs.clear_alarm, said=_("The alarm is cleared. The run goes on."), note=note)


def _step(
    request: FinanceRequest, run: "PayoutRun", verb: Callable[..., Any], *, said: str, **more: str
) -> HttpResponse:
    """Do it and say so; a refusal is said on the run's page, except the one about four eyes."""
    try:
        verb(run, by=request.user, at=timezone.now(), **more)
    except Refusal as refusal:
        if refusal.code == "run_needs_second_person":
            raise
        messages.error(request, sentence_of(refusal))
    else:
        messages.success(request, said)
    return _back(run)


def _note(request: FinanceRequest) -> str | None:
    form = NoteForm(request.POST)
    if form.is_valid():
        text: str = form.cleaned_data["note"]
        return text
    messages.error(request, _("Write a note, so that everybody can see why."))
    return None


def _back(run: "PayoutRun") -> HttpResponse:
    return HttpResponseRedirect(reverse("finance:run", args=[run.public_id]))
