"""Strict readers: a JSON value goes in, a checked value comes out, or a refusal that names the field and the remedy.

Nothing is coerced: a number is no text, "true" is no truth value. Money is read by
`ledger.money.Money.parse` alone, from text, so no float ever touches an amount.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from ledger import currencies
from ledger.errors import CurrencyUnknown
from ledger.money import Money
from tracking.click_ids import click_key
from tracking.errors import InputRefused

#: A click id is at most this long; longer ones are refused, never cut.
LONGEST_CLICK_ID = 255

#: Shops' clocks may run ahead of ours by this much.
CLOCKS_DIFFER_BY = timedelta(minutes=5)

#: An order older than this is history, to be imported and not reported.
OLDEST_ORDER = timedelta(days=400)

#: In files even history may be sent, as far back as this.
OLDEST_IN_FILES = timedelta(days=20 * 366)

#: What a whole number in JSON may be without losing digits in other languages.
_SAFE_INTEGER = 2**53

_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(?P<zone>[Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)
_COUNTRY = re.compile(r"[A-Za-z]{2}", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9_.:-]*", re.ASCII)


class NumberText(str):
    """A JSON number with a fraction or an exponent, kept as it was written."""

    __slots__ = ()


def refuse(field: str, remedy: str, *, code: str = "field_invalid") -> InputRefused:
    """A refusal of one field; the remedy is a whole sentence."""
    return InputRefused(remedy, code=code, field=field)


def is_plain(text: str) -> bool:
    """Whether a text has no control characters and no halves of surrogate pairs."""
    return not any(sign < " " or "\x7f" <= sign <= "\x9f" or "\ud800" <= sign <= "\udfff" for sign in text)


def printable(name: str) -> str:
    """A field's name as a sender wrote it, fit for an answer and a row: ASCII, 60 characters."""
    return "".join(sign if " " <= sign <= "~" else "?" for sign in name[:60])


def kind_of(value: object) -> str:
    """What JSON calls a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float | NumberText):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"


def read_text(
    source: Mapping[str, Any], name: str, *, longest: int, path: str = "", example: str = "", is_required: bool = False
) -> str:
    """A text without blanks around it; empty when it is absent and may be."""
    field = path or name
    value = source.get(name)
    if value is None or value == "":
        if is_required:
            raise refuse(field, f"{field} is missing. Send it as text{_such_as(example)}.", code="field_missing")
        return ""
    if not isinstance(value, str) or isinstance(value, NumberText):
        raise refuse(field, f"{field} is {kind_of(value)}. Send it as text{_such_as(example)}.")
    text = value.strip()
    if not is_plain(value):
        raise refuse(field, f"{field} contains control characters. Send plain text.")
    if not text and is_required:
        raise refuse(field, f"{field} is blank. Send it as text{_such_as(example)}.", code="field_missing")
    if len(text) > longest:
        raise refuse(field, f"{field} has {len(text)} characters; {longest} is the most.", code="field_too_long")
    return text


def read_name(source: Mapping[str, Any], name: str, *, longest: int, default: str) -> str:
    """A short machine name such as `sale`; lower case, digits and _ . : -."""
    text = read_text(source, name, longest=longest, example=default).lower()
    if text and not _NAME.fullmatch(text):
        raise refuse(name, f"{name} is made of letters, digits, _ . : or -, such as {default!r}.")
    return text or default


def read_choice(source: Mapping[str, Any], name: str, choices: tuple[str, ...], *, path: str = "") -> str:
    """One of a closed list; empty when it is absent."""
    field = path or name
    text = read_text(source, name, longest=40, path=field, example=choices[0]).lower()
    if text and text not in choices:
        raise refuse(field, f"{field} is one of {', '.join(choices)}.")
    return text


def read_flag(source: Mapping[str, Any], name: str) -> bool:
    """true or false; false when it is absent."""
    value = source.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise refuse(name, f"{name} is {kind_of(value)}. Send true or false.")
    return value


def read_count(source: Mapping[str, Any], name: str, *, path: str, most: int, default: int) -> int:
    """A whole number from 1 to `most`."""
    value = source.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise refuse(path, f"{path} is {kind_of(value)}. Send a whole number such as 1.")
    if not 1 <= value <= most:
        raise refuse(path, f"{path} is a whole number from 1 to {most}.")
    return value


def read_object(source: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A JSON object; empty when it is absent."""
    value = source.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refuse(name, f"{name} is {kind_of(value)}. Send an object.")
    return value


def read_list(source: Mapping[str, Any], name: str, *, most: int) -> list[Any]:
    """A JSON list; empty when it is absent."""
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise refuse(name, f"{name} is {kind_of(value)}. Send a list.")
    if len(value) > most:
        raise refuse(name, f"{name} has {len(value)} entries; {most} is the most.", code="field_too_long")
    return value


