"""A report's drawings: its time as lines, its groups as bars. Each carries its figures as a table."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from payouts.queries.statistics import Report
from portal import charts
from portal.chart_bars import bars
from portal.formats import format_moment, format_number, format_percent, month_of
from portal.reports.asking import Asked, label_of
from portal.reports.values import name_of, number_of, span_text, text_of
from tracking.statistics.metrics import METRICS, OF_ONE_CURRENCY, Figures, Metric, Unit, Value
from tracking.statistics.questions import groups_between

#: Bars of a drawing; the table has the rest.
_MOST_BARS = 8
_LEVEL = Decimal("0.005")


def best_unit(asked: Asked) -> str:
    """The unit of time that draws well: hours of two days, days of a quarter, weeks, months."""
    if asked.question.groups[0] in {"hour", "day", "week", "month"} and len(asked.question.groups) == 1:
        return asked.question.groups[0]
    days = (asked.last - asked.first).days + 1
    return "hour" if days <= 2 else "day" if days <= 100 else "week" if days <= 400 else "month"


def draw_time(asked: Asked, now: Report, before: Report | None, unit: str, main: str) -> charts.Chart | None:
    """The chosen figure over time, beside the time it is compared with."""
    metric = METRICS[asked.metric]
    if not now.groups or (_needs_currency(metric) and not main):
        return None
    keys = groups_between(now.question.start, now.question.end, unit, now.question.zone)
    own = _series(now, keys, metric, main)
    series = [charts.Series(_("This period"), own)]
    if before is not None and before.groups:
        earlier = groups_between(before.question.start, before.question.end, unit, before.question.zone)
        known = _series(before, earlier, metric, main)[: len(keys)]
        series.append(charts.Series(_("Before"), [*known, *[None] * (len(keys) - len(known))]))
    return charts.lines(
        [_label(unit, key) for key in keys],
        series,
        title=_finding(metric, now.total, before.total if before else None, main),
        unit=_unit(metric, main),
        label_name=label_of(unit),
        shown=lambda value: _shown(metric, value),
        axis=lambda value: format_percent(value, digits=1) if metric.unit == Unit.RATE else _axis(metric, value),
    )


def draw_groups(
    asked: Asked,
    table: Report,
    keys: Sequence[tuple[str, ...]],
    names: Mapping[str, tuple[str, str]],
    main: str,
) -> charts.Chart | None:
    """The chosen figure of the largest groups."""
    metric = METRICS[asked.metric]
    groups = table.question.groups
    if groups[0] in {"hour", "day", "week", "month"} or (_needs_currency(metric) and not main):
        return None
    weighed = [(key, number_of(metric.of(table.groups[key], main))) for key in keys]
    known = sorted(((key, value) for key, value in weighed if value), key=lambda one: -one[1])
    if not known:
        return None
    parts = [
        charts.Part(
            " · ".join(str(name_of(one, value, names)) for one, value in zip(groups, key, strict=True)),
            value,
            text_of(metric.key, metric.of(table.groups[key], main)),
        )
        for key, value in known[:_MOST_BARS]
    ]
    title = _("%(name)s leads by %(metric)s") % {"name": parts[0].name, "metric": metric.label}
    return bars(parts, title=title, name=metric.label, unit=_unit(metric, main), label_name=label_of(groups[0]))


def _series(report: Report, keys: Sequence[str], metric: Metric, main: str) -> list[float | None]:
    nothing = Figures() if report.question.knows_clicks else Figures().without_clicks()
    return [number_of(metric.of(report.groups.get((key,), nothing), main)) for key in keys]


def _needs_currency(metric: Metric) -> bool:
    return metric.is_money or metric.key in OF_ONE_CURRENCY


def _label(unit: str, key: str) -> str:
    if unit == "hour":
        return f"{format_moment(date.fromisoformat(key[:10]), style='short')} {key[11:16]}"
    day = date.fromisoformat(key)
    return month_of(day) if unit == "month" else format_moment(day, style="short")


def _unit(metric: Metric, main: str) -> str:
    return f"{metric.label}, {main}" if _needs_currency(metric) else str(metric.label)


def _shown(metric: Metric, value: float) -> str:
    if metric.unit == Unit.RATE:
        return format_percent(value, digits=2)
    if metric.unit == Unit.SECONDS:
        return span_text(Decimal(str(value)))
    return format_number(value, digits=4 if metric.key in {"epc", "rpc"} else 2)


def _axis(metric: Metric, value: float) -> str:
    return span_text(Decimal(str(value))) if metric.unit == Unit.SECONDS else format_number(value, compact=True)


def _finding(metric: Metric, now: Figures, before: Figures | None, main: str) -> str:
    """The drawing's title: what it shows, in a sentence."""
    value, earlier = metric.of(now, main), metric.of(before, main) if before else None
    change = _change(value, earlier)
    words = {"metric": metric.label, "value": text_of(metric.key, value)}
    if change is None:
        return _("%(metric)s: %(value)s") % words
    words["change"] = format_percent(abs(change), digits=0)
    if abs(change) < _LEVEL:
        return _("%(metric)s: %(value)s, as before") % words
    if change > 0:
        return _("%(metric)s: %(value)s, up %(change)s") % words
    return _("%(metric)s: %(value)s, down %(change)s") % words


def _change(value: Value, earlier: Value) -> Decimal | None:
    new, old = number_of(value), number_of(earlier)
    return Decimal(str(new)) / Decimal(str(old)) - 1 if new is not None and old else None
