"""Home: what can be paid and when, the link to copy, and what happened last."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from affiliates.queries import enrolments_of
from ledger.money import Money
from payouts.methods import method_of
from payouts.queries.explain import MoneyState, states_of
from payouts.queries.partner import (
    earned_by_day,
    latest_earnings,
)
from payouts.queries.standing import Standing, standings_of
from portal import charts
from portal.affiliate.forms import PageForm
from portal.affiliate.pages import earning_url, earnings_url, link_url, show
from portal.affiliate.setup import next_step
from portal.explain import detail_of, event_words, how_text
from portal.formats import format_moment, format_money, format_percent
from portal.requests import PartnerRequest
from tracking.queries.partner import ClickDay, click_days_of, default_link_of, has_clicks

if TYPE_CHECKING:
    from payouts.models import Commission

_CHART_DAYS = 28
_ACTIVITY_DAYS = 14
_SALES_SHOWN, _ROWS_SHOWN = 8, 12


@dataclass(frozen=True, slots=True)
class Activity:
    """One line of what happened last: a sale, or the clicks of a day."""

    at: datetime | date
    title: str
    note: str = ""
    state: MoneyState | None = None
    detail: str = ""
    amount: Money | None = None
    url: str = ""


@require_safe
def home(request: PartnerRequest) -> HttpResponse:
    """The home page over all programs."""
    at = timezone.now()
    affiliate = request.affiliate
    standings = standings_of(affiliate, at=at)
    link = default_link_of(affiliate)
    latest = latest_earnings(affiliate, limit=_SALES_SHOWN)
    is_new = not latest and not has_clicks(affiliate)
    if not standings and link is not None:
        standings = [Standing.nothing(link.program.currency)]
    context: dict[str, Any] = {
        "at": at,
        "step": next_step(affiliate, method_of(affiliate), at=at),
        "standings": standings,
        "several_currencies": len(standings) > 1,
        "first": standings[0] if standings else None,
        "others": standings[1:],
        "next": next((one for one in standings[0].coming if one.is_enough), None) if standings else None,
        "paid_url": reverse("partner:payouts", query={"year": at.year}),
        "payouts_this_year": sum(one.payouts_this_year for one in standings),
        "link": link,
        "link_url": link_url(link) if link else "",
        "page_form": PageForm(auto_id="page_%s"),
        "is_new": is_new,
        "places": [] if link else list(enrolments_of(affiliate)),
    }
    if not is_new:
        context |= _earned(request, standings, at=at)
        context["activities"] = _activities(request, latest, at=at)
    return show(request, "home.html", context, place="home", title=_("Home"))


def _earned(request: PartnerRequest, standings: list[Standing], *, at: datetime) -> dict[str, Any]:
    """Earnings a day over 28 days in the currency with the most sales: the chart, its sum and how it compares."""
    if not standings:
        return {}
    currency = standings[0].currency
    nothing = Money.zero(currency)
    last = timezone.localdate(at)
    first = last - timedelta(days=_CHART_DAYS - 1)
    earned = earned_by_day(request.affiliate, currency, first_day=first - timedelta(days=_CHART_DAYS), last_day=last)
    days = [first + timedelta(days=number) for number in range(_CHART_DAYS)]
    amounts = [earned.get(day, nothing) for day in days]
    now = sum(amount.minor for amount in amounts)
    before = sum(amount.minor for day, amount in earned.items() if day < first)
    change = Decimal(now) / before - 1 if before > 0 else None
    chart = charts.columns(
        [format_moment(day, style="short") for day in days],
        [float(amount.to_decimal()) for amount in amounts],
        title=_finding(change),
        name=_("Earnings"),
        label_name=_("Day"),
        unit=_("%(currency)s a day") % {"currency": currency},
        shown=lambda value: format_money(
            Money.parse(f"{Decimal(value):.{_digits(nothing)}f}", currency, negative=True)
        ),
        urls=[earnings_url(since=day, until=day) for day in days],
    )
    return {
        "chart": chart,
        "earned": Money(now, currency),
        "earned_url": earnings_url(since=first, until=last),
        "change": change,
    }


def _finding(change: Decimal | None) -> str:
    if change is None:
        return _("Earnings of the last 28 days")
    values = {"change": format_percent(abs(change), digits=0)}
    if change >= 0:
        return _("Earnings rose %(change)s on the 28 days before") % values
    return _("Earnings fell %(change)s on the 28 days before") % values


def _digits(amount: Money) -> int:
    return max(0, -int(amount.to_decimal().as_tuple().exponent))


def _activities(request: PartnerRequest, latest: "list[Commission]", *, at: datetime) -> list[Activity]:
    states = states_of(latest, at=at)
    rows = [_sale(one, states[one.pk]) for one in latest]
    since = datetime.combine(
        timezone.localdate(at) - timedelta(days=_ACTIVITY_DAYS), time(), tzinfo=timezone.get_current_timezone()
    )
    days = click_days_of(request.affiliate, since=since, until=at + timedelta(hours=1))
    oldest = timezone.localdate(latest[-1].accrued_at) if len(latest) == _SALES_SHOWN else since.date()
    rows += [_clicks(day) for day in days if day.day >= oldest]
    # Within a day the sales come first: its clicks are its sum.
    rows.sort(key=lambda row: (_day_of(row.at), isinstance(row.at, datetime), _instant(row.at)), reverse=True)
    return rows[:_ROWS_SHOWN]


def _day_of(at: datetime | date) -> date:
    return timezone.localdate(at) if isinstance(at, datetime) else at


def _instant(at: datetime | date) -> float:
    return at.timestamp() if isinstance(at, datetime) else 0.0


def _sale(commission: "Commission", state: MoneyState) -> Activity:
    url = earning_url(commission.public_id)
    return Activity(
        at=commission.accrued_at,
        title=_("%(event)s, %(program)s") % {
            "event": event_words(commission.conversion.event).capitalize(), "program": commission.program.name,
        },
        note=how_text(commission, url=url),
        state=state,
        detail=detail_of(state),
        amount=commission.remaining,
        url=url,
    )  # fmt: skip


def _clicks(day: ClickDay) -> Activity:
    clicks = ngettext("%(number)s click", "%(number)s clicks", day.counted) % {"number": day.counted}
    on = ngettext("on %(number)s link", "on %(number)s links", day.links) % {"number": day.links}
    left_out = ngettext("%(number)s more not counted", "%(number)s more not counted", day.left_out) % {
        "number": day.left_out
    }
    return Activity(
        at=day.day, title=f"{clicks} {on}", note=left_out if day.left_out else "", url=reverse("partner:links")
    )
