"""Numbers become pictures: server-drawn SVG and, always, the same numbers as a table.

Geometry stands in attributes and colour in classes, so the strictest content policy holds and dark
mode needs no second drawing. Widths are percentages and heights pixels: a chart fits any column
while its letters keep their size. Floats live here and nowhere near the books.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal.formats import explained, format_number, format_percent

Text = str | Promise
Number = float | int

#: More series than this and the rest is summed up as "other" by the caller.
SERIES = 5

_HEIGHT = 200
_TOP = 12
_FOOT = 24
_COLUMNS_AT_MOST = 31
_LABELS_WIDE, _LABELS_NARROW = 8, 4
_AXIS_LETTER_PX = 7.0


@dataclass(frozen=True, slots=True)
class Table:
    """The twin of a drawing: what a reader without the picture gets."""

    columns: tuple[Text, ...]
    rows: tuple[tuple[Text, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A finished drawing with its finding, unit and table."""

    kind: str
    drawing: SafeString
    table: Table
    title: Text = ""
    unit: Text = ""
    legend: tuple[tuple[str, Text, Text], ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """One line or one layer: its name and a value for every label (None where nothing is known)."""

    name: Text
    values: Sequence[Number | None]


@dataclass(frozen=True, slots=True)
class Part:
    """One stage of a funnel, one slice of a stack, one step of a bridge.

    `shown` is the value in words, `url` its explanation, `tone` pos, neg, warn or a series' number.
    """

    name: Text
    value: Number
    shown: Text = ""
    url: str = ""
    is_total: bool = False
    tone: str = ""


Formatter = Callable[[Number], str]


def _plain(value: Number) -> str:
    return format_number(value)


def _compact(value: Number) -> str:
    return format_number(value, compact=True)


def _figure(text: Text, url: str) -> Text:
    """A value that leads to its explanation, when it has one."""
    return explained(str(text), url) if url else text


def nice_ticks(lowest: Number, highest: Number, *, wanted: int = 4) -> list[float]:
    """Round axis values that cover lowest…highest in about `wanted` steps of 1, 2, 2.5 or 5 × 10ⁿ.

    Heckbert's nice numbers (Graphics Gems, 1990). Zero is always among them.
    """
    low, high = min(0.0, float(lowest)), max(0.0, float(highest))
    if low == high:
        return [0.0, 1.0]
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to pixels down from the top."""

    low: float
    high: float
    height: int = _HEIGHT

    def y(self, value: Number) -> float:
        share = (self.high - float(value)) / (self.high - self.low)
        return round(_TOP + share * (self.height - _TOP - _FOOT), 2)


def _axis(scale: _Scale, ticks: Sequence[float], axis: Formatter) -> SafeString:
    """The column of axis labels beside the plot, as wide as its longest label."""
    labels = [(scale.y(tick), axis(tick)) for tick in ticks]
    width = math.ceil(max(len(text) for _y, text in labels) * _AXIS_LETTER_PX) + 10
    texts = format_html_join(
        "", '<text class="c-tick" x="{}" y="{}" text-anchor="end" dy=".32em">{}</text>',
        ((width - 8, y, text) for y, text in labels),
    )
    return format_html('<svg class="axis" width="{}" height="{}" aria-hidden="true">{}</svg>', width, scale.height, texts)


def _grid(scale: _Scale, ticks: Sequence[float]) -> SafeString:
    return format_html_join(
        "", '<line class="{}" x1="0" x2="100%" y1="{}" y2="{}"/>',
        (("c-zero" if tick == 0 else "c-grid", scale.y(tick), scale.y(tick)) for tick in ticks),
    )


def _every(count: int, wanted: int) -> int:
    return max(1, math.ceil(count / wanted))


def _labels_below(labels: Sequence[Text], positions: Sequence[float], height: int, *, most: int = _LABELS_WIDE) -> SafeString:
    """Labels under the plot: thinned to `most`, and to four on narrow screens."""
    count = len(labels)
    wide, narrow = _every(count, most), _every(count, _LABELS_NARROW)
    if narrow % wide:
        narrow = wide * math.ceil(narrow / wide)
    rows = []
    for index in range(0, count, wide):
        at = positions[index]
        anchor = "start" if at < 1 else "end" if at > 99 else "middle"  # noqa: PLR2004 - keep edge labels inside
        rows.append(("c-tick" if index % narrow == 0 else "c-tick c-wide", round(at, 3), height - 6, anchor, labels[index]))
    return format_html_join("", '<text class="{}" x="{}%" y="{}" text-anchor="{}">{}</text>', rows)


def _plot(body: SafeString, axis: SafeString, name: Text, height: int, *, after: SafeString | str = "") -> SafeString:
    return format_html(
        '<div class="chart-body">{}<svg class="plot" width="100%" height="{}" role="img" aria-label="{}">{}</svg>{}</div>',
        axis, height, name, body, after,
    )


def columns(
    labels: Sequence[Text],
    values: Sequence[Number],
    *,
    title: Text,
    name: Text,
    unit: Text = "",
    label_name: Text = "",
    shown: Formatter = _plain,
    axis: Formatter = _compact,
    provisional: int = 0,
    urls: Sequence[str] = (),
) -> Chart:
    """Columns over time, up to 31 points; the last `provisional` ones are drawn as not final yet.

    `urls` lead from the table's figures to their explanations.

    Raises ValueError when labels and values differ in number or are too many.
    """
    if len(labels) != len(values):
        raise ValueError("every value needs its label")
    if len(values) > _COLUMNS_AT_MOST:
        raise ValueError("more than 31 points make a line, not columns")
    ticks = nice_ticks(min(values, default=0), max(values, default=0))
    scale = _Scale(ticks[0], ticks[-1])
    slot = 100 / max(1, len(values))
    marks = []
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        top, bottom = sorted((scale.y(value), scale.y(0)))
        soft = " is-soft" if index >= len(values) - provisional else ""
        marks.append((
            round(index * slot, 3), round(slot, 3), scale.height - _FOOT, round(index * slot + slot * 0.16, 3),
            round(slot * 0.68, 3), top, round(max(bottom - top, 0), 2), "c-neg" if value < 0 else "c-1", soft, label, shown(value),
        ))
    bars = format_html_join(
        "",
        '<g class="c-mark"><rect class="c-hit" x="{0}%" width="{1}%" y="0" height="{2}"/>'
        '<rect class="{7} c-fill{8}" x="{3}%" width="{4}%" y="{5}" height="{6}" rx="2"/><title>{9}: {10}</title></g>',
        marks,
    )
    middles = [slot * (index + 0.5) for index in range(len(values))]
    body = _grid(scale, ticks) + bars + _labels_below(labels, middles, scale.height)
    places = urls or [""] * len(values)
    rows = tuple((label, _figure(shown(value), url)) for label, value, url in zip(labels, values, places, strict=True))
    drawing = _plot(body, _axis(scale, ticks, axis), title, scale.height)
    return Chart("columns", drawing, Table((label_name, name), rows), title, unit)


def _points(values: Sequence[Number | None], scale: _Scale, positions: Sequence[float]) -> list[list[tuple[float, float]]]:
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
    shown: Formatter = _plain,
    axis: Formatter = _compact,
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
    scale = _Scale(ticks[0], ticks[-1])
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
        scale.height, mark_safe("".join(drawn)),  # noqa: S308 - built by format_html above
    )
    marks = format_html_join("", '<circle class="{} c-dot" cx="{}%" cy="{}" r="4"/>', dots)
    hits = _line_hits(labels, series, positions, scale, shown)
    body = _grid(scale, ticks) + inner + marks + _labels_below(labels, positions, scale.height) + hits
    after = _end_labels(series, ends, scale) if len(series) > 1 else ""
    drawing = _plot(body, _axis(scale, ticks, axis), title, scale.height, after=after)
    rows = tuple(
        (label, *("" if one.values[index] is None else shown(one.values[index] or 0) for one in series))
        for index, label in enumerate(labels)
    )
    legend = tuple((f"{number}", one.name, _last(one, shown)) for number, one in enumerate(series, start=1))
    return Chart(
        "lines", drawing, Table((label_name, *(one.name for one in series)), rows), title, unit,
        legend if len(series) > 1 else (),
    )


def _last(one: Series, shown: Formatter) -> str:
    known = [value for value in one.values if value is not None]
    return shown(known[-1]) if known else ""


def _line_hits(
    labels: Sequence[Text], series: Sequence[Series], positions: Sequence[float], scale: _Scale, shown: Formatter
) -> SafeString:
    """Invisible strips that answer the pointer with the values of their label."""
    edges = [0.0, *((left + right) / 2 for left, right in pairwise(positions)), 100.0]
    rows = []
    for index, label in enumerate(labels):
        told = [f"{one.name}: {shown(value)}" for one in series if (value := one.values[index]) is not None]
        rows.append((
            round(edges[index], 3), round(edges[index + 1] - edges[index], 3), scale.height - _FOOT, label, "\n".join(told),
        ))
    return format_html_join(
        "", '<g class="c-mark"><rect class="c-hit" x="{}%" width="{}%" y="0" height="{}"/><title>{}\n{}</title></g>', rows
    )


def _end_labels(series: Sequence[Series], ends: Sequence[tuple[float, int]], scale: _Scale) -> SafeString:
    placed = _spread(ends, gap=16, lowest=_TOP, highest=scale.height - _FOOT)
    width = math.ceil(max(len(str(one.name)) for one in series) * _AXIS_LETTER_PX) + 14
    texts = format_html_join(
        "", '<text class="c-{} c-end" x="10" y="{}" dy=".32em">{}</text>',
        ((number, round(placed[number], 2), series[number - 1].name) for _y, number in ends),
    )
    return format_html(
        '<svg class="ends c-wide" width="{}" height="{}" aria-hidden="true">{}</svg>', width, scale.height, texts
    )


def funnel(parts: Sequence[Part], *, title: Text, unit: Text = "", rate_name: Text = "", shown: Formatter = _plain) -> Chart:
    """Stages as bars of one length scale, each with its rate of the stage before."""
    largest = max((part.value for part in parts), default=0) or 1
    rows, table = [], []
    before: Number | None = None
    for part in parts:
        rate = format_percent(part.value / before, digits=1) if before else ""
        text = _figure(part.shown or shown(part.value), part.url)
        rows.append((part.name, text, format_html('<span class="rate">{}</span>', rate) if rate else "", round(100 * part.value / largest, 3)))
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


def bridge(
    parts: Sequence[Part], *, title: Text, unit: Text = "", name: Text = "", shown: Formatter = _plain, axis: Formatter = _compact
) -> Chart:
    """From one total to another: parts with is_total stand on the ground, the others float.

    The first part sets the level; every later total is drawn at the running sum, which the caller
    makes equal to its value. Raises ValueError when a total is not what the steps add up to.
    """
    level: Number = 0
    spans: list[tuple[Number, Number]] = []
    for index, part in enumerate(parts):
        if part.is_total:
            if index and not math.isclose(float(level), float(part.value), abs_tol=0.005):
                raise ValueError(f"the steps add up to {level}, not to {part.value}")
            level = part.value
            spans.append((0, level))
        else:
            spans.append((level, level + part.value))
            level += part.value
    scale, ticks = _bridge_scale(parts, spans)
    slot = 100 / max(1, len(parts))
    body = _grid(scale, ticks) + _bridge_marks(parts, spans, scale, shown=shown, axis=axis)
    body += _labels_below([part.name for part in parts], [slot * (index + 0.5) for index in range(len(parts))], scale.height, most=len(parts))
    rows = tuple((part.name, _figure(part.shown or shown(part.value), part.url)) for part in parts)
    return Chart("bridge", _plot(body, _axis(scale, ticks, axis), title, scale.height), Table(("", name), rows), title, unit)


def _bridge_scale(parts: Sequence[Part], spans: Sequence[tuple[Number, Number]]) -> tuple[_Scale, list[float]]:
    """From zero, unless the steps are small beside the totals: then the axis starts below them.

    A cut axis is honest only when it is seen, so the totals then carry a break mark.
    """
    levels = [edge for part, span in zip(parts, spans, strict=True) for edge in (span[1:] if part.is_total else span)]
    low, high = min(levels, default=0), max(levels, default=0)
    if low > 0 and high - low < high * 0.5:
        margin = (high - low) * 0.5 or high * 0.1
        ticks = [low - margin + tick for tick in nice_ticks(0, high - low + margin * 1.3)]
        step = ticks[1] - ticks[0]
        first = max(0.0, math.floor(ticks[0] / step) * step)
        ticks = [first + index * step for index in range(math.ceil((high + margin * 0.3 - first) / step) + 1)]
        return _Scale(ticks[0], ticks[-1]), ticks
    ticks = nice_ticks(low, high * 1.08 if high > 0 else high)
    return _Scale(ticks[0], ticks[-1]), ticks


def _bridge_marks(
    parts: Sequence[Part], spans: Sequence[tuple[Number, Number]], scale: _Scale, *, shown: Formatter, axis: Formatter
) -> SafeString:
    slot = 100 / max(1, len(parts))
    is_cut = scale.low > 0
    marks, links, values, breaks = [], [], [], []
    for index, (part, (start, end)) in enumerate(zip(parts, spans, strict=True)):
        foot = max(float(start), scale.low)
        top, bottom = sorted((scale.y(foot), scale.y(end)))
        tone = f"c-{part.tone}" if part.tone else "c-total" if part.is_total else "c-pos" if part.value >= 0 else "c-neg"
        left, right = index * slot + slot * 0.14, index * slot + slot * 0.86
        marks.append((
            round(index * slot, 3), round(slot, 3), scale.height - _FOOT, tone, round(left, 3), round(slot * 0.72, 3),
            top, round(max(bottom - top, 2), 2), part.name, part.shown or shown(part.value),
        ))
        sign = "" if part.is_total or part.value < 0 else "+"
        values.append((round(index * slot + slot * 0.5, 3), round(top - 5, 2), f"{sign}{axis(part.value)}"))
        if part.is_total and is_cut:
            y = scale.height - _FOOT - 10
            breaks.append((round(left - 0.5, 3), round(right + 0.5, 3), y + 3, y - 3))
        if index:
            y = scale.y(end if part.is_total else start)
            links.append((round((index - 1) * slot + slot * 0.86, 3), round(left, 3), y, y))
    line = '<line class="{}" x1="{{}}%" x2="{{}}%" y1="{{}}" y2="{{}}"/>'
    return (
        format_html_join("", line.format("c-link"), links)
        + format_html_join(
            "",
            '<g class="c-mark"><rect class="c-hit" x="{0}%" width="{1}%" y="0" height="{2}"/>'
            '<rect class="{3} c-fill" x="{4}%" width="{5}%" y="{6}" height="{7}" rx="2"/><title>{8}: {9}</title></g>',
            marks,
        )
        + format_html_join("", line.format("c-break"), breaks)
        + format_html_join("", '<text class="c-value c-wide" x="{}%" y="{}" text-anchor="middle">{}</text>', values)
    )


def stacked(parts: Sequence[Part], *, title: Text, unit: Text = "", name: Text = "", shown: Formatter = _plain) -> Chart:
    """One whole and its parts as a single bar with a legend that carries the values."""
    whole = sum(part.value for part in parts) or 1
    rects, legend, rows = [], [], []
    at = 0.0
    for number, part in enumerate(parts, start=1):
        share = 100 * part.value / whole
        tone = part.tone.removeprefix("c-") or (str(number) if number <= SERIES else "other")
        text = part.shown or shown(part.value)
        rects.append((f"c-{tone}", round(at, 3), round(share, 3), part.name, text))
        legend.append((tone, part.name, _figure(text, part.url)))
        rows.append((part.name, _figure(text, part.url), format_percent(part.value / whole, digits=1)))
        at += share
    drawing = format_html(
        '<svg class="stackbar" width="100%" height="20" role="img" aria-label="{}">{}</svg>',
        title,
        format_html_join(
            "", '<rect class="{} c-fill c-gap" x="{}%" width="{}%" height="20" rx="4"><title>{}: {}</title></rect>', rects
        ),
    )
    return Chart("stacked", drawing, Table(("", name, "%"), tuple(rows)), title, unit, tuple(legend))


def sparkline(values: Sequence[Number], *, label: Text = "") -> SafeString:
    """A line without axes for a card, 32 px high. The figure beside it carries the meaning."""
    if len(values) < 2:  # noqa: PLR2004 - one point is no line
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
        reader, path, path,
    )


def cell_bar(value: Number, largest: Number) -> SafeString:
    """A bar under a number in a table cell; decoration, the number says it."""
    share = 100 * max(0.0, min(1.0, value / largest)) if largest else 0
    return format_html(
        '<svg class="cell-bar" width="100%" height="6" aria-hidden="true"><rect class="c-track" width="100%" height="6" rx="3"/>'
        '<rect class="c-1 c-fill" width="{}%" height="6" rx="3"/></svg>',
        round(share, 2),
    )
