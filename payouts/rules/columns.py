"""Conditions over whole columns: the same tests as conditions.py, as masks.

Texts are codes into a list of normalised categories, so a test is asked once of each category (by the very function
that one order is asked with) and looked up for each row. Numbers are compared as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from payouts.rules.conditions import Condition, Group, Test
from payouts.rules.fields import NEGATIVE, Kind, Value, field_of

type Ints = npt.NDArray[np.int64]
type Bools = npt.NDArray[np.bool_]
type Any1 = npt.NDArray[Any]
type Rows = Any1 | slice[int, int, Any]

_SIZES: Final = frozenset({"above", "at_least", "below", "at_most", "between"})


@dataclass(slots=True)
class Codes:
    """A column of words: `codes` into `values` (comparable, each once), -1 where nothing is known."""

    codes: npt.NDArray[np.int32]
    values: list[Value]
    index: dict[Value, int]
    tables: dict[tuple[str, Any], Bools] = field(default_factory=dict)

    def at(self, rows: Rows) -> "Codes":
        """The same column for some rows; the tables are shared."""
        return Codes(self.codes[rows], self.values, self.index, self.tables)

    def mask(self, op: str, wanted: Any, test: Test) -> Bools:
        """Where a test holds."""
        if op == "is":
            return np.asarray(self.codes == self.index.get(wanted, -2))
        if op == "is_set":
            return self.codes >= 0
        key = (op, wanted)
        table = self.tables.get(key)
        if table is None:
            table = np.zeros(len(self.values) + 1, dtype=np.bool_)
            if op == "any_of":
                table[[self.index[one] for one in wanted if one in self.index]] = True
            else:
                table[:-1] = [test(value) for value in self.values]
            # Code -1 looks up the last place: what is not known.
            table[-1] = test(None)
            self.tables[key] = table
        found: Bools = table[self.codes]
        return found


@dataclass(slots=True)
class Numbers:
    """A column of whole numbers; `known` None when every row has one."""

    values: Ints
    known: Bools | None = None

    def at(self, rows: Rows) -> "Numbers":
        """The same column for some rows."""
        return Numbers(self.values[rows], None if self.known is None else self.known[rows])

    def mask(self, op: str, wanted: Any, _test: Test) -> Bools:
        """Where a test holds."""
        if op == "is_set":
            return np.ones(len(self.values), dtype=np.bool_) if self.known is None else self.known
        found = self._compared(op, wanted)
        return found if self.known is None else found & self.known

    def _compared(self, op: str, wanted: Any) -> Bools:
        if op == "any_of":
            found = np.zeros(len(self.values), dtype=np.bool_)
            for one in wanted:
                found |= self.values == one
            return found
        if op == "between":
            low, high = wanted
            return np.asarray((self.values >= low) & (self.values <= high))
        compare: Callable[[Ints, Any], Any] = {
            "is": np.equal,
            "above": np.greater,
            "at_least": np.greater_equal,
            "below": np.less,
            "at_most": np.less_equal,
        }[op]
        return np.asarray(compare(self.values, wanted))


type Column = Codes | Numbers


def codes_of(codes: Any1, categories: list[Any], name: str) -> Codes:
    """A column of words from raw categories, which are normalised as one order's value would be."""
    known = field_of(name)
    values: list[Value] = []
    index: dict[Value, int] = {}
    moved = np.full(len(categories) + 1, -1, dtype=np.int32)
    for place, raw in enumerate(categories):
        value = known.read(raw) if known else None
        if value is not None:
            if value not in index:
                index[value] = len(values)
                values.append(value)
            moved[place] = index[value]
    return Codes(moved[codes], values, index)


def unknown(count: int) -> Codes:
    """A column of which nothing is known."""
    return Codes(np.full(count, -1, dtype=np.int32), [], {})


@dataclass(slots=True)
class View:
    """Some rows of a table: columns by the name of their field, each cut to the rows when it is first asked for."""

    columns: Mapping[str, Column]
    rows: Any1 | None
    count: int
    cut: dict[str, Column] = field(default_factory=dict)

    def column(self, name: str) -> Column:
        """A column of these rows; one that the table does not have is unknown in every row."""
        found = self.cut.get(name)
        if found is None:
            whole = self.columns.get(name)
            if whole is None:
                whole, rows = unknown(self.count), None
            else:
                rows = self.rows
            found = whole if rows is None else whole.at(rows)
            self.cut[name] = found
        return found

    def only(self, keep: Any1) -> "View":
        """Fewer of these rows."""
        rows = keep if self.rows is None else self.rows[keep]
        return View(self.columns, rows, len(rows))


def wanted_of(condition: Condition) -> Any:
    """What numbers are compared with: dates as days."""
    if condition.kind is not Kind.DATE:
        return condition.wanted
    if isinstance(condition.wanted, tuple):
        return tuple(one.toordinal() for one in condition.wanted)
    return condition.wanted.toordinal()


def positive_mask(column: Column, condition: Condition, positive: Callable[[Condition], Condition]) -> Bools:
    """The mask of a condition, of its opposite when it denies."""
    asked = positive(condition) if condition.op in NEGATIVE else condition
    if isinstance(column, Numbers):
        return column.mask(asked.op, wanted_of(asked), asked.test)
    if asked.kind is Kind.LIST and asked.op in {"is", "any_of"}:
        # A list of words is one category: whether it has one of the wanted is asked of the category.
        return column.mask(f"has_{asked.op}", asked.wanted, asked.test)
    return column.mask(asked.op, asked.wanted, asked.test)


def mask_of(group: Group, answer: Callable[[Condition], Bools], count: int) -> Bools | None:
    """Where a group holds; None stands for everywhere. `answer` gives the mask of one condition."""
    found: Bools | None = None
    for member in group.members:
        one = answer(member) if isinstance(member, Condition) else mask_of(member, answer, count)
        if one is None:
            if group.mode == "any":
                return None
            continue
        # A group of one condition hands on the condition's own mask, so nothing is written into it.
        joined = one if found is None else found & one if group.mode == "all" else found | one
        found = joined
    return found


def half_up(numerators: list[Ints], denominators: list[Any]) -> Ints:
    """The product of some columns over the product of others, rounded half up; not negative, exact at any size."""
    estimate = np.full(len(numerators[0]), 2.0)
    below = np.full(len(numerators[0]), 1.0)
    for one in numerators:
        estimate = estimate * one
    for one in denominators:
        below = below * one
    big = (estimate + 2 * below) > 8e18
    if not big.any():
        return _exact(numerators, denominators)
    found = np.zeros(len(numerators[0]), dtype=np.int64)
    small = ~big
    found[small] = _exact([one[small] for one in numerators], [_cut(one, small) for one in denominators])
    found[big] = _exact(
        [one[big].astype(object) for one in numerators], [_cut(one, big, dtype=object) for one in denominators]
    ).astype(np.int64)
    return found


def _cut(one: Any, rows: Bools, dtype: Any = None) -> Any:
    if not isinstance(one, np.ndarray):
        return one
    return one[rows] if dtype is None else one[rows].astype(dtype)


def _exact(numerators: list[Any], denominators: list[Any]) -> Any:
    product, below = numerators[0], denominators[0]
    for one in numerators[1:]:
        product = product * one
    for one in denominators[1:]:
        below = below * one
    return (2 * product + below) // (2 * below)
