"""Claims of partners: the oldest promise first, one claim with its evidence, and the merchant's answers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates.access import may
from ledger.errors import Refusal
from ledger.money import Money
from payouts.access import open_claim_in, open_paper_of
from payouts.claims import deciding, granting, policies
from payouts.errors import ClaimNotGrantable
from payouts.queries import claims as claim_queries
from portal.claims import (
    AcceptClaimForm,
    ClaimFilterForm,
    CommentForm,
    DeclineClaimForm,
    MoneyField,
    clock_of,
    evidence_words,
    kind_words,
    lines_of,
    minutes_text,
    paper_response,
    reason_words,
    share_text,
    silence_text,
)
from portal.errors import sentence_of
from portal.filters import chips_of, ignored_keys
from portal.formats import format_money
from portal.merchant.pages import here, page_of, show
from portal.requests import MerchantRequest

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from payouts.models import Claim


class PolicyForm(forms.Form):
    """What is promised to whoever claims."""

    reply_minutes = forms.IntegerField(
        label=gettext_lazy("First reply within (working minutes)"),
        min_value=1,
        max_value=policies.MOST_REPLY_MINUTES,
        help_text=gettext_lazy("Only your office hours count."),
    )
    opens_at = forms.TimeField(
        label=gettext_lazy("Office opens"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    closes_at = forms.TimeField(
        label=gettext_lazy("Office closes"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    works_weekends = forms.BooleanField(label=gettext_lazy("We work at weekends too"), required=False)
    deadline_days = forms.IntegerField(
        label=gettext_lazy("Decision within (days)"),
        min_value=1,
        max_value=policies.MOST_DEADLINE_DAYS,
        help_text=gettext_lazy("A claim that is not decided by then is accepted by itself."),
    )
    silent_limit = MoneyField(
        label=gettext_lazy("Never accept by itself above"),
        required=False,
        help_text=gettext_lazy("A larger commission goes to the network instead. Empty: no limit."),
    )

    def __init__(self, data: Any = None, *, currency: str, **more: Any) -> None:
        super().__init__(data, **more)
        field = self.fields["silent_limit"]
        assert isinstance(field, MoneyField)
        field.currency = currency
        field.label = f"{field.label} ({currency})"


@require_safe
def claims(request: MerchantRequest) -> HttpResponse:
    """The queue."""
    at = timezone.now()
    form = ClaimFilterForm(request.GET)
    form.is_valid()
    said = form.cleaned_data
    view = said.get("view", "")
    page = page_of(request, claim_queries.claims_in(request.merchant, view=view, text=said.get("q", ""), at=at))
    figures = claim_queries.figures_of(request.merchant, at=at)
    policy = policies.policy_of(request.merchant)
    context = {
        "rows": [
            (one, kind_words(one.kind), clock_of(one, at=at), here(request, "claim", one.public_id))
            for one in page.object_list
        ],
        "page": page,
        "filter": form,
        "chips": chips_of(request, {
            "view": dict(form.fields["view"].choices).get(view, "") if view else "",  # type: ignore[attr-defined]
            "q": said.get("q", ""),
        }),
        "ignored": ignored_keys(request, form),
        "clear_url": request.path,
        "figures": figures,
        "in_time": share_text(figures.in_time_share),
        "accepted": share_text(figures.accepted_share),
        "median": minutes_text(figures.median_minutes),
        "policy": policy,
        "may_decide": may(request.roles, "merchant.claims"),
    }  # fmt: skip
    return show(
        request, "claims.html", context, place="claims", title=_("Claims"),
        lead=_("What partners ask you to put right. The oldest promise is on top."),
    )  # fmt: skip


@require_safe
def claim(request: MerchantRequest, claim_id: str) -> HttpResponse:
    """One claim."""
    return _show(request, open_claim_in(request.merchant, claim_id))


@require_safe
def paper(request: MerchantRequest, claim_id: str, paper_id: str) -> HttpResponse:
    """A partner's proof."""
    return paper_response(open_paper_of(open_claim_in(request.merchant, claim_id), paper_id))


@require_POST
def comment(request: MerchantRequest, claim_id: str) -> HttpResponse:
    """Write to the partner."""
    return _worded(request, claim_id, deciding.comment_as_merchant, _("Sent to the partner."))


@require_POST
def ask(request: MerchantRequest, claim_id: str) -> HttpResponse:
    """Ask the partner for more; the clock stands still."""
    return _worded(
        request, claim_id, deciding.ask_back, _("Asked back. The clock stands still until the partner answers.")
    )


@require_POST
def accept(request: MerchantRequest, claim_id: str) -> HttpResponse:
    """Grant the claim."""
    found = open_claim_in(request.merchant, claim_id)
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
            )
        except Refusal as refusal:
            messages.error(request, sentence_of(refusal))
        else:
            amount = format_money(done.granted.amount) if done.granted else "–"
            messages.success(request, _("Accepted. The partner earns %(amount)s.") % {"amount": amount})
            return redirect("merchant:claim", request.merchant.slug, found.public_id)
    return _show(request, found.refreshed(), accept=form, status=400)


