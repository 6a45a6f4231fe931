"""The fields a condition may ask about: name, type, operators, where the value comes from, and its column.

This is the one place that knows them. A new field is a line here; the readers, both engines, the checks and the
editor take it from this table.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal

from payouts.rules.facts import Facts, Item

#: What a field's value may be once it is made comparable. None: not known.
type Value = str | int | bool | Decimal | date | frozenset[str] | None
type Getter = Callable[[Facts, Item | None], object]


class Kind(StrEnum):
    """How values of a field are written and compared."""

    TEXT = "text"  # without regard to case
    CODE = "code"  # one of a set of words, without regard to case
    EXACT = "exact"  # an identifier, to the letter
    NUMBER = "number"  # a whole number
    MONEY = "money"  # an amount in the program's currency
    YES_NO = "yes_no"
    DATE = "date"  # a day of the calendar
    LIST = "list"  # several words at once, such as tags
    OPEN = "open"  # metadata: a text, or a number where it is asked as one


_SAME = ("is", "is_not", "any_of", "none_of")
_SET = ("is_set", "is_not_set")
_PARTS = ("contains", "starts_with")
_SIZES = ("above", "at_least", "below", "at_most", "between")

OPS: Final = MappingProxyType(
    {
        Kind.TEXT: (*_SAME, *_PARTS, *_SET),
        Kind.CODE: (*_SAME, *_SET),
        Kind.EXACT: (*_SAME, *_PARTS, *_SET),
        Kind.NUMBER: (*_SAME, *_SIZES, *_SET),
        Kind.MONEY: ("is", "is_not", *_SIZES),
        Kind.YES_NO: ("is", "is_not"),
        Kind.DATE: (*_SAME, *_SIZES),
        Kind.LIST: (*_SAME, *_SET),
        Kind.OPEN: (*_SAME, *_PARTS, *_SIZES, *_SET),
    }
)
#: Each is the exact opposite of the other one: what is not known "is not" anything.
NEGATIVE: Final = MappingProxyType({"is_not": "is", "none_of": "any_of", "is_not_set": "is_set"})

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
_METADATA = re.compile(r"order\.metadata\.([A-Za-z0-9_.\-]{1,60})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """A field. `choices` closes a set of words, `least` and `most` bound a number, `shape` says what a code looks like."""

    name: str
    kind: Kind
    get: Getter
    scope: Literal["order", "item"] = "order"
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    shape: str = ""

    @property
    def ops(self) -> tuple[str, ...]:
        """The operators it knows."""
        return OPS[self.kind]

    @property
    def column(self) -> str:
        """Its column in a table of orders or items; amounts there are minor units."""
        return self.name

    @property
    def metadata_key(self) -> str:
        """The key in the order's metadata, for the fields that read it."""
        found = _METADATA.fullmatch(self.name)
        return found[1] if found else ""

    def read(self, raw: object) -> Value:
        """A raw value made comparable; None when it is not known."""
        return _READERS[self.kind](raw)


def _text(raw: object) -> Value:
    return (str(raw).strip().casefold() or None) if raw is not None else None


def _exact(raw: object) -> Value:
    return (str(raw).strip() or None) if raw is not None else None


def _number(raw: object) -> Value:
    return int(raw) if isinstance(raw, int) else None


def _yes_no(raw: object) -> Value:
    return bool(raw)


def _date(raw: object) -> Value:
    return raw if isinstance(raw, date) else None


def _list(raw: object) -> Value:
    words = raw if isinstance(raw, tuple | list | set | frozenset) else ()
    return frozenset(word for one in words if (word := str(one).strip().casefold())) or None


