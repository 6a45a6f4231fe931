"""What one document says otherwise than another: rows that a screen words and a partner reads.

Lines are recognised by their names, those of one name by their place among them, so that a line that was moved is a
line that was moved and not one taken out and one added.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from payouts.rules.clauses import Rules
from payouts.rules.writing import document_of


@dataclass(frozen=True, slots=True)
class Difference:
    """One change: in which part, of what, and the values before and after (JSON; None where there is none).

    `path` is the place within (`pay.percent`), empty for the whole; `place_before` and `place_after` count from 1.
    """

    kind: Literal["added", "removed", "changed", "moved"]
    part: str
    name: str
    path: str = ""
    before: Any = None
    after: Any = None
    place_before: int | None = None
    place_after: int | None = None


def differences(old: Rules, new: Rules) -> list[Difference]:
    """Everything that `new` says otherwise, in the order of the document; empty for equal rules."""
    before, after = document_of(old), document_of(new)
    found = []
    if old.currency != new.currency:
        found.append(Difference("changed", "currency", "", "", old.currency, new.currency))
    for part in ("lines", "boosts", "caps", "bonuses", "uplines"):
        found += _of_part(part, before.get(part, []), after.get(part, []))
    return found


def _of_part(part: str, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[Difference]:
    old, new = _by_name(part, before), _by_name(part, after)
    stayed = [key for key in new if key in old]
    # What keeps its place among those that stayed was not moved, whatever was added or taken out around it.
    was = [key for key in old if key in new]
    still = _longest_common(was, stayed)
    for key, (place, row) in new.items():
        if key not in old:
            yield Difference("added", part, key[0], after=row, place_after=place)
            continue
        place_before, row_before = old[key]
        if key not in still:
            yield Difference("moved", part, key[0], place_before=place_before, place_after=place)
        for path, one, other in _changes(row_before, row, ""):
            yield Difference("changed", part, key[0], path, one, other, place_before, place)
    for key, (place, row) in old.items():
        if key not in new:
            yield Difference("removed", part, key[0], before=row, place_before=place)


def _by_name(part: str, rows: list[dict[str, Any]]) -> dict[tuple[str, int], tuple[int, dict[str, Any]]]:
    found: dict[tuple[str, int], tuple[int, dict[str, Any]]] = {}
    for place, row in enumerate(rows, start=1):
        name = str(row.get("name", "")) if part != "uplines" else f"{row['level']}"
        count = 0
        while (name, count) in found:
            count += 1
        found[(name, count)] = (place, row)
    return found


def _longest_common(one: list[tuple[str, int]], other: list[tuple[str, int]]) -> set[tuple[str, int]]:
    """A longest run of keys that stand in the same order in both: the fewest are called moved."""
    place = {key: number for number, key in enumerate(one)}
    best: list[list[tuple[str, int]]] = []
    for key in other:
        # The longest run that ends before this key, by patience.
        size = next((n for n in range(len(best), 0, -1) if place[best[n - 1][-1]] < place[key]), 0)
        run = [*(best[size - 1] if size else []), key]
        if size == len(best):
            best.append(run)
        elif place[best[size][-1]] > place[key]:
            best[size] = run
    return set(best[-1]) if best else set()


def _changes(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """The places where two values differ; groups of conditions are one value, for half a group means nothing."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping) and path not in {"when", "pay.bands", "days"}:
        for key in dict.fromkeys([*before, *after]):
            yield from _changes(before.get(key), after.get(key), f"{path}.{key}".lstrip("."))
        return
    yield path, before, after
