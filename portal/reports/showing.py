"""The performance report as a page and as a file: the same rows, the same order, the same figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from payouts.order_lines import changed_orders
from payouts.queries.statistics import Report, report_on
from portal.exports import csv_response
from portal.filters import chips_of
from portal.formats import format_day
from portal.reports.asking import Asked, label_of, read_question
from portal.reports.pictures import best_unit, draw_groups, draw_time
from portal.reports.place import Place, parameter_of
from portal.reports.values import address_of, cell_of, name_of, text_of, values_of
from tracking.statistics.metrics import METRICS, OF_ONE_CURRENCY, Figures, Metric, Value
from tracking.statistics.names import creative_names, names_of

PAGE_ROWS = 50
#: The figures on top of the page.
TILES = ("clicks", "conversions", "cr", "revenue", "commission", "epc", "aov", "reversal_rate")


@dataclass(frozen=True, slots=True)
class Line:
    """One figure in words; `change` against the time compared with, where that is known."""

    text: str
    currency: str
    change: Decimal | None


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with how it compares and how it is worked out."""

    metric: Metric
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of a row: a line for each currency."""

    label: str | Promise
    lines: list[str]
    is_money: bool
    #: The metric, whose formula stands below the table.
    key: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """One of the values a row is about, with the address that asks for it alone."""

    name: str | Promise
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    """One group of the table."""

    groups: list[Group]
    cells: list[Cell]


def show_performance(request: HttpRequest, place: Place, *, at: datetime) -> dict[str, Any]:
    """Everything the page shows, in a fixed number of queries."""
    asked = read_question(request, place, at=at)
    unit = best_unit(asked)
    with_times, changed = _needs_times(asked), changed_orders()
    series = report_on(asked.question.by(unit), with_times=with_times, changed=changed)
    before = report_on(asked.compared.by(unit), with_times=with_times, changed=changed) if asked.compared else None
    table = (
        series
        if asked.question.groups == (unit,)
        else report_on(asked.question, with_times=with_times, changed=changed)
    )
    currencies = series.currencies or (before.currencies if before else [])
    main = currencies[0] if currencies else ""
    names = _names(table)
    rows = _sorted(table, names, currencies, request.GET.get("sort", ""))
    page = Paginator(rows, PAGE_ROWS).get_page(request.GET.get("page"))
    columns = _columns(asked, table.total)
    return {
        "asked": asked,
        "at": at,
        "is_empty": not (series.groups or table.groups),
        "tiles": [_tile(METRICS[key], series.total, before.total if before else None, currencies) for key in TILES],
        "compared_to": _compared_to(asked),
        "time_chart": draw_time(asked, series, before, unit, main),
        "group_chart": draw_groups(asked, table, rows, names, main),
        "columns": columns,
        "group_labels": [(parameter_of(key), label_of(key)) for key in asked.question.groups],
        "rows": [_row(request, asked, table, key, names, currencies, columns) for key in page.object_list],
        "totals": [_cell(metric, table.total, currencies) for metric in columns],
        "page": page,
        "is_cut": table.is_cut,
        "several_currencies": len(currencies) > 1,
        "currencies": currencies,
        "choices": [(metric, metric.key in asked.columns) for metric in METRICS.values()],
        "chips": chips_of_report(request, asked),
        "ignored": asked.ignored,
        "clear_url": place.url("reports"),
        "export_url": f"{place.url('reports-export')}?{request.GET.urlencode()}",
        "hidden": hidden_of(request, asked),
        "tabs": tabs_of(place, "reports"),
        "span": f"{format_day(asked.first)} – {format_day(asked.last)}",
    }


def export_performance(request: HttpRequest, place: Place, *, at: datetime) -> StreamingHttpResponse:
    """The table's rows, all pages of them, in its order and with its columns."""
    asked = read_question(request, place, at=at)
    table = report_on(asked.question, with_times=_needs_times(asked))
    names = _names(table)
    keys = _sorted(table, names, table.currencies, request.GET.get("sort", ""))
    columns = _columns(asked, table.total)
    header: list[object] = [str(label_of(key)) for key in asked.question.groups]
    for metric in columns:
        header += [
            f"{metric.label} {code}" if code else str(metric.label)
            for code, _value in values_of(metric.key, table.total, table.currencies)
        ]

    def lines() -> Iterator[list[object]]:
        for key in keys:
            named = [str(name_of(one, value, names)) for one, value in zip(asked.question.groups, key, strict=True)]
            cells = [
                cell_of(value)
                for metric in columns
                for _code, value in values_of(metric.key, table.groups[key], table.currencies)
            ]
            yield [*named, *cells]

    return csv_response("report.csv", header, lines())


def tabs_of(place: Place, current: str) -> list[tuple[str, str, bool]]:
    """The three reports."""
    names = {"reports": _("Performance"), "reports-paths": _("Paths and time"), "reports-cohorts": _("Cohorts")}
    return [(label, place.url(name), name == current) for name, label in names.items()]


def _needs_times(asked: Asked) -> bool:
    """Times to convert are medians: worth their work only where they are looked at."""
    return any(key.startswith("time_to") for key in (*asked.columns, asked.metric))


