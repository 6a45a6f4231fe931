"""A set of rules as JSON: read with every problem at its path, written in one canonical form, known by a fingerprint.

    rules = read_document(json.loads(text), currency="EUR")      # RulesRefused: .problems, each with its path
    document_of(rules)                                           # the same again, in canonical form
    fingerprint(rules)                                           # equal for equal rules, however they were written

docs/rules.md describes the format.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from payouts.rules.checks import refuse_senseless
from payouts.rules.clauses import (
    COUNTS,
    DEDUCTIONS,
    LEVELS,
    MEASURES,
    Band,
    Bands,
    Bonus,
    Boost,
    Cap,
    Count,
    Days,
    Deduction,
    Level,
    Line,
    Measure,
    Pay,
    Rules,
    Tier,
    Upline,
)
from payouts.rules.fields import WEEKDAYS
from payouts.rules.reading import Reader
from payouts.rules.writing import canonical, document_of, fingerprint

__all__ = ["canonical", "document_of", "fingerprint", "read_document"]

MOST_LINES = 500
MOST_BOOSTS = 100
MOST_CAPS = 20
MOST_BONUSES = 20
MOST_BANDS = 50
MOST_LEVELS = 10

_PARTS: Final = ("lines", "boosts", "caps", "bonuses", "uplines")
_LINE_KEYS: Final = ("name", "event", "level", "when", "pay", "base", "minimum", "maximum", "charges")
_BOOST_KEYS: Final = ("name", "event", "from", "until", "days", "when", "add", "times", "flat", "stacks")
_CAP_KEYS: Final = ("name", "of", "per", "limit", "beyond")
_BONUS_KEYS: Final = ("name", "mode", "by", "per", "event", "when", "rows", "takes_effect")
_UPLINE_KEYS: Final = ("level", "of", "percent", "minimum", "months")


def read_document(value: object, *, currency: str, currencies: Collection[str] = ()) -> Rules:
    """The rules somebody wrote, checked; amounts are in `currency`. Raises RulesRefused with every problem.

    `currencies` are others that the program's orders may be in. What is returned prices every order there is.
    """
    reader = Reader(currency, currencies)
    row = reader.mapping(value, "", _PARTS)
    if row is None:
        reader.notes.refuse()
        return Rules(currency, ())

    def each[T](part: str, most: int, read: Callable[[Reader, object, str], T | None]) -> tuple[T, ...]:
        listed = reader.rows(row.get(part, []), part, most=most)
        found = [read(reader, one, f"{part}.{number}") for number, one in enumerate(listed)]
        return tuple(one for one in found if one is not None)

    rules = Rules(
        currency=currency,
        lines=each("lines", MOST_LINES, _line),
        boosts=each("boosts", MOST_BOOSTS, _boost),
        caps=each("caps", MOST_CAPS, _cap),
        bonuses=each("bonuses", MOST_BONUSES, _bonus),
        uplines=each("uplines", MOST_LEVELS, _upline),
    )
    if row.get("lines", []) == []:
        reader.say("lines", "empty", "Without a line nobody earns anything. Add one.")
    reader.notes.refuse()
    # Only what can be read is asked whether it makes sense.
    refuse_senseless(rules, reader.notes)
    reader.notes.refuse()
    return rules


# ── Reading ──────────────────────────────────────────────────────────────────────────────


def _line(reader: Reader, value: object, path: str) -> Line | None:
    row = reader.mapping(value, path, _LINE_KEYS)
    if row is None:
        return None
    level: Level = reader.choice(row, "level", path, LEVELS, "order")
    charges = reader.mapping(row.get("charges", {}), f"{path}.charges", ("first", "months")) or {}
    if "charges" in row and len(charges) != 1:
        reader.say(f"{path}.charges", "form", 'Send {"first": 3} or {"months": 12}; without charges it is for life.')
    return Line(
        name=reader.name(row, path),
        event=reader.event(row, path),
        level=level,
        when=reader.group(row.get("when"), f"{path}.when", items=True),
        pay=_line_pay(reader, row.get("pay"), f"{path}.pay"),
        minus=_minus(reader, row, path),
        minimum=_optional(row, "minimum", path, reader.amount),
        maximum=_optional(row, "maximum", path, reader.amount),
        first=_optional(
            charges, "first", f"{path}.charges", lambda one, at: reader.whole(one, at, least=1, most=10_000)
        ),
        months=_optional(
            charges, "months", f"{path}.charges", lambda one, at: reader.whole(one, at, least=1, most=1200)
        ),
    )


def _minus(reader: Reader, row: Mapping[str, Any], path: str) -> tuple[Deduction, ...] | None:
    if "base" not in row:
        return None
    base = reader.mapping(row["base"], f"{path}.base", ("minus",)) or {}
    listed = reader.rows(base.get("minus"), f"{path}.base.minus", most=len(DEDUCTIONS))
    for number, one in enumerate(listed):
        if one not in DEDUCTIONS:
            reader.say(f"{path}.base.minus.{number}", "form", f"Send some of {', '.join(DEDUCTIONS)}.")
        elif one in listed[:number]:
            reader.say(f"{path}.base.minus.{number}", "twice", f"{one} is taken off once. Leave the second out.")
    return tuple(one for one in DEDUCTIONS if one in listed)


def _line_pay(reader: Reader, value: object, path: str) -> Pay | Bands:
    row = reader.mapping(value, path, ("percent", "flat", "nothing", "bands"))
    if row is None or "bands" not in row:
        return _pay(reader, row or {}, path)
    if len(row) > 1:
        reader.say(path, "form", "Send bands alone: each band says what it pays.")
    bands = reader.mapping(row["bands"], f"{path}.bands", ("by", "rows")) or {}
    by: Measure = reader.choice(bands, "by", f"{path}.bands", MEASURES, None)
    rows = reader.rows(bands.get("rows"), f"{path}.bands.rows", most=MOST_BANDS)
    if not rows:
        reader.say(f"{path}.bands.rows", "empty", "Bands need rows. Add one from 0.")
    return Bands(by, tuple(_band(reader, one, f"{path}.bands.rows.{n}", by) for n, one in enumerate(rows)))


def _band(reader: Reader, value: object, path: str, by: str) -> Band:
    row = reader.mapping(value, path, ("from", "percent", "flat", "nothing")) or {}
    return Band(_start(reader, row, path, is_count=by == "order.quantity"), _pay(reader, row, path))


def _start(reader: Reader, row: Mapping[str, Any], path: str, *, is_count: bool) -> int:
    """Where a band or a tier begins: an amount, or a number of pieces or orders (text of digits or a number)."""
    value = row.get("from")
    if not is_count:
        return reader.amount(value, f"{path}.from")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return reader.whole(value, f"{path}.from")


def _pay(reader: Reader, row: Mapping[str, Any], path: str) -> Pay:
    if "nothing" in row:
        if row["nothing"] is not True or "percent" in row or "flat" in row:
            reader.say(f"{path}.nothing", "contradiction", "It pays nothing or something. Send nothing: true alone.")
        return Pay()
    if "percent" not in row and "flat" not in row:
        reader.say(path, "empty", "Say what it pays: percent, flat, both, or nothing: true.")
    return Pay(_optional(row, "percent", path, reader.rate), _optional(row, "flat", path, reader.amount))


def _boost(reader: Reader, value: object, path: str) -> Boost | None:
    row = reader.mapping(value, path, _BOOST_KEYS)
    if row is None:
        return None
    if len({"add", "times", "flat"} & row.keys()) != 1:
        reader.say(path, "form", "A boost has one of add, times and flat.")
    times = reader.rate(row["times"], f"{path}.times", largest=None) if "times" in row else None
    if times is not None and not (1 <= times <= 100 and times == round(times, 2)):
        reader.say(f"{path}.times", "value", 'times is text from "1" to "100" with at most two decimals.')
    stacks = row.get("stacks", False)
    if not isinstance(stacks, bool):
        reader.say(f"{path}.stacks", "value", "Send true or false.")
    return Boost(
        name=reader.name(row, path),
        event=reader.event(row, path),
        starts_at=reader.moment(row.get("from"), f"{path}.from"),
        ends_at=reader.moment(row.get("until"), f"{path}.until"),
        days=_days(reader, row["days"], f"{path}.days") if "days" in row else None,
        when=reader.group(row.get("when"), f"{path}.when", items=False),
        add=_optional(row, "add", path, reader.rate),
        times=times,
        flat=_optional(row, "flat", path, reader.amount),
        stacks=stacks is True,
    )


def _days(reader: Reader, value: object, path: str) -> Days:
    row = reader.mapping(value, path, ("weekdays", "month_days", "dates")) or {}
    if len(row) != 1:
        reader.say(path, "form", "Days are one of weekdays, month_days and dates.")
    for name, listed in row.items():
        if listed == []:
            reader.say(f"{path}.{name}", "empty", "No day is never. Add one, or take days out.")
    weekdays, dates = set(), set()
    for number, one in enumerate(reader.rows(row.get("weekdays", []), f"{path}.weekdays", most=7)):
        if one in WEEKDAYS:
            weekdays.add(WEEKDAYS.index(str(one)))
        else:
            reader.say(f"{path}.weekdays.{number}", "value", f"Send some of {', '.join(WEEKDAYS)}.")
    listed = reader.rows(row.get("month_days", []), f"{path}.month_days", most=31)
    month_days = {reader.whole(one, f"{path}.month_days.{n}", least=1, most=31) for n, one in enumerate(listed)}
    for number, one in enumerate(reader.rows(row.get("dates", []), f"{path}.dates", most=366)):
        found = _yearly(one)
        if found is None:
            reader.say(f"{path}.dates.{number}", "value", "Send a day such as 2026-11-27, or 11-27 for every year.")
        else:
            dates.add(found)
    return Days(frozenset(weekdays), frozenset(month_days), frozenset(dates))


def _yearly(value: object) -> tuple[int | None, int, int] | None:
    if not isinstance(value, str) or len(value) not in {5, 10}:
        return None
    try:
        # 2000 had a 29 February.
        found = datetime.strptime(value if len(value) == 10 else f"2000-{value}", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (found.year if len(value) == 10 else None), found.month, found.day


def _cap(reader: Reader, value: object, path: str) -> Cap | None:
    row = reader.mapping(value, path, _CAP_KEYS)
    if row is None:
        return None
    limit = reader.mapping(row.get("limit", {}), f"{path}.limit", ("commission", "orders")) or {}
    if len(limit) != 1:
        reader.say(f"{path}.limit", "form", 'Send {"commission": "500"} or {"orders": 100}.')
    return Cap(
        name=reader.name(row, path),
        of=reader.choice(row, "of", path, ("partner", "program"), None),
        per=reader.choice(row, "per", path, ("day", "week", "month", "total"), None),
        commission=_optional(limit, "commission", f"{path}.limit", reader.amount),
        orders=_optional(limit, "orders", f"{path}.limit", reader.whole),
        beyond=reader.choice(row, "beyond", path, ("review", "nothing"), None),
    )


def _bonus(reader: Reader, value: object, path: str) -> Bonus | None:
    row = reader.mapping(value, path, _BONUS_KEYS)
    if row is None:
        return None
    reader.choice(row, "per", path, ("month",), "month")
    by: Count = reader.choice(row, "by", path, COUNTS, None)
    rows = reader.rows(row.get("rows"), f"{path}.rows", most=MOST_BANDS)
    if not rows:
        reader.say(f"{path}.rows", "empty", "A bonus needs rows. Add one.")
    tiers = []
    for number, one in enumerate(rows):
        at = f"{path}.rows.{number}"
        tier = reader.mapping(one, at, ("from", "percent", "flat")) or {}
        if len({"percent", "flat"} & tier.keys()) != 1:
            reader.say(at, "form", "A row pays percent or flat.")
        pay = (_optional(tier, "percent", at, reader.rate), _optional(tier, "flat", at, reader.amount))
        tiers.append(Tier(_start(reader, tier, at, is_count=by == "orders"), *pay))
    return Bonus(
        name=reader.name(row, path),
        mode=reader.choice(row, "mode", path, ("all", "marginal", "fixed"), None),
        by=by,
        tiers=tuple(tiers),
        event=reader.event(row, path),
        when=reader.group(row.get("when"), f"{path}.when", items=False),
        takes_effect=reader.choice(row, "takes_effect", path, ("retroactive", "next_day"), "retroactive"),
    )


def _upline(reader: Reader, value: object, path: str) -> Upline | None:
    row = reader.mapping(value, path, _UPLINE_KEYS)
    if row is None:
        return None
    return Upline(
        level=reader.whole(row.get("level"), f"{path}.level", least=1, most=MOST_LEVELS),
        of=reader.choice(row, "of", path, ("commission", "sale"), None),
        percent=reader.rate(row.get("percent"), f"{path}.percent"),
        minimum=_optional(row, "minimum", path, reader.amount),
        months=_optional(row, "months", path, lambda one, at: reader.whole(one, at, least=1, most=1200)),
    )


def _optional[T](row: Mapping[str, Any], key: str, path: str, read: Callable[[object, str], T]) -> T | None:
    return read(row[key], f"{path}.{key}") if key in row else None