def _open(raw: object) -> Value:
    """Metadata is what a shop sent: texts, numbers and yes or no count, anything deeper is as good as missing."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return _text(raw) if isinstance(raw, str | int | float | Decimal) else None


_READERS: Final[dict[Kind, Callable[[object], Value]]] = {
    Kind.TEXT: _text,
    Kind.CODE: _text,
    Kind.EXACT: _exact,
    Kind.NUMBER: _number,
    Kind.MONEY: _number,
    Kind.YES_NO: _yes_no,
    Kind.DATE: _date,
    Kind.LIST: _list,
    Kind.OPEN: _open,
}


def number_in(text: object) -> Decimal | None:
    """The number that a text of metadata is, or None."""
    return Decimal(text) if isinstance(text, str) and _NUMBER.fullmatch(text) else None


def _sub(number: int) -> Getter:
    return lambda facts, _item: facts.link.subs[number] if len(facts.link.subs) > number else ""


_COUNTRY: Final = r"[a-z]{2}"
_CURRENCY: Final = r"[a-z]{3}"

_ALL: Final = (
    Field("order.amount", Kind.MONEY, lambda facts, _item: facts.amount_minor),
    # Worked out for each line by the base that the line declares; see engine.py.
    Field("order.base", Kind.MONEY, lambda facts, _item: facts.amount_minor),
    Field("order.currency", Kind.CODE, lambda facts, _item: facts.currency, shape=_CURRENCY),
    Field("order.quantity", Kind.NUMBER, lambda facts, _item: facts.quantity, least=0),
    Field("order.coupon", Kind.TEXT, lambda facts, _item: facts.coupon),
    Field("order.country", Kind.CODE, lambda facts, _item: facts.country, shape=_COUNTRY),
    Field("order.is_renewal", Kind.YES_NO, lambda facts, _item: facts.is_renewal),
    Field("order.charge", Kind.NUMBER, lambda facts, _item: facts.charge, least=1),
    Field("order.month", Kind.NUMBER, lambda facts, _item: facts.month, least=0),
    Field("item.sku", Kind.TEXT, lambda _facts, item: item and item.sku, "item"),
    Field("item.category", Kind.TEXT, lambda _facts, item: item and item.category, "item"),
    Field("item.amount", Kind.MONEY, lambda _facts, item: item and item.amount_minor, "item"),
    Field("item.quantity", Kind.NUMBER, lambda _facts, item: item and item.quantity, "item", least=0),
    Field(
        "customer.status", Kind.CODE, lambda facts, _item: facts.customer.status, choices=("new", "returning", "lapsed")
    ),
    Field("customer.country", Kind.CODE, lambda facts, _item: facts.customer.country, shape=_COUNTRY),
    Field("customer.orders_before", Kind.NUMBER, lambda facts, _item: facts.customer.orders_before, least=0),
    Field("partner.id", Kind.EXACT, lambda facts, _item: facts.partner.id),
    Field("partner.tier", Kind.CODE, lambda facts, _item: facts.partner.tier),
    Field("partner.segments", Kind.LIST, lambda facts, _item: facts.partner.segments),
    Field("partner.tags", Kind.LIST, lambda facts, _item: facts.partner.tags),
    Field("partner.country", Kind.CODE, lambda facts, _item: facts.partner.country, shape=_COUNTRY),
    Field("partner.joined_days", Kind.NUMBER, lambda facts, _item: facts.partner.joined_days, least=0),
    Field("link.code", Kind.EXACT, lambda facts, _item: facts.link.code),
    Field("link.host", Kind.TEXT, lambda facts, _item: facts.link.host),
    *(Field(f"link.sub{number}", Kind.TEXT, _sub(number - 1)) for number in range(1, 11)),
    Field("click.country", Kind.CODE, lambda facts, _item: facts.click.country, shape=_COUNTRY),
    Field(
        "click.device",
        Kind.CODE,
        lambda facts, _item: facts.click.device,
        choices=("desktop", "mobile", "tablet", "other"),
    ),
    Field("click.os", Kind.TEXT, lambda facts, _item: facts.click.os),
    Field("click.referrer_host", Kind.TEXT, lambda facts, _item: facts.click.referrer_host),
    Field("time.weekday", Kind.CODE, lambda facts, _item: WEEKDAYS[facts.at.weekday()], choices=WEEKDAYS),
    Field("time.hour", Kind.NUMBER, lambda facts, _item: facts.at.hour, least=0, most=23),
    Field("time.date", Kind.DATE, lambda facts, _item: facts.at.date()),
    Field("time.day_of_month", Kind.NUMBER, lambda facts, _item: facts.at.day, least=1, most=31),
    Field("role", Kind.CODE, lambda facts, _item: facts.role, choices=("winner", "assist", "split")),
)
FIELDS: Final = MappingProxyType({field.name: field for field in _ALL})


@lru_cache(maxsize=1024)
def field_of(name: str) -> Field | None:
    """The field of a name, `order.metadata.<key>` included; None when there is none."""
    known = FIELDS.get(name)
    found = _METADATA.fullmatch(name) if known is None else None
    if found is None:
        return known
    key = found[1]
    return Field(name, Kind.OPEN, lambda facts, _item: facts.metadata.get(key))
