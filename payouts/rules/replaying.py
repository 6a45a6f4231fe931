"""Many orders at once: the walk and the money of engine.py over columns, in numpy. reports.py feeds it from tables.

Equal to `price_order` to the last minor unit; tests price random documents × orders both ways.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from payouts.rules.clauses import BASES, Bands, Deduction, Line, Pay, Rules
from payouts.rules.columns import Bools, Column, Ints, Numbers, View, half_up, mask_of, positive_mask
from payouts.rules.conditions import Condition, make_condition
from payouts.rules.fields import NEGATIVE
from payouts.rules.shares import Parts, pay_parts

_MILLION: Final = 1_000_000


@dataclass(slots=True)
class Orders:
    """A table of orders in columns. Positions lie in `items`, row by row, `item_order` is the order's place.

    Money is never negative here, and no order is refunded by more than its amount.
    """

    columns: Mapping[str, Column]
    amount: Ints
    deductions: Mapping[str, Ints]
    refunded: Ints
    items: Mapping[str, Column]
    item_order: Ints
    item_amount: Ints
    item_refunded: Ints
    item_quantity: Ints

    @property
    def count(self) -> int:
        """How many orders."""
        return len(self.amount)

    def base(self, minus: Sequence[Deduction]) -> Ints:
        """Each order's base before refunds."""
        found = self.amount
        for name in minus:
            if name in self.deductions:
                found = found - self.deductions[name]
        return np.maximum(found, 0) if minus else found


def _positive(condition: Condition) -> Condition:
    return make_condition(condition.field, NEGATIVE[condition.op], condition.value, condition.wanted)


