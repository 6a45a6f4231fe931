"""Strict readers for what shops send: a value of the right kind comes out, or a refusal that names the field."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ledger.currencies import HOUSE_ASSETS, digits, is_known
from ledger.money import LARGEST_MINOR, Money
from tracking.click_ids import click_key
from tracking.errors import InputRefused

#: What a click id is called in a shop's own fields, the first that is there wins.
CLICK_NAMES = (
    "click_id", "affiliate_click_id", "clickid", "dubClickId", "dub_click_id", "dub_id", "_click_id",
    "_affiliate_click_id", "tolt_referral", "subid",
)  # fmt: skip

#: Dub's prefix before a click id in Stripe's client_reference_id.
_DUB_PREFIX = "dub_id_"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_AMOUNT = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,6})?", re.ASCII)
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_NEWEST = datetime(2200, 1, 1, tzinfo=UTC)


def an_object(value: object, field: str) -> Mapping[str, Any]:
    """A JSON object. Raises InputRefused."""
    if not isinstance(value, Mapping):
        raise InputRefused(f"{field} is no object. Send the shop's event unchanged.", field=field[:60])
    return value


def object_in(source: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object under a name; an empty one when there is none."""
    value = source.get(name)
    return value if isinstance(value, Mapping) else {}


def rows_in(source: Mapping[str, Any], name: str, *, most: int = 500) -> list[Mapping[str, Any]]:
    """The objects of the list under a name, at most so many; none when there is no list."""
    value = source.get(name)
    return [one for one in value[:most] if isinstance(one, Mapping)] if isinstance(value, list) else []


def text_in(source: Mapping[str, Any], name: str, *, longest: int = 128) -> str:
    """The text or whole number under a name as clean text, cut to `longest`; empty for anything else."""
    value = source.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    if isinstance(value, int) and abs(value) >= 10**20:
        return ""
    return _CONTROL.sub("", str(value)).strip()[:longest]


def id_in(source: Mapping[str, Any], name: str) -> str:
    """The id under a name, whether it stands there by itself or as an expanded object."""
    value = source.get(name)
    return text_in(value, "id", longest=100) if isinstance(value, Mapping) else text_in(source, name, longest=100)


def required_id(source: Mapping[str, Any], name: str = "id") -> str:
    """An id that must be there. Raises InputRefused."""
    found = id_in(source, name)
    if not found:
        raise InputRefused(f"{name} is missing. Send the shop's event unchanged.", code="field_missing", field=name)
    return found


def currency_in(source: Mapping[str, Any], name: str = "currency") -> str:
    """An ISO 4217 code. Raises InputRefused."""
    code = text_in(source, name, longest=8).upper()
    if code in HOUSE_ASSETS or not is_known(code):
        raise InputRefused(f"{name} is no currency.", code="currency_unknown", field=name)
    return code


def decimal_minor(value: object, currency: str) -> int:
    """Minor units of an amount in major units, as text or a whole number, rounded half up; 0 for what is no amount."""
    text = value.strip() if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    if isinstance(value, bool) or not _AMOUNT.fullmatch(text):
        return 0
    return bounded(Money(1, currency).share(Decimal(text).scaleb(digits(currency))).minor)


def whole_minor(value: object) -> int:
    """A whole number of the shop's own minor units; 0 for anything else."""
    return bounded(value) if isinstance(value, int) and not isinstance(value, bool) else 0


def bounded(minor: int) -> int:
    """The number, which no order's amount exceeds. Raises InputRefused."""
    if abs(minor) > LARGEST_MINOR:
        raise InputRefused("An amount is larger than any order.", code="amount_unreadable", field="amount")
    return minor


def unix_instant(value: object) -> datetime | None:
    """An instant from seconds since 1970; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    try:
        return _sane(datetime.fromtimestamp(value, tz=UTC))
    except (OverflowError, ValueError, OSError):
        return None


def iso_instant(value: object, *, is_utc: bool = False) -> datetime | None:
    """An instant from RFC 3339; with `is_utc` a zone may be missing. None for what is none."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            if not is_utc:
                return None
            moment = moment.replace(tzinfo=UTC)
        return _sane(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def click_in(source: Mapping[str, Any]) -> str:
    """What stands under one of the names of a click id; empty when nothing does."""
    for name in CLICK_NAMES:
        if found := text_in(source, name, longest=255):
            return found
    return ""


def click_in_url(url: object) -> str:
    """The click id in the query of an address; empty when there is none."""
    if not isinstance(url, str) or len(url) > 4_000:
        return ""
    try:
        pairs = dict(parse_qsl(urlsplit(url).query, max_num_fields=100))
    except ValueError:
        return ""
    return click_in(pairs)


def readable_click(text: str) -> str:
    """A click id as the door wrote it, without what other systems put before it; empty when it is none."""
    plain = text.removeprefix(_DUB_PREFIX)
    try:
        return str(click_key(plain))
    except ValueError:
        return ""


def decimal_of(value: object) -> Decimal:
    """A plain number; 0 for what is none."""
    try:
        number = Decimal(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else Decimal(0)
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() and abs(number) < 10**12 else Decimal(0)


def _sane(moment: datetime) -> datetime | None:
    return moment if _OLDEST <= moment <= _NEWEST else None
