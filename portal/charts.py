"""Numbers become pictures: server-drawn SVG and, always, the same numbers as a table.

Geometry stands in attributes and colour in classes, so the strictest content policy holds and dark
mode needs no second drawing. Floats live here and nowhere near the books.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal.chart_bridge import bridge
from portal.chart_frame import (
    COLUMNS_AT_MOST,
    FOOT,
    LETTER_PX,
    SERIES,
    TOP,
    Chart,
    Formatter,
    Number,
    Part,
    Scale,
    Series,
    Table,
    Text,
    compact,
    draw_axis,
    draw_grid,
    draw_labels,
    draw_plot,
    figure,
    nice_ticks,
    plain,
)
from portal.formats import format_percent

__all__ = [
    "Chart",
    "Part",
    "Series",
    "Table",
    "bridge",
    "cell_bar",
    "columns",
    "funnel",
    "lines",
    "nice_ticks",
    "sparkline",
    "stacked",
]


def columns(
    labels: Sequence[Text],
    values: Sequence[Number],
    *,
    title: Text,
    name: Text,
    unit: Text = "",
    label_name: Text = "",
    shown: Formatter = plain,
    axis: Formatter = compact,
    provisional: int = 0,
    urls: Sequence[str] = (),
) -> Chart:
    """Columns over time, up to 31 points; the last `provisional` ones are drawn as not final yet.

    `urls` lead from the table's figures to their explanations.

    Raises ValueError when labels and values differ in number or are too many.
    """
    if len(labels) != len(values):
        raise ValueError("every value needs its label")
    if len(values) > COLUMNS_AT_MOST:
        raise ValueError("more than 31 points make a line, not columns")
    ticks = nice_ticks(min(values, default=0), max(values, default=0))
    scale = Scale(ticks[0], ticks[-1])
    slot = 100 / max(1, len(values))
    marks = []
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        top, bottom = sorted((scale.y(value), scale.y(0)))
        soft = " is-soft" if index >= len(values) - provisional else ""
        marks.append(
            (
                round(index * slot, 3),
                round(slot, 3),
                scale.height - FOOT,
                round(index * slot + slot * 0.16, 3),
                round(slot * 0.68, 3),
                top,
                round(max(bottom - top, 0), 2),
                "c-neg" if value < 0 else "c-1",
                soft,
                label,
                shown(value),
            )
        )
    bars = format_html_join(
        "",
        '<g class="c-mark"><rect class="c-hit" x="{0}%" width="{1}%" y="0" height="{2}"/>'
        '<rect class="{7} c-fill{8}" x="{3}%" width="{4}%" y="{5}" height="{6}" rx="2"/><title>{9}: {10}</title></g>',
        marks,
    )
    middles = [slot * (index + 0.5) for index in range(len(values))]
    body = draw_grid(scale, ticks) + bars + draw_labels(labels, middles, scale.height)
    places = urls or [""] * len(values)
    rows = tuple((label, figure(shown(value), url)) for label, value, url in zip(labels, values, places, strict=True))
    drawing = draw_plot(body, draw_axis(scale, ticks, axis), title, scale.height)
    return Chart("columns", drawing, Table((label_name, name), rows), title, unit)


def _points(
    values: Sequence[Number | None], scale: Scale, positions: Sequence[float]
) -> list[list[tuple[float, float]]]:
    """Runs of known values: a gap in knowledge is a gap in the line."""
    runs: list[list[tuple[float, float]]] = [[]]
    for position, value in zip(positions, values, strict=True):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((round(position, 3), scale.y(value)))
    return [run for run in runs if run]


def _spread(wanted: Sequence[tuple[float, int]], *, gap: float, lowest: float, highest: float) -> dict[int, float]:
    """Places for end labels so that none covers another, as near to their lines as can be."""
    placed: dict[int, float] = {}
    at = lowest - gap
    for y, key in sorted(wanted):
        at = max(y, at + gap)
        placed[key] = at
    limit = highest + gap
    for key in sorted(placed, key=lambda key: -placed[key]):
        limit = min(placed[key], limit - gap)
        placed[key] = limit
    return placed


def lines(
    labels: Sequence[Text],
    series: Sequence[Series],
    *,
    title: Text,
    unit: Text = "",
    label_name: Text = "",
    shown: Formatter = plain,
    axis: Formatter = compact,
) -> Chart:
    """Lines over time, at most five, told apart by colour, dash and the name at their end.

    Raises ValueError for more than five series or a series of another length than the labels.
    """
    if len(series) > SERIES:
        raise ValueError("at most five lines; sum the rest up as one")
    if any(len(one.values) != len(labels) for one in series):
        raise ValueError("every series needs a value for every label")
    known = [value for one in series for value in one.values if value is not None]
    ticks = nice_ticks(min(known, default=0), max(known, default=0))
    scale = Scale(ticks[0], ticks[-1])
    last = max(1, len(labels) - 1)
    positions = [index * 100 / last for index in range(len(labels))]
    drawn: list[SafeString] = []
    dots: list[tuple[str, float, float]] = []
    ends: list[tuple[float, int]] = []
    for number, one in enumerate(series, start=1):
        runs = _points(one.values, scale, positions)
        for run in runs:
            path = "M" + "L".join(f"{x} {y}" for x, y in run)
            if len(series) == 1:
                area = f"{path}L{run[-1][0]} {scale.y(0)}L{run[0][0]} {scale.y(0)}Z"
                drawn.append(format_html('<path class="c-1 c-area" d="{}"/>', area))
            drawn.append(format_html('<path class="c-{0} c-line p-{0}" d="{1}"/>', number, path))
        if runs:
            x, y = runs[-1][-1]
            dots.append((f"c-{number}", x, y))
            ends.append((y, number))
    inner = format_html(
        '<svg x="0" y="0" width="100%" height="{0}" viewBox="0 0 100 {0}" preserveAspectRatio="none">{1}</svg>',
        scale.height,
        mark_safe("".join(drawn)),  # noqa: S308 - built by format_html above
    )
    marks = format_html_join("", '<circle class="{} c-dot" cx="{}%" cy="{}" r="4"/>', dots)
    hits = _line_hits(labels, series, positions, scale, shown)
    body = draw_grid(scale, ticks) + inner + marks + draw_labels(labels, positions, scale.height) + hits
    after = _end_labels(series, ends, scale) if len(series) > 1 else ""
    drawing = draw_plot(body, draw_axis(scale, ticks, axis), title, scale.height, after=after)
    rows = tuple(
        (
            label,
            *("" if one.values[index] is None else shown(one.values[index] or 0) for one in series),
        )
        for index, label in enumerate(labels)
    )
    legend = tuple((f"{number}", one.name, _last(one, shown)) for number, one in enumerate(series, start=1))
    return Chart(
        "lines",
        drawing,
        Table((label_name, *(one.name for one in series)), rows),
        title,
        unit,
        legend if len(series) > 1 else (),
    )


def _last(one: Series, shown: Formatter) -> str:
    known = [value for value in one.values if value is not None]
    return shown(known[-1]) if known else ""


def _line_hits(
    labels: Sequence[Text],
    series: Sequence[Series],
    positions: Sequence[float],
    scale: Scale,
    shown: Formatter,
) -> SafeString:
    """Invisible strips that answer the pointer with the values of their label."""
    edges = [0.0, *((left + right) / 2 for left, right in pairwise(positions)), 100.0]
    rows = []
    for index, label in enumerate(labels):
        told = [f"{one.name}: {shown(value)}" for one in series if (value := one.values[index]) is not None]
        rows.append(
            (
                round(edges[index], 3),
                round(edges[index + 1] - edges[index], 3),
                scale.height - FOOT,
                label,
                "\n".join(told),
            )
        )
    return format_html_join(
        "",
        '<g class="c-mark"><rect class="c-hit" x="{}%" width="{}%" y="0" height="{}"/><title>{}\n{}</title></g>',
        rows,
    )


def _end_labels(series: Sequence[Series], ends: Sequence[tuple[float, int]], scale: Scale) -> SafeString:
    placed = _spread(ends, gap=16, lowest=TOP, highest=scale.height - FOOT)
    width = math.ceil(max(len(str(one.name)) for one in series) * LETTER_PX) + 14
    texts = format_html_join(
        "",
        '<text class="c-{} c-end" x="10" y="{}" dy=".32em">{}</text>',
        ((number, round(placed[number], 2), series[number - 1].name) for _y, number in ends),
    )
    return format_html(
        '<svg class="ends c-wide" width="{}" height="{}" aria-hidden="true">{}</svg>',
        width,
        scale.height,
        texts,
    )


def funnel(
    parts: Sequence[Part],
    *,
    title: Text,
    unit: Text = "",
    rate_name: Text = "",
    shown: Formatter = plain,
) -> Chart:
    """Stages as bars of one length scale, each with its rate of the stage before."""
    largest = max((part.value for part in parts), default=0) or 1
    rows, table = [], []
    before: Number | None = None
    for part in parts:
        rate = format_percent(part.value / before, digits=1) if before else ""
        text = figure(part.shown or shown(part.value), part.url)
        rows.append(
            (
                part.name,
                text,
                format_html('<span class="rate">{}</span>', rate) if rate else "",
                round(100 * part.value / largest, 3),
            )
        )
        table.append((part.name, text, rate))
        before = part.value
    drawing = format_html(
        '<ol class="funnel">{}</ol>',
        format_html_join(
            "",
            '<li><span>{0}</span><span class="value">{1} {2}</span><svg width="100%" height="12" aria-hidden="true">'
            '<rect class="c-track" width="100%" height="12" rx="4"/><rect class="c-1 c-fill" width="{3}%" height="12" rx="4"/></svg></li>',
            rows,
        ),
    )
    return Chart("funnel", drawing, Table(("", unit or title, rate_name), tuple(table)), title, unit)


def stacked(
    parts: Sequence[Part],
    *,
    title: Text,
    unit: Text = "",
    name: Text = "",
    shown: Formatter = plain,
) -> Chart:
    """One whole and its parts as a single bar with a legend that carries the values."""
    whole = sum(part.value for part in parts) or 1
    rects, legend, rows = [], [], []
    at = 0.0
    for number, part in enumerate(parts, start=1):
        share = 100 * part.value / whole
        tone = part.tone.removeprefix("c-") or (str(number) if number <= SERIES else "other")
        text = part.shown or shown(part.value)
        rects.append((f"c-{tone}", round(at, 3), round(share, 3), part.name, text))
        legend.append((tone, part.name, figure(text, part.url)))
        rows.append((part.name, figure(text, part.url), format_percent(part.value / whole, digits=1)))
        at += share
    drawing = format_html(
        '<svg class="stackbar" width="100%" height="20" role="img" aria-label="{}">{}</svg>',
        title,
        format_html_join(
            "",
            '<rect class="{} c-fill c-gap" x="{}%" width="{}%" height="20" rx="4"><title>{}: {}</title></rect>',
            rects,
        ),
    )
    return Chart("stacked", drawing, Table(("", name, "%"), tuple(rows)), title, unit, tuple(legend))


def sparkline(values: Sequence[Number], *, label: Text = "") -> SafeString:
    """A line without axes for a card, 32 px high. The figure beside it carries the meaning."""
    if len(values) < 2:
        return mark_safe("")
    low, high = min(0, *values), max(values)
    span = (high - low) or 1
    step = 100 / (len(values) - 1)
    points = [(round(index * step, 2), round(30 - 28 * (value - low) / span, 2)) for index, value in enumerate(values)]
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    reader = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="spark" viewBox="0 0 100 32" preserveAspectRatio="none" {}>'
        '<path class="c-1 c-area" d="{}L100 32L0 32Z"/><path class="c-1 c-line" d="{}"/></svg>',
        reader,
        path,
        path,
    )


def cell_bar(value: Number, largest: Number) -> SafeString:
    """A bar under a number in a table cell; decoration, the number says it."""
    share = 100 * max(0.0, min(1.0, value / largest)) if largest else 0
    return format_html(
        '<svg class="cell-bar" width="100%" height="6" aria-hidden="true"><rect class="c-track" width="100%" height="6" rx="3"/>'
        '<rect class="c-1 c-fill" width="{}%" height="6" rx="3"/></svg>',
        round(share, 2),
    )
