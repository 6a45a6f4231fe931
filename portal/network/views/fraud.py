"""Findings before the network: appeals, what merchants want confirmed, and everything else that was found."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates.access import may
from ledger.errors import Refusal
from payouts.access import open_any_finding
from payouts.fraud import answering
from payouts.queries import fraud as fraud_queries
from portal.errors import sentence_of
from portal.exports import csv_response
from portal.filters import chips_of, ignored_keys
from portal.fraud import (
    FindingFilterForm,
    NeededReasonForm,
    ReasonForm,
    csv_header,
    csv_rows,
    finding_context,
    rows_of,
)
from portal.network.pages import page_of, show
from portal.requests import FinanceRequest

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import FraudFinding


@require_safe
def findings(request: FinanceRequest) -> HttpResponse:
    """Every finding, those first that the network was asked about."""
    form = FindingFilterForm(request.GET)
    found = fraud_queries.findings_of_the_network(form.question())
    page = page_of(request, found)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "rows": rows_of(
            list(page.object_list),
            reader="merchant",
            url_of=lambda one: reverse("network:finding", args=[one.public_id]),
        ),
        "page": page,
        "totals": fraud_queries.totals_of(found),
        "filter": form,
        "chips": chips_of(request, form.chip_labels()),
        "ignored": ignored_keys(request, form),
        "clear_url": request.path,
        "here": request.get_full_path(),
        "export_url": f"{reverse('network:fraud-export')}?{query.urlencode()}",
        "waiting": fraud_queries.waiting_for_the_network(),
    }
    return show(
        request, "findings.html", context, place="fraud", title=_("Fraud"),
        lead=_("Appeals and what merchants want confirmed wait for you. What you do not answer in time is let go."),
    )  # fmt: skip


@require_safe
def export(request: FinanceRequest) -> HttpResponseBase:
    """The same list as CSV."""
    form = FindingFilterForm(request.GET)
    return csv_response("findings.csv", csv_header(), csv_rows(fraud_queries.findings_of_the_network(form.question())))


@require_safe
def finding(request: FinanceRequest, finding_id: str) -> HttpResponse:
    """One finding."""
    return _show(request, open_any_finding(request.user, finding_id))


@require_POST
def release(request: FinanceRequest, finding_id: str) -> HttpResponse:
    """Not fraud: what was kept back goes on."""

    def verb(found: "FraudFinding", text: str) -> "FraudFinding":
        return answering.release_finding(found, text, side="network", by=request.user, at=timezone.now())

    return _answer(request, finding_id, verb, ReasonForm, _("Released. The partner and the merchant were told."))


@require_POST
def confirm(request: FinanceRequest, finding_id: str) -> HttpResponse:
    """Fraud: what was kept back is reversed."""

    def verb(found: "FraudFinding", text: str) -> "FraudFinding":
        return answering.confirm_finding(found, text, by=request.user, at=timezone.now())

    return _answer(
        request, finding_id, verb, NeededReasonForm, _("Confirmed. The commissions are reversed in the books.")
    )


@require_POST
def hold(request: FinanceRequest, finding_id: str) -> HttpResponse:
    """Keep the commissions back until it is answered."""

    def verb(found: "FraudFinding", text: str) -> "FraudFinding":
        return answering.hold_finding(found, text, side="network", by=request.user, at=timezone.now())

    return _answer(
        request, finding_id, verb, ReasonForm,
        _("The commissions are kept back, and the partner was told why and until when."),
    )  # fmt: skip


def _answer(
    request: FinanceRequest,
    finding_id: str,
    verb: Callable[["FraudFinding", str], "FraudFinding"],
    kind: type[ReasonForm],
    done: str,
) -> HttpResponse:
    found = open_any_finding(request.user, finding_id, action="network.fraud")
    form = kind(request.POST)
    if form.is_valid():
        try:
            verb(found, form.cleaned_data["text"])
        except Refusal as refusal:
            messages.error(request, sentence_of(refusal))
        else:
            messages.success(request, done)
            return redirect("network:finding", found.public_id)
    else:
        messages.error(request, _("Say why in a sentence: the partner reads it."))
    return _show(request, found.refreshed(), status=400)


def _show(request: FinanceRequest, found: "FraudFinding", *, status: int = 200) -> HttpResponse:
    may_decide = may(request.roles, "network.fraud") and found.is_live
    context = finding_context(found, viewer="network")
    context |= {
        "order_rows": [(row, "#timeline") for row in context["orders"]],
        "other_rows": [(*row, reverse("network:finding", args=[row[0].public_id])) for row in context["others"]],
        "partner_name": found.enrolment.affiliate.name,
        "merchant_name": found.program.merchant.name,
        "release_form": ReasonForm(auto_id="release_%s", label=_("Why it is not fraud"), help_text=_("Both sides read it."))
        if may_decide
        else None,
        "hold_form": ReasonForm(auto_id="hold_%s", label=_("What you want to know of the partner"), help_text=_("The partner reads it."))
        if may_decide and found.state == "open"
        else None,
        "confirm_form": NeededReasonForm(auto_id="confirm_%s", label=_("Why it is fraud"), help_text=_("Both sides read it."))
        if may_decide and found.state in {"held", "appealed"}
        else None,
    }  # fmt: skip
    return show(
        request, "finding.html", context, place="fraud", title=context["title"],
        lead=f"{found.enrolment.affiliate.name} · {found.program.merchant.name} · {found.program.name}",
        crumbs=[(_("Fraud"), reverse("network:fraud"))], status=status,
    )  # fmt: skip
