"""A document of rules over a table of orders: the twin of engine.py for history, a million orders in seconds.

    found = price_orders(rules, orders, items, basis="net")       # one row for each order, in the table's order

`orders` has a row for each order and partner, with the columns `event`, `currency`, `at` (aware, in the program's
zone), `order.amount`, and any of: the columns of fields.py (`Field.column`), `order.tax`, `order.shipping`,
`order.discount`, `order.fees`, `order.refunded`, `partner.rate_cut`. Amounts are whole minor units, none of them
negative. Lists, such as tags, are tuples. A column that is missing is not known in any row. `items` has a row for each
position: `order` (the place of its order in the table, from 0), `item.amount`, and any of the columns of items and
`item.refunded`.

What comes back equals what `price_order` gives for each row, the caps counted from the table's first moment on.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from payouts.rules.clauses import DEDUCTIONS, Cap, Rules
from payouts.rules.columns import Codes, Column, Ints, Numbers, codes_of, half_up
from payouts.rules.fields import FIELDS, WEEKDAYS, Field, Kind, field_of
from payouts.rules.limits import Used, left_of
from payouts.rules.replaying import Orders, replay

#: Rows at a time: small enough for the processor's cache, large enough for numpy.
_CHUNK: Final = 100_000
#: The ordinal of 1970-01-01.
_EPOCH: Final = 719_163


def price_orders(
    rules: Rules, orders: pd.DataFrame, items: pd.DataFrame | None = None, *, basis: str = "net"
) -> pd.DataFrame:
    """What each order of a table earns, in minor units.

    Columns: `amount` (payable), `whole` (before caps), `over_review` and `over_nothing` (beyond caps), `base`, and
    `line`, the first line that took something of it (0: none). Orders in another currency earn nothing.
    """
    count = len(orders)
    columns = _columns(rules, orders)
    item_table = _items(items, count)
    found = {name: np.zeros(count, dtype=np.int64) for name in ("whole", "base", "line")}
    for start in range(0, count, _CHUNK):
        stop = min(start + _CHUNK, count)
        part, local = _chunk(orders.iloc[start:stop], columns, item_table, start, stop)
        found["whole"][start:stop], found["base"][start:stop], found["line"][start:stop] = replay(
            rules, part, local, basis
        )
    foreign = np.asarray(orders["currency"] != rules.currency)
    for column in found.values():
        column[foreign] = 0
    found["whole"] = _cut(found["whole"], orders)
    amount, review, nothing = _capped(rules.caps, found["whole"], orders)
    return pd.DataFrame(
        {
            "amount": amount,
            "whole": found["whole"],
            "over_review": review,
            "over_nothing": nothing,
            "base": found["base"],
            "line": found["line"],
        },
        index=orders.index,
    )


# ── Tables into columns ──────────────────────────────────────────────────────────────────


def _asked(rules: Rules) -> set[str]:
    """The fields that a document asks about."""
    groups = [line.when for line in rules.lines] + [boost.when for boost in rules.boosts]
    found = {condition.field for group in groups for condition in group.conditions()}
    return found | {"order.charge", "order.month", "order.quantity"}


def _columns(rules: Rules, orders: pd.DataFrame) -> dict[str, Column]:
    """Every column of words that is asked about, coded once for the whole table, and the event."""
    found: dict[str, Column] = {}
    codes, names = pd.factorize(orders["event"])
    found["event"] = Codes(codes.astype(np.int32), list(names), {name: place for place, name in enumerate(names)})
    for name in _asked(rules):
        known = field_of(name)
        if known is not None and known.scope == "order" and known.column in orders.columns:
            found[name] = _column(known, orders[known.column])
    # What an order is when nothing else is said.
    found.setdefault("order.is_renewal", Numbers(np.zeros(len(orders), dtype=np.int64)))
    found.setdefault("role", Codes(np.zeros(len(orders), dtype=np.int32), ["winner"], {"winner": 0}))
    return found


def _column(known: Field, values: "pd.Series[Any]") -> Column:
    if known.kind in {Kind.NUMBER, Kind.MONEY, Kind.YES_NO}:
        return _numbers(values)
    if known.kind is Kind.DATE:
        return Numbers(np.asarray(values.map(lambda day: day.toordinal()), dtype=np.int64))
    if isinstance(values.dtype, pd.CategoricalDtype):
        return codes_of(np.asarray(values.cat.codes), list(values.cat.categories), known.name)
    if known.kind is Kind.OPEN:
        # 1, True and "1" are one key to a hash table and three values to a shop.
        values = values.map(known.read)
    codes, names = pd.factorize(values)
    return codes_of(codes, list(names), known.name)


def _numbers(values: "pd.Series[Any]") -> Numbers:
    if values.dtype == np.int64 or values.dtype == np.bool_:
        return Numbers(np.asarray(values, dtype=np.int64))
    known = np.asarray(values.notna())
    filled = np.asarray(values.fillna(0), dtype=np.int64)
    return Numbers(filled, None if bool(known.all()) else known)


def _items(items: pd.DataFrame | None, count: int) -> tuple[pd.DataFrame, npt.NDArray[np.int64], dict[str, Column]]:
    """The positions in the order of their orders, the first row of each order, and their columns of words."""
    if items is None or not len(items):
        items = pd.DataFrame({"order": np.zeros(0, dtype=np.int64), "item.amount": np.zeros(0, dtype=np.int64)})
    if not items["order"].is_monotonic_increasing:
        items = items.sort_values("order", kind="stable")
    starts = np.searchsorted(np.asarray(items["order"]), np.arange(count + 1))
    columns = {
        name: _column(known, items[known.column])
        for name, known in FIELDS.items()
        if known.scope == "item" and known.column in items.columns
    }
    return items, starts.astype(np.int64), columns


def _minor(table: pd.DataFrame, name: str) -> Ints:
    if name not in table.columns:
        return np.zeros(len(table), dtype=np.int64)
    return np.asarray(table[name].fillna(0), dtype=np.int64)


def _chunk(
    orders: pd.DataFrame,
    columns: Mapping[str, Column],
    item_table: tuple[pd.DataFrame, npt.NDArray[np.int64], dict[str, Column]],
    start: int,
    stop: int,
) -> tuple[Orders, dict[str, Any]]:
    items, starts, item_columns = item_table
    within = slice(int(starts[start]), int(starts[stop]))
    some = items.iloc[within]
    rows = slice(start, stop)
    here: dict[str, Column] = {name: column.at(rows) for name, column in columns.items()}
    owners = np.asarray(some["order"], dtype=np.int64) - start
    quantity = _minor(some, "item.quantity") if "item.quantity" in some.columns else np.ones(len(some), dtype=np.int64)
    amount = _minor(orders, "order.amount")
    here["order.amount"] = Numbers(amount)
    if "order.quantity" not in here:
        pieces = np.ones(len(orders), dtype=np.int64)
        has_items = np.unique(owners)
        pieces[has_items] = np.bincount(owners, weights=quantity, minlength=len(orders)).astype(np.int64)[has_items]
        here["order.quantity"] = Numbers(pieces)
    local = _local(orders["at"])
    here |= {
        "time.weekday": Codes(
            local["weekday"].astype(np.int32), list(WEEKDAYS), {d: n for n, d in enumerate(WEEKDAYS)}
        ),
        "time.hour": Numbers(local["hour"]),
        "time.date": Numbers(local["ordinal"]),
        "time.day_of_month": Numbers(local["day"]),
    }
    currencies, names = pd.factorize(orders["currency"])
    here["order.currency"] = codes_of(currencies, list(names), "order.currency")
    part = Orders(
        columns=here,
        amount=amount,
        deductions={name: _minor(orders, f"order.{name}") for name in DEDUCTIONS if f"order.{name}" in orders.columns},
        refunded=np.minimum(_minor(orders, "order.refunded"), amount),
        items={name: column.at(within) for name, column in item_columns.items()},
        item_order=owners,
        item_amount=_minor(some, "item.amount"),
        item_refunded=_minor(some, "item.refunded"),
        item_quantity=quantity,
    )
    return part, local


def _local(at: "pd.Series[Any]") -> dict[str, Any]:
    """The parts of each moment by its own clock, and the moment itself in nanoseconds."""
    index = pd.DatetimeIndex(at)
    clock = index.tz_localize(None)
    days = clock.to_numpy().astype("datetime64[D]").astype(np.int64)

    def stamp(moment: datetime) -> int:
        return int(pd.Timestamp(moment).as_unit("ns").value)

    return {
        "instant": index.tz_convert("UTC").as_unit("ns").asi8,
        "stamp": stamp,
        "ordinal": days + _EPOCH,
        # 1970-01-01 was a Thursday.
        "weekday": (days + 3) % 7,
        "hour": np.asarray(clock.hour, dtype=np.int64),
        "day": np.asarray(clock.day, dtype=np.int64),
        "month": np.asarray(clock.month, dtype=np.int64),
        "year": np.asarray(clock.year, dtype=np.int64),
    }


# ── Rate cuts and caps ───────────────────────────────────────────────────────────────────


def _cut(whole: Ints, orders: pd.DataFrame) -> Ints:
    """Each amount less its partner's rate cut, rounded half up."""
    if "partner.rate_cut" not in orders.columns:
        return whole
    codes, cuts = pd.factorize(orders["partner.rate_cut"])
    for code, cut in enumerate(cuts):
        part = min(max(Decimal(cut), Decimal(0)), Decimal(1))
        if part:
            rows = codes == code
            numerator, denominator = (1 - part).as_integer_ratio()
            whole[rows] = half_up([whole[rows], np.full(int(rows.sum()), numerator)], [denominator])
    return whole


