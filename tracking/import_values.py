"""Amounts, times and whole orders in a file's words: purely, from cells to what the API's reader takes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from ledger import currencies
from ledger.errors import Refusal
from ledger.money import Money
from tracking.import_words import action_of_status, refund_reason_of

#: Signs around a number that say nothing: currency symbols and blanks of every kind.
_AROUND = re.compile(r"[\s\u00a0\u202f\u2009$€£¥￥₩₹元円]|^(?:[A-Z]{3}|US\$|A\$|NT\$|HK\$)|[A-Z]{3}$")
_POINT = re.compile(r"(?:\d{1,3}(?:[,'’]\d{3})+|\d+)(?:\.\d+)?", re.ASCII)
_COMMA = re.compile(r"(?:\d{1,3}(?:[.'’]\d{3})+|\d+)(?:,\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_UNIX = re.compile(r"\d{10}(?:\d{3})?(?:\.\d+)?", re.ASCII)
_DAY = re.compile(r"(?P<a>\d{1,4})[-/.年](?P<b>\d{1,2})[-/.月](?P<c>\d{1,4})日?\.?(?:[T,\s]+(?P<clock>.+))?", re.ASCII)
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?\s*(?P<half>[AaPp][Mm])?"
    r"\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{2})?(?:\s*[A-Z]{3,5})?",
    re.ASCII,
)
_TRUE = frozenset({"true", "yes", "1", "y", "ja", "是", "はい", "test"})
_FALSE = frozenset({"", "false", "no", "0", "n", "nein", "否", "いいえ", "live"})

DATES = ("iso", "dmy", "mdy")
DECIMALS = (".", ",", "minor")

_MONEY = ("amount", "tax", "shipping", "discount")
_LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """What a row asks for: report, refund or amend, in the words of the API; or why it asks for nothing (refused)."""

    action: str
    order: dict[str, Any] = field(default_factory=dict)
    refund: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As the row's request keeps it."""
        return {"action": self.action, "order": self.order, "refund": self.refund}

    @property
    def order_ref(self) -> str:
        """The order's number, as far as there is one."""
        return str(self.order.get("order_id") or "")[:128]


@dataclass(frozen=True, slots=True)
class Signs:
    """How the values of a file are written (tracking/imports.py, class Reading)."""

    decimal: str
    dates: str
    zone: ZoneInfo
    currency: str
    is_test: bool


def draft_of(
    cells: Sequence[str], mapping: Mapping[str, str], headings: Sequence[str], signs: Signs, *, at: datetime
) -> Draft:
    """What a row asks for; `mapping` gives a column's number (as text) its field.

    What cannot be understood is handed on as it stands: the reader refuses it by name.
    """
    said: dict[str, str] = {}
    kept: dict[str, str] = {}
    for column, name in mapping.items():
        number = int(column)
        text = cells[number] if number < len(cells) else ""
        if name == "keep" and text:
            kept[headings[number][:40] or f"column {number + 1}"] = text[:_LONGEST_NOTE]
        elif text:
            said[name] = text
    if note := said.get("note"):
        kept["note"] = note[:_LONGEST_NOTE]
    currency = (said.get("currency") or signs.currency).strip().upper()
    order = _order(said, currency, signs, at=at)
    if kept:
        order["metadata"] = kept
    action, reason = _action(said)
    if action == "refused":
        return Draft(action, order, {"code": "status_unknown", "field": "status", "detail": reason})
    if action == "refund":
        return Draft(action, order, _refund(said, currency, reason, signs))
    if action == "amend" and said.get("new_amount"):
        order["amount"] = amount_text(said["new_amount"], signs.decimal, currency)
    return Draft(action, order)


def _order(said: Mapping[str, str], currency: str, signs: Signs, *, at: datetime) -> dict[str, Any]:
    order: dict[str, Any] = {"order_id": said.get("order_id"), "currency": currency or None}
    order |= {name: amount_text(said[name], signs.decimal, currency) for name in _MONEY if name in said}
    order |= {name: said[name] for name in ("event", "click_id", "coupon") if name in said}
    if "event" in order:
        order["event"] = order["event"].lower().replace(" ", "_")
    customer = {name: said[f"customer.{name}"] for name in ("id", "email", "country") if f"customer.{name}" in said}
    if "customer.status" in said:
        customer["status"] = {"return": "returning", "existing": "returning"}.get(
            said["customer.status"].lower(), said["customer.status"].lower()
        )
    if customer:
        order["customer"] = customer
    if "occurred_at" in said:
        order["occurred_at"] = instant_text(said["occurred_at"], signs.dates, signs.zone, at=at)
    if flag := signs.is_test or _flag(said.get("test", "")):
        order["test"] = flag
    return {name: value for name, value in order.items() if value is not None}


def _action(said: Mapping[str, str]) -> tuple[str, str]:
    known = action_of_status(said.get("status", ""))
    if known is None:
        shown = "".join(sign if sign.isprintable() else "?" for sign in said["status"][:40])
        return "refused", f"The status {shown} is not known. Use paid, refunded, cancelled, chargeback or amended."
    if known[0] == "report" and said.get("new_amount"):
        return "amend", ""
    return known


