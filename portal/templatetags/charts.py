"""`{% load charts %}`: drawings made by portal.charts."""

from django import template
from django.utils.safestring import SafeString

from portal import charts

register = template.Library()


@register.inclusion_tag("portal/parts/chart.html")
def chart(drawn: charts.Chart, *, csv_url: str = "", as_of: object = None) -> dict[str, object]:
    """`{% chart earnings_chart csv_url=… as_of=… %}`: drawing, finding, legend and the table twin."""
    return {"chart": drawn, "csv_url": csv_url, "as_of": as_of}


@register.simple_tag
def sparkline(values: list[float], label: str = "") -> SafeString:
    """`{% sparkline values %}`: a line without axes."""
    return charts.sparkline(values, label=label)


@register.simple_tag
def cell_bar(value: float, largest: float) -> SafeString:
    """`{% cell_bar row.clicks largest %}`: a bar under a number in a table cell."""
    return charts.cell_bar(value, largest)
