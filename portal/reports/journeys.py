"""Paths to the order, and the time they took, as a page and as a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.money import Money
from payouts.queries.journeys import LAGS, Journeys, Path, Step, journeys_of
from portal import charts
from portal.exports import csv_response
from portal.formats import format_day, format_money, format_percent
from portal.reports.asking import Asked, read_question
from portal.reports.place import Place
from portal.reports.showing import chips_of_report, hidden_of, tabs_of
from portal.reports.values import span_text

_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One path with what it brought."""

    steps: list[str]
    text: str
    orders: int
    share: str
    revenue: list[str]


def show_journeys(request: HttpRequest, place: Place, *, at: datetime) -> dict[str, Any]:
    """Everything the page shows."""
    asked = read_question(request, place, at=at)
    found = journeys_of(asked.question.by())
    timed = sum(found.since_click)
    return {
        "asked": asked,
        "at": at,
        "found": found,
        "paths": [_line(path, found, place) for path in found.paths[:_SHOWN]],
        "median": span_text(found.median_seconds) if found.median_seconds is not None else "",
        "late": span_text(found.late_seconds) if found.late_seconds is not None else "",
        "average_touches": _average(found),
        "several": _share(sum(number for length, number in found.lengths if length > 1), found.orders),
        "lag_chart": _lag_chart(found, timed) if timed else None,
        "length_chart": _length_chart(found) if found.orders else None,
        "fields": [asked.form[name] for name in ("period", "since", "until", "zone")],
        "chips": chips_of_report(request, asked),
        "ignored": asked.ignored,
        "hidden": hidden_of(request, asked),
        "clear_url": place.url("reports-paths"),
        "export_url": f"{place.url('reports-paths-export')}?{request.GET.urlencode()}",
        "tabs": tabs_of(place, "reports-paths"),
        "span": f"{format_day(asked.first)} – {format_day(asked.last)}",
    }


def export_journeys(request: HttpRequest, place: Place, *, at: datetime) -> StreamingHttpResponse:
    """The paths as CSV, each with its orders and its revenue by currency."""
    asked: Asked = read_question(request, place, at=at)
    found = journeys_of(asked.question.by())
    codes = sorted({amount.currency for path in found.paths for amount in path.revenue})

    def lines() -> Iterator[list[object]]:
        for path in found.paths[:_SHOWN]:
            told = {amount.currency: amount for amount in path.revenue}
            line = _line(path, found, place)
            yield [line.text, line.orders, *(told.get(code, Money.zero(code)).to_decimal() for code in codes)]

    return csv_response("paths.csv", [_("Path"), _("Orders"), *(f"{_('Revenue')} {code}" for code in codes)], lines())


def _line(path: Path, found: Journeys, place: Place) -> Line:
    steps = [_step(step, place) for step in path.steps] or [_("no touch that is known")]
    return Line(
        steps,
        " → ".join(steps),
        path.orders,
        _share(path.orders, found.orders),
        [format_money(amount, code=len(path.revenue) > 1) for amount in path.revenue],
    )


def _step(step: Step, place: Place) -> str:
    if place.kind == "partner":
        who = _("you") if step.affiliate else _("another partner")
    else:
        who = step.name or _("a partner who is gone")
    kinds = {"view": _("%(who)s (view)"), "coupon": _("%(who)s (code)"), "code": _("%(who)s (code)"),
             "customer": _("%(who)s (bound customer)"), "lifetime": _("%(who)s (bound customer)")}  # fmt: skip
    return kinds.get(step.kind, "%(who)s") % {"who": who}


def _share(part: int, whole: int) -> str:
    return format_percent(part / whole, digits=1) if whole else ""


def _average(found: Journeys) -> str:
    touches = sum(length * number for length, number in found.lengths)
    return f"{touches / found.orders:.1f}" if found.orders else ""


def lag_labels() -> list[str]:
    """The groups of time, in words."""
    edges = [
        _("1 min"),
        _("10 min"),
        _("1 h"),
        _("6 h"),
        _("1 day"),
        _("3 days"),
        _("7 days"),
        _("14 days"),
        _("30 days"),
    ]
    assert len(edges) == len(LAGS)
    return [*(f"< {edge}" for edge in edges), _("longer")]


def _lag_chart(found: Journeys, timed: int) -> charts.Chart:
    soon = sum(found.since_click[:5])
    return charts.columns(
        lag_labels(),
        found.since_click,
        title=_("%(share)s of the orders come within a day of the click that won") % {"share": _share(soon, timed)},
        name=_("Orders"),
        unit=_("Orders by time to convert"),
        label_name=_("Time"),
    )


def _length_chart(found: Journeys) -> charts.Chart:
    most = dict(found.lengths)
    labels = [str(length) for length in range(11)]
    values = [most.get(length, 0) for length in range(10)] + [sum(n for length, n in found.lengths if length >= 10)]
    labels[-1] = "10+"
    while len(values) > 4 and not values[-1]:
        values.pop()
        labels.pop()
    one = most.get(1, 0)
    return charts.columns(
        labels,
        values,
        title=ngettext("%(count)s order came by one touch alone", "%(count)s orders came by one touch alone", one)
        % {"count": one},
        name=_("Orders"),
        unit=_("Orders by number of touches"),
        label_name=_("Touches"),
    )