def _refund(said: Mapping[str, str], currency: str, reason: str, signs: Signs) -> dict[str, Any]:
    refund: dict[str, Any] = {
        "reason": refund_reason_of(said.get("refund_reason", "")) or reason or "other",
        "reference": said.get("refund_reference") or "upload",
    }
    if "refund_amount" in said:
        refund["amount"] = amount_text(said["refund_amount"], signs.decimal, currency)
        # Without a number of its own, a refund of another amount is another refund.
        if "refund_reference" not in said:
            refund["reference"] = f"upload:{refund['amount']}"
    return refund


def _flag(text: str) -> bool | str:
    """true or false; anything else stays text, which the reader refuses."""
    plain = text.strip().casefold()
    return plain in _TRUE or (False if plain in _FALSE else text)


def amount_text(text: str, decimal: str, currency: str) -> str:
    """An amount as the API takes it, "1234.50"; what does not fit the decimal sign stays as it is and is refused."""
    plain = _AROUND.sub("", text.strip())
    if decimal == "minor":
        return _major(plain, currency) or text
    shape, grouping, sign = (_COMMA, ".'’", ",") if decimal == "," else (_POINT, ",'’", ".")
    if not shape.fullmatch(plain):
        return text
    for mark in grouping:
        plain = plain.replace(mark, "")
    return _trimmed(plain.replace(sign, "."), currency)


def _major(plain: str, currency: str) -> str:
    if not _WHOLE.fullmatch(plain):
        return ""
    try:
        return Money(int(plain), currency).major
    except (Refusal, ValueError, KeyError):
        return ""


def _trimmed(plain: str, currency: str) -> str:
    """Without noughts that the currency has no digits for: 1200.00 yen are 1200."""
    whole, _, fraction = plain.partition(".")
    try:
        digits = currencies.digits(currency)
    except (Refusal, KeyError):
        return plain
    while len(fraction) > digits and fraction.endswith("0"):
        fraction = fraction[:-1]
    return f"{whole}.{fraction}" if fraction else whole


def instant_text(text: str, dates: str, zone: ZoneInfo, *, at: datetime) -> str:
    """A time as the API takes it. Times without a zone are of `zone`; a day without a time is its end, so that the
    clicks of the day count, but not later than `at`. What does not fit stays as it is and is refused."""
    plain = text.strip()
    if _UNIX.fullmatch(plain):
        seconds = int(plain.split(".")[0])
        return datetime.fromtimestamp(seconds / 1000 if seconds > 99_999_999_999 else seconds, tz=UTC).isoformat()
    shape = _DAY.fullmatch(plain)
    if shape is None:
        return text
    try:
        day = _day(shape["a"], shape["b"], shape["c"], dates)
        if day is None:
            return text
        if not shape["clock"]:
            return min(
                datetime.combine(day, time(23, 59, 59), zone), max(at, datetime.combine(day, time(), zone))
            ).isoformat(timespec="seconds")
        return _moment(day, shape["clock"].strip(), zone) or text
    except (ValueError, OverflowError):
        return text


def _day(a: str, b: str, c: str, dates: str) -> date | None:
    if len(a) == 4:
        return date(int(a), int(b), int(c)) if len(c) <= 2 else None
    if len(c) not in {2, 4} or dates not in {"dmy", "mdy"}:
        return None
    year = int(c) + (2000 if len(c) == 2 else 0)
    return date(year, int(b), int(a)) if dates == "dmy" else date(year, int(a), int(b))


def _moment(day: date, clock: str, zone: ZoneInfo) -> str:
    shape = _CLOCK.fullmatch(clock)
    if shape is None:
        return ""
    hour = int(shape["hour"])
    if shape["half"]:
        hour = hour % 12 + (12 if shape["half"].lower() == "pm" else 0)
    moment = datetime.combine(day, time(hour, int(shape["minute"]), int(shape["second"] or 0)))
    given = shape["zone"]
    if not given:
        return moment.replace(tzinfo=zone).isoformat()
    if given.upper() in {"Z", "UTC", "GMT"}:
        return moment.replace(tzinfo=UTC).isoformat()
    return f"{moment.isoformat()}{given if ':' in given else f'{given[:3]}:{given[3:]}'}"


def guess_decimal(cells: Sequence[str]) -> str:
    """The decimal sign that most amounts can be read with; a point when it makes no difference."""
    plain = [_AROUND.sub("", cell) for cell in cells if cell]
    points = sum(bool(re.search(r"\.\d{1,2}$", cell)) for cell in plain)
    commas = sum(bool(re.search(r",\d{1,2}$", cell)) for cell in plain)
    return "," if commas > points else "."


def guess_dates(cells: Sequence[str]) -> str:
    """The order of day and month that every date fits; day first where nothing speaks against it."""
    found = [shape for cell in cells if (shape := _DAY.fullmatch(cell.strip()))]
    if not found or all(len(shape["a"]) == 4 for shape in found):
        return "iso"
    first = max((int(shape["a"]) for shape in found if len(shape["a"]) <= 2), default=0)
    second = max((int(shape["b"]) for shape in found), default=0)
    if second > 12 >= first:
        return "mdy"
    if first > 12 or any("." in cell for cell in cells):
        return "dmy"
    return "mdy" if any(re.search(r"[AaPp][Mm]\b", cell) for cell in cells) else "dmy"