def _columns(asked: Asked, total: Figures) -> list[Metric]:
    """The chosen figures, without those that the question leaves without meaning."""
    has_items = any(one.needs_items for one in asked.question.dimensions)
    found = [METRICS[key] for key in asked.columns]
    if has_items:
        found = [one for one in found if one.key in {"conversions", "new_customers", "sales", "aov", "reversal_rate"}]
        found = found if any(one.key == "sales" for one in found) else [METRICS["conversions"], METRICS["sales"]]
    if total.clicks is None:
        found = [one for one in found if not one.clicks and one.key != "views"]
    return found or [METRICS["conversions"]]


def _names(report: Report) -> dict[str, tuple[str, str]]:
    names: dict[str, tuple[str, str]] = {}
    for place, key in enumerate(report.question.groups):
        if key in {"program", "affiliate", "link"}:
            names |= names_of(key, {values[place] for values in report.groups})
        elif key == "creative":
            names |= creative_names({values[place] for values in report.groups}, report.question.scope)
    return names


def _sorted(
    report: Report, names: dict[str, tuple[str, str]], currencies: list[str], sort: str
) -> list[tuple[str, ...]]:
    """Time runs forward, all else by what it brought, unless a column is asked for."""
    groups = report.question.groups
    key, descends = sort.removeprefix("-"), sort.startswith("-")
    main = currencies[0] if currencies else ""
    if key in METRICS:

        def weight(values: tuple[str, ...]) -> tuple[bool, Decimal]:
            number = cell_of(METRICS[key].of(report.groups[values], main))
            is_known = number != ""
            amount = Decimal(str(number)) if is_known else Decimal(0)
            return (not is_known, -amount if descends else amount)

        return sorted(sorted(report.groups), key=weight)
    own = {parameter_of(one): place for place, one in enumerate(groups)}
    if key in own:
        place = own[key]
        return sorted(
            sorted(report.groups),
            key=lambda values: values[place] if groups[place] in {"day", "week", "month", "hour"}
            else str(name_of(groups[place], values[place], names)).casefold(),
            reverse=descends,
        )  # fmt: skip
    if label_is_time(groups[0]):
        return sorted(report.groups)
    return sorted(
        report.groups,
        key=lambda values: (
            -(report.groups[values].of(main).sales - report.groups[values].of(main).refunds),
            -report.groups[values].orders, -(report.groups[values].clicks or 0), values,
        ),
    )  # fmt: skip


def label_is_time(dimension: str) -> bool:
    """Whether a dimension's groups follow each other."""
    return dimension in {"hour", "day", "week", "month"}


def _row(
    request: HttpRequest,
    asked: Asked,
    table: Report,
    key: tuple[str, ...],
    names: dict[str, tuple[str, str]],
    currencies: list[str],
    columns: Sequence[Metric],
) -> Row:
    groups = []
    for dimension, value in zip(asked.question.groups, key, strict=True):
        address = "" if label_is_time(dimension) else address_of(dimension, value, names)
        url = _with(request, parameter_of(dimension), address) if address else ""
        groups.append(Group(name_of(dimension, value, names), url))
    return Row(groups, [_cell(metric, table.groups[key], currencies) for metric in columns])


def _cell(metric: Metric, figures: Figures, currencies: list[str]) -> Cell:
    shown = values_of(metric.key, figures, currencies)
    several = len(currencies) > 1
    if several and metric.is_money:
        # A row shows the currencies it has; where it has none, a dash.
        shown = [(code, value) for code, value in shown if figures.of(code).orders] or [("", None)]
    lines = [text_of(metric.key, value, code=several) for _code, value in shown]
    if several and metric.key in OF_ONE_CURRENCY:
        lines = [f"{text} {code}" for text, (code, _value) in zip(lines, shown, strict=True)]
    return Cell(metric.label, lines or [text_of(metric.key, None)], metric.is_money, metric.key)


def _tile(metric: Metric, now: Figures, before: Figures | None, currencies: list[str]) -> Tile:
    lines = []
    for code, value in values_of(metric.key, now, currencies) or [("", None)]:
        change = (
            _change(value, metric.of(before, code)) if before is not None and (code or not metric.is_money) else None
        )
        lines.append(Line(text_of(metric.key, value, code=len(currencies) > 1), code, change))
    return Tile(metric, lines)


def _change(now: Value, before: Value) -> Decimal | None:
    if now is None or before is None:
        return None
    new, old = (Decimal(str(cell_of(one))) for one in (now, before))
    return (new / old - 1) if old > 0 else None


def _compared_to(asked: Asked) -> str:
    return {"previous": _("on the period before"), "year": _("on the year before")}.get(asked.compare, "")


def _with(request: HttpRequest, name: str, value: str) -> str:
    query = request.GET.copy()
    query[name] = value
    query.pop("page", None)
    return f"?{query.urlencode()}"


def chips_of_report(request: HttpRequest, asked: Asked) -> list[tuple[str, str]]:
    """The filters that are on, each with the address without it."""
    labels: dict[str, object] = {
        parameter_of(key): _("%(what)s: %(value)s") % {"what": label_of(key), "value": name}
        for key, _value, name in asked.filters
    }
    if asked.question.currency:
        labels["currency"] = _("Currency: %(code)s") % {"code": asked.question.currency}
    return chips_of(request, labels)


def hidden_of(request: HttpRequest, asked: Asked) -> list[tuple[str, str]]:
    """What a form must carry on, beside its own fields."""
    names = [parameter_of(key) for key, _value, _name in asked.filters] + ["currency", "sort"]
    return [(name, request.GET[name]) for name in names if request.GET.get(name)]
