"""The money of many parts at once: boosts, minimum and maximum, as engine.py has them for one order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from payouts.rules.boosts import boosted_flat, choices
from payouts.rules.clauses import Rules
from payouts.rules.columns import Bools, Ints, half_up

_MILLION: Final = 1_000_000


@dataclass(slots=True)
class Parts:
    """What lines took: the order's place, the line's position, base, rate in millionths (-1: none), fixed amount."""

    order: Any
    line: Any
    base: Ints
    rate: Ints
    flat: Ints
    pays_not: Bools

    @classmethod
    def joined(cls, parts: Sequence["Parts"]) -> "Parts":
        """All of them, by order and then by line."""
        if not parts:
            none = np.zeros(0, dtype=np.int64)
            return cls(none, none, none, none, none, none.astype(np.bool_))
        names = ("order", "line", "base", "rate", "flat", "pays_not")
        columns = {name: np.concatenate([getattr(one, name) for one in parts]) for name in names}
        order = np.lexsort((columns["line"], columns["order"]))
        return cls(**{name: column[order] for name, column in columns.items()})

    def at(self, rows: Any) -> "Parts":
        """Some of them."""
        return Parts(
            self.order[rows], self.line[rows], self.base[rows], self.rate[rows], self.flat[rows], self.pays_not[rows]
        )


def pay_parts(rules: Rules, parts: Parts, count: int, fits: Sequence[Bools]) -> Ints:
    """What each order earns: for every set of boosts that fit together, the best choice for each order."""
    found = np.zeros(count, dtype=np.int64)
    if not len(parts.order):
        return found
    for places, orders in _sets(fits, count):
        rows = slice(None) if orders is None else np.flatnonzero(orders[parts.order])
        some = parts.at(rows)
        best: Ints | None = None
        for option in choices(rules.boosts, places):
            totals = np.bincount(some.order, weights=_amounts(rules, some, option), minlength=count).astype(np.int64)
            # All raise or leave as it is, so the greatest total is the best choice's.
            best = totals if best is None else np.maximum(best, totals)
        if best is not None:
            found += best
    return found


def _sets(fits: Sequence[Bools], count: int) -> list[tuple[list[int], Bools | None]]:
    """The sets of boosts that occur, each with its orders; None for all of them."""
    if not any(mask.any() for mask in fits):
        return [([], None)]
    kind = np.zeros(count, dtype=np.int64)
    sets: list[list[int]] = [[]]
    for place, mask in enumerate(fits):
        pairs, kind = np.unique(kind * 2 + mask, return_inverse=True)
        sets = [sets[pair // 2] + ([place] if pair % 2 else []) for pair in pairs.tolist()]
    return [(places, kind == number) for number, places in enumerate(sets)]


def _amounts(rules: Rules, parts: Parts, chosen: Sequence[int]) -> Ints:
    boosts = [rules.boosts[place] for place in chosen]
    add = sum(int((boost.add or 0) * _MILLION) for boost in boosts)
    has_rate = parts.rate >= 0
    rate = np.where(has_rate, np.minimum(parts.rate + add, _MILLION), 0)
    amount = half_up([parts.base, rate], [_MILLION]) + parts.flat
    for boost in boosts:
        if boost.times is not None:
            amount = half_up([amount, np.full(len(amount), int(boost.times * 100))], [100])
    pays = ~parts.pays_not
    extra = boosted_flat(rules.boosts, chosen)
    if extra:
        paying = np.flatnonzero(pays)
        _orders, first = np.unique(parts.order[paying], return_index=True)
        amount[paying[first]] += extra
    least = np.array([0, *((line.minimum or 0) for line in rules.lines)], dtype=np.int64)
    none = np.iinfo(np.int64).max
    most = np.array([none, *(none if line.maximum is None else line.maximum for line in rules.lines)], dtype=np.int64)
    amount = np.minimum(np.maximum(amount, least[parts.line]), most[parts.line])
    return np.where(pays, amount, 0)
