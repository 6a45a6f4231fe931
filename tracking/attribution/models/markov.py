"""Markov: what would be lost without a partner, on the graph of first-order transitions between touches.

Every path is a walk from the start over its touches to the order, or to nothing. The graph's transition
probabilities are the observed frequencies. A partner's removal effect is the part of the orders that would not
have come if every walk that reaches it ended in nothing:

    removal effect = 1 − P(order without it) / P(order)

(Anderl, Becker, von Wangenheim and Schumann 2016). No walk is simulated: with N = (I − Q)⁻¹, the expected
visits, the probability of ever reaching i is N[start, i] / N[i, i], so that

    P(order) − P(order without i) = N[start, i] / N[i, i] · P(order from i)

which gives all removal effects by one matrix inversion.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

_START, _ORDER, _NOTHING = "(start)", "(order)", "(nothing)"


@dataclass(frozen=True, slots=True)
class Walk:
    """A path, oldest touch first, with how often it ended in an order and in nothing."""

    partners: tuple[str, ...]
    orders: float = 1
    nothing: float = 0


def removal_effects(walks: Iterable[Walk]) -> dict[str, float]:
    """Each partner's removal effect, between 0 and 1; empty when no path ends in an order."""
    counts = _transitions(walks)
    states = [_START, *sorted({name for name in counts if name != _START})]
    index = {name: number for number, name in enumerate(states)}
    size = len(states)
    into_order = [0.0] * size
    matrix = [[float(row == column) for column in range(size)] for row in range(size)]
    for name, targets in counts.items():
        whole = sum(targets.values())
        row = index[name]
        for target, count in targets.items():
            if target == _ORDER:
                into_order[row] = count / whole
            elif target != _NOTHING:
                matrix[row][index[target]] -= count / whole
    visits = _inverse(matrix)
    order_from = [sum(one * into for one, into in zip(row, into_order, strict=True)) for row in visits]
    if not order_from or order_from[0] <= 0:
        return {}
    effects = {}
    for name in states[1:]:
        number = index[name]
        lost = visits[0][number] / visits[number][number] * order_from[number]
        effects[name] = min(1.0, max(0.0, lost / order_from[0]))
    return effects


def _transitions(walks: Iterable[Walk]) -> dict[str, dict[str, float]]:
    counts: dict[str, dict[str, float]] = {}
    for walk in walks:
        weight = walk.orders + walk.nothing
        if not walk.partners or weight <= 0:
            continue
        names = [_START, *walk.partners]
        for one, following in pairwise(names):
            _count(counts, one, following, weight)
        _count(counts, names[-1], _ORDER, walk.orders)
        _count(counts, names[-1], _NOTHING, walk.nothing)
    return counts


def _count(counts: dict[str, dict[str, float]], one: str, following: str, weight: float) -> None:
    if weight > 0:
        targets = counts.setdefault(one, {})
        targets[following] = targets.get(following, 0.0) + weight


def _inverse(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """Gauss-Jordan with partial pivoting. I − Q of such a graph always has an inverse: every walk ends."""
    size = len(matrix)
    rows = [[*row, *(float(number == column) for column in range(size))] for number, row in enumerate(matrix)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        lead = rows[column][column]
        pivoted = rows[column] = [value / lead for value in rows[column]]
        for number in range(size):
            factor = rows[number][column]
            if number != column and factor:
                rows[number] = [value - factor * other for value, other in zip(rows[number], pivoted, strict=True)]
    return [row[size:] for row in rows]
