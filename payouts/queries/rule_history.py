"""A program's rules over time: which version is in force when, and what each changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from affiliates.models import Program
from ledger.money import Money
from payouts.models import RuleLine, RuleVersion


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One line: `rate` is a fraction, `flat` an amount where the line pays one."""

    position: int
    name: str
    event: str
    kind: str
    rate: Decimal
    flat: Money | None


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one line from a version to the next: added (`before` is None), removed (`after` is None) or changed."""

    before: LineFacts | None
    after: LineFacts | None


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """One version. `state` is live, scheduled or ended; `until` is when another takes over, None for never.

    A version that another with the same start replaced was never in force: `is_replaced`.
    """

    id: str
    version: int
    since: datetime
    until: datetime | None
    published_at: datetime
    published_by: str
    note: str
    state: str
    is_replaced: bool
    lines: tuple[LineFacts, ...]
    changes: tuple[Change, ...]


def history_of(program: Program, *, at: datetime) -> list[VersionFacts]:
    """Every version, the latest first; three queries."""
    versions = list(program.rule_versions.select_related("published_by").prefetch_related("lines").order_by("version"))
    lines = {one.pk: lines_of(one, program.currency) for one in versions}
    in_order = sorted(versions, key=lambda one: (one.starts_at, one.version))
    following = {one.pk: after.starts_at for one, after in pairwise(in_order)}
    before: tuple[LineFacts, ...] = ()
    found = []
    for one in versions:
        until = following.get(one.pk)
        found.append(
            VersionFacts(
                id=one.public_id,
                version=one.version,
                since=one.starts_at,
                until=until,
                published_at=one.recorded_at,
                published_by=one.published_by.get_full_name() if one.published_by else "",
                note=one.note,
                state="scheduled" if one.starts_at > at else "ended" if until is not None and until <= at else "live",
                is_replaced=until == one.starts_at,
                lines=lines[one.pk],
                changes=tuple(changes_between(before, lines[one.pk])) if before else (),
            )
        )
        before = lines[one.pk]
    return found[::-1]


def lines_of(version: RuleVersion, currency: str) -> tuple[LineFacts, ...]:
    """A version's lines in their order."""
    return tuple(
        LineFacts(
            position=line.position,
            name=line.name,
            event=line.event,
            kind=line.kind,
            rate=line.rate,
            flat=Money(line.flat_minor, currency) if line.kind == RuleLine.Kind.FLAT else None,
        )
        for line in sorted(version.lines.all(), key=lambda line: line.position)
    )


def changes_between(before: Sequence[LineFacts], after: Sequence[LineFacts]) -> list[Change]:
    """What differs between two versions, line by line of the same event; their order alone is no change."""
    rest = list(before)
    found = []
    for line in after:
        same_event = [one for one in rest if one.event == line.event]
        old = next((one for one in same_event if one.name == line.name), same_event[0] if same_event else None)
        if old is not None:
            rest.remove(old)
        if old is None or (old.kind, old.rate, old.flat, old.name) != (line.kind, line.rate, line.flat, line.name):
            found.append(Change(old, line))
    return [*found, *(Change(one, None) for one in rest)]
