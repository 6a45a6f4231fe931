"""Conversions: every order, what became of it and why; refunds."""

import secrets
from collections.abc import Iterator
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates.queries import affiliates_by_id, programs_of
from ledger.errors import Refusal
from ledger.money import Money
from payouts.access import open_commission_in
from payouts.queries.explain import Explanation, explanations_of_order
from payouts.queries.merchant import (
    ConversionFilter,
    conversions_in,
    partners_in,
    rows_of,
    totals_of,
)
from payouts.sales import amend_sale, refund_sale, sale_of, tell_refunds_apart
from portal.errors import sentence_of
from portal.explain import Places, detail_of, explain_context
from portal.exports import csv_response
from portal.filters import chips_of, ignored_keys
from portal.formats import format_money
from portal.inbox.payloads import shown_payload
from portal.inbox.words import door_words
from portal.merchant.forms import AmendForm, ConversionFilterForm, RefundForm
from portal.merchant.pages import has_several, here, page_of, show
from portal.merchant.periods import PERIODS, span_of
from portal.reasons import reason_of
from portal.requests import MerchantRequest
from portal.states import state_of
from tracking.access import open_conversion_in, open_refund_of
from tracking.conversions import facts_of
from tracking.queries.merchant import refunds_of, requests_about
from tracking.refunds import refund_way

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import Conversion

_EXPORT_BATCH = 500
_REQUESTS_SHOWN = 20
_LONGEST_SHOWN = 60


@require_safe
def conversions(request: MerchantRequest) -> HttpResponse:
    """The list, its filter, and the filter's sums."""
    at = timezone.now()
    form = _form(request)
    found = _found(request, form, at=at)
    page = page_of(request, found)
    rows = rows_of(_page_of_keys(found, page), at=at)
    totals = totals_of(found)
    query = request.GET.urlencode()
    export = here(request, "conversions-export")
    context = {
        "rows": [(row, reason_of(row.reason) if row.reason else None) for row in rows],
        "page": page,
        "totals": totals,
        "several_currencies": has_several([total.revenue for total in totals]),
        "filter": form,
        "chips": chips_of(request, _chip_labels(form)),
        "tabs": _tabs(request),
        "ignored": ignored_keys(request, form),
        "export_url": f"{export}?{query}" if query else export,
        "list_url": f"{request.path}?{query}" if query else request.path,
        "clear_url": request.path,
    }
    return show(request, "conversions.html", context, place="conversions", title=_("Conversions"))


@require_safe
def export(request: MerchantRequest) -> StreamingHttpResponse:
    """The rows of the list as CSV."""
    at = timezone.now()
    header = [
        _("Date"), _("Conversion"), _("Order"), _("Event"), _("Verdict"), _("Reason"), _("Amount"), _("Refunded"),
        _("Currency"), _("Partner"), _("Commission"), _("State"), _("State's date"), _("Detail"),
    ]  # fmt: skip
    return csv_response("conversions.csv", header, _csv_rows(_found(request, _form(request), at=at), at=at))


@require_safe
def conversion(request: MerchantRequest, conversion_id: str) -> HttpResponse:
    """One order: what became of it and why, what was sent, and a refund."""
    found = open_conversion_in(request.merchant, conversion_id)
    return _show_conversion(request, found, RefundForm(left=found.amount - found.refunded, reference=_reference()))


@require_POST
def refund(request: MerchantRequest, conversion_id: str) -> HttpResponse:
    """Give money of an order back; what it earned goes back with it."""
    found = open_conversion_in(request.merchant, conversion_id)
    form = RefundForm(request.POST, left=found.amount - found.refunded)
    if not form.is_valid():
        return _show_conversion(request, found, form, status=400)
    said = form.cleaned_data
    try:
        given, is_new = refund_sale(
            found,
            amount=said["amount"],
            reference=said["reference"],
            reason=said["reason"],
            way="manual",
            at=timezone.now(),
        )
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        amount = format_money(Money(given.amount_minor, found.currency))
        if given.is_told_twice:
            text = _(
                "A refund of %(amount)s had been told by another way, so nothing more was taken back. If these are two refunds, say so under Refunds."
            )
            messages.warning(request, text % {"amount": amount})
        elif is_new:
            messages.success(
                request, _("%(amount)s of order %(order)s was refunded.") % {"amount": amount, "order": found.order_ref}
            )
        else:
            messages.info(request, _("This refund was booked before. Nothing was changed."))
    return redirect("merchant:conversion", request.merchant.slug, found.public_id)


