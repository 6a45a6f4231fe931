"""Overview: is it worth it, and what needs somebody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from ledger.money import Money
from payouts.queries.merchant import Day, Figures, days_in, figures_in, top_partners, waiting_in
from portal import charts
from portal.formats import format_moment, format_money, format_percent
from portal.merchant.pages import here, show
from portal.merchant.periods import OVERVIEW_DAYS, days_until, span_of
from portal.requests import MerchantRequest

_LOOK_BACK = timedelta(days=7)

#: A smaller change than this is none to speak of.
_LEVEL = Decimal("0.005")


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs somebody."""

    tone: str
    icon: str
    title: str
    text: str
    action: str
    url: str


@require_safe
def overview(request: MerchantRequest) -> HttpResponse:
    """Four figures of four weeks with how they compare, the days as lines, what needs somebody, top partners."""
    at = timezone.now()
    merchant = request.merchant
    span = span_of("28d", zone=merchant.time_zone, at=at)
    assert span is not None
    now, before = figures_in(merchant, span), figures_in(merchant, span.before)
    today = at.astimezone(ZoneInfo(merchant.time_zone)).date()
    days = days_in(merchant, span, days_until(today, OVERVIEW_DAYS))
    question = {"verdict": "accepted", "period": "28d"}
    context: dict[str, Any] = {
        "at": at,
        "now": now,
        "changes": _changes(now, before),
        "cost_share": now.cost_share,
        "counted_url": here(request, "conversions", **question),
        "chart": _chart(days, now, before) if now.orders or before.orders else None,
        "needs": _needs(request, at=at),
        "partners": [
            (one, here(request, "conversions", partner=one.id, **question)) for one in top_partners(merchant, span)
        ],
    }
    return show(request, "overview.html", context, place="overview", title=_("Overview"), lead=_("The last 28 days"))


def _changes(now: Figures, before: Figures) -> dict[str, Decimal | None]:
    return {
        "revenue": _change(now.revenue.minor, before.revenue.minor),
        "commission": _change(now.commission.minor, before.commission.minor),
        "orders": _change(now.orders, before.orders),
        "new_customers": _change(now.new_customers, before.new_customers),
    }


def _change(now: int, before: int) -> Decimal | None:
    return Decimal(now) / before - 1 if before > 0 else None


def _chart(days: Sequence[Day], now: Figures, before: Figures) -> charts.Chart:
    currency = now.revenue.currency
    change = _change(now.revenue.minor, before.revenue.minor)
    return charts.lines(
        [format_moment(one.day, style="short") for one in days],
        [
            charts.Series(_("Revenue"), [float(one.revenue.to_decimal()) for one in days]),
            charts.Series(_("Commission"), [float(one.commission.to_decimal()) for one in days]),
        ],
        title=_finding(change),
        unit=_("%(currency)s a day") % {"currency": currency},
        label_name=_("Day"),
        shown=lambda value: format_money(_money(value, currency)),
    )


def _money(value: float, currency: str) -> Money:
    """A chart's number as the amount it was made of."""
    digits = max(0, -int(Money.zero(currency).to_decimal().as_tuple().exponent))
    return Money.parse(f"{Decimal(value):.{digits}f}", currency, negative=True)


def _finding(change: Decimal | None) -> str:
    if change is None:
        return _("Revenue and commission of the last 28 days")
    if abs(change) < _LEVEL:
        return _("Revenue is level with the 28 days before")
    values = {"change": format_percent(abs(change), digits=0)}
    if change >= 0:
        return _("Revenue rose %(change)s on the 28 days before") % values
    return _("Revenue fell %(change)s on the 28 days before") % values


def _needs(request: MerchantRequest, *, at: datetime) -> list[Need]:
    """What waits, the most urgent first."""
    waiting = waiting_in(request.merchant, since=at - _LOOK_BACK)
    found = []
    if waiting.set_aside:
        found.append(Need(
            "neg", "shield-alert",
            ngettext("%(count)s request could not be read", "%(count)s requests could not be read", waiting.set_aside)
            % {"count": waiting.set_aside},
            _("They came within the last 7 days and are kept."), _("Look at them"),
            here(request, "events", verdict="quarantined"),
        ))  # fmt: skip
    if waiting.refused:
        found.append(Need(
            "warn", "circle-x",
            ngettext("%(count)s request was rejected", "%(count)s requests were rejected", waiting.refused)
            % {"count": waiting.refused},
            _("They came within the last 7 days. Each says what to mend."), _("Look at them"),
            here(request, "events", verdict="rejected"),
        ))  # fmt: skip
    if waiting.applications:
        found.append(Need(
            "info", "user-check",
            ngettext("%(count)s application waits", "%(count)s applications wait", waiting.applications)
            % {"count": waiting.applications},
            _("Partners earn nothing until you answer."), _("Answer"), here(request, "applications"),
        ))  # fmt: skip
    if waiting.held:
        found.append(Need(
            "info", "hand",
            ngettext("%(count)s order is held", "%(count)s orders are held", waiting.held) % {"count": waiting.held},
            _("Their clicks have not arrived yet. They are decided by themselves."), _("Look at them"),
            here(request, "conversions", verdict="held"),
        ))  # fmt: skip
    return found
