"""A partner's claims: the list, one claim with its clock and thread, and what the partner can do."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from ledger.errors import Refusal
from payouts.access import open_claim_of, open_paper_of
from payouts.claims import clock, opening
from payouts.queries import claims as claim_queries
from portal.affiliate.claim_forms import AnswerForm, AppealForm
from portal.affiliate.pages import PAGE_ROWS, earning_url, show
from portal.claims import (
    ClaimFilterForm,
    clock_of,
    evidence_words,
    kind_words,
    lines_of,
    paper_response,
    read_paper,
    reason_words,
    silence_text,
)
from portal.errors import sentence_of
from portal.filters import chips_of, ignored_keys
from portal.requests import PartnerRequest


@require_safe
def claims(request: PartnerRequest) -> HttpResponse:
    """Every claim, what waits for the partner first."""
    at = timezone.now()
    form = ClaimFilterForm(request.GET)
    del form.fields["q"]
    form.is_valid()
    view = form.cleaned_data.get("view", "")
    page = Paginator(claim_queries.claims_of(request.affiliate, view=view), PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "rows": [(one, kind_words(one.kind), clock_of(one, at=at), _amount_url(one)) for one in page.object_list],
        "page": page,
        "filter": form,
        "chips": chips_of(request, {"view": dict(form.fields["view"].choices).get(view, "") if view else ""}),  # type: ignore[attr-defined]
        "ignored": ignored_keys(request, form),
    }
    return show(
        request, "claims.html", context, place="earnings", title=_("Claims"),
        lead=_("What you asked the merchants to put right, and what they answered."),
        crumbs=[(_("Earnings"), reverse("partner:earnings"))],
    )  # fmt: skip


@require_safe
def claim(request: PartnerRequest, claim_id: str) -> HttpResponse:
    """One claim."""
    return _show(request, claim_id, AnswerForm(), AppealForm())


@require_POST
def comment(request: PartnerRequest, claim_id: str) -> HttpResponse:
    """Write to the merchant, with proof."""
    found = open_claim_of(request.affiliate, claim_id)
    form = AnswerForm(request.POST, request.FILES)
    if form.is_valid():
        said = form.cleaned_data
        try:
            opening.comment_as_partner(
                found, said["text"], papers=read_paper(said["proof"]), by=request.user, at=timezone.now()
            )
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
        else:
            messages.success(request, _("Sent to %(merchant)s.") % {"merchant": found.merchant.name})
            return redirect("partner:claim", found.public_id)
    return _show(request, claim_id, form, AppealForm(), status=400)


@require_POST
def appeal(request: PartnerRequest, claim_id: str) -> HttpResponse:
    """Take a declined claim to the network."""
    found = open_claim_of(request.affiliate, claim_id)
    form = AppealForm(request.POST)
    if form.is_valid():
        try:
            opening.appeal(found, form.cleaned_data["text"], by=request.user, at=timezone.now())
        except Refusal as refusal:
            messages.error(request, sentence_of(refusal))
        else:
            messages.success(request, _("The network looks at your claim and decides for good."))
            return redirect("partner:claim", found.public_id)
    return _show(request, claim_id, AnswerForm(), form, status=400)


@require_POST
def withdraw(request: PartnerRequest, claim_id: str) -> HttpResponse:
    """Call the claim back."""
    found = open_claim_of(request.affiliate, claim_id)
    try:
        opening.withdraw(found, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        messages.success(request, _("The claim is withdrawn."))
    return redirect("partner:claim", found.public_id)


@require_safe
def paper(request: PartnerRequest, claim_id: str, paper_id: str) -> HttpResponse:
    """One's own proof."""
    return paper_response(open_paper_of(open_claim_of(request.affiliate, claim_id), paper_id))


def _show(
    request: PartnerRequest, claim_id: str, answer_form: AnswerForm, appeal_form: AppealForm, *, status: int = 200
) -> HttpResponse:
    at = timezone.now()
    found = open_claim_of(request.affiliate, claim_id)
    may_appeal = (
        found.status == "declined"
        and found.appealed_at is None
        and found.decided_at is not None
        and at <= clock.appeal_until(found.decided_at)
    )
    context = {
        "claim": found,
        "kind": kind_words(found.kind),
        "clock": clock_of(found, at=at),
        "silence": silence_text(found) if found.status == "open" else "",
        "decline_reason": reason_words(found),
        "evidence": evidence_words(found),
        "lines": lines_of(claim_queries.notes_of(found), viewer="partner"),
        "papers": [
            (one, reverse("partner:claim-paper", args=[found.public_id, one.public_id]))
            for one in claim_queries.papers_of(found)
        ],
        "own_url": earning_url(found.commission.public_id) if found.commission else "",
        "granted_url": _amount_url(found),
        "answer_form": answer_form if found.is_live else None,
        "appeal_form": appeal_form if may_appeal else None,
        "appeal_until": clock.appeal_until(found.decided_at) if may_appeal and found.decided_at else None,
    }
    return show(
        request, "claim.html", context, place="earnings", title=_("Claim, order %(ref)s") % {"ref": found.order_ref},
        lead=f"{found.program.name} · {found.merchant.name}",
        crumbs=[(_("Earnings"), reverse("partner:earnings")), (_("Claims"), reverse("partner:claims"))], status=status,
    )  # fmt: skip


def _amount_url(claim: object) -> str:
    granted = getattr(claim, "granted", None)
    return earning_url(granted.public_id) if granted is not None else ""