class Replay:
    """One walk over some orders: which line takes what."""

    def __init__(self, rules: Rules, orders: Orders, basis: str) -> None:
        self.rules = rules
        self.orders = orders
        self.basis = BASES.get(basis, ())
        count = orders.count
        self.bases: dict[tuple[Deduction, ...], Ints] = {}
        self.has_items = len(orders.item_order) > 0
        self.items_total = _sums(orders.item_order, orders.item_amount, count)
        self.item_kept = orders.item_amount - np.minimum(orders.item_refunded, orders.item_amount)
        self.item_gone = (orders.item_amount > 0) & (self.item_kept == 0)
        self.item_open = np.ones(len(orders.item_order), dtype=np.bool_)
        by_item = self.items_total - _sums(orders.item_order, self.item_kept, count)
        self.kept, self.kept_of = _kept(orders, self.items_total, by_item)
        self.is_gone = (orders.amount > 0) & (self.kept == 0)
        self.before = np.zeros(count, dtype=np.int64)
        self.parts: list[Parts] = []
        self.rows = np.arange(count)
        self.view = View(orders.columns, None, count)
        self.item_view = View(orders.items, None, len(orders.item_order))

    # ── Conditions ───────────────────────────────────────────────────────────────────────

    def base_of(self, line: Line | None) -> Ints:
        """Each order's base as a line counts it."""
        minus = self.basis if line is None or line.minus is None else line.minus
        if minus not in self.bases:
            self.bases[minus] = self.orders.base(minus)
        return self.bases[minus]

    def answer(self, condition: Condition, line: Line | None) -> Bools:
        """A condition's mask over the orders that are still open."""
        if condition.is_of_item:
            column = self.item_view.column(condition.field)
            ones = self.orders.item_order[positive_mask(column, condition, _positive)]
            any_item = np.zeros(self.orders.count, dtype=np.bool_)
            any_item[ones] = True
            found: Bools = any_item[self.rows]
        elif condition.field == "order.base":
            found = positive_mask(Numbers(self.base_of(line)[self.rows]), condition, _positive)
        else:
            found = positive_mask(self.view.column(condition.field), condition, _positive)
        return ~found if condition.op in NEGATIVE else found

    def answer_items(self, condition: Condition, line: Line) -> Bools:
        """A condition's mask over all positions."""
        if condition.is_of_item:
            found = positive_mask(self.item_view.column(condition.field), condition, _positive)
            return ~found if condition.op in NEGATIVE else found
        whole = np.zeros(self.orders.count, dtype=np.bool_)
        whole[self.rows] = self.answer(condition, line)
        spread: Bools = whole[self.orders.item_order]
        return spread

    def charges(self, line: Line) -> Bools | None:
        """Where an order is among those a line pays for, over the open orders."""
        name, most, unset = (
            ("order.charge", line.first, 1) if line.first is not None else ("order.month", line.months, 0)
        )
        if most is None:
            return None
        column = self.view.column(name)
        if not isinstance(column, Numbers):
            return None
        values = column.values if column.known is None else np.where(column.known, column.values, unset)
        return np.asarray(values <= most if line.first is not None else values < most)

    # ── The walk ─────────────────────────────────────────────────────────────────────────

    def walk(self) -> Parts:
        """Ask every line, in order; what each takes."""
        for position, line in enumerate(self.rules.lines, start=1):
            if not len(self.rows):
                break
            if line.level == "item":
                if self.has_items:
                    self.take_items(position, line)
            else:
                self.take_orders(position, line)
        return Parts.joined(self.parts)

    def open_for(self, line: Line) -> Bools:
        """The open orders of a line's event whose charges fit."""
        event = make_condition("role", "is", line.event, line.event)
        found = self.view.column("event").mask("is", line.event, event.test)
        charges = self.charges(line)
        return found if charges is None else found & charges

    def take_items(self, position: int, line: Line) -> None:
        """The positions a line takes."""
        can = np.zeros(self.orders.count, dtype=np.bool_)
        can[self.rows] = self.open_for(line)
        mask = self.item_open & can[self.orders.item_order]
        group = mask_of(line.when, lambda one: self.answer_items(one, line), len(mask))
        taken = np.flatnonzero(mask if group is None else mask & group)
        if not len(taken):
            return
        self.item_open[taken] = False
        owners = self.orders.item_order[taken]
        rows = np.unique(owners)
        weight = _sums(owners, self.item_kept[taken], self.orders.count)[rows]
        standing = taken[~self.item_gone[taken]]
        pieces = _sums(self.orders.item_order[standing], self.orders.item_quantity[standing], self.orders.count)[rows]
        has_open = np.zeros(self.orders.count, dtype=np.bool_)
        has_open[self.orders.item_order[standing]] = True
        self.add(position, line, rows, weight, np.maximum(pieces, 0), has_open[rows])
        self.before[rows] += weight

    def take_orders(self, position: int, line: Line) -> None:
        """The orders whose rest a line takes; they are not asked any further."""
        mask = self.open_for(line)
        group = mask_of(line.when, lambda one: self.answer(one, line), len(mask))
        if group is not None:
            mask = mask & group
        picked = np.flatnonzero(mask)
        if not len(picked):
            return
        rows = self.rows[picked]
        base = self.base_of(line)[rows]
        total = self.items_total[rows]
        rest = np.maximum(base - total, 0)
        weight, has_open = rest, np.ones(len(rows), dtype=np.bool_)
        if self.has_items:
            left = np.flatnonzero(self.item_open)
            owners = self.orders.item_order[left]
            has_items = np.zeros(self.orders.count, dtype=np.bool_)
            has_items[self.orders.item_order] = True
            has_left = np.zeros(self.orders.count, dtype=np.bool_)
            has_left[owners] = True
            keep = ~(has_items[rows] & ~has_left[rows] & (rest == 0))
            rows, rest, picked = rows[keep], rest[keep], picked[keep]
            weight = rest + _sums(owners, self.item_kept[left], self.orders.count)[rows]
            standing = np.zeros(self.orders.count, dtype=np.bool_)
            standing[owners[~self.item_gone[left]]] = True
            has_open = standing[rows] | (rest > 0) | ~has_left[rows]
            closed = np.zeros(self.orders.count, dtype=np.bool_)
            closed[rows] = True
            self.item_open &= ~closed[self.orders.item_order]
        self.add(position, line, rows, weight, np.ones(len(rows), dtype=np.int64), has_open)
        still = np.ones(len(self.rows), dtype=np.bool_)
        still[picked] = False
        keep_rows = np.flatnonzero(still)
        self.rows = self.rows[keep_rows]
        self.view = self.view.only(keep_rows)

    def add(self, position: int, line: Line, rows: Ints, weight: Ints, pieces: Ints, has_open: Bools) -> None:
        """Keep what a line took of each of these orders."""
        base = self.base_of(line)[rows]
        before = self.before[rows]
        of = np.maximum(base, self.items_total[rows])
        kept, kept_of = self.kept[rows], self.kept_of[rows]
        # Mostly nothing is scaled: then a weight is its own base.
        plain = bool(((of == base) & (kept == kept_of)).all())
        if plain:
            taken = np.where(of > 0, weight, 0)
        else:
            below: list[Any] = [np.maximum(of, 1), kept_of]
            taken = half_up([base, before + weight, kept], below) - half_up([base, before, kept], below)
            taken = np.where(of > 0, taken, 0)
        pays = [band.pay for band in line.pay.rows] if isinstance(line.pay, Bands) else [line.pay]
        band = self.bands(line, rows) if isinstance(line.pay, Bands) else np.zeros(len(rows), dtype=np.int64)
        percents = np.array([_ppm(pay) for pay in pays], dtype=np.int64)[band]
        flats = np.array([pay.flat or 0 for pay in pays], dtype=np.int64)[band]
        nothing = np.array([pay.is_nothing for pay in pays], dtype=np.bool_)[band]
        pays_not = nothing | self.is_gone[rows] | ~has_open
        self.parts.append(
            Parts(rows, np.full(len(rows), position, dtype=np.int32), taken, percents, flats * pieces, pays_not)
        )

    def bands(self, line: Line, rows: Ints) -> Ints:
        """Which band each order falls into."""
        if not isinstance(line.pay, Bands):
            raise TypeError(line)
        starts = np.array([row.start for row in line.pay.rows], dtype=np.int64)
        if line.pay.by == "order.amount":
            size: Ints = self.orders.amount[rows]
        elif line.pay.by == "order.base":
            size = self.base_of(line)[rows]
        else:
            column = self.orders.columns["order.quantity"]
            size = column.values[rows] if isinstance(column, Numbers) else np.ones(len(rows), dtype=np.int64)
        return np.maximum(np.searchsorted(starts, size, side="right") - 1, 0)


