"""The performance report for programs: the figures of the report screens, by key, with the contract's own fields."""

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from ledger.ids import public_id_of
from ledger.money import Money
from payouts.queries.statistics import Report, report_on, scope_of_merchant, scope_of_partner
from portal.api.cursors import slice_of
from portal.intake.fields import refuse
from portal.reports.values import values_of
from tracking.statistics.metrics import METRICS, OF_ONE_CURRENCY, Average, Figures, Value
from tracking.statistics.names import names_of
from tracking.statistics.questions import Question

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey

_LONGEST = timedelta(days=400)
_TIMES = frozenset({"day", "week", "month"})
_PREFIXES = {"program": "prog", "affiliate": "aff", "link": "link"}


def report_performance(
    request: HttpRequest,
    key: "ApiKey",
    *,
    first: date | None,
    last: date | None,
    group_by: str,
    metrics: str,
    limit: int,
    cursor: str,
) -> JsonResponse:
    """Clicks, orders, revenue and commission of some days, grouped, and any other figure asked for.

    A test key has no live figures, and test orders are in none. Raises InputRefused.
    """
    zone = key.merchant.time_zone if key.merchant else "UTC"
    start, end = _span(first, last, zone)
    wanted = _metrics(metrics)
    rows = [] if key.is_test else _rows(_ask(key, start, end, zone, group_by, wanted), group_by, wanted)
    return slice_of(request, rows, limit=limit, cursor=cursor, show=dict)


def _ask(key: "ApiKey", start: datetime, end: datetime, zone: str, group_by: str, wanted: list[str]) -> Report:
    if key.merchant is not None:
        scope = scope_of_merchant(key.merchant)
    else:
        assert key.affiliate is not None
        scope = scope_of_partner(key.affiliate)
    question = Question(scope, start, end, zone=zone, groups=(group_by,))
    return report_on(question, with_times=any(one.startswith("time_to") for one in wanted))


def _metrics(asked: str) -> list[str]:
    """The figures asked for, each once."""
    wanted = list(dict.fromkeys(one.strip() for one in asked.split(",") if one.strip()))
    for one in wanted:
        if one not in METRICS:
            shown = "".join(sign for sign in one[:40] if sign.isprintable())
            raise refuse("metrics", f"metrics has no {shown!r}. Send some of: {', '.join(METRICS)}.")
    return wanted


def _rows(report: Report, group_by: str, wanted: list[str]) -> list[dict[str, Any]]:
    """Days run forward, all else by orders and clicks."""
    groups = {key: figures for (key,), figures in report.groups.items()}
    names = names_of(group_by, groups) if group_by in _PREFIXES else {}
    order = (
        sorted(groups)
        if group_by in _TIMES
        else sorted(groups, key=lambda key: (-groups[key].orders, -(groups[key].clicks or 0), key))
    )
    prefix = _PREFIXES.get(group_by)
    currencies = sorted(report.currencies)
    return [
        {
            "key": public_id_of(prefix, UUID(key)) if prefix and key else key,
            "name": names[key][1] if key in names else "",
            **_row(groups[key]),
            "metrics": {one: _told(one, groups[key], currencies) for one in wanted},
        }
        for key in order
    ]


def _row(figures: Figures) -> dict[str, Any]:
    """The fields of the contract."""
    return {
        "clicks": figures.gross_clicks,
        "counted_clicks": figures.clicks,
        "conversion_rate": f"{figures.orders / figures.clicks:.4f}" if figures.clicks else None,
        "totals": [
            {
                "currency": code,
                "orders": told.orders,
                "revenue": Money(told.sales - told.refunds, code).major,
                "commission": Money(told.commission, code).major,
            }
            for code, told in sorted(figures.takings.items())
        ],
    }


def _told(metric: str, figures: Figures, currencies: list[str]) -> object:
    """A figure; by currency where it is one of money."""
    values = values_of(metric, figures, currencies)
    if METRICS[metric].is_money or metric in OF_ONE_CURRENCY:
        return {code: _text(value) for code, value in values}
    return _text(values[0][1])


def _text(value: Value) -> str | int | None:
    """Whole numbers as they are, all others as decimal text."""
    if value is None or isinstance(value, int):
        return value
    return f"{value.to_decimal() if isinstance(value, Money | Average) else value:f}"


def _span(first: date | None, last: date | None, zone: str) -> tuple[datetime, datetime]:
    """The half-open stretch from the first day's start to the last day's end, of a time zone."""
    place = ZoneInfo(zone)
    last = last or timezone.now().astimezone(place).date()
    if not date(2000, 1, 1) <= last <= date(9000, 1, 1):
        raise refuse("to", "to is no day a report can end on.")
    first = first or last - timedelta(days=27)
    if first > last:
        raise refuse("from", "from lies after to. Send the earlier day as from.")
    if last - first > _LONGEST:
        raise refuse("from", f"A report covers {_LONGEST.days} days at most. Send a later from.")
    start = datetime.combine(first, time(0), place)
    return start.astimezone(UTC), datetime.combine(last + timedelta(days=1), time(0), place).astimezone(UTC)
