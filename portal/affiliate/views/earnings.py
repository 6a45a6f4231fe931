"""Earnings: the lines behind every figure, and why each is what it is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from affiliates.queries import enrolments_of
from payouts.access import open_commission_of
from payouts.queries.explain import MoneyState, explanation_of, states_of
from payouts.queries.partner import EarningsFilter, earnings_of, totals_of, unpaid_orders_of
from portal.affiliate.forms import EarningsFilterForm
from portal.affiliate.pages import PAGE_ROWS, earning_url, has_several, show
from portal.explain import Places, detail_of, event_words, explain_context, how_text
from portal.exports import csv_response
from portal.filters import chips_of, ignored_keys
from portal.formats import format_day
from portal.reasons import reason_of
from portal.requests import PartnerRequest
from portal.states import state_of as shown_state

if TYPE_CHECKING:
    from payouts.models import Commission

_EXPORT_BATCH = 500
_UNPAID_SHOWN = 20


@dataclass(frozen=True, slots=True)
class EarningRow:
    """One commission with its state and how it was made."""

    commission: "Commission"
    event: str
    how: str
    state: MoneyState
    detail: str
    url: str
    question_url: str = ""


@require_safe
def earnings(request: PartnerRequest) -> HttpResponse:
    """The list, its filter, and the filter's sums."""
    at = timezone.now()
    form = _form(request)
    found = _found(request, form, at=at)
    page = Paginator(found, PAGE_ROWS).get_page(request.GET.get("page"))
    totals = totals_of(found)
    query = request.GET.urlencode()
    export = reverse("partner:earnings-export")
    asked = {key: value for key, value in form.cleaned_data.items() if value}
    shows_unpaid = page.number == 1 and asked in ({}, {"state": "not_paid"})
    unpaid = unpaid_orders_of(request.affiliate, limit=_UNPAID_SHOWN) if shows_unpaid else []
    context = {
        "unpaid": [(one, reason_of(one.reason)) for one in unpaid],
        "rows": list(_rows(page.object_list, at=at)),
        "page": page,
        "totals": totals,
        "several_currencies": has_several(totals),
        "filter": form,
        "chips": chips_of(request, _chip_labels(form)),
        "ignored": ignored_keys(request, form),
        "export_url": f"{export}?{query}" if query else export,
        "here": f"{request.path}?{query}" if query else request.path,
    }
    return show(request, "earnings.html", context, place="earnings", title=_("Earnings"))


@require_safe
def export(request: PartnerRequest) -> StreamingHttpResponse:
    """The rows of the list as CSV."""
    at = timezone.now()
    found = _found(request, _form(request), at=at)
    header = [
        _("Date"), _("Commission"), _("Event"), _("Order"), _("Program"), _("Merchant"), _("Order amount"), _("Base"),
        _("Rate"), _("Earned"), _("Taken back"), _("Amount"), _("Currency"), _("State"), _("State's date"), _("Detail"),
    ]  # fmt: skip
    return csv_response("earnings.csv", header, _csv_rows(found, at=at))


@require_safe
def earning(request: PartnerRequest, commission_id: str) -> HttpResponse:
    """Why one amount is what it is."""
    commission = open_commission_of(request.affiliate, commission_id)
    told = explanation_of(commission, viewer="partner", at=timezone.now())
    places = Places(
        here=earning_url(told.id),
        question=reverse("partner:earning-question", args=[told.id]),
        rule=reverse("partner:program", args=[told.rule.program_slug]),
        payout=reverse("partner:payout", args=[told.payout.id]) if told.payout else "",
        finding=lambda finding: reverse("partner:hold", args=[finding]),
    )
    context = {"told": told, "explain": explain_context(told, places=places)}
    title = _("%(event)s, order %(ref)s") % {"event": event_words(told.order.event).capitalize(), "ref": told.order.ref}
    return show(
        request, "earning.html", context, place="earnings", title=title,
        crumbs=[(_("Earnings"), reverse("partner:earnings"))],
    )  # fmt: skip


def _form(request: PartnerRequest) -> EarningsFilterForm:
    programs = [(place.program.slug, place.program.name) for place in enrolments_of(request.affiliate)]
    form = EarningsFilterForm(request.GET, programs=programs)
    form.is_valid()
    return form


def _found(request: PartnerRequest, form: EarningsFilterForm, *, at: datetime) -> "QuerySet[Commission]":
    said = form.cleaned_data
    question = EarningsFilter(
        state=said.get("state", ""),
        program=said.get("program", ""),
        link=said.get("link", ""),
        first_day=said.get("since"),
        last_day=said.get("until"),
        pays=said.get("pays"),
    )
    return earnings_of(request.affiliate, question, sort=request.GET.get("sort", ""), at=at)


def _chip_labels(form: EarningsFilterForm) -> dict[str, str]:
    said = form.cleaned_data
    labels: dict[str, str] = {}
    if said.get("state"):
        labels["state"] = str(shown_state("money", said["state"]).label)
    if said.get("program"):
        labels["program"] = dict(form.fields["program"].choices)[said["program"]]  # type: ignore[attr-defined]
    if said.get("since"):
        labels["since"] = _("From %(date)s") % {"date": format_day(said["since"])}
    if said.get("until"):
        labels["until"] = _("Until %(date)s") % {"date": format_day(said["until"])}
    if said.get("link"):
        labels["link"] = _("Link %(code)s") % {"code": said["link"]}
    if said.get("pays"):
        labels["pays"] = _("Expected on %(date)s") % {"date": format_day(said["pays"])}
    return labels


def _rows(commissions: "Iterable[Commission]", *, at: datetime) -> Iterator[EarningRow]:
    loaded = list(commissions)
    states = states_of(loaded, at=at)
    for one in loaded:
        state, url = states[one.pk], earning_url(one.public_id)
        event = event_words(one.conversion.event).capitalize()
        question = reverse("partner:earning-question", args=[one.public_id])
        yield EarningRow(one, event, how_text(one, url=url), state, detail_of(state), url, question)


def _csv_rows(found: "QuerySet[Commission]", *, at: datetime) -> Iterator[list[object]]:
    for batch in batched(found.iterator(chunk_size=_EXPORT_BATCH), _EXPORT_BATCH):
        for row in _rows(batch, at=at):
            one, state = row.commission, row.state
            line = one.rule_line
            yield [
                one.accrued_at.isoformat(), one.public_id, one.conversion.event, one.conversion.order_ref,
                one.program.name, one.program.merchant.name, one.conversion.amount.to_decimal(), one.trace["base"],
                f"{line.rate.normalize():f}" if line.kind == "percent" else "",
                one.amount.to_decimal(), (one.amount - one.remaining).to_decimal(), one.remaining.to_decimal(), one.currency,
                str(shown_state("money", state.name).label), state.until.isoformat() if state.until else "", row.detail,
            ]  # fmt: skip
