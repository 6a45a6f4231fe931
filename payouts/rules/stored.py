"""Versions from before documents, read as one: a line by event, a percentage or a fixed amount."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from payouts.rules.clauses import Line, Pay, Rules


class StoredLine(Protocol):
    """What a stored rule line holds; `kind` is percent or flat."""

    position: int
    name: str
    event: str
    kind: str
    rate: Decimal
    flat_minor: int


def rules_of_lines(lines: Iterable[StoredLine], currency: str) -> Rules:
    """The document that pays what these lines pay, line for line; a line's place is its place among them by position.

    Nothing is checked: what was published stays in force, a line that is never reached included.
    """
    return Rules(
        currency,
        tuple(
            Line(
                line.name,
                line.event,
                pay=Pay(percent=line.rate) if line.kind == "percent" else Pay(flat=line.flat_minor),
            )
            for line in sorted(lines, key=lambda line: line.position)
        ),
    )
