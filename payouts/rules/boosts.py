"""Campaigns and member days: which apply to an order, and what they make of a part."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from payouts.rules.clauses import Boost
from payouts.rules.conditions import Values, holds, tried
from payouts.rules.facts import Facts
from payouts.rules.rounding import portion

_ALL: Final = Decimal(1)


def is_on(boost: Boost, facts: Facts) -> str:
    """Why a boost is not on at the order's moment; empty when it is."""
    if boost.event != facts.event:
        return "event"
    if boost.starts_at is not None and facts.at < boost.starts_at:
        return "not_begun"
    if boost.ends_at is not None and facts.at >= boost.ends_at:
        return "over"
    if boost.days is not None and not boost.days.has(facts.at):
        return "day"
    return ""


def fitting(boosts: Sequence[Boost], values: Values) -> list[int]:
    """The places of the boosts that an order may have."""
    return [place for place, boost in enumerate(boosts) if not is_on(boost, values.facts) and holds(boost.when, values)]


def choices(boosts: Sequence[Boost], places: Sequence[int]) -> list[list[int]]:
    """What may apply together: all that stack, with one of the others each; the best of these is paid."""
    stacking = [place for place in places if boosts[place].stacks]
    others = [place for place in places if not boosts[place].stacks]
    return [sorted([*stacking, place]) for place in others] if others else [stacking]


def boosted_rate(rate: Decimal | None, boosts: Sequence[Boost], chosen: Sequence[int]) -> Decimal | None:
    """A rate with what is added to it, never over 100 %; a part without a rate stays without one."""
    if rate is None:
        return None
    return min(sum((boosts[place].add or Decimal(0) for place in chosen), rate), max(rate, _ALL))


def boosted_amount(minor: int, boosts: Sequence[Boost], chosen: Sequence[int]) -> int:
    """An amount multiplied by each boost in the document's order, in whole minor units after each."""
    for place in chosen:
        times = boosts[place].times
        if times is not None:
            minor = portion(minor, times)
    return minor


def boosted_flat(boosts: Sequence[Boost], chosen: Sequence[int]) -> int:
    """What is added once per order."""
    return sum(boosts[place].flat or 0 for place in chosen)


def trace_of(
    boosts: Sequence[Boost], values: Values, places: Sequence[int], chosen: Sequence[int]
) -> list[dict[str, Any]]:
    """Every boost, and why it applied or did not."""
    rows: list[dict[str, Any]] = []
    for place, boost in enumerate(boosts):
        row: dict[str, Any] = {"boost": place + 1, "name": boost.name, "applied": place in chosen}
        why = is_on(boost, values.facts)
        if why:
            row["why"] = why
        elif place not in places:
            row |= {"why": "conditions", "conditions": tried(boost.when, values)[1]}
        elif place not in chosen:
            row["why"] = "a_better_one"
        rows.append(row)
    return rows
