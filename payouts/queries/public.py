"""What the public may know of a program: its rate now, its terms now, and what others earn, above a privacy threshold."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Sum

from affiliates.models import Enrolment, Program
from ledger.money import Money
from payouts.models import Commission, RuleLine, RuleVersion
from payouts.rules.versions import version_at
from tracking.models import ClickCount

#: EPC is shown only when it stands on at least this many affiliates and clicks.
EPC_AFFILIATES, EPC_CLICKS = 5, 500


@dataclass(frozen=True, slots=True)
class RateLine:
    """One line of the rules in force."""

    name: str
    event: str
    is_percent: bool
    rate: Decimal
    flat: Money


@dataclass(frozen=True, slots=True)
class ProgramFacts:
    """A program as it is at this moment; every figure from the rule engine, the terms or the counts."""

    name: str
    slug: str
    merchant: str
    summary: str
    currency: str
    is_open: bool
    approves_at_once: bool
    lines: tuple[RateLine, ...]
    rule_version: int
    rule_since: datetime | None
    terms_version: int
    terms_text: str
    window_days: int
    hold_days: int
    affiliates: int
    epc: Money | None
    as_of: datetime

    @property
    def headline(self) -> RateLine | None:
        """The line that a visitor reads first: what an order earns."""
        return next((line for line in self.lines if line.event == "sale"), None) or next(iter(self.lines), None)


def program_facts(program: Program, *, at: datetime) -> ProgramFacts:
    """The facts of one program in a handful of queries."""
    terms = program.terms_at(at)
    version = version_at(program, at)
    return ProgramFacts(
        name=program.name,
        slug=program.slug,
        merchant=program.merchant.name,
        summary=program.summary,
        currency=program.currency,
        is_open=program.status == Program.Status.OPEN,
        approves_at_once=program.approval == Program.Approval.AUTO,
        lines=tuple(_rate_line(line, program.currency) for line in version.lines.all()) if version else (),
        rule_version=version.version if version else 0,
        rule_since=version.starts_at if version else None,
        terms_version=terms.version if terms else 0,
        terms_text=terms.text if terms else "",
        window_days=terms.window_days if terms else 0,
        hold_days=terms.hold_days if terms else 0,
        affiliates=program.enrolments.filter(status=Enrolment.Status.APPROVED).count(),
        epc=_epc(program, at=at),
        as_of=at,
    )


def facts_of_open_programs(*, at: datetime) -> list[ProgramFacts]:
    """The facts of every program that takes affiliates now, by name. There are as many as merchants."""
    programs = Program.objects.select_related("merchant").filter(status=Program.Status.OPEN).order_by("name")
    return [program_facts(program, at=at) for program in programs]


def next_version(program: Program, *, at: datetime) -> RuleVersion | None:
    """The version that comes into force next."""
    return (
        program.rule_versions.filter(starts_at__gt=at)
        .prefetch_related("lines")
        .order_by("starts_at", "-version")
        .first()
    )


def _rate_line(line: RuleLine, currency: str) -> RateLine:
    return RateLine(
        line.name, line.event, line.kind == RuleLine.Kind.PERCENT, line.rate, Money(line.flat_minor, currency)
    )


def _epc(program: Program, *, at: datetime) -> Money | None:
    """Earnings per counted click over 90 days that ended 7 days ago: commission ÷ clicks (conventions §2.4).

    The last week is left out because its orders have not all come yet. None below the privacy threshold.
    """
    end, start = at - timedelta(days=7), at - timedelta(days=97)
    clicks = ClickCount.objects.filter(program_id=program.pk, hour__gte=start, hour__lt=end).aggregate(
        counted=Sum("counted"), affiliates=Count("affiliate_id", distinct=True)
    )
    counted = clicks["counted"] or 0
    if counted < EPC_CLICKS or clicks["affiliates"] < EPC_AFFILIATES:
        return None
    earned = Commission.objects.filter(program=program, accrued_at__gte=start, accrued_at__lt=end).aggregate(
        amount=Sum("amount_minor"), reversed=Sum("reversed_minor")
    )
    total = (earned["amount"] or 0) - (earned["reversed"] or 0)
    return Money(total, program.currency).share(Decimal(1) / Decimal(counted))
