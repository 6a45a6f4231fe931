"""Versions of a program's rules: published, in force from a day on, never edited."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from affiliates.models import Program, User
from ledger.journal import record_event
from ledger.money import Money
from payouts.errors import RuleLineRefused, RulesInThePast
from payouts.models import RuleLine, RuleVersion


@dataclass(frozen=True, slots=True)
class LineDraft:
    """A rule line before it is published: `rate` is a fraction (0.2 is 20 %), `flat` an amount."""

    name: str
    kind: str
    event: str = "sale"
    rate: Decimal = Decimal(0)
    flat: Money | None = None


def version_at(program: Program, at: datetime) -> RuleVersion | None:
    """The version in force when something happened: the latest start not after it, then the latest version."""
    return (
        program.rule_versions.filter(starts_at__lte=at)
        .prefetch_related("lines")
        .order_by("-starts_at", "-version")
        .first()
    )


class RuleBook:
    """Every version of some programs' rules with its lines, loaded once; two queries however many programs."""

    def __init__(self, programs: Collection[UUID]) -> None:
        self._versions: dict[UUID, list[RuleVersion]] = {}
        if programs:
            for version in RuleVersion.objects.filter(program__in=programs).prefetch_related("lines"):
                self._versions.setdefault(version.program_id, []).append(version)

    def version_at(self, program: UUID, at: datetime) -> RuleVersion | None:
        """Like the function of this name, over versions that are loaded already."""
        in_force = [version for version in self._versions.get(program, ()) if version.starts_at <= at]
        return max(in_force, key=lambda version: (version.starts_at, version.version), default=None)


@transaction.atomic
def publish_rules(
    program: Program,
    lines: Sequence[LineDraft],
    *,
    starts_at: datetime,
    at: datetime,
    by: User | None = None,
    note: str = "",
) -> RuleVersion:
    """Publish the next version. Raises RulesInThePast, RuleLineRefused; nothing published is ever edited."""
    if starts_at < at:
        raise RulesInThePast("New rules may not start in the past.", field="starts_at")
    if not lines:
        raise RuleLineRefused("A version needs at least one line.", field="lines")
    Program.objects.select_for_update().get(pk=program.pk)
    last = program.rule_versions.order_by("-version").first()
    version = RuleVersion.objects.create(
        program=program,
        version=last.version + 1 if last else 1,
        starts_at=starts_at,
        recorded_at=at,
        published_by=by,
        note=note,
    )
    RuleLine.objects.bulk_create(
        _checked_line(version, position, draft) for position, draft in enumerate(lines, start=1)
    )
    record_event(
        "rules.published",
        version.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[program.public_id, program.merchant.public_id],
        data={"version": version.version, "starts_at": starts_at.isoformat()},
    )
    return version


def _checked_line(version: RuleVersion, position: int, draft: LineDraft) -> RuleLine:
    if draft.kind == RuleLine.Kind.PERCENT:
        if not Decimal(0) <= draft.rate <= Decimal(1):
            raise RuleLineRefused("A rate is between 0 and 100 percent.", field="rate")
        flat_minor, rate = 0, draft.rate
    elif draft.kind == RuleLine.Kind.FLAT:
        if draft.flat is None or draft.flat.minor < 0:
            raise RuleLineRefused("A fixed line needs an amount of 0 or more.", field="flat")
        if draft.flat.currency != version.program.currency:
            raise RuleLineRefused(f"The program pays in {version.program.currency}.", field="flat")
        flat_minor, rate = draft.flat.minor, Decimal(0)
    else:
        raise RuleLineRefused("A line pays percent or flat.", field="kind")
    return RuleLine(
        rule_version=version,
        position=position,
        name=draft.name,
        event=draft.event,
        kind=draft.kind,
        rate=rate,
        flat_minor=flat_minor,
    )