def replay(rules: Rules, orders: Orders, local_days: Mapping[str, Any], basis: str) -> tuple[Ints, Ints, Ints]:
    """What each order earns before rate cuts and caps, its base, and the first line that took something (0: none)."""
    walked = Replay(rules, orders, basis)
    parts = walked.walk()
    fits = _boosts_that_fit(rules, walked, local_days)
    whole = pay_parts(rules, parts, orders.count, fits)
    base = _sums(parts.order, parts.base, orders.count)
    line = np.zeros(orders.count, dtype=np.int64)
    backwards = np.argsort(-parts.line, kind="stable")
    line[parts.order[backwards]] = parts.line[backwards]
    return whole, base, line


def _boosts_that_fit(rules: Rules, walked: Replay, local: Mapping[str, Any]) -> list[Bools]:
    """For each boost where it may apply; asked of all orders, whatever lines took them."""
    orders = walked.orders
    walked.rows, walked.view = np.arange(orders.count), View(orders.columns, None, orders.count)
    found = []
    for boost in rules.boosts:
        mask = walked.view.column("event").mask("is", boost.event, make_condition("role", "is", "", "").test)
        if boost.starts_at is not None:
            mask = mask & (local["instant"] >= local["stamp"](boost.starts_at))
        if boost.ends_at is not None:
            mask = mask & (local["instant"] < local["stamp"](boost.ends_at))
        if boost.days is not None:
            mask = mask & _on_days(boost.days, local)
        group = mask_of(boost.when, lambda one: walked.answer(one, None), orders.count)
        found.append(mask if group is None else mask & group)
    return found


def _on_days(days: Any, local: Mapping[str, Any]) -> Bools:
    found = np.isin(local["weekday"], list(days.weekdays)) | np.isin(local["day"], list(days.month_days))
    for year, month, day in days.dates:
        on = (local["month"] == month) & (local["day"] == day)
        found |= on if year is None else on & (local["year"] == year)
    return found


def _ppm(pay: Pay) -> int:
    """A rate in millionths; -1 where a line pays none."""
    return -1 if pay.percent is None else int(pay.percent * _MILLION)


def _kept(orders: Orders, total: Ints, by_item: Ints) -> tuple[Ints, Ints]:
    """bases.remains_of over columns; exact beyond 64 bits where positions were given back."""
    is_plain = orders.refunded == 0
    kept = np.where(is_plain, 1, orders.amount - orders.refunded)
    of = np.where(is_plain, 1, orders.amount)
    rows = np.flatnonzero(by_item > 0)
    for row in rows.tolist():
        amount, whole, gone = int(orders.amount[row]), int(total[row]), int(by_item[row])
        scale = max(amount, whole)
        top = max(amount * scale - max(int(orders.refunded[row]) * scale, gone * amount), 0)
        bottom = max(amount * (scale - gone), 1)
        shorten = np.gcd(top, bottom) if max(top, bottom) < 2**62 else _gcd(top, bottom)
        kept[row], of[row] = top // int(shorten), bottom // int(shorten)
    return kept, of


def _gcd(one: int, other: int) -> int:
    while other:
        one, other = other, one % other
    return one


def _sums(places: Any, values: Ints, count: int) -> Ints:
    """Sums by place, exact: the weights of a table stay far below 2**53."""
    if not len(places):
        return np.zeros(count, dtype=np.int64)
    return np.bincount(places, weights=values, minlength=count).astype(np.int64)
