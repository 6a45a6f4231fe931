"""Figures as readers see them, as charts draw them, as files hold them; and groups by their names."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from babel import Locale
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from ledger.money import Money
from portal.explain import customer_words, event_words
from portal.formats import NO_VALUE, format_day, format_money, format_number, format_percent, locale_of, month_of
from portal.reports.asking import NOTHING
from tracking.statistics.metrics import METRICS, OF_ONE_CURRENCY, Average, Figures, Unit, Value

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def text_of(metric: str, value: Value, *, code: bool = False) -> str:
    """A figure in words; a dash where there is none."""
    if value is None:
        return NO_VALUE
    if isinstance(value, Money | Average):
        return format_money(value, code=code)
    unit = METRICS[metric].unit
    if unit == Unit.SECONDS:
        return span_text(Decimal(value))
    return format_percent(value, digits=2) if unit == Unit.RATE else format_number(value)


def span_text(seconds: Decimal) -> str:
    """A length of time in its largest sensible unit."""
    if seconds < _MINUTE:
        return _("%(count)s s") % {"count": format_number(seconds, digits=0)}
    if seconds < 2 * _HOUR:
        return _("%(count)s min") % {"count": format_number(seconds / _MINUTE, digits=0)}
    if seconds < 2 * _DAY:
        return _("%(count)s h") % {"count": format_number(seconds / _HOUR, digits=1)}
    days = (seconds / _DAY).quantize(Decimal("0.1"))
    return _("%(count)s days") % {"count": format_number(days, digits=1)}


def device_words(device: str) -> str:
    """What a kind of device is called."""
    words = {"desktop": _("Desktop"), "mobile": _("Mobile"), "tablet": _("Tablet"), "tv": _("TV"), "other": _("other")}
    return words.get(device, device)


def number_of(value: Value) -> float | None:
    """A figure as a chart draws it."""
    if value is None:
        return None
    return float(value.to_decimal() if isinstance(value, Money | Average) else value)


def cell_of(value: Value) -> object:
    """A figure as a file holds it: a plain number, nothing where there is none."""
    if value is None:
        return ""
    return value.to_decimal() if isinstance(value, Money | Average) else value


def values_of(metric: str, figures: Figures, currencies: list[str]) -> list[tuple[str, Value]]:
    """(currency, figure) of each currency for figures of money, else one with no currency."""
    one = METRICS[metric]
    if one.is_money or metric in OF_ONE_CURRENCY:
        return [(code, one.of(figures, code)) for code in currencies]
    return [("", one.of(figures))]


def name_of(dimension: str, value: str, names: Mapping[str, tuple[str, str]]) -> str | Promise:
    """What a group is called."""
    if dimension in {"program", "affiliate", "link"}:
        if not value:
            return _("without a click") if dimension == "link" else _("not known")
        return names[value][1] if value in names else _("gone by now")
    if dimension == "creative" and value in names:
        return names[value][1]
    if not value:
        return _("none") if dimension in {"coupon", "sub1", "source_id", "label", "creative"} else _("not known")
    if dimension in {"day", "week"}:
        day = format_day(date.fromisoformat(value))
        return _("Week of %(day)s") % {"day": day} if dimension == "week" else day
    if dimension == "month":
        return month_of(date.fromisoformat(value))
    if dimension == "hour":
        return f"{format_day(date.fromisoformat(value[:10]))}, {value[11:16]}"
    if dimension == "country":
        return _country(value)
    words = {
        "device": device_words(value),
        "event": event_words(value),
        "customer": customer_words(value),
    }
    return words.get(dimension, value)


def address_of(dimension: str, value: str, names: Mapping[str, tuple[str, str]]) -> str:
    """A group's value as an address names it; nothing for what is gone."""
    if not value:
        return NOTHING
    if dimension in {"program", "affiliate", "link"}:
        return names[value][0] if value in names else ""
    return value


def _country(code: str) -> str:
    locale: Locale = locale_of()
    return str(locale.territories.get(code, code))