def _periods(cap: Cap, orders: pd.DataFrame) -> npt.NDArray[Any]:
    """A number for each period and, where the cap is a partner's, each partner."""
    days = pd.DatetimeIndex(orders["at"]).tz_localize(None).to_numpy().astype("datetime64[D]")
    if cap.per == "day":
        period = days.astype(np.int64)
    elif cap.per == "week":
        period = (days.astype(np.int64) + 3) // 7
    elif cap.per == "month":
        period = days.astype("datetime64[M]").astype(np.int64)
    else:
        period = np.zeros(len(orders), dtype=np.int64)
    if cap.of == "program" or "partner.id" not in orders.columns:
        return np.asarray(pd.factorize(period)[0])
    partner, partners = pd.factorize(orders["partner.id"])
    return np.asarray(pd.factorize(period * (len(partners) + 1) + partner)[0])


def _capped(caps: Sequence[Cap], whole: Ints, orders: pd.DataFrame) -> tuple[Ints, Ints, Ints]:
    """What is within the caps, and what lies beyond them for review and for nothing.

    Only the periods that some cap would be passed in are gone through one order at a time, in the order of time.
    """
    amount, review, nothing = whole.copy(), np.zeros_like(whole), np.zeros_like(whole)
    tight: list[tuple[Cap, npt.NDArray[Any], npt.NDArray[Any]]] = []
    touched = np.zeros(len(whole), dtype=np.bool_)
    for cap in caps:
        keys = _periods(cap, orders)
        counted = (whole > 0).astype(np.int64) if cap.orders is not None else whole
        limit = cap.orders if cap.orders is not None else (cap.commission or 0)
        is_tight = np.bincount(keys, weights=counted) > limit if len(keys) else np.zeros(0, dtype=np.bool_)
        if is_tight.any():
            tight.append((cap, keys, is_tight))
            touched |= is_tight[keys]
    for row, over_review, over_nothing, left in _one_by_one(tight, whole, touched & (whole > 0), orders):
        amount[row], review[row], nothing[row] = left, over_review, over_nothing
    return amount, review, nothing


def _one_by_one(
    tight: Sequence[tuple[Cap, npt.NDArray[Any], npt.NDArray[Any]]],
    whole: Ints,
    touched: npt.NDArray[np.bool_],
    orders: pd.DataFrame,
) -> Iterator[tuple[int, int, int, int]]:
    rows = np.flatnonzero(touched)
    if not len(rows):
        return
    moments = pd.DatetimeIndex(orders["at"]).tz_convert("UTC").asi8[rows]
    used: list[dict[int, Used]] = [{} for _cap in tight]
    for row in rows[np.argsort(moments, kind="stable")].tolist():
        left, over = int(whole[row]), {"review": 0, "nothing": 0}
        for place, (cap, keys, _is_tight) in enumerate(tight):
            fits = left_of(cap, used[place].get(int(keys[row]), Used()), left)
            over[cap.beyond] += left - fits
            left = fits
        if left:
            for place, (_cap, keys, _is_tight) in enumerate(tight):
                had = used[place].get(int(keys[row]), Used())
                used[place][int(keys[row])] = Used(had.commission_minor + left, had.orders + 1)
        yield row, over["review"], over["nothing"], left
