"""Payouts: what is coming and when, what was paid, and how each sum was made."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ledger.money import Money
from payouts.access import open_payout_of
from payouts.methods import method_of
from payouts.queries.explain import MoneyState, state_of_payout
from payouts.queries.partner import (
    TakenBack,
    items_of,
    payout_totals,
    payouts_of,
    sum_of,
    taken_back_of,
    years_with_payouts,
)
from payouts.queries.standing import Coming, Standing, coming_of, standings_of
from portal.affiliate.pages import PAGE_ROWS, earning_url, earnings_url, show
from portal.affiliate.setup import next_step
from portal.explain import detail_of
from portal.reasons import reason_of
from portal.requests import PartnerRequest

if TYPE_CHECKING:
    from payouts.models import Payout, PayoutItem


@dataclass(frozen=True, slots=True)
class ComingRow:
    """One expected pay day with where its figures come from."""

    coming: Coming
    url: str
    certain_url: str
    pending_url: str


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """One payout with its state."""

    payout: "Payout"
    state: MoneyState
    detail: str
    url: str
    statement_id: str


@dataclass(frozen=True, slots=True)
class AvailableSum:
    """How the available amount of one currency is made."""

    lines: tuple[tuple[str, Money, str], ...]
    total: tuple[str, Money, str]


@dataclass(frozen=True, slots=True)
class TakenBackRow:
    """One line of what is to be recovered, in words."""

    line: TakenBack
    what: str
    url: str


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One commission in a payout."""

    item: "PayoutItem"
    amount: Money
    url: str


@require_safe
def payouts(request: PartnerRequest) -> HttpResponse:
    """Coming payouts, the sum that is available, and the past ones by year."""
    at = timezone.now()
    affiliate = request.affiliate
    standings = standings_of(affiliate, at=at)
    years = years_with_payouts(affiliate)
    asked = request.GET.get("year", "")
    year = int(asked) if asked.isdecimal() and int(asked) in years else None
    found = payouts_of(affiliate, year=year)
    page = Paginator(found, PAGE_ROWS).get_page(request.GET.get("page"))
    totals = payout_totals(found)
    own = reverse("partner:payouts")
    taken_back = [line for one in standings if one.has_taken_back for line in taken_back_of(affiliate, one.currency)]
    context = {
        "step": next_step(affiliate, method_of(affiliate), at=at),
        "coming": [_coming_row(one) for one in coming_of(standings)],
        "sums": [_available(one) for one in standings if one.available or one.approved],
        "taken_back": [_taken_back_row(line) for line in taken_back],
        "rows": list(_rows(page.object_list, at=at)),
        "page": page,
        "totals": totals,
        "here": request.get_full_path(),
        "several_currencies": len(standings) > 1,
        "year": year,
        "tabs": [(_("All"), own, year is None), *((str(one), f"{own}?year={one}", year == one) for one in years)],
        "ignored": [key for key in request.GET if key not in {"year", "page"} or (key == "year" and year is None)],
    }
    return show(request, "payouts.html", context, place="payouts", title=_("Payouts"))


@require_safe
def payout(request: PartnerRequest, payout_id: str) -> HttpResponse:
    """One payout: how its sum was made, the commissions in it, its statement."""
    opened = open_payout_of(request.affiliate, payout_id)
    found = payouts_of(request.affiliate).get(pk=opened.pk)
    at = timezone.now()
    state = state_of_payout(found, at=at)
    page = Paginator(items_of(found), PAGE_ROWS).get_page(request.GET.get("page"))
    here = reverse("partner:payout", args=[found.public_id])
    made = sum_of(found)
    lines = [(_("Commissions"), made.gross, f"{here}#lines")]
    if made.carried:
        lines.append((_("Carried over from earlier payouts"), made.carried, reverse("partner:payouts")))
    if made.netted:
        lines.append((_("Taken back for refunded orders"), -made.netted, f"{reverse('partner:payouts')}#taken-back"))
    context = {
        "payout": found,
        "made": made,
        "state": state,
        "detail": detail_of(state),
        "reason": str(reason_of(state.reason).partner) if state.reason else "",
        "lines": lines,
        "total": (_("Paid") if state.name == "paid" else _("To be paid"), made.paid, here),
        "rows": [_item_row(item, found.currency) for item in page.object_list],
        "page": page,
        "statement_id": _statement_id(found),
    }
    return show(
        request, "payout.html", context, place="payouts", title=_("Payout %(label)s") % {"label": found.run.label},
        crumbs=[(_("Payouts"), reverse("partner:payouts"))],
    )  # fmt: skip


def _coming_row(one: Coming) -> ComingRow:
    day = one.at.date()
    return ComingRow(
        one, earnings_url(pays=day), earnings_url(pays=day, state="approved"), earnings_url(pays=day, state="pending")
    )


def _available(one: Standing) -> AvailableSum:
    here = f"{reverse('partner:payouts')}#available"
    lines = [(_("Approved commissions"), one.approved, earnings_url(state="approved"))]
    if one.carried:
        lines.append((_("Carried over from earlier payouts"), one.carried, here))
    if one.recoverable:
        lines.append(
            (_("Taken back for refunded orders"), -one.recoverable, f"{reverse('partner:payouts')}#taken-back")
        )
    return AvailableSum(tuple(lines), (_("Available to be paid"), one.available, here))


def _taken_back_row(line: TakenBack) -> TakenBackRow:
    if line.subject.startswith("pay_"):
        return TakenBackRow(line, _("Netted from a payout"), reverse("partner:payout", args=[line.subject]))
    return TakenBackRow(line, _("Refund of an order that was paid"), earning_url(line.subject))


def _rows(payouts: "Iterable[Payout]", *, at: datetime) -> Iterator[PayoutRow]:
    for one in payouts:
        state = state_of_payout(one, at=at)
        yield PayoutRow(
            one, state, detail_of(state), reverse("partner:payout", args=[one.public_id]), _statement_id(one)
        )


def _statement_id(payout: "Payout") -> str:
    statement = getattr(payout, "statement", None)
    return statement.public_id if statement else ""


def _item_row(item: "PayoutItem", currency: str) -> ItemRow:
    return ItemRow(item, Money(item.amount_minor, currency), earning_url(item.commission.public_id))
