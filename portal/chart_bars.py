"""Bars from the left: one quantity of a handful of things, largest first, with its table twin."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join

from portal.chart_frame import Chart, Formatter, Part, Table, Text, figure, plain


def bars(
    parts: Sequence[Part], *, title: Text, name: Text, unit: Text = "", label_name: Text = "", shown: Formatter = plain
) -> Chart:
    """A bar for each part, all of one length scale; what is negative has no length and says so in figures."""
    largest = max((part.value for part in parts), default=0) or 1
    rows = [
        (part.name, figure(part.shown or shown(part.value), part.url), round(100 * max(0, part.value) / largest, 3))
        for part in parts
    ]
    drawing = format_html(
        '<ol class="funnel">{}</ol>',
        format_html_join(
            "",
            '<li><span>{0}</span><span class="value">{1}</span><svg width="100%" height="12" aria-hidden="true">'
            '<rect class="c-track" width="100%" height="12" rx="4"/>'
            '<rect class="c-1 c-fill" width="{2}%" height="12" rx="4"/></svg></li>',
            rows,
        ),
    )
    table = Table((label_name, name), tuple((label, text) for label, text, _share in rows))
    return Chart("bars", drawing, table, title, unit)
