"""What every drawing stands in: scale, axis, grid, labels, plot, and the shapes of its data.

Widths are percentages and heights pixels, so a chart fits any column while its letters keep their
size. Colour stands in classes, geometry in attributes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.formats import explained, format_number

Text = str | Promise
Number = float | int

#: More series than this and the rest is summed up as "other" by the caller.
SERIES = 5

HEIGHT = 200
TOP = 12
FOOT = 24
COLUMNS_AT_MOST = 31
_LABELS_WIDE, _LABELS_NARROW = 8, 4
#: Room for letters of labels on a narrow screen; a Chinese one is as wide as two.
_LETTERS_NARROW = 44
LETTER_PX = 7.0


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


def plain(value: Number) -> str:
    return format_number(value)


def compact(value: Number) -> str:
    return format_number(value, compact=True)


def figure(text: Text, url: str) -> Text:
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
class Scale:
    """From values to pixels down from the top."""

    low: float
    high: float
    height: int = HEIGHT

    def y(self, value: Number) -> float:
        share = (self.high - float(value)) / (self.high - self.low)
        return round(TOP + share * (self.height - TOP - FOOT), 2)


def draw_axis(scale: Scale, ticks: Sequence[float], axis: Formatter) -> SafeString:
    """The column of axis labels beside the plot, as wide as its longest label."""
    labels = [(scale.y(tick), axis(tick)) for tick in ticks]
    width = math.ceil(max(len(text) for _y, text in labels) * LETTER_PX) + 10
    texts = format_html_join(
        "",
        '<text class="c-tick" x="{}" y="{}" text-anchor="end" dy=".32em">{}</text>',
        ((width - 8, y, text) for y, text in labels),
    )
    return format_html(
        '<svg class="axis" width="{}" height="{}" aria-hidden="true">{}</svg>',
        width,
        scale.height,
        texts,
    )


def draw_grid(scale: Scale, ticks: Sequence[float]) -> SafeString:
    return format_html_join(
        "",
        '<line class="{}" x1="0" x2="100%" y1="{}" y2="{}"/>',
        (("c-zero" if tick == 0 else "c-grid", scale.y(tick), scale.y(tick)) for tick in ticks),
    )


def _every(count: int, wanted: int) -> int:
    return max(1, math.ceil(count / wanted))


def _fitting(labels: Sequence[Text]) -> int:
    """How many labels stand side by side on a narrow screen."""
    longest = max((sum(1 if sign < "\u2e80" else 2 for sign in str(label)) for label in labels), default=0)
    return max(2, min(_LABELS_NARROW, _LETTERS_NARROW // (longest + 2)))


def draw_labels(
    labels: Sequence[Text], positions: Sequence[float], height: int, *, most: int = _LABELS_WIDE
) -> SafeString:
    """Labels under the plot: thinned to `most`, and on narrow screens to four, or two where they are long."""
    count = len(labels)
    wide, narrow = _every(count, most), _every(count, _fitting(labels))
    if narrow % wide:
        narrow = wide * math.ceil(narrow / wide)
    rows = []
    for index in range(0, count, wide):
        at = positions[index]
        anchor = "start" if at < 1 else "end" if at > 99 else "middle"
        rows.append(
            (
                "c-tick" if index % narrow == 0 else "c-tick c-wide",
                round(at, 3),
                height - 6,
                anchor,
                labels[index],
            )
        )
    return format_html_join("", '<text class="{}" x="{}%" y="{}" text-anchor="{}">{}</text>', rows)


def draw_plot(
    body: SafeString, axis: SafeString, name: Text, height: int, *, after: SafeString | str = ""
) -> SafeString:
    return format_html(
        '<div class="chart-body">{}<svg class="plot" width="100%" height="{}" role="img" aria-label="{}">{}</svg>{}</div>',
        axis,
        height,
        name,
        body,
        after,
    )
