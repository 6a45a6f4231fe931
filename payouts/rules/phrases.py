"""What a line says, as phrases: a message's key with its values, for whoever words them in a language.

A line of 25 % on a category for a tier becomes percent, condition, condition, months, maximum. The words stand in
portal/rule_words.py; nothing here is a sentence.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from ledger.money import Money
from payouts.rules.clauses import BASES, Bonus, Boost, Cap, Line, Pay, Rules, Upline
from payouts.rules.conditions import Condition, Group
from payouts.rules.fields import WEEKDAYS, Kind, field_of

#: In the order in which people say it: what, whose, which order, whence, when.
_SAID_FIRST = ("item", "partner", "role", "customer", "order", "link", "click", "time")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A message and what goes into it. Values: Money, Decimal (a fraction), int, text, date, or phrases themselves."""

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)


def phrases_of_line(line: Line, currency: str, *, basis: str = "net") -> list[Phrase]:
    """What a line pays, for what, for how long, and between which limits."""
    found = list(_pay(line, currency, basis))
    found += phrases_of_group(line.when, currency)
    if line.first is not None:
        found.append(Phrase("first_charges", {"count": line.first}))
    if line.months is not None:
        found.append(Phrase("months", {"count": line.months}))
    if line.minimum:
        found.append(Phrase("minimum", {"amount": Money(line.minimum, currency)}))
    if line.maximum is not None:
        found.append(Phrase("maximum", {"amount": Money(line.maximum, currency)}))
    return found


def phrases_of_group(group: Group, currency: str) -> list[Phrase]:
    """Conditions that all hold, one after the other; those of which any does, as one phrase."""
    if group.mode == "any" and len(group.members) > 1:
        return [Phrase("any", {"of": [_member(member, currency) for member in group.members]})]
    members = [one for member in group.members for one in _flat(member)]
    members.sort(key=_place)
    return [_member(member, currency) for member in members]


def phrases_of(rules: Rules, *, basis: str = "net") -> list[tuple[str, str, list[Phrase]]]:
    """A whole document: for each part its place (`lines.0`), its name, and its phrases."""
    currency = rules.currency
    return [
        *((f"lines.{n}", one.name, phrases_of_line(one, currency, basis=basis)) for n, one in enumerate(rules.lines)),
        *((f"boosts.{n}", one.name, list(_boost(one, currency))) for n, one in enumerate(rules.boosts)),
        *((f"caps.{n}", one.name, [_cap(one, currency)]) for n, one in enumerate(rules.caps)),
        *((f"bonuses.{n}", one.name, list(_bonus(one, currency))) for n, one in enumerate(rules.bonuses)),
        *((f"uplines.{n}", "", list(_upline(one, currency))) for n, one in enumerate(rules.uplines)),
    ]


def _flat(member: Condition | Group) -> Iterator[Condition | Group]:
    if isinstance(member, Group) and (member.mode == "all" or len(member.members) == 1):
        for one in member.members:
            yield from _flat(one)
    else:
        yield member


def _place(member: Condition | Group) -> int:
    if isinstance(member, Group):
        return len(_SAID_FIRST)
    return _SAID_FIRST.index(member.field.partition(".")[0])


def _member(member: Condition | Group, currency: str) -> Phrase:
    if isinstance(member, Group):
        parts = [_member(one, currency) for one in member.members]
        return parts[0] if len(parts) == 1 else Phrase(member.mode, {"of": parts})
    known = field_of(member.field)
    wanted = member.wanted if isinstance(member.wanted, tuple) else () if member.wanted is None else (member.wanted,)
    shown = member.value if isinstance(member.value, tuple) else () if member.value is None else (member.value,)
    values: tuple[Any, ...] = shown
    if member.kind is Kind.MONEY:
        values = tuple(Money(minor, currency) for minor in wanted)
    elif member.kind is Kind.DATE:
        values = wanted
    key = known.metadata_key if known else ""
    return Phrase("condition", {"field": member.field, "op": member.op, "values": values, "metadata": key})


def _base_of(line: Line, basis: str) -> tuple[str, ...] | None:
    """What is taken off, None for the amount as the shop reports it, which is net already."""
    if line.minus is not None:
        return line.minus
    return BASES.get(basis, ()) or None


def _pay(line: Line, currency: str, basis: str) -> Iterator[Phrase]:
    about = {"event": line.event, "level": line.level, "minus": _base_of(line, basis)}
    if isinstance(line.pay, Pay):
        yield _paid(line.pay, currency, about)
        return
    rows = []
    for band in line.pay.rows:
        start: Any = band.start if line.pay.by == "order.quantity" else Money(band.start, currency)
        rows.append({"from": start, "pay": _paid(band.pay, currency, about)})
    yield Phrase("bands", {"by": line.pay.by, "rows": rows, **about})


def _paid(pay: Pay, currency: str, about: Mapping[str, Any]) -> Phrase:
    if pay.is_nothing:
        return Phrase("nothing", about)
    values: dict[str, Any] = dict(about)
    if pay.percent is not None:
        values["rate"] = pay.percent
    if pay.flat is not None:
        values["flat"] = Money(pay.flat, currency)
    has_both = bool(pay.percent) and bool(pay.flat)
    return Phrase(
        "both" if has_both else "flat" if pay.flat and not pay.percent else "percent", {"rate": Decimal(0), **values}
    )


def _boost(boost: Boost, currency: str) -> Iterator[Phrase]:
    if boost.add is not None:
        yield Phrase("add", {"rate": boost.add})
    elif boost.times is not None:
        yield Phrase("times", {"times": boost.times})
    else:
        yield Phrase("extra", {"flat": Money(boost.flat or 0, currency), "event": boost.event})
    yield from phrases_of_group(boost.when, currency)
    days = boost.days
    if days is not None and days.weekdays:
        yield Phrase("weekdays", {"days": [WEEKDAYS[day] for day in sorted(days.weekdays)]})
    elif days is not None and days.month_days:
        yield Phrase("month_days", {"days": sorted(days.month_days)})
    elif days is not None:
        yield Phrase("dates", {"dates": sorted(days.dates, key=lambda one: (one[0] or 0, one[1], one[2]))})
    if boost.starts_at or boost.ends_at:
        moments: dict[str, datetime | None] = {"from": boost.starts_at, "until": boost.ends_at}
        yield Phrase("period", moments)
    if boost.stacks:
        yield Phrase("stacks")


def _cap(cap: Cap, currency: str) -> Phrase:
    limit: Any = cap.orders if cap.orders is not None else Money(cap.commission or 0, currency)
    counts = "orders" if cap.orders is not None else "commission"
    return Phrase("cap", {"of": cap.of, "per": cap.per, "counts": counts, "limit": limit, "beyond": cap.beyond})


def _bonus(bonus: Bonus, currency: str) -> Iterator[Phrase]:
    rows = [
        {
            "from": tier.start if bonus.by == "orders" else Money(tier.start, currency),
            "rate": tier.percent,
            "flat": None if tier.flat is None else Money(tier.flat, currency),
        }
        for tier in bonus.tiers
    ]
    yield Phrase("bonus", {"mode": bonus.mode, "by": bonus.by, "rows": rows, "takes_effect": bonus.takes_effect})
    yield from phrases_of_group(bonus.when, currency)


def _upline(upline: Upline, currency: str) -> Iterator[Phrase]:
    yield Phrase("upline", {"level": upline.level, "of": upline.of, "rate": upline.percent})
    if upline.months is not None:
        yield Phrase("months", {"count": upline.months})
    if upline.minimum:
        yield Phrase("minimum", {"amount": Money(upline.minimum, currency)})
