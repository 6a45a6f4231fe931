"""Findings in a merchant's programs: the list, one finding with every test, and what the merchant may do."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates.access import may
from affiliates.queries import programs_of
from ledger.errors import Refusal
from payouts.access import open_finding_in
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
from portal.merchant.pages import here, page_of, show
from portal.requests import MerchantRequest

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import FraudFinding


@require_safe
def findings(request: MerchantRequest) -> HttpResponse:
    """The list, what has to be answered first on top."""
    form = _filter(request)
    found = fraud_queries.findings_in(request.merchant, form.question())
    page = page_of(request, found)
    totals = fraud_queries.totals_of(found)
    context = {
        "rows": rows_of(
            list(page.object_list), reader="merchant", url_of=lambda one: here(request, "finding", one.public_id)
        ),
        "page": page,
        "totals": totals,
        "filter": form,
        "chips": chips_of(request, form.chip_labels()),
        "ignored": ignored_keys(request, form),
        "clear_url": request.path,
        "here": request.get_full_path(),
        "export_url": here(request, "fraud-export", **{key: request.GET.get(key, "") for key in form.fields}),
        "rules_url": here(request, "fraud-rules"),
        "waiting": fraud_queries.waiting_in(request.merchant),
    }
    return show(
        request, "findings.html", context, place="fraud", title=_("Fraud"),
        lead=_("What looks unusual about partners, with its numbers. Nobody is accused by a number alone: people decide."),
    )  # fmt: skip


@require_safe
def export(request: MerchantRequest) -> HttpResponseBase:
    """The same list as CSV."""
    form = _filter(request)
    found = fraud_queries.findings_in(request.merchant, form.question())
    return csv_response("findings.csv", csv_header(), csv_rows(found))


@require_safe
def finding(request: MerchantRequest, finding_id: str) -> HttpResponse:
    """One finding."""
    return _show(request, open_finding_in(request.merchant, finding_id))


@require_POST
def hold(request: MerchantRequest, finding_id: str) -> HttpResponse:
    """Keep the commissions back until it is answered."""
    return _answer(
        request, finding_id, answering.hold_finding, ReasonForm,
        _("The commissions are kept back, and the partner was told why and until when."), side="merchant",
    )  # fmt: skip


@require_POST
def release(request: MerchantRequest, finding_id: str) -> HttpResponse:
    """Not fraud."""
    return _answer(
        request, finding_id, answering.release_finding, ReasonForm, _("Released. Everything goes on as before."),
        side="merchant",
    )  # fmt: skip


@require_POST
def ask(request: MerchantRequest, finding_id: str) -> HttpResponse:
    """Fraud, says the merchant: the network confirms it or not."""
    return _answer(
        request, finding_id, answering.ask_network, NeededReasonForm,
        _("The network was asked. It decides before the promised date, or the amount is let go."),
    )  # fmt: skip


def _answer(
    request: MerchantRequest,
    finding_id: str,
    verb: Callable[..., "FraudFinding"],
    kind: type[ReasonForm],
    done: str,
    **more: Any,
) -> HttpResponse:
    found = open_finding_in(request.merchant, finding_id)
    form = kind(request.POST)
    if form.is_valid():
        try:
            verb(found, form.cleaned_data["text"], by=request.user, at=timezone.now(), **more)
        except Refusal as refusal:
            messages.error(request, sentence_of(refusal))
        else:
            messages.success(request, done)
            return redirect("merchant:finding", request.merchant.slug, found.public_id)
    else:
        messages.error(request, _("Say why in a sentence: the network and the partner's file need it."))
    return _show(request, found.refreshed(), status=400)


def _show(request: MerchantRequest, found: "FraudFinding", *, status: int = 200) -> HttpResponse:
    may_decide = may(request.roles, "merchant.fraud")
    is_open_to_us = found.is_live and found.decided_at is None and may_decide
    context = finding_context(found, viewer="merchant")
    context |= {
        "order_rows": [
            (
                row,
                here(request, "commission", row.commission.public_id)
                if row.commission
                else here(request, "conversion", row.conversion.public_id),
            )
            for row in context["orders"]
        ],
        "other_rows": [(*row, here(request, "finding", row[0].public_id)) for row in context["others"]],
        "partner_name": found.enrolment.affiliate.name,
        "rules_url": here(request, "fraud-program", found.program.slug),
        "may_change": may_decide,
        "release_form": ReasonForm(auto_id="release_%s", label=_("Why it is not fraud"), help_text=_("The partner reads it."))
        if is_open_to_us
        else None,
        "hold_form": ReasonForm(auto_id="hold_%s", label=_("What you want to know of the partner"), help_text=_("The partner reads it."))
        if is_open_to_us and found.state == "open"
        else None,
        "ask_form": NeededReasonForm(auto_id="ask_%s", label=_("What makes you sure"), help_text=_("The network reads it."))
        if is_open_to_us and found.state in {"held", "appealed"} and found.asked_at is None
        else None,
    }  # fmt: skip
    return show(
        request, "finding.html", context, place="fraud", title=context["title"],
        lead=f"{found.enrolment.affiliate.name} · {found.program.name}",
        crumbs=[(_("Fraud"), here(request, "fraud"))], status=status,
    )  # fmt: skip


def _filter(request: MerchantRequest) -> FindingFilterForm:
    programs = [(program.slug, program.name) for program in programs_of(request.merchant)]
    return FindingFilterForm(request.GET, programs=programs)
