"""What a partner is told of findings: what is kept back and why, until when, and how to say that it is wrong."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from ledger.errors import Refusal
from payouts.access import open_finding_of
from payouts.fraud import answering
from payouts.queries import fraud as fraud_queries
from portal.affiliate.pages import PAGE_ROWS, earning_url, show
from portal.errors import sentence_of
from portal.fraud import NeededReasonForm, lines_of, rows_of, until_of
from portal.fraud_words import rule_words, sentence_for
from portal.requests import PartnerRequest

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import FraudFinding


@require_safe
def holds(request: PartnerRequest) -> HttpResponse:
    """Everything that was or is kept back, the undecided first."""
    page = Paginator(fraud_queries.findings_of(request.affiliate), PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "rows": rows_of(
            list(page.object_list), reader="partner", url_of=lambda one: reverse("partner:hold", args=[one.public_id])
        ),
        "page": page,
        "held": fraud_queries.held_of(request.affiliate),
        "held_url": reverse("partner:earnings", query={"state": "held"}),
    }
    return show(
        request, "holds.html", context, place="earnings", title=_("Kept back"),
        lead=_("Commissions that are being checked. Each has a date by which it is answered or let go."),
        crumbs=[(_("Earnings"), reverse("partner:earnings"))],
    )  # fmt: skip


@require_safe
def hold(request: PartnerRequest, finding_id: str) -> HttpResponse:
    """One finding."""
    return _show(request, open_finding_of(request.affiliate, finding_id), None)


@require_POST
def appeal(request: PartnerRequest, finding_id: str) -> HttpResponse:
    """Say that it is wrong; the network answers."""
    found = open_finding_of(request.affiliate, finding_id)
    form = _appeal_form(request)
    if form.is_valid():
        try:
            answering.appeal_finding(found, form.cleaned_data["text"], by=request.user, at=timezone.now())
        except Refusal as refusal:
            messages.error(request, sentence_of(refusal))
        else:
            messages.success(request, _("The network reads your appeal and answers by the promised date."))
            return redirect("partner:hold", found.public_id)
    return _show(request, found.refreshed(), form, status=400)


def _show(
    request: PartnerRequest, found: "FraudFinding", form: NeededReasonForm | None, *, status: int = 200
) -> HttpResponse:
    words = rule_words(found.rule)
    context = {
        "finding": found,
        "title": str(words.title),
        "sentence": sentence_for("partner", found.rule, found.numbers),
        "until": until_of(found),
        "held": fraud_queries.held_by_finding([found])[found.pk],
        "orders": [
            (row, earning_url(row.commission.public_id)) for row in fraud_queries.orders_of(found) if row.commission
        ],
        "lines": lines_of(fraud_queries.steps_of(found), viewer="partner"),
        "appeal_form": (form or _appeal_form(None)) if answering.may_appeal(found, at=timezone.now()) else None,
        "held_url": "#orders",
    }
    return show(
        request, "hold.html", context, place="earnings", title=words.title,
        lead=f"{found.program.name} · {found.program.merchant.name}",
        crumbs=[(_("Earnings"), reverse("partner:earnings")), (_("Kept back"), reverse("partner:holds"))],
        status=status,
    )  # fmt: skip


def _appeal_form(request: PartnerRequest | None) -> NeededReasonForm:
    return NeededReasonForm(
        request.POST if request is not None else None,
        label=_("How these orders came about"),
        help_text=_("A newsletter, a sale of the shop, a page you were named on: whatever explains it. Links help."),
    )
