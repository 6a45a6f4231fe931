"""Refusals, worded once: status, sentence, and problem+json for machines (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.errors import Refusal

#: The status of each refusal code; 400 where none is named.
STATUS: dict[str, HTTPStatus] = {
    "not_found": HTTPStatus.NOT_FOUND,
    "not_allowed": HTTPStatus.FORBIDDEN,
    "run_needs_second_person": HTTPStatus.FORBIDDEN,
    "key_unknown": HTTPStatus.UNAUTHORIZED,
    "key_missing": HTTPStatus.UNAUTHORIZED,
    "key_kind_wrong": HTTPStatus.FORBIDDEN,
    "signature_wrong": HTTPStatus.UNAUTHORIZED,
    "shop_signature_wrong": HTTPStatus.UNAUTHORIZED,
    "order_conflict": HTTPStatus.CONFLICT,
    "refund_conflict": HTTPStatus.CONFLICT,
    "reference_conflict": HTTPStatus.CONFLICT,
    "code_taken": HTTPStatus.CONFLICT,
    "creative_name_taken": HTTPStatus.CONFLICT,
    "deal_taken": HTTPStatus.CONFLICT,
    "link_quota_reached": HTTPStatus.CONFLICT,
    "domain_taken": HTTPStatus.CONFLICT,
    "not_in_state": HTTPStatus.CONFLICT,
    "run_not_in_state": HTTPStatus.CONFLICT,
    "run_has_alarm": HTTPStatus.CONFLICT,
    "run_not_reconciled": HTTPStatus.CONFLICT,
    "payout_not_in_state": HTTPStatus.CONFLICT,
    "not_enough": HTTPStatus.CONFLICT,
    "idempotency_key_reused": HTTPStatus.CONFLICT,
    "idempotency_key_in_use": HTTPStatus.CONFLICT,
    "order_unknown": HTTPStatus.NOT_FOUND,
    "origin_missing": HTTPStatus.FORBIDDEN,
    "origin_not_allowed": HTTPStatus.FORBIDDEN,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "body_too_large": HTTPStatus(413),
    "too_many_requests": HTTPStatus.TOO_MANY_REQUESTS,
    "questions_too_many": HTTPStatus.TOO_MANY_REQUESTS,
    "claim_not_in_state": HTTPStatus.CONFLICT,
    "claim_open_already": HTTPStatus.CONFLICT,
    "fraud_finding_not_in_state": HTTPStatus.CONFLICT,
    "run_has_suspicion": HTTPStatus.CONFLICT,
    "stripe_unavailable": HTTPStatus.BAD_GATEWAY,
}

#: What people read, by code; the refusal's own sentence where none is named.
SENTENCES = {
    "not_found": gettext_lazy("There is no such page, or it is not yours to see."),
    "not_allowed": gettext_lazy("Your role does not allow this. Ask an owner of this workspace."),
    "run_needs_second_person": gettext_lazy(
        "This run needs a second person. You prepared it, so you cannot approve it."
    ),
    "run_not_in_state": gettext_lazy("Somebody was quicker: the run has moved on already. Look at it again."),
    "run_has_alarm": gettext_lazy("Our books and Stripe disagree about this run. Look at the alarm first."),
    "payout_not_in_state": gettext_lazy("This payout cannot be changed any more."),
    "not_in_state": gettext_lazy("Somebody was quicker: this has been decided already."),
    "program_not_open": gettext_lazy("This program takes no new partners now."),
    "affiliate_not_active": gettext_lazy("This membership is frozen or closed."),
    "code_taken": gettext_lazy("This short code is taken. Choose another."),
    "claim_not_in_state": gettext_lazy("Somebody was quicker: the claim has moved on. Look at it again."),
    "claim_open_already": gettext_lazy("You have an open claim about this order."),
    "fraud_finding_not_in_state": gettext_lazy("Somebody was quicker: the finding has moved on. Look at it again."),
    "run_has_suspicion": gettext_lazy(
        "A finding about commissions in this run stands. Accept or exclude each line that says so, then go on."
    ),
    "paper_kind": gettext_lazy("Add a picture (PNG, JPEG, GIF, WebP) or a PDF."),
    "paper_too_large": gettext_lazy("The file is larger than 5 MB. Add a smaller one."),
    "papers_too_many": gettext_lazy("A claim holds five files at most."),
    "questions_too_many": gettext_lazy(
        "You have asked about many orders in this hour. Ask again later, or make a claim from an earlier answer."
    ),
    "code_reserved": gettext_lazy("This short code is a word of our own. Choose another."),
    "link_quota_reached": gettext_lazy(
        "You have 5,000 links in this program, the most there are. Tell your channels apart with sub1 to sub10 instead."
    ),
    "deep_links_off": gettext_lazy("The merchant has chosen the pages that links may lead to. Choose one of them."),
    "picture_kind": gettext_lazy("This is no picture that sites can show. Add a PNG, JPEG, GIF or WebP."),
    "picture_too_large": gettext_lazy("The picture is larger than 1 MB. Add a smaller one."),
    "picture_size": gettext_lazy("A picture is 1 to 4,000 pixels wide and high."),
    "picture_missing": gettext_lazy("A banner needs a picture. Choose a file."),
    "html_unsafe": gettext_lazy(
        "Something in this HTML may not stand in a partner's page. Use words, pictures over https, and links with {link}; no script, no frames, no forms, no other addresses."
    ),
    "html_no_link": gettext_lazy('The HTML has no link. Write <a href="{link}">…</a>.'),
    "html_too_long": gettext_lazy("The HTML is too long: 8,000 characters at most."),
    "creative_words": gettext_lazy("Write 1 to 200 characters in one line."),
    "creative_name_taken": gettext_lazy("The program has a creative of this name. Give it another."),
    "creatives_too_many": gettext_lazy("The program has 1,000 creatives, the most there are."),
    "deal_taken": gettext_lazy("A deal of this title begins on this day already."),
    "deal_words": gettext_lazy("This is too long, or has signs that do not belong here."),
    "deal_place": gettext_lazy("One of these partners has no place in the program."),
    "dates_reversed": gettext_lazy("The last day lies before the first."),
    "domain_invalid": gettext_lazy("This is no host name of yours. Write one such as go.shop.example."),
    "domain_ours": gettext_lazy("This host is the network's own. Use one of yours, such as go.shop.example."),
    "domain_taken": gettext_lazy("This host is in use here already."),
    "domain_too_many": gettext_lazy("There are as many hosts as there may be. Take one away first."),
    "rules_in_the_past": gettext_lazy("New rules may not start in the past."),
    "refund_too_large": gettext_lazy("The refund is more than what is left of the order."),
    "stripe_unavailable": gettext_lazy(
        "Stripe does not answer at the moment. Nothing was changed. Try again in a minute."
    ),
}


def status_of(refusal: Refusal) -> int:
    """The HTTP status of a refusal."""
    return int(STATUS.get(refusal.code, HTTPStatus.BAD_REQUEST))


def sentence_of(refusal: Refusal) -> str:
    """What a person reads, in the language of the request."""
    return str(SENTENCES.get(refusal.code, refusal.message))


def problem(refusal: Refusal, **more: Any) -> dict[str, Any]:
    """A refusal as problem+json: type, title, status, code, field and what to do."""
    return {
        "type": f"/docs/reasons/#{refusal.code}",
        "title": refusal.code.replace("_", " "),
        "status": status_of(refusal),
        "code": refusal.code,
        "field": refusal.field,
        "detail": refusal.message,
        **more,
    }


def wants_json(request: HttpRequest) -> bool:
    """Whether a machine asks."""
    return request.path.startswith(("/api/", "/hooks/", "/postback", "/compat/", "/t/"))


def refusal_response(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The answer to a refusal that no view caught: a page for people, problem+json for machines."""
    status = status_of(refusal)
    if wants_json(request):
        return JsonResponse(problem(refusal), status=status, content_type="application/problem+json")
    template = {404: "404.html", 403: "403.html"}.get(status, "portal/refused.html")
    return render(
        request,
        template,
        {"refusal": refusal, "sentence": sentence_of(refusal), "page_title": _("This did not work")},
        status=status,
    )
