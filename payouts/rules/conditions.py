"""Conditions and groups of them: whether they hold, and by how much they were missed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import field as slot
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from payouts.rules.facts import Facts, Item
from payouts.rules.fields import NEGATIVE, Field, Kind, Value, field_of, number_in

type Test = Callable[[Value], bool]
#: As a document has it: a text, a whole number, yes or no, or several.
type Written = str | int | bool | tuple[str | int, ...] | None


def _nothing_known(_value: Value) -> bool:
    return False


_SIZES: Final = frozenset({"above", "at_least", "below", "at_most", "between"})


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. `value` is as written (canonical), `wanted` what values are compared with."""

    field: str
    op: str
    value: Written
    wanted: Any
    test: Test = slot(default=_nothing_known, compare=False, repr=False)
    kind: Kind = slot(default=Kind.TEXT, compare=False, repr=False)
    is_of_item: bool = slot(default=False, compare=False, repr=False)
    get: Callable[[Facts, Item | None], object] = slot(default=lambda _f, _i: None, compare=False, repr=False)
    shown: dict[str, Any] = slot(default_factory=dict, compare=False, repr=False)

    def as_json(self) -> dict[str, Any]:
        """The condition as a document has it."""
        found: dict[str, Any] = {"field": self.field, "op": self.op}
        if self.value is not None:
            found["value"] = list(self.value) if isinstance(self.value, tuple) else self.value
        return found


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of which all, or any, must hold. Without members it always holds."""

    mode: Literal["all", "any"]
    members: "tuple[Condition | Group, ...]"

    def as_json(self) -> dict[str, Any]:
        """The group as a document has it; {} for always."""
        return {self.mode: [member.as_json() for member in self.members]} if self.members else {}

    def conditions(self) -> Iterator[Condition]:
        """Every condition in it, at whatever depth."""
        for member in self.members:
            if isinstance(member, Condition):
                yield member
            else:
                yield from member.conditions()

    @property
    def asks_items(self) -> bool:
        """Whether anything in it is about an order's positions."""
        return any(one.is_of_item for one in self.conditions())


ALWAYS: Final = Group("all", ())


def make_condition(name: str, op: str, value: Written, wanted: Any) -> Condition:
    """A condition ready to be asked. `wanted` is `value` made comparable (see reading.py)."""
    known = field_of(name)
    if known is None:
        raise ValueError(name)
    shown = {"field": name, "op": op, "wants": list(value) if isinstance(value, tuple) else value}
    return Condition(
        name, op, value, wanted, test_of(known, op, wanted), known.kind, known.scope == "item", known.get, shown
    )


def test_of(known: Field, op: str, wanted: Any) -> Test:
    """The comparison itself; it takes what `Field.read` gives and never raises."""
    if op in NEGATIVE:
        positive = test_of(known, NEGATIVE[op], wanted)
        return lambda value: not positive(value)
    if op == "is_set":
        return lambda value: value is not None
    if known.kind is Kind.LIST:
        several = frozenset((wanted,)) if op == "is" else frozenset(wanted)
        return lambda value: isinstance(value, frozenset) and not several.isdisjoint(value)
    if op == "is":
        return lambda value: value == wanted
    if op == "any_of":
        return frozenset(wanted).__contains__
    if op == "contains":
        return lambda value: isinstance(value, str) and wanted in value
    if op == "starts_with":
        return lambda value: isinstance(value, str) and value.startswith(wanted)
    return _sizes(known, op, wanted)


def _sizes(known: Field, op: str, wanted: Any) -> Test:
    compare = _compare(op, wanted)
    if known.kind is Kind.OPEN:
        return lambda value: (number := number_in(value)) is not None and compare(number)
    return lambda value: value is not None and compare(value)


def _compare(op: str, wanted: Any) -> Callable[[Any], bool]:
    if op == "above":
        return lambda value: bool(value > wanted)
    if op == "at_least":
        return lambda value: bool(value >= wanted)
    if op == "below":
        return lambda value: bool(value < wanted)
    if op == "at_most":
        return lambda value: bool(value <= wanted)
    low, high = wanted
    return lambda value: bool(low <= value <= high)


