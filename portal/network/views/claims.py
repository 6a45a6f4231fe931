"""Claims before the network: appeals, and what merchants left unanswered and silence could not grant."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates.access import may
from ledger.errors import Refusal
from payouts.access import open_any_claim, open_paper_of
from payouts.claims import deciding, granting
from payouts.errors import ClaimNotGrantable
from payouts.queries import claims as claim_queries
from portal.claims import (
    AcceptClaimForm,
    ClaimFilterForm,
    CommentForm,
    DeclineClaimForm,
    clock_of,
    evidence_words,
    kind_words,
    lines_of,
    paper_response,
    reason_words,
    share_text,
)
from portal.errors import sentence_of
from portal.filters import chips_of, ignored_keys
from portal.formats import format_money
from portal.network.pages import page_of, show
from portal.requests import FinanceRequest

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from payouts.models import Claim


@require_safe
def claims(request: FinanceRequest) -> HttpResponse:
    """Every claim, those that wait for the network first."""
    at = timezone.now()
    form = ClaimFilterForm(request.GET)
    form.is_valid()
    said = form.cleaned_data
    view = said.get("view", "")
    page = page_of(request, claim_queries.claims_of_the_network(view=view, text=said.get("q", ""), at=at))
    context = {
        "rows": [(one, kind_words(one.kind), clock_of(one, at=at)) for one in page.object_list],
        "page": page,
        "filter": form,
        "chips": chips_of(request, {
            "view": dict(form.fields["view"].choices).get(view, "") if view else "",  # type: ignore[attr-defined]
            "q": said.get("q", ""),
        }),
        "ignored": ignored_keys(request, form),
        "waiting": claim_queries.waiting_for_the_network(),
    }  # fmt: skip
    return show(
        request, "claims.html", context, place="claims", title=_("Claims"),
        lead=_("Where partner and merchant disagree, or the merchant was silent, you decide for good."),
    )  # fmt: skip


@require_safe
def claim(request: FinanceRequest, claim_id: str) -> HttpResponse:
    """One claim."""
    return _show(request, open_any_claim(request.user, claim_id))


@require_safe
def paper(request: FinanceRequest, claim_id: str, paper_id: str) -> HttpResponse:
    """A partner's proof."""
    return paper_response(open_paper_of(open_any_claim(request.user, claim_id), paper_id))


@require_POST
def comment(request: FinanceRequest, claim_id: str) -> HttpResponse:
    """Write to both sides."""
    found = open_any_claim(request.user, claim_id, action="network.claims")
    form = CommentForm(request.POST)
    if form.is_valid():
        try:
            deciding.comment_as_network(found, form.cleaned_data["text"], by=request.user, at=timezone.now())
        except Refusal as refusal:
            messages.error(request, sentence_of(refusal))
        else:
            messages.success(request, _("Both sides read it."))
            return redirect("network:claim", found.public_id)
    return _show(request, found, comment=form, status=400)


@require_POST
def accept(request: FinanceRequest, claim_id: str) -> HttpResponse:
    """Grant the claim, at the merchant's cost."""
    found = open_any_claim(request.user, claim_id, action="network.claims")
    form = AcceptClaimForm(request.POST, claim=found)
    if form.is_valid():
        said = form.cleaned_data
        try:
            done = deciding.accept_claim(
                found,
                by=request.user,
                at=timezone.now(),
                text=said["text"],
                amount=said.get("amount"),
                extra=said["extra"],
                side="network",
            )
        except Refusal as refusal:
            messages.error(request, sentence_of(refusal))
        else:
            amount = format_money(done.granted.amount) if done.granted else "–"
            messages.success(request, _("Accepted. The partner earns %(amount)s.") % {"amount": amount})
            return redirect("network:claim", found.public_id)
    return _show(request, found.refreshed(), accept=form, status=400)


@require_POST
def decline(request: FinanceRequest, claim_id: str) -> HttpResponse:
    """Say no for good."""
    found = open_any_claim(request.user, claim_id, action="network.claims")
    form = DeclineClaimForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            deciding.confirm_decline(found, said["reason"], by=request.user, at=timezone.now(), text=said["text"])
        except Refusal as refusal:
            messages.error(request, sentence_of(refusal))
        else:
            messages.success(request, _("Declined for good. Both sides read the reason."))
            return redirect("network:claim", found.public_id)
    return _show(request, found.refreshed(), decline=form, status=400)


def _show(
    request: FinanceRequest,
    found: "Claim",
    *,
    accept: AcceptClaimForm | None = None,
    decline: DeclineClaimForm | None = None,
    comment: CommentForm | None = None,
    status: int = 200,
) -> HttpResponse:
    at = timezone.now()
    may_decide = may(request.roles, "network.claims")
    is_ours = found.status == "appealed" and may_decide
    way, obstacle = _way(found, at=at) if is_ours else (None, "")
    figures = claim_queries.figures_of(found.merchant, at=at)
    context = {
        "claim": found,
        "kind": kind_words(found.kind),
        "clock": clock_of(found, at=at),
        "decline_reason": reason_words(found),
        "evidence": evidence_words(found),
        "lines": lines_of(claim_queries.notes_of(found), viewer="network"),
        "papers": [
            (one, reverse("network:claim-paper", args=[found.public_id, one.public_id]))
            for one in claim_queries.papers_of(found)
        ],
        "partner_name": found.affiliate.name,
        "own_url": "#evidence",
        "granted_url": "#thread",
        "way": way,
        "way_url": "#thread",
        "obstacle": obstacle,
        "figures": figures,
        "in_time": share_text(figures.in_time_share),
        "accepted": share_text(figures.accepted_share),
        "accept_form": (accept or AcceptClaimForm(claim=found)) if is_ours else None,
        "decline_form": (decline or DeclineClaimForm(auto_id="decline_%s")) if is_ours else None,
        "comment_form": (comment or CommentForm(auto_id="comment_%s")) if found.is_live and may_decide else None,
    }
    return show(
        request, "claim.html", context, place="claims", title=_("Claim, order %(ref)s") % {"ref": found.order_ref},
        lead=f"{found.affiliate.name} · {found.merchant.name}", crumbs=[(_("Claims"), reverse("network:claims"))],
        status=status,
    )  # fmt: skip


def _way(found: "Claim", *, at: Any) -> tuple[granting.Way | None, str]:
    """What accepting would book now, or why that cannot be said."""
    try:
        return granting.way_of(found, at=at), ""
    except ClaimNotGrantable as refusal:
        return None, sentence_of(refusal)
