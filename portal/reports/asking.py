"""From an address to a question, and what of the address was not understood."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.filters import ignored_keys
from portal.reports.place import Place, parameter_of
from tracking.statistics.dimensions import DIMENSIONS
from tracking.statistics.metrics import METRICS
from tracking.statistics.names import key_of
from tracking.statistics.questions import (
    LONGEST_DAYS,
    RAW_DAYS,
    Question,
    days_before,
    span_of_days,
    year_before,
)

PERIODS = (
    ("7d", _("Last 7 days")),
    ("30d", _("Last 30 days")),
    ("90d", _("Last 90 days")),
    ("month", _("This month")),
    ("last-month", _("Last month")),
    ("custom", _("These days")),
)
COMPARISONS = (("previous", _("Period before")), ("year", _("Year before")), ("none", _("Nothing")))
#: How an address names the group of what has no value.
NOTHING = "-"
#: Figures a table shows unless others are asked for.
COLUMNS = ("clicks", "unique_clicks", "conversions", "cr", "revenue", "commission", "epc", "aov", "reversal_rate")
_ZONES = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Athens", "Asia/Dubai", "Asia/Kolkata", "Asia/Shanghai", "Asia/Taipei",
    "Asia/Tokyo", "Australia/Sydney", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Sao_Paulo",
)  # fmt: skip
_EARLIEST, _LATEST = date(2000, 1, 1), date(9000, 1, 1)


class ReportForm(forms.Form):
    """What a report is asked."""

    period = forms.ChoiceField(label=_("Period"), choices=PERIODS, required=False)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    compare = forms.ChoiceField(label=_("Compared with"), choices=COMPARISONS, required=False)
    by = forms.ChoiceField(label=_("Group by"), required=False)
    then = forms.ChoiceField(label=_("then by"), required=False)
    metric = forms.ChoiceField(label=_("Charts show"), required=False)
    zone = forms.ChoiceField(label=_("Time zone"), required=False)
    columns = forms.MultipleChoiceField(required=False, widget=forms.MultipleHiddenInput)

    def __init__(self, data: Any, *, place: Place) -> None:
        super().__init__(data)
        groups = [(parameter_of(one.key), one.label) for one in place.dimensions]
        figures = [(metric.key, metric.label) for metric in METRICS.values()]
        self.choose("by", groups)
        self.choose("then", [("", _("nothing more")), *groups])
        self.choose("metric", figures)
        self.choose("columns", figures)
        zones = list(dict.fromkeys([place.zone, *_ZONES]))
        named = data.get("zone", "")
        if named and named not in zones and named in available_timezones():
            zones.append(named)
        self.choose("zone", [(zone, zone.replace("_", " ")) for zone in zones])

    def choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        """Give a field its choices."""
        self.fields[name].choices = choices  # type: ignore[attr-defined]


@dataclass(slots=True)
class Asked:
    """A report's question and everything the page says about it."""

    form: ReportForm
    question: Question
    compared: Question | None
    period: str
    first: date
    last: date
    compare: str
    metric: str
    columns: tuple[str, ...]
    filters: list[tuple[str, str, str | Promise]] = field(default_factory=list)
    notes: list[str | Promise] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def read_question(request: HttpRequest, place: Place, *, at: datetime, by: str = "day") -> Asked:
    """The question in the address. What cannot be read is ignored and named; nothing is refused."""
    form = _form(request, place)
    said = form.cleaned_data
    zone = said.get("zone") or place.zone
    today = at.astimezone(ZoneInfo(zone)).date()
    period, first, last, notes = _days(said, today)
    groups = _groups(said, place, default=by)
    filters, known = _filters(request, place)
    question = Question(
        place.scope, *span_of_days(first, last, zone), zone=zone, groups=groups,
        filters=tuple((key, value) for key, value, _name in filters),
        currency=_currency(request),
    )  # fmt: skip
    if question.is_raw and (last - first).days >= RAW_DAYS:
        first = last - timedelta(days=RAW_DAYS - 1)
        question = question.at(span_of_days(first, last, zone))
        notes.append(_("This group is counted from the click log, click by click: at most its last 31 days are shown."))
    if not question.knows_clicks:
        notes.append(_("Clicks do not have what is asked here, so figures that need clicks are left out."))
    compare = said.get("compare") or "previous"
    before = {"previous": days_before, "year": year_before}.get(compare)
    compared = question.at(span_of_days(*before(first, last), zone)) if before else None
    metric = said.get("metric") or "revenue"
    columns = tuple(key for key in METRICS if key in (said.get("columns") or COLUMNS))
    return Asked(
        form, question, compared, period, first, last, compare, metric, columns, filters, notes,
        ignored_keys(request, form, known=[*known, "currency"]),
    )  # fmt: skip


def _form(request: HttpRequest, place: Place) -> ReportForm:
    """The form, showing what is meant where nothing was said."""
    data = request.GET.copy()
    form = ReportForm(data, place=place)
    form.is_valid()
    for name, value in {
        "period": "30d",
        "compare": "previous",
        "by": "day",
        "metric": "revenue",
        "zone": place.zone,
    }.items():
        data.setdefault(name, value)
    if data.get("since") or data.get("until"):
        data["period"] = "custom"
    return form


def _days(said: dict[str, Any], today: date) -> tuple[str, date, date, list[str | Promise]]:
    notes: list[str | Promise] = []
    since, until = said.get("since"), said.get("until")
    if since or until:
        last = min(max(until or today, _EARLIEST), _LATEST)
        first = max(since or last - timedelta(days=29), _EARLIEST)
        if first > last:
            first, last = last, first
            notes.append(_("The earlier day is taken as the first one."))
        if (last - first).days >= LONGEST_DAYS:
            first = last - timedelta(days=LONGEST_DAYS - 1)
            notes.append(_("A report covers two years at most: its last two years are shown."))
        return "custom", first, last, notes
    period = said.get("period") or "30d"
    month = today.replace(day=1)
    days = {"7d": 7, "30d": 30, "90d": 90}.get(period, 30)
    first, last = {
        "month": (month, today),
        "last-month": ((month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)),
    }.get(period, (today - timedelta(days=days - 1), today))
    return period, first, last, notes


def _groups(said: dict[str, Any], place: Place, *, default: str) -> tuple[str, ...]:
    own = {parameter_of(one.key): one.key for one in place.dimensions}
    first = own.get(said.get("by") or "", default)
    second = own.get(said.get("then") or "")
    return (first, second) if second and second != first else (first,)


def _filters(request: HttpRequest, place: Place) -> tuple[list[tuple[str, str, str | Promise]], list[str]]:
    """(dimension, value, its name) of each filter in the address, and the keys that were understood."""
    filters: list[tuple[str, str, str | Promise]] = []
    known: list[str] = []
    for one in place.dimensions:
        name = parameter_of(one.key)
        value = request.GET.get(name, "")[:255].replace("\0", "")
        if one.is_time or not value:
            continue
        if one.key in {"program", "affiliate", "link"}:
            found = key_of(one.key, value, place.scope) if value != NOTHING else ("", NOTHING)
            if found is None:
                continue
            filters.append((one.key, *found))
        else:
            filters.append((one.key, "" if value == NOTHING else value, value))
        known.append(name)
    return filters, known


def _currency(request: HttpRequest) -> str:
    code = request.GET.get("currency", "")
    return code if len(code) == 3 and code.isascii() and code.isupper() else ""


def label_of(dimension: str) -> str | Promise:
    """What a dimension is called."""
    return DIMENSIONS[dimension].label