class Values:
    """The values of one order, each fetched once. `base` is what order.base is for the line that asks."""

    __slots__ = ("asked", "base", "facts", "known", "write")

    def __init__(self, facts: Facts, write: Callable[[int], str]) -> None:
        self.facts = facts
        self.base = facts.amount_minor
        self.write = write
        self.known: dict[Any, tuple[Value, Any]] = {}
        #: The trace of each condition that was asked of the whole order, by the condition's identity.
        self.asked: dict[int, tuple[bool, dict[str, Any]]] = {}

    def of(self, condition: Condition, item: Item | None = None) -> Value:
        """The comparable value that a condition asks about."""
        return self.both(condition, item)[0]

    def both(self, condition: Condition, item: Item | None = None) -> tuple[Value, Any]:
        """The comparable value, and the value as a trace shows it."""
        name = condition.field
        if name == "order.base":
            return self.base, self.write(self.base)
        key: Any = (name, id(item)) if condition.is_of_item else name
        found = self.known.get(key)
        if found is None:
            known = field_of(condition.field)
            raw = condition.get(self.facts, item)
            value = known.read(raw) if known else None
            found = self.known[key] = (value, self._shown(condition.kind, raw, value))
        return found

    def _shown(self, kind: Kind, raw: object, value: Value) -> Any:
        if value is None:
            return None
        if kind is Kind.MONEY:
            return self.write(value) if isinstance(value, int) else None
        if kind is Kind.LIST:
            return sorted(value) if isinstance(value, frozenset) else None
        if kind in {Kind.NUMBER, Kind.YES_NO}:
            return value
        return value.isoformat() if isinstance(value, date) else str(raw).strip()


def holds(group: Group, values: Values, *, item: Item | None = None) -> bool:
    """Whether a group holds: for an item when one is given, else for the order as a whole."""
    found = (
        _condition_holds(member, values, item) if isinstance(member, Condition) else holds(member, values, item=item)
        for member in group.members
    )
    return all(found) if group.mode == "all" or not group.members else any(found)


def _condition_holds(condition: Condition, values: Values, item: Item | None) -> bool:
    if condition.is_of_item and item is None:
        return _of_order(condition, values)[0]
    return condition.test(values.of(condition, item))


def _of_order(condition: Condition, values: Values) -> tuple[bool, list[Any]]:
    """A question about items put to a whole order: one item is enough; a denial must be true of each."""
    pairs = [values.both(condition, item) for item in values.facts.items]
    shown = sorted({str(shown) for _value, shown in pairs if shown is not None})
    results = (condition.test(value) for value, _shown in pairs)
    return (all(results) if condition.op in NEGATIVE else any(results)), shown


def tried(group: Group, values: Values, *, item: Item | None = None) -> tuple[bool, dict[str, Any]]:
    """Like `holds`, with a trace of JSON values: each condition, what was there, and by how much it was missed."""
    rows: list[dict[str, Any]] = []
    results: list[bool] = []
    asked = values.asked
    # A price of two hundred lines comes through here a thousand times; many of them ask the same.
    for member in group.members:
        if isinstance(member, Group):
            found = tried(member, values, item=item)
        elif member.is_of_item or member.field == "order.base":
            found = _tried(member, values, item)
        else:
            found = asked.get(id(member)) or asked.setdefault(id(member), _tried(member, values, None))
        results.append(found[0])
        rows.append(found[1])
    met = False not in results if group.mode == "all" or not results else True in results
    return met, {group.mode: rows, "met": met}


def _tried(condition: Condition, values: Values, item: Item | None) -> tuple[bool, dict[str, Any]]:
    if condition.is_of_item and item is None:
        met, several = _of_order(condition, values)
        return met, {**condition.shown, "is": several, "met": met}
    value, shown = values.both(condition, item)
    met = condition.test(value)
    row = {**condition.shown, "is": shown, "met": met}
    if not met and condition.op in _SIZES:
        _add_gap(row, condition, value, values)
    return met, row


def _add_gap(row: dict[str, Any], condition: Condition, value: Value, values: Values) -> None:
    gap = _gap(condition, value)
    if gap is not None:
        row["missed_by"] = values.write(gap) if isinstance(gap, int) and condition.kind is Kind.MONEY else gap


def _gap(condition: Condition, value: Value) -> int | str | None:
    """How far a number is from the nearest edge it had to reach; days for dates."""
    number: Any = number_in(value) if condition.kind is Kind.OPEN else value
    if number is None or isinstance(number, str | frozenset):
        return None
    edges = condition.wanted if condition.op == "between" else (condition.wanted,)
    gap = min((abs(edge - number) for edge in edges), default=0)
    if isinstance(gap, Decimal):
        return f"{gap.normalize():f}"
    return gap if isinstance(gap, int) else int(gap.days)