@require_POST
def decline(request: MerchantRequest, claim_id: str) -> HttpResponse:
    """Say no, with a reason."""
    found = open_claim_in(request.merchant, claim_id)
    form = DeclineClaimForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            deciding.decline_claim(found, said["reason"], by=request.user, at=timezone.now(), text=said["text"])
        except Refusal as refusal:
            messages.error(request, sentence_of(refusal))
        else:
            messages.success(request, _("Declined. The partner reads the reason and may ask the network."))
            return redirect("merchant:claim", request.merchant.slug, found.public_id)
    return _show(request, found.refreshed(), decline=form, status=400)


@require_http_methods(["GET", "POST"])
def settings(request: MerchantRequest) -> HttpResponse:
    """What is promised."""
    policy = policies.policy_of(request.merchant)
    currency = request.merchant.currency
    limit = policy.silent_limit_minor
    initial = {
        "reply_minutes": policy.reply_minutes,
        "opens_at": policy.opens_at,
        "closes_at": policy.closes_at,
        "works_weekends": policy.works_weekends,
        "deadline_days": policy.deadline_days,
        "silent_limit": Money(limit, currency).major if limit is not None else "",
    }
    form = PolicyForm(request.POST or None, currency=currency, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        most = said.pop("silent_limit")
        promise = policies.Promise(**said, silent_limit_minor=most.minor if most else None)
        try:
            policies.set_policy(request.merchant, promise, by=request.user, at=timezone.now())
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
        else:
            messages.success(request, _("Your promise is changed. Claims that are open keep the one they were given."))
            return redirect("merchant:claims", request.merchant.slug)
    return show(
        request, "claim_settings.html", {"form": form}, place="claims", title=_("What you promise"),
        lead=_("Partners read it on your program's page, with how well you keep it."),
        crumbs=[(_("Claims"), here(request, "claims"))], status=400 if form.errors else 200,
    )  # fmt: skip


def _worded(request: MerchantRequest, claim_id: str, verb: Callable[..., object], done: str) -> HttpResponse:
    """A step that is only words."""
    found = open_claim_in(request.merchant, claim_id)
    form = CommentForm(request.POST)
    if form.is_valid():
        try:
            verb(found, form.cleaned_data["text"], by=request.user, at=timezone.now())
        except Refusal as refusal:
            messages.error(request, sentence_of(refusal))
        else:
            messages.success(request, done)
            return redirect("merchant:claim", request.merchant.slug, found.public_id)
    return _show(request, found.refreshed(), comment=form, status=400)


def _show(
    request: MerchantRequest,
    found: "Claim",
    *,
    accept: AcceptClaimForm | None = None,
    decline: DeclineClaimForm | None = None,
    comment: CommentForm | None = None,
    status: int = 200,
) -> HttpResponse:
    at = timezone.now()
    may_decide = may(request.roles, "merchant.claims")
    is_mine = found.status in {"open", "incomplete"} and may_decide
    way, obstacle = _way(found, at=at) if is_mine else (None, "")
    order = found.conversion
    order_url = here(request, "conversion", order.public_id) if order else ""
    context = {
        "claim": found,
        "kind": kind_words(found.kind),
        "clock": clock_of(found, at=at),
        "silence": silence_text(found, to_merchant=True) if found.status == "open" else "",
        "decline_reason": reason_words(found),
        "evidence": evidence_words(found),
        "lines": lines_of(claim_queries.notes_of(found), viewer="merchant"),
        "papers": [
            (one, here(request, "claim-paper", found.public_id, one.public_id))
            for one in claim_queries.papers_of(found)
        ],
        "partner_name": found.affiliate.name,
        "order_url": order_url,
        "own_url": here(request, "commission", found.commission.public_id) if found.commission else "",
        "granted_url": here(request, "commission", found.granted.public_id) if found.granted else "",
        "way": way,
        "way_url": f"{order_url or '#accept'}",
        "obstacle": obstacle,
        "accept_form": (accept or AcceptClaimForm(claim=found, prefix=None)) if is_mine else None,
        "decline_form": (decline or DeclineClaimForm(auto_id="decline_%s")) if is_mine else None,
        "comment_form": (comment or CommentForm(auto_id="comment_%s")) if found.is_live and may_decide else None,
        "may_ask": found.status == "open" and may_decide,
    }
    return show(
        request, "claim.html", context, place="claims", title=_("Claim, order %(ref)s") % {"ref": found.order_ref},
        lead=f"{found.affiliate.name} · {found.program.name}", crumbs=[(_("Claims"), here(request, "claims"))],
        status=status,
    )  # fmt: skip


def _way(found: "Claim", *, at: Any) -> tuple[granting.Way | None, str]:
    """What accepting would book now, or why that cannot be said."""
    try:
        return granting.way_of(found, at=at), ""
    except ClaimNotGrantable as refusal:
        return None, sentence_of(refusal)
