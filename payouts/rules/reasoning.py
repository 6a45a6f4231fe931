"""What can be said of conditions without an order: whether they can hold together, and whether some imply another.

Everything here errs to one side: what cannot be decided counts as possible and as not implied, so that no line is
refused that could fit.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import product
from typing import Any, Final

from payouts.rules.clauses import Line
from payouts.rules.conditions import Condition, Group, make_condition
from payouts.rules.fields import NEGATIVE, Kind, field_of

#: Conditions that hold together.
type Case = tuple[Condition, ...]

_MOST_CASES = 64
_WHOLE: Final = frozenset({Kind.NUMBER, Kind.MONEY, Kind.DATE})
_SIZES: Final = frozenset({"above", "at_least", "below", "at_most", "between"})
_FEW = 1000


def cases_of(group: Group) -> list[Case] | None:
    """The ways in which a group may hold, each a case of conditions that all hold; None when there are too many."""
    if not group.members:
        return [()]
    parts: list[list[Case]] = []
    for member in group.members:
        if isinstance(member, Condition):
            parts.append([(member,)])
            continue
        found = cases_of(member)
        if found is None:
            return None
        parts.append(found)
    if group.mode == "any":
        joined = [case for part in parts for case in part]
        return joined if len(joined) <= _MOST_CASES else None
    count = 1
    for part in parts:
        count *= len(part)
        if count > _MOST_CASES:
            return None
    return [tuple(one for case in cases for one in case) for cases in product(*parts)]


def cases_of_line(line: Line) -> list[Case] | None:
    """The cases of a line, what its charges ask included."""
    found = cases_of(line.when)
    if found is None:
        return None
    limits: Case = ()
    if line.first:
        limits = (make_condition("order.charge", "at_most", line.first, line.first),)
    elif line.months:
        limits = (make_condition("order.month", "at_most", line.months - 1, line.months - 1),)
    return [case + limits for case in found]


def is_possible(case: Case, *, of_items: bool) -> bool:
    """Whether the conditions of a case can hold together. `of_items`: they are asked of one item."""
    by_field: dict[str, list[Condition]] = {}
    for one in case:
        by_field.setdefault(one.field, []).append(one)
    return all(_possible(conditions, of_items=of_items) for conditions in by_field.values())


def implies(case: Case, wanted: Condition, *, of_items: bool) -> bool:
    """Whether a condition holds wherever a case does."""
    same = [one for one in case if one.field == wanted.field]
    if wanted in same:
        return True
    if not same:
        return False
    if wanted.kind is Kind.LIST or (wanted.is_of_item and not of_items):
        return _implied_among_several(same, wanted)
    listed = [one for one in same if one.op in {"is", "any_of"}]
    if listed and all(wanted.test(value) for value in _left(listed, same)):
        return True
    if wanted.op == "is_set":
        return any(not one.test(None) for one in same)
    if wanted.kind in _WHOLE:
        return _range_implies(same, wanted)
    if wanted.op in {"starts_with", "contains"}:
        return any(_text_implies(one, wanted) for one in same)
    return False


def _left(listed: Sequence[Condition], same: Iterable[Condition]) -> list[Any]:
    """The listed values that fulfil all conditions on their field."""
    values = _listed(listed[0])
    return [value for value in values if all(one.test(value) for one in same)]


def _listed(condition: Condition) -> tuple[Any, ...]:
    return tuple(condition.wanted) if condition.op in {"any_of", "none_of"} else (condition.wanted,)


def _implied_among_several(same: Iterable[Condition], wanted: Condition) -> bool:
    """One of A is one of A and B; none of A and B is not A."""
    for one in same:
        if one.op in {"is", "any_of"} and wanted.op in {"is", "any_of"} and {*_listed(one)} <= {*_listed(wanted)}:
            return True
        if (
            one.op in {"is_not", "none_of"}
            and wanted.op in {"is_not", "none_of"}
            and {*_listed(one)} >= {*_listed(wanted)}
        ):
            return True
    return False


def _number(value: Any) -> int:
    return value.toordinal() if isinstance(value, date) else int(value)


def _range(conditions: Iterable[Condition]) -> tuple[int | None, int | None, bool]:
    """The lowest and the highest whole number left, and whether the value has to be known."""
    low: int | None = None
    high: int | None = None
    is_known = False
    for one in conditions:
        if one.op not in _SIZES and one.op != "is":
            continue
        is_known = True
        first, last = _edges(one)
        low = first if low is None else low if first is None else max(low, first)
        high = last if high is None else high if last is None else min(high, last)
    return low, high, is_known


def _edges(one: Condition) -> tuple[int | None, int | None]:
    if one.op == "between":
        return _number(one.wanted[0]), _number(one.wanted[1])
    edge = _number(one.wanted)
    return {
        "above": (edge + 1, None),
        "at_least": (edge, None),
        "below": (None, edge - 1),
        "at_most": (None, edge),
        "is": (edge, edge),
    }[one.op]


def _range_implies(same: Iterable[Condition], wanted: Condition) -> bool:
    low, high, is_known = _range(same)
    if not is_known:
        return False
    if wanted.op in {"is_not", "none_of"}:
        numbers = [_number(value) for value in _listed(wanted)]
        return all((low is not None and one < low) or (high is not None and one > high) for one in numbers)
    if wanted.op not in _SIZES:
        return False
    first, last = _edges(wanted)
    return (first is None or (low is not None and low >= first)) and (
        last is None or (high is not None and high <= last)
    )


def _text_implies(one: Condition, wanted: Condition) -> bool:
    if one.op == "starts_with" and wanted.op == "starts_with":
        return str(one.wanted).startswith(wanted.wanted)
    return one.op in {"starts_with", "contains"} and wanted.op == "contains" and wanted.wanted in one.wanted


def _possible(conditions: Sequence[Condition], *, of_items: bool) -> bool:
    first = conditions[0]
    if any(_opposed(one, other) for one in conditions for other in conditions):
        return False
    if first.kind is Kind.LIST or (first.is_of_item and not of_items):
        return True
    if all(one.test(None) for one in conditions):
        return True
    listed = [one for one in conditions if one.op in {"is", "any_of"}]
    if listed:
        return bool(_left(listed, conditions))
    known = field_of(first.field)
    if known is not None and known.choices:
        return any(all(one.test(value) for one in conditions) for value in known.choices)
    if first.kind is Kind.YES_NO:
        return any(all(one.test(value) for one in conditions) for value in (True, False))
    if first.kind in _WHOLE:
        return _possible_range(conditions, known.least if known else None, known.most if known else None)
    starts = [one.wanted for one in conditions if one.op == "starts_with"]
    return all(a.startswith(b) or b.startswith(a) for a in starts for b in starts)


def _possible_range(conditions: Sequence[Condition], least: int | None, most: int | None) -> bool:
    low, high, _known = _range(conditions)
    if conditions[0].kind is Kind.MONEY:
        least = 0
    low = least if low is None else low if least is None else max(low, least)
    high = most if high is None else high if most is None else min(high, most)
    if low is None or high is None:
        return True
    if high - low > _FEW:
        return True
    numbers = range(low, high + 1)
    if conditions[0].kind is Kind.DATE:
        return any(all(one.test(date.fromordinal(number)) for one in conditions) for number in numbers)
    return any(all(one.test(number) for one in conditions) for number in numbers)


def _opposed(one: Condition, other: Condition) -> bool:
    """Whether the second denies all that the first asks for."""
    if NEGATIVE.get(other.op) is None or one.op in NEGATIVE:
        return False
    if other.op == "is_not_set":
        return True
    return one.op in {"is", "any_of"} and {*_listed(one)} <= {*_listed(other)}


def listed_in(cases: Sequence[Case] | None) -> dict[str, frozenset[Any]]:
    """The only values that a field may have, for fields that every case closes to a list."""
    found: dict[str, frozenset[Any]] | None = None
    for case in cases or ():
        mine = {
            one.field: frozenset(_listed(one))
            for one in case
            if one.op in {"is", "any_of"} and one.kind is not Kind.LIST and not one.is_of_item
        }
        found = mine if found is None else {name: found[name] | mine[name] for name in found.keys() & mine.keys()}
    return found or {}


def are_apart(one: dict[str, frozenset[Any]], other: dict[str, frozenset[Any]]) -> bool:
    """Whether some field may have no value in both: nothing fits the two. Quick, asked before anything else."""
    return any(name in other and values.isdisjoint(other[name]) for name, values in one.items())
