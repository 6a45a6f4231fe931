"""One payout: its tries, its story, its commissions; taking it out of a run, and letting a held one go on."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from ledger.errors import Refusal
from ledger.journal import events_about
from ledger.money import Money
from payouts import access, runs, transfers
from payouts.fraud.lines import accept_suspicion, holds_in
from payouts.protocol import FREED
from payouts.providers import stripe_sender
from payouts.queries import finance
from payouts.stripe import Unavailable
from portal.errors import sentence_of
from portal.finance.forms import NoteForm
from portal.finance.funds import forget_funds
from portal.finance.pages import page_of, show
from portal.finance.views.ledger import ledger_rows
from portal.finance.words import cause_of, event_words, outcome_words
from portal.fraud_words import rule_words, sentence_for
from portal.requests import FinanceRequest


@require_safe
def payout(request: FinanceRequest, payout_id: str) -> HttpResponse:
    """Everything about one payout."""
    found = access.open_payout(request.user, payout_id)
    items = finance.items_of(found)
    page = page_of(request, items)
    gross = Money(sum(items.values_list("amount_minor", flat=True)), found.currency)
    netted = Money(found.netted_minor, found.currency)
    is_stopped = found.state in {"unsure", "blocked", "cancelled"}
    context = {
        "payout": found,
        "cause": cause_of("unsure" if found.state == "unsure" else found.block_reason) if is_stopped else None,
        "is_held": found.state == "blocked" and found.block_reason not in FREED,
        "page": page,
        "rows": [(item, Money(item.amount_minor, found.currency)) for item in page.object_list],
        "gross": gross,
        "netted": netted,
        "carried": found.amount + netted - gross,
        "attempts": [(one, outcome_words(one.outcome)) for one in finance.attempts_of(found)],
        "log": _log(found.public_id),
        "ledger": ledger_rows(found.public_id),
        "others": finance.other_payouts_of(found),
        "note_form": NoteForm(),
        "suspicions": [
            (hold, rule_words(hold.finding.rule).title, sentence_for("staff", hold.finding.rule, hold.finding.numbers))
            for hold in holds_in(found)
        ],
        "can_accept": found.state == "ready",
        "can_exclude": found.state == "ready" and found.run.status == "prepared",
        "statement": getattr(found, "statement", None),
    }
    return show(
        request, "payout.html", context, place="runs", title=found.affiliate.name,
        lead=_("Payout of run %(label)s") % {"label": found.run.label},
        crumbs=[(_("Runs"), reverse("finance:runs")), (found.run.label, reverse("finance:run", args=[found.run.public_id]))],
    )  # fmt: skip


@require_POST
def payout_exclude(request: FinanceRequest, payout_id: str) -> HttpResponse:
    """Take a payout out of a run under review, with a note."""
    found = access.open_payout(request.user, payout_id, action="finance.prepare")
    form = NoteForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write a note, so that everybody can see why."))
    else:
        try:
            transfers.reconcile_after_restore(found.run, stripe_sender())
            runs.exclude_payout(found, note=form.cleaned_data["note"], by=request.user, at=timezone.now())
        except Refusal as refusal:
            messages.error(request, sentence_of(refusal))
        except Unavailable:
            messages.error(
                request, _("Stripe does not answer at the moment. Nothing was changed. Try again in a minute.")
            )
        else:
            said = _("%(name)s is not in this run any more. The amount stays payable.") % {"name": found.affiliate.name}
            messages.success(request, said)
    return HttpResponseRedirect(reverse("finance:run", args=[found.run.public_id]))


@require_POST
def payout_accept(request: FinanceRequest, payout_id: str) -> HttpResponse:
    """Let a payout go although a finding about its commissions stands, with a note."""
    found = access.open_payout(request.user, payout_id, action="finance.prepare")
    form = NoteForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write a note, so that everybody can see why."))
    else:
        try:
            accept_suspicion(found, note=form.cleaned_data["note"], by=request.user, at=timezone.now())
        except Refusal as refusal:
            messages.error(request, sentence_of(refusal))
        else:
            messages.success(
                request, _("Accepted. What is confirmed later is recovered from what the partner is paid next.")
            )
    return HttpResponseRedirect(reverse("finance:run", args=[found.run.public_id]))


@require_POST
def payout_resume(request: FinanceRequest, payout_id: str) -> HttpResponse:
    """Let a held payout go on: it is looked up at Stripe before anything is sent again."""
    found = access.open_payout(request.user, payout_id, action="finance.send")
    forget_funds()
    try:
        transfers.resume_payout(found, by=request.user)
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        messages.success(request, _("Resumed. It is looked up at Stripe before anything is sent again."))
    return HttpResponseRedirect(reverse("finance:payout", args=[found.public_id]))


def _log(payout_id: str) -> list[dict[str, Any]]:
    log = []
    for event in events_about(payout_id)[:50]:
        reason = str(event.data.get("reason") or "")
        detail = (
            str(cause_of(reason).title) if reason else str(event.data.get("note") or event.data.get("number") or "")
        )
        state = "bad" if event.name in {"payout.blocked", "payout.unsure"} else "done"
        log.append({"what": event_words(event.name), "at": event.at, "detail": detail, "state": state})
    return log
