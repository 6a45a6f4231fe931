"""Missing sale? The answer first, at once, from the event log; a claim only when it is not right."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from affiliates.access import open_enrolment_of
from affiliates.queries import enrolments_of
from ledger.errors import Refusal
from payouts.access import open_commission_of, open_question_of
from payouts.claims import asking, opening
from payouts.errors import ClaimOpenAlready
from payouts.queries import claims as claim_queries
from payouts.queries.why_not import why_not_me
from portal.affiliate.claim_forms import MissingClaimForm, MissingForm, QuestionAmountForm
from portal.affiliate.pages import earning_url, show
from portal.claims import read_paper
from portal.errors import sentence_of
from portal.explain import event_words
from portal.reasons import reason_of
from portal.requests import PartnerRequest
from portal.why_not import lost_words, told

if TYPE_CHECKING:
    from payouts.models import OrderQuestion

_PLACES = frozenset({"approved", "suspended", "left"})


@require_http_methods(["GET", "POST"])
def missing(request: PartnerRequest) -> HttpResponse:
    """The question: which order?"""
    places = [place for place in enrolments_of(request.affiliate) if place.status in _PLACES]
    programs = [(place.program.slug, place.program.name) for place in places]
    currencies = {place.program.slug: place.program.currency for place in places}
    data = request.POST if request.method == "POST" else (request.GET or None)
    form = MissingForm(data if request.method == "POST" else None, programs=programs, currencies=currencies)
    if request.method == "GET" and data is not None:
        form.initial = {name: data[name] for name in form.fields if name in data}
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        place = open_enrolment_of(request.affiliate, said["program"])
        try:
            asked = asking.ask_about_order(
                place,
                said["order_ref"],
                ordered_on=said["ordered_on"],
                amount=said["amount"],
                by=request.user,
                at=timezone.now(),
            )
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
        else:
            return redirect("partner:missing-answer", asked.question.public_id)
    asked_before = claim_queries.questions_of(request.affiliate, limit=10)
    context = {
        "form": form,
        "has_programs": bool(programs),
        "questions": [(one, told(one.situation, one.reason, one.numbers)) for one in asked_before],
    }
    return show(
        request, "missing.html", context, place="earnings", title=_("Missing sale?"),
        lead=_("Say which order, and you read at once what became of it."), crumbs=_crumbs(),
        status=400 if form.errors else 200,
    )  # fmt: skip


@require_safe
def answer(request: PartnerRequest, question_id: str) -> HttpResponse:
    """What became of the order, as it is known now."""
    question = open_question_of(request.affiliate, question_id)
    at = timezone.now()
    found = _answer(question, at=at)
    claim = claim_queries.open_claim_about(
        request.affiliate, question.enrolment.program.merchant, _order_ref(question, found)
    )
    context = {
        "question": question,
        "told": told(found.situation, found.reason, found.numbers),
        "answer": found,
        "own_url": earning_url(found.commission.public_id) if found.commission else "",
        "touches": [_touch(touch) for touch in found.touches],
        "claim": claim,
        "may_claim": bool(question.order_ref and question.ordered_on) and not found.is_own and claim is None,
    }
    return show(
        request, "missing_answer.html", context, place="earnings", title=_title(question),
        crumbs=[*_crumbs(), (_("Missing sale?"), reverse("partner:missing"))],
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def claim(request: PartnerRequest, question_id: str) -> HttpResponse:
    """The claim, once the answer is not right."""
    question = open_question_of(request.affiliate, question_id)
    at = timezone.now()
    found = _answer(question, at=at)
    if not question.order_ref or question.ordered_on is None or found.is_own:
        return redirect("partner:missing-answer", question.public_id)
    known = found.conversion is not None and not found.conversion.is_test
    form = MissingClaimForm(
        request.POST or None,
        request.FILES or None,
        currency=question.currency,
        needs_amount=not known,
        initial={"amount": question.amount.major if question.amount else ""},
    )
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        draft = opening.ClaimDraft(
            question.order_ref, question.ordered_on, said["amount"], None, said["text"], read_paper(said["proof"])
        )
        try:
            made = opening.claim_order(question.enrolment, draft, question=question, by=request.user, at=at)
        except ClaimOpenAlready as refusal:
            messages.info(request, sentence_of(refusal))
            return redirect("partner:claim", refusal.claim.public_id)  # type: ignore[attr-defined]
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
        else:
            messages.success(request, _("Your claim is with %(merchant)s.") % {"merchant": made.merchant.name})
            return redirect("partner:claim", made.public_id)
    context = {"form": form, "question": question, "told": told(found.situation, found.reason, found.numbers)}
    return show(
        request, "claim_new.html", context, place="earnings", title=_("Make a claim"),
        lead=_title(question), crumbs=[*_crumbs(), (_("Missing sale?"), reverse("partner:missing"))],
        status=400 if form.errors else 200,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def question_amount(request: PartnerRequest, commission_id: str) -> HttpResponse:
    """Question what one line of the earnings is."""
    commission = open_commission_of(request.affiliate, commission_id)
    order = commission.conversion
    form = QuestionAmountForm(request.POST or None, request.FILES or None, currency=commission.currency)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        kind = said["kind"]
        draft = opening.ClaimDraft(
            order.order_ref,
            order.occurred_at.date(),
            said["amount"] if kind == "incorrect" else None,
            said["expected"] if kind == "amount" else None,
            said["text"],
            read_paper(said["proof"]),
        )
        try:
            made = opening.question_amount(commission, kind, draft, by=request.user, at=timezone.now())
        except ClaimOpenAlready as refusal:
            messages.info(request, sentence_of(refusal))
            return redirect("partner:claim", refusal.claim.public_id)  # type: ignore[attr-defined]
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
        else:
            messages.success(request, _("Your question is with %(merchant)s.") % {"merchant": made.merchant.name})
            return redirect("partner:claim", made.public_id)
    title = _("%(event)s, order %(ref)s") % {"event": event_words(order.event).capitalize(), "ref": order.order_ref}
    context = {"form": form, "commission": commission, "order": order, "url": earning_url(commission.public_id)}
    return show(
        request, "question_amount.html", context, place="earnings", title=_("Question this amount"), lead=title,
        crumbs=[*_crumbs(), (title, earning_url(commission.public_id))], status=400 if form.errors else 200,
    )  # fmt: skip


def _touch(touch: dict[str, Any]) -> tuple[datetime, str, str]:
    """One of the partner's own touches: when, what it was, why it lost with its numbers."""
    at = datetime.fromisoformat(str(touch["at"]))
    reason = reason_of(str(touch["reason"]))
    return at, str(touch.get("kind") or "click"), lost_words(touch) or str(reason.partner)


def _answer(question: "OrderQuestion", *, at: Any) -> Any:
    """The answer as the event log gives it now; the question keeps the one that was given then."""
    return why_not_me(
        question.enrolment, question.order_ref, ordered_on=question.ordered_on, amount=question.amount, at=at
    )


def _order_ref(question: "OrderQuestion", found: Any) -> str:
    known = found.conversion
    return str(known.order_ref) if known is not None and not known.is_test else question.order_ref


def _title(question: "OrderQuestion") -> str:
    if question.order_ref:
        return _("Order %(ref)s") % {"ref": question.order_ref}
    return _("An order without a number")


def _crumbs() -> list[tuple[Any, str]]:
    return [(_("Earnings"), reverse("partner:earnings"))]
