"""A month's bonus for a partner: on its approved orders, on top of what each of them earned.

Three modes. all: every order gets the rate of the highest row reached. marginal: each row's rate for what lies past
it and below the next. fixed: the amount of the highest row reached, once.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.money import Money
from payouts.rules.clauses import Bonus, Tier
from payouts.rules.conditions import Values, holds
from payouts.rules.facts import Facts
from payouts.rules.rounding import portion, text


@dataclass(frozen=True, slots=True)
class Action:
    """An approved order of the month: its facts, and the revenue that counts, after refunds. `key` breaks ties of time."""

    key: str
    facts: Facts
    revenue_minor: int


def bonus_of(bonus: Bonus, actions: Iterable[Action], *, currency: str) -> tuple[Money, dict[str, Any]]:
    """The bonus and its trace. The order in which actions are given does not matter.

    Only actions of the bonus's event and the program's currency count, and only those with revenue or, by orders,
    each once.
    """
    counted = sorted((one for one in actions if _counts(bonus, one, currency)), key=lambda one: (one.facts.at, one.key))
    revenue = sum(one.revenue_minor for one in counted)
    size = revenue if bonus.by == "revenue" else len(counted)
    rows = _paid_rows(bonus, counted, size, currency)
    total = sum(minor for _row, minor in rows)
    write: Callable[[int], Any] = (lambda n: text(n, currency)) if bonus.by == "revenue" else int
    following = next((tier for tier in bonus.tiers if tier.start > size), None)
    trace = {
        "bonus": bonus.name,
        "mode": bonus.mode,
        "by": bonus.by,
        "takes_effect": bonus.takes_effect,
        "orders": len(counted),
        "revenue": text(revenue, currency),
        "rows": [row | {"amount": text(minor, currency)} for row, minor in rows],
        "next": None
        if following is None
        else {"from": write(following.start), "missed_by": write(following.start - size)},
        "amount": text(total, currency),
    }
    return Money(total, currency), trace


def _counts(bonus: Bonus, action: Action, currency: str) -> bool:
    facts = action.facts
    if facts.event != bonus.event or facts.currency != currency or action.revenue_minor < 0:
        return False
    values = Values(facts, lambda minor: text(minor, currency))
    return holds(bonus.when, values)


def _paid_rows(bonus: Bonus, counted: Sequence[Action], size: int, currency: str) -> list[tuple[dict[str, Any], int]]:
    if bonus.mode == "all" and bonus.takes_effect == "next_day":
        return _from_next_day(bonus, counted, currency)
    reached = [tier for tier in bonus.tiers if size >= tier.start] if counted else []
    if not reached:
        return []
    top = reached[-1]
    if bonus.mode == "fixed":
        return [(_shown(bonus, top, currency), top.flat or 0)]
    if bonus.mode == "all":
        return [_paid(bonus, top, sum(one.revenue_minor for one in counted), len(counted), currency)]
    return [
        _paid(bonus, tier, *_past(bonus, tier, _end(bonus.tiers, place), counted), currency)
        for place, tier in enumerate(bonus.tiers)
        if tier in reached
    ]


def _end(tiers: Sequence[Tier], place: int) -> int | None:
    return tiers[place + 1].start if place + 1 < len(tiers) else None


def _past(bonus: Bonus, tier: Tier, end: int | None, counted: Sequence[Action]) -> tuple[int, int]:
    """The revenue and the orders that lie past a row and below the next one."""
    if bonus.by == "revenue":
        revenue = sum(one.revenue_minor for one in counted)
        return (revenue if end is None else min(revenue, end)) - tier.start, 0
    # "From 10 orders" pays from the tenth order on.
    within = counted[max(tier.start - 1, 0) : None if end is None else max(end - 1, 0)]
    return sum(one.revenue_minor for one in within), len(within)


def _from_next_day(bonus: Bonus, counted: Sequence[Action], currency: str) -> list[tuple[dict[str, Any], int]]:
    """Each order by the row that was reached when its day began."""
    sums: dict[int, tuple[int, int]] = {}
    reached: Tier | None = None
    day, size = None, 0
    for one in counted:
        if one.facts.at.date() != day:
            day = one.facts.at.date()
            reached = next((tier for tier in reversed(bonus.tiers) if size >= tier.start), None)
        if reached is not None:
            revenue, orders = sums.get(reached.start, (0, 0))
            sums[reached.start] = (revenue + one.revenue_minor, orders + 1)
        size += one.revenue_minor if bonus.by == "revenue" else 1
    return [_paid(bonus, tier, *sums[tier.start], currency) for tier in bonus.tiers if tier.start in sums]


def _paid(bonus: Bonus, tier: Tier, revenue: int, orders: int, currency: str) -> tuple[dict[str, Any], int]:
    minor = portion(revenue, tier.percent) if tier.percent is not None else (tier.flat or 0) * orders
    row = _shown(bonus, tier, currency) | {"revenue": text(revenue, currency), "orders": orders}
    return row, minor


def _shown(bonus: Bonus, tier: Tier, currency: str) -> dict[str, Any]:
    row: dict[str, Any] = {"from": text(tier.start, currency) if bonus.by == "revenue" else tier.start}
    if tier.percent is not None:
        return row | {"percent": f"{tier.percent:f}"}
    return row | {"flat": text(tier.flat or 0, currency)}