@require_POST
def amend(request: MerchantRequest, conversion_id: str) -> HttpResponse:
    """Correct the amount of an order; what it earned follows."""
    found = open_conversion_in(request.merchant, conversion_id)
    form = AmendForm(request.POST, currency=found.currency)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("merchant:conversion", request.merchant.slug, found.public_id)
    try:
        revision, _is_new = amend_sale(
            found,
            facts_of(found, amount=form.cleaned_data["new_amount"]),
            reference=form.cleaned_data["amendment"],
            reason="amended",
            door="manual",
            actor=request.user.public_id,
            at=timezone.now(),
        )
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        if revision is None:
            messages.info(request, _("The order has this amount already. Nothing was changed."))
        else:
            messages.success(request, _("Order %(order)s was amended.") % {"order": found.order_ref})
    return redirect("merchant:conversion", request.merchant.slug, found.public_id)


@require_safe
def commission(request: MerchantRequest, commission_id: str) -> HttpResponse:
    """A commission is explained on the page of its order."""
    found = open_commission_in(request.merchant, commission_id)
    return redirect("merchant:conversion", request.merchant.slug, found.conversion.public_id)


@require_POST
def tell_apart(request: MerchantRequest, conversion_id: str) -> HttpResponse:
    """Say that two refunds that were taken for one are two."""
    found = open_conversion_in(request.merchant, conversion_id)
    try:
        given = open_refund_of(found, request.POST.get("refund", ""))
        is_news = tell_refunds_apart(given, by=request.user.public_id, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        if is_news:
            messages.success(request, _("Both refunds count now."))
        else:
            messages.info(request, _("This refund counts already. Nothing was changed."))
    return redirect("merchant:conversion", request.merchant.slug, found.public_id)


def _show_conversion(
    request: MerchantRequest, found: "Conversion", form: RefundForm, *, status: int = 200
) -> HttpResponse:
    at = timezone.now()
    url = here(request, "conversion", found.public_id)
    left = found.amount - found.refunded
    explanations = [_explained(request, one, url) for one in explanations_of_order(found, viewer="merchant", at=at)]
    # An explanation tells of the clicks itself; without one they stand in a table.
    sale = None if explanations else sale_of(found)
    context: dict[str, Any] = {
        "conversion": found,
        "url": url,
        "left": left,
        "reason": reason_of(found.reason) if found.reason else None,
        "explanations": explanations,
        "would_earn": sale.would_earn if sale else None,
        "touches": _touches(sale.attribution.candidates) if sale and sale.attribution else [],
        "parts": _parts(found),
        "requests": [
            (one, reason_of(one.reason) if one.reason else None, shown_payload(one))
            for one in requests_about(found)[:_REQUESTS_SHOWN]
        ],
        "refunds": [(one, reason_of(one.reason), door_words(refund_way(one))) for one in refunds_of(found)],
        "refund_form": form if left else None,
        "amend_form": AmendForm(currency=found.currency, reference=_reference()),
        # An explanation has the history itself, with what each change took or gave.
        "history": [] if explanations else _history(found),
    }
    return show(
        request, "conversion.html", context, place="conversions", status=status,
        title=_("Order %(ref)s") % {"ref": found.order_ref},
        crumbs=[(_("Conversions"), here(request, "conversions"))],
    )  # fmt: skip


def _explained(request: MerchantRequest, told: Explanation, url: str) -> dict[str, Any]:
    places = Places(
        here=url,
        order=f"{url}#requests",
        rule=here(request, "rule", told.rule.id),
        finding=lambda finding: here(request, "finding", finding),
    )
    return explain_context(told, places=places)


def _touches(candidates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every click that could have won, with whose it was and why it won or lost."""
    names = affiliates_by_id({row["affiliate"] for row in candidates if row["affiliate"]})
    return [
        {
            "click": row["click"],
            "at": datetime.fromisoformat(row["at"]),
            "name": names[row["affiliate"]].name if row["affiliate"] in names else "",
            "won": row["won"],
            "reason": reason_of(row["reason"]),
        }
        for row in candidates
    ]


def _history(found: "Conversion") -> list[tuple[datetime, str, str, list[tuple[str, str, str]]]]:
    """What changed after the order was reported, oldest first: (when, what, why or by which number, the fields)."""
    rows: list[tuple[datetime, str, str, list[tuple[str, str, str]]]] = []
    for one in found.revisions.all():
        why = str(reason_of(one.reason).title) if one.reason else one.door
        fields = [(name, _short(before), _short(after)) for name, (before, after) in sorted(one.changes.items())]
        rows.append((one.at, _("Amended"), why, fields))
    rows += [
        (
            refund.voided_at or refund.at,
            _("Refund undone"),
            str(reason_of(refund.void_reason).title),
            [(refund.reference, refund.amount.major, "0")],
        )
        for refund in found.refunds.exclude(voided_at=None)
    ]
    for dispute in found.disputes.all():
        amount = dispute.amount.major if dispute.amount is not None else ""
        rows.append(
            (dispute.opened_at, _("Dispute opened"), dispute.reference, [("amount", amount, "")] if amount else [])
        )
        if dispute.closed_at is not None:
            words = _("Dispute won") if dispute.status == "won" else _("Dispute lost")
            rows.append((dispute.closed_at, words, dispute.reference, []))
    return sorted(rows, key=lambda row: row[0])


def _short(value: object) -> str:
    text = str(value) if value not in (None, "", [], {}) else "–"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _parts(found: "Conversion") -> list[tuple[str, Money]]:
    """The amounts that were reported beside the commissionable one, where there are any."""
    parts = [(_("Tax"), found.tax_minor), (_("Shipping"), found.shipping_minor), (_("Discount"), found.discount_minor)]
    return [(name, Money(minor, found.currency)) for name, minor in parts if minor]


def _form(request: MerchantRequest) -> ConversionFilterForm:
    form = ConversionFilterForm(
        request.GET,
        partners=partners_in(request.merchant),
        programs=[(program.slug, program.name) for program in programs_of(request.merchant)],
    )
    form.is_valid()
    return form


def _found(request: MerchantRequest, form: ConversionFilterForm, *, at: datetime) -> "QuerySet[Conversion]":
    said = form.cleaned_data
    question = ConversionFilter(
        verdict=said.get("verdict", ""),
        state=said.get("state", ""),
        partner=said.get("partner", ""),
        program=said.get("program", ""),
        text=said.get("q", ""),
        view=said.get("view", ""),
        span=span_of(said.get("period", ""), zone=request.merchant.time_zone, at=at),
    )
    return conversions_in(request.merchant, question)


def _page_of_keys(found: "QuerySet[Conversion]", page: Any) -> "QuerySet[Conversion]":
    """The page's rows as a question of their own, so that what belongs to them can be joined to it."""
    rows: QuerySet[Conversion] = page.object_list
    return found.filter(pk__in=[row.pk for row in rows])


def _chip_labels(form: ConversionFilterForm) -> dict[str, str]:
    said = form.cleaned_data
    labels: dict[str, str] = {}
    if said.get("verdict"):
        labels["verdict"] = str(state_of("conversion", said["verdict"]).label)
    if said.get("state"):
        labels["state"] = str(state_of("money", said["state"]).label)
    for name in ("partner", "program"):
        if said.get(name):
            labels[name] = str(dict(form.fields[name].choices)[said[name]])  # type: ignore[attr-defined]
    if said.get("period"):
        labels["period"] = str(dict(PERIODS)[said["period"]])
    if said.get("q"):
        labels["q"] = _("Order %(ref)s") % {"ref": said["q"]}
    return labels


def _tabs(request: MerchantRequest) -> list[tuple[str, str, bool]]:
    """The named questions, each keeping the rest of the filter."""
    current = request.GET.get("view", "")
    query = request.GET.copy()
    query.pop("page", None)
    tabs = []
    for view, label in (
        ("", _("All")), ("review", _("Needs a look")), ("refunded", _("Refunded")), ("zero", _("Earned nothing")), ("test", _("Test")),
    ):  # fmt: skip
        query.pop("view", None)
        if view:
            query["view"] = view
        tabs.append((label, f"?{query.urlencode()}", view == current))
    return tabs


def _csv_rows(found: "QuerySet[Conversion]", *, at: datetime) -> Iterator[list[object]]:
    keys = found.values_list("pk", flat=True)
    for batch in batched(keys.iterator(chunk_size=_EXPORT_BATCH), _EXPORT_BATCH):
        for row in rows_of(found.filter(pk__in=batch), at=at):
            for cost in row.costs or (None,):
                state = cost.state if cost else None
                yield [
                    row.occurred_at.isoformat(), row.id, row.order_ref, row.event,
                    str(state_of("conversion", row.verdict).label), row.reason, row.amount.to_decimal(),
                    row.refunded.to_decimal(), row.amount.currency, cost.affiliate_name if cost else "",
                    cost.amount.to_decimal() if cost else "",
                    str(state_of("money", state.name).label) if state else "",
                    state.until.isoformat() if state and state.until else "", detail_of(state) if state else "",
                ]  # fmt: skip


def _reference() -> str:
    """A fresh reference, so that pressing the button twice books one refund."""
    return f"web-{secrets.token_hex(4)}"