def read_currency(source: Mapping[str, Any], *, default: str = "") -> str:
    """An ISO 4217 code of money that people sell in."""
    text = read_text(source, "currency", longest=40, example="USD", is_required=not default) or default
    code = text.upper()
    if not _CURRENCY.fullmatch(text) or code in currencies.HOUSE_ASSETS or not currencies.is_known(code):
        raise CurrencyUnknown(
            f"{text[:20]!r} is not a currency. Send an ISO 4217 code such as USD or EUR.", field="currency"
        )
    return code


def read_money(source: Mapping[str, Any], name: str, currency: str, *, path: str = "") -> Money | None:
    """An amount in major units as text, with the currency's own digits; None when it is absent.

    Raises MoneyUnreadable, which names the field.
    """
    field = path or name
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or isinstance(value, NumberText):
        # Money.parse words the refusal; what is no text can only be refused.
        return Money.parse("", currency, field=field)
    return Money.parse(value.strip(), currency, field=field)


def read_required_money(source: Mapping[str, Any], name: str, currency: str) -> Money:
    """An amount that must be there."""
    amount = read_money(source, name, currency)
    if amount is None:
        raise refuse(name, f'{name} is missing. Send it as text in major units, such as "80.00".', code="field_missing")
    return amount


def read_instant(
    source: Mapping[str, Any], name: str, *, at: datetime, oldest: timedelta = OLDEST_ORDER
) -> datetime | None:
    """When something happened, as RFC 3339 with its zone; None when absent.

    Not more than five minutes ahead of `at` and not more than `oldest` (400 days) before it.
    """
    text = read_text(source, name, longest=40, example="2026-11-03T14:02:00Z")
    if not text:
        return None
    shape = _INSTANT.fullmatch(text)
    if shape is None:
        raise refuse(name, f"{name} is no instant. Send RFC 3339, such as 2026-11-03T14:02:00Z.")
    if shape["zone"] is None:
        raise refuse(name, f"{name} has no time zone. End it with Z or an offset such as +01:00.", code="instant_naive")
    try:
        moment = datetime.fromisoformat(text.upper())
        ahead = moment - at
    except (ValueError, OverflowError):
        raise refuse(name, f"{name} is no day or time of the calendar. Send 2026-11-03T14:02:00Z.") from None
    if ahead > CLOCKS_DIFFER_BY:
        raise refuse(name, f"{name} lies in the future. Send the time of the order.", code="instant_in_future")
    if -ahead > oldest:
        raise refuse(
            name,
            f"{name} is more than {oldest.days} days ago. Import old orders instead.",
            code="instant_too_old",
        )
    return moment.astimezone(UTC)


def read_click(source: Mapping[str, Any], name: str) -> UUID | None:
    """The key of a click, from the id that the click door put into the shop's address; None when absent."""
    text = read_text(source, name, longest=LONGEST_CLICK_ID, example="clk_06f3…")
    if not text:
        return None
    try:
        return click_key(text)
    except ValueError:
        raise refuse(
            name,
            f"{name} is no click id. Send what the click_id parameter of the visitor's first page said, unchanged.",
            code="click_id_malformed",
        ) from None


def read_country(source: Mapping[str, Any], name: str, *, path: str) -> str:
    """An ISO 3166 code of two letters; empty when absent."""
    text = read_text(source, name, longest=40, path=path, example="US")
    if text and not _COUNTRY.fullmatch(text):
        raise refuse(path, f"{path} is a country's two letters, such as US or DE.")
    return text.upper()


def read_metadata(source: Mapping[str, Any]) -> dict[str, Any]:
    """A merchant's own notes: at most 50 flat values, keys of 40 and texts of 500 characters."""
    metadata = read_object(source, "metadata")
    if len(metadata) > 50:
        raise refuse("metadata", f"metadata has {len(metadata)} keys; 50 is the most.", code="field_too_long")
    return {_metadata_key(key): _metadata_value(key, value) for key, value in metadata.items()}


def _metadata_key(key: str) -> str:
    if not is_plain(key) or not 0 < len(key) <= 40:
        raise refuse("metadata", "Every key of metadata is plain text of 1 to 40 characters.")
    return key


def _metadata_value(key: str, value: object) -> object:
    field = f"metadata.{key[:40]}"
    if isinstance(value, str):
        if not is_plain(value.replace("\n", " ").replace("\t", " ")):
            raise refuse(field, f"{field} contains control characters. Send plain text.")
        if len(value) > 500:
            raise refuse(field, f"{field} has {len(value)} characters; 500 is the most.", code="field_too_long")
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > _SAFE_INTEGER:
            raise refuse(field, f"{field} is too large a number. Send it as text.")
        return value
    raise refuse(field, f"{field} is {kind_of(value)}. metadata holds texts, whole numbers, true and false.")


def _such_as(example: str) -> str:
    return f', such as "{example}"' if example else ""
