"""Numbers, money and times as a reader of a language writes them (CLDR through Babel).

Pages, mails and papers all format here, so the same amount never has two faces.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_timedelta
from babel.numbers import NumberPattern, format_compact_decimal, get_currency_symbol, parse_pattern
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, to_locale

MINUS = "\N{MINUS SIGN}"
NO_VALUE = "\N{EN DASH}"

#: Assets of the house that CLDR has no symbol for.
_HOUSE_ASSETS = frozenset({"PTS"})

# Django names scripts, CLDR wants the territory whose habits apply.
_LOCALES = {
    "zh-hans": "zh_Hans_CN",
    "zh-hant": "zh_Hant_TW",
    "zh-cn": "zh_Hans_CN",
    "zh-tw": "zh_Hant_TW",
}

_RELATIVE_WITHIN = timedelta(hours=24)


class Amount(Protocol):
    """What ledger.money.Money offers to a reader."""

    @property
    def minor(self) -> int:
        """Whole minor units."""

    @property
    def currency(self) -> str:
        """ISO 4217 code, or an asset of the house."""

    def to_decimal(self) -> Decimal:
        """In major units, with the currency's own digits."""


@lru_cache(maxsize=64)
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(_LOCALES.get(language.lower()) or to_locale(language))
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")


def locale_of(language: str | None = None) -> Locale:
    """Babel's locale for a Django language code; the active language when none is named."""
    return _locale(language or get_language() or "en")


def language_tag(language: str) -> str:
    """A Django language code as HTML's lang attribute wants it: zh-hans is zh-Hans."""
    return "-".join(part.title() if len(part) == 4 else part for part in language.split("-"))


def _true_minus(text: str) -> str:
    return text.replace("-", MINUS)


def _with_digits(pattern: NumberPattern, least: int, most: int) -> NumberPattern:
    copied = parse_pattern(pattern.pattern)
    copied.frac_prec = (least, most)
    return copied


def format_money(
    amount: Amount,
    *,
    language: str | None = None,
    code: bool = False,
    signed: bool = False,
    accounting: bool = False,
) -> str:
    """An amount with its currency's own decimals, never rounded.

    `code` adds the ISO code (wherever several currencies meet), `signed` shows a plus, `accounting`
    writes negatives in parentheses (ledger views only). Right-to-left readers get number and code.
    """
    locale = locale_of(language)
    value = amount.to_decimal()
    digits = max(0, -int(value.as_tuple().exponent))
    by_code = amount.currency in _HOUSE_ASSETS or locale.text_direction == "rtl"
    if by_code:
        pattern = _with_digits(locale.decimal_formats[None], digits, digits)
        text = f"{pattern.apply(value, locale)}\N{NO-BREAK SPACE}{amount.currency}"
    else:
        pattern = _with_digits(locale.currency_formats["accounting" if accounting else "standard"], digits, digits)
        text = pattern.apply(value, locale, currency=amount.currency, currency_digits=False)
        # A symbol that already is the code needs no second one.
        if code and get_currency_symbol(amount.currency, locale) != amount.currency:
            text = f"{text}\N{NO-BREAK SPACE}{amount.currency}"
    if signed and value > 0:
        text = f"+{text}"
    return _true_minus(text)


def explained(text: str, url: str) -> SafeString:
    """A figure as the link to its explanation, named "Why $12.40?" for readers who cannot see it."""
    name = gettext("Why %(amount)s?") % {"amount": text}
    return format_html('<a class="money" data-money href="{}" aria-label="{}">{}</a>', url, name, text)


def format_percent(rate: Decimal | float, *, language: str | None = None, digits: int = 2, signed: bool = False) -> str:
    """A fraction as percent, 0.125 is 12.5 %, with at most `digits` decimals."""
    locale = locale_of(language)
    text = _with_digits(locale.percent_formats[None], 0, digits).apply(rate, locale)
    if signed and rate > 0:
        text = f"+{text}"
    return _true_minus(text)


def format_number(
    value: Decimal | float, *, language: str | None = None, digits: int = 2, compact: bool = False
) -> str:
    """A plain number with grouping; `compact` (1.2K) is for axes only."""
    locale = locale_of(language)
    if compact:
        return _true_minus(format_compact_decimal(value, locale=locale, fraction_digits=1))
    return _true_minus(_with_digits(locale.decimal_formats[None], 0, digits).apply(value, locale))


def format_day(day: date, *, language: str | None = None, length: str = "medium") -> str:
    """A date without a clock."""
    return str(format_date(day, format=length, locale=locale_of(language)))


def format_moment(
    moment: datetime | date,
    *,
    language: str | None = None,
    style: str = "date",
    zone: ZoneInfo | None = None,
    at: datetime | None = None,
) -> str:
    """A moment in the reader's zone: style "date", "short", "time" (date and clock), "clock", "month" or "ago".

    "short" leaves the year out when it is the year of `at` (default: this moment); "ago" is relative
    within 24 hours of it, the date beyond.
    """
    locale = locale_of(language)
    zone = zone or _current_zone()
    if not isinstance(moment, datetime):
        return _format_date(moment, style, language, (at or timezone.now()).astimezone(zone).year)
    if style == "ago":
        difference = moment - (at or timezone.now())
        if abs(difference) < _RELATIVE_WITHIN:
            return str(format_timedelta(difference, locale=locale, add_direction=True))
    local = moment.astimezone(zone)
    if style == "clock":
        return f"{local:%H:%M}"
    if style == "time":
        between = " " if locale.language == "zh" else ", "
        return f"{format_day(local.date(), language=language)}{between}{local:%H:%M}"
    return _format_date(local.date(), style, language, (at or timezone.now()).astimezone(zone).year)


def _format_date(day: date, style: str, language: str | None, this_year: int) -> str:
    if style == "month":
        return month_of(day, language=language)
    if style == "short" and day.year == this_year:
        return str(format_skeleton("MMMd", day, locale=locale_of(language)))
    return format_day(day, language=language)


def month_of(day: date, *, language: str | None = None) -> str:
    """The month a day lies in: "November 2026", "2026年11月"."""
    return str(format_skeleton("yMMMM", day, locale=locale_of(language)))


def describe_moment(moment: datetime | date, *, language: str | None = None, zone: ZoneInfo | None = None) -> str:
    """The long form for a hover text: weekday, date, clock and the zone's name."""
    locale = locale_of(language)
    if not isinstance(moment, datetime):
        return str(format_date(moment, format="full", locale=locale))
    zone = zone or _current_zone()
    local = moment.astimezone(zone)
    name = zone.key.removeprefix("Etc/")
    return f"{format_date(local.date(), format='full', locale=locale)}, {local:%H:%M:%S} {name}"


def _current_zone() -> ZoneInfo:
    return ZoneInfo(timezone.get_current_timezone_name())
