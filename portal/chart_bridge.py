"""The bridge: from one total to another, step by step."""

import math
from collections.abc import Sequence

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from portal.chart_frame import (
    FOOT,
    Chart,
    Formatter,
    Number,
    Part,
    Scale,
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


def bridge(
    parts: Sequence[Part],
    *,
    title: Text,
    unit: Text = "",
    name: Text = "",
    shown: Formatter = plain,
    axis: Formatter = compact,
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
    body = draw_grid(scale, ticks) + _bridge_marks(parts, spans, scale, shown=shown, axis=axis)
    body += draw_labels(
        [part.name for part in parts],
        [slot * (index + 0.5) for index in range(len(parts))],
        scale.height,
        most=len(parts),
    )
    rows = tuple((part.name, figure(part.shown or shown(part.value), part.url)) for part in parts)
    return Chart(
        "bridge",
        draw_plot(body, draw_axis(scale, ticks, axis), title, scale.height),
        Table(("", name), rows),
        title,
        unit,
    )


def _bridge_scale(parts: Sequence[Part], spans: Sequence[tuple[Number, Number]]) -> tuple[Scale, list[float]]:
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
        return Scale(ticks[0], ticks[-1]), ticks
    ticks = nice_ticks(low, high * 1.08 if high > 0 else high)
    return Scale(ticks[0], ticks[-1]), ticks


def _bridge_marks(
    parts: Sequence[Part],
    spans: Sequence[tuple[Number, Number]],
    scale: Scale,
    *,
    shown: Formatter,
    axis: Formatter,
) -> SafeString:
    slot = 100 / max(1, len(parts))
    is_cut = scale.low > 0
    marks, links, values, breaks = [], [], [], []
    for index, (part, (start, end)) in enumerate(zip(parts, spans, strict=True)):
        foot = max(float(start), scale.low)
        top, bottom = sorted((scale.y(foot), scale.y(end)))
        tone = (
            f"c-{part.tone}" if part.tone else "c-total" if part.is_total else "c-pos" if part.value >= 0 else "c-neg"
        )
        left, right = index * slot + slot * 0.14, index * slot + slot * 0.86
        marks.append(
            (
                round(index * slot, 3),
                round(slot, 3),
                scale.height - FOOT,
                tone,
                round(left, 3),
                round(slot * 0.72, 3),
                top,
                round(max(bottom - top, 2), 2),
                part.name,
                part.shown or shown(part.value),
            )
        )
        sign = "" if part.is_total or part.value < 0 else "+"
        values.append((round(index * slot + slot * 0.5, 3), round(top - 5, 2), f"{sign}{axis(part.value)}"))
        if part.is_total and is_cut:
            middle = scale.height - FOOT - 10
            breaks.append((round(left - 0.5, 3), round(right + 0.5, 3), middle + 3, middle - 3))
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
