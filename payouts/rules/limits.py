"""Caps: what of a commission lies within the limits of its periods, and what becomes of the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from ledger.money import Money
from payouts.rules.clauses import Cap, Period
from payouts.rules.rounding import text


@dataclass(frozen=True, slots=True)
class Used:
    """What a cap's period has had before this order, the order itself not counted."""

    commission_minor: int = 0
    orders: int = 0


#: By the place of the cap in the document, from 0. A cap that is missing was not used yet.
type Usage = Mapping[int, Used]


@dataclass(frozen=True, slots=True)
class Overflow:
    """What lies beyond a cap: payable by approval ("review"), or not at all ("nothing")."""

    cap: int
    name: str
    amount: Money
    beyond: Literal["review", "nothing"]


def period_of(per: Period, at: datetime) -> str:
    """The name of the period a moment lies in, by its own zone: 2026-11-23, the Monday of its week, 2026-11, or all."""
    if per == "day":
        return at.date().isoformat()
    if per == "week":
        return (at.date() - timedelta(days=at.weekday())).isoformat()
    return f"{at.year:04}-{at.month:02}" if per == "month" else "all"


def left_of(cap: Cap, used: Used, wanted: int) -> int:
    """What of an amount fits under one cap."""
    if cap.orders is not None:
        return wanted if used.orders < cap.orders else 0
    return min(wanted, max((cap.commission or 0) - used.commission_minor, 0))


def within_caps(
    caps: Sequence[Cap], minor: int, currency: str, usage: Usage
) -> tuple[int, list[Overflow], list[dict[str, Any]]]:
    """What may be paid, what lies beyond which cap, and the trace; one cap after the other, each on what the last left.

    An order that earns nothing uses no cap.
    """
    overflow: list[Overflow] = []
    rows: list[dict[str, Any]] = []
    for place, cap in enumerate(caps):
        used = usage.get(place, Used())
        fits = left_of(cap, used, minor)
        if fits < minor:
            overflow.append(Overflow(place + 1, cap.name, Money(minor - fits, currency), cap.beyond))
        rows.append(_row(place, cap, used, minor, fits, currency))
        minor = fits
    return minor, overflow, rows


def _row(place: int, cap: Cap, used: Used, wanted: int, fits: int, currency: str) -> dict[str, Any]:
    limit: Any = cap.orders if cap.orders is not None else text(cap.commission or 0, currency)
    had: Any = used.orders if cap.orders is not None else text(used.commission_minor, currency)
    return {
        "cap": place + 1,
        "name": cap.name,
        "of": cap.of,
        "per": cap.per,
        "counts": "orders" if cap.orders is not None else "commission",
        "limit": limit,
        "used": had,
        "wanted": text(wanted, currency),
        "within": text(fits, currency),
        "beyond": cap.beyond,
    }
