"""What pages show about suspicions: lists with their totals, one finding with its orders and steps, and for letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, Value, When
from django.db.models.expressions import OrderBy

from affiliates.models import Affiliate, Merchant
from ledger.ids import public_id_of
from ledger.money import Money
from payouts.models import Commission, FraudHold
from payouts.queries.explanations import FindingFact, Viewer
from tracking.fraud.policies import RULES
from tracking.models import Conversion, FraudFinding, FraudStep

_S = FraudFinding.State
_H = FraudHold.State

#: The filters of the lists: what still has to be answered, what the network has to decide, and each state.
FINDING_VIEWS = ("live", "asked", *FraudFinding.State.values)
FINDING_RULES = RULES


@dataclass(frozen=True, slots=True)
class FindingQuestion:
    """The question to a list of findings; what is empty asks for everything."""

    view: str = ""
    rule: str = ""
    text: str = ""
    program: str = ""


@dataclass(frozen=True, slots=True)
class FindingTotal:
    """Findings of one currency: how many, what they are about, and what of it is kept back or was taken."""

    currency: str
    findings: int
    at_risk: Money
    held: Money
    confirmed: Money


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order of a finding: what it earned the partner, and what became of that."""

    conversion: Conversion
    commission: Commission | None
    hold: FraudHold | None


def findings_in(merchant: Merchant, question: FindingQuestion) -> QuerySet[FraudFinding]:
    """A merchant's findings, what waits for an answer first: the earliest promise on top."""
    found = FraudFinding.objects.filter(program__merchant=merchant)
    return _asked(found, question).order_by(*_queue())


def findings_of_the_network(question: FindingQuestion) -> QuerySet[FraudFinding]:
    """Every finding, those first that the network was asked about."""
    asked = Case(When(_for_the_network(), then=Value(0)), default=Value(1), output_field=IntegerField())
    return _asked(FraudFinding.objects.all(), question).order_by(asked, *_queue())


def findings_of(affiliate: Affiliate) -> QuerySet[FraudFinding]:
    """What a partner was told of: findings that kept something back, the undecided first."""
    found = FraudFinding.objects.filter(enrolment__affiliate=affiliate, answer_due_at__isnull=False)
    return _joined(found).order_by(*_queue())


def findings_for_api(merchant: Merchant) -> QuerySet[FraudFinding]:
    """A merchant's findings for a key, newest first."""
    return _joined(FraudFinding.objects.filter(program__merchant=merchant)).order_by("-id")


def finding_by_id(public_id: str) -> FraudFinding:
    """A finding by its public id, for whoever has asked whose it is."""
    found: FraudFinding = _joined(FraudFinding.objects.all()).get(pk=FraudFinding.key_of(public_id))
    return found


def finding_facts(findings: Sequence[FraudFinding]) -> list[dict[str, Any]]:
    """Findings as the API and webhooks tell them to their merchant. One query more."""
    held = held_by_finding(findings)
    return [
        {
            "id": one.public_id,
            "rule": one.rule,
            "state": one.state,
            "affiliate": one.enrolment.affiliate.public_id,
            "program": one.program.public_id,
            "p_value": one.p_value,
            "tests": one.tests,
            "cut": one.cut,
            "numbers": one.numbers,
            "tested": one.tested,
            "conversions": [public_id_of(Conversion.ID_PREFIX, UUID(key)) for key in one.subjects],
            "at_risk": one.at_risk.major,
            "held": held[one.pk].major,
            "currency": one.currency,
            "window_starts_at": _stamp(one.window_starts_at),
            "window_ends_at": _stamp(one.window_ends_at),
            "found_at": _stamp(one.found_at),
            "answer_due_at": _stamp(one.answer_due_at),
            "asked_at": _stamp(one.asked_at),
            "appealed_at": _stamp(one.appealed_at),
            "decided_at": _stamp(one.decided_at),
            "automatic": one.is_automatic,
        }
        for one in findings
    ]


def _stamp(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def waiting_in(merchant: Merchant) -> int:
    """How many findings of a merchant's nobody has answered."""
    return FraudFinding.objects.filter(program__merchant=merchant, state__in=[_S.OPEN, _S.HELD]).count()


def waiting_for_the_network() -> int:
    """How many findings the network was asked about: appeals, and what merchants want confirmed."""
    return FraudFinding.objects.filter(_for_the_network()).count()


def held_of(affiliate: Affiliate) -> list[Money]:
    """What is kept back of a partner's commissions at the moment, by currency."""
    rows = (
        Commission.objects.filter(affiliate=affiliate, status=Commission.Status.PENDING)
        .filter(pk__in=FraudHold.objects.filter(state=_H.HELD).values("commission"))
        .order_by("currency")
        .values("currency")
        .annotate(sum=Sum(F("amount_minor") - F("reversed_minor")))
    )
    return [Money(int(row["sum"]), row["currency"]) for row in rows]


def totals_of(found: QuerySet[FraudFinding]) -> list[FindingTotal]:
    """What the findings of a list add up to, by currency: two queries."""
    rows = found.order_by("currency").values("currency").annotate(count=Count("pk"), risk=Sum("at_risk_minor"))
    sums: dict[tuple[str, str], int] = {
        (row["currency"], row["state"]): int(row["sum"])
        for row in FraudHold.objects.filter(finding__in=found.order_by().values("pk"))
        .order_by()
        .values("currency", "state")
        .annotate(sum=Sum("amount_minor"))
    }
    return [
        FindingTotal(
            row["currency"],
            row["count"],
            Money(int(row["risk"]), row["currency"]),
            Money(sums.get((row["currency"], _H.HELD), 0), row["currency"]),
            Money(sums.get((row["currency"], _H.CONFIRMED), 0), row["currency"]),
        )
        for row in rows
    ]


def held_by_finding(findings: Sequence[FraudFinding]) -> dict[UUID, Money]:
    """What each finding keeps or kept back, watched amounts left out. One query."""
    rows = (
        FraudHold.objects.filter(finding__in=[one.pk for one in findings])
        .exclude(state=_H.WATCHED)
        .order_by()
        .values("finding")
        .annotate(sum=Sum("amount_minor"))
    )
    sums = {row["finding"]: int(row["sum"]) for row in rows}
    return {one.pk: Money(sums.get(one.pk, 0), one.currency) for one in findings}


def orders_of(finding: FraudFinding) -> list[OrderRow]:
    """The orders a finding is about, newest first, with what they earned the partner. Three queries."""
    keys = [UUID(one) for one in finding.subjects]
    orders = Conversion.objects.filter(pk__in=keys).order_by("-occurred_at", "-pk")
    commissions = {
        row.conversion_id: row
        for row in Commission.objects.filter(conversion__in=keys, enrolment=finding.enrolment_id).order_by("-number")
    }
    holds = {hold.commission_id: hold for hold in FraudHold.objects.filter(finding=finding)}
    rows = []
    for order in orders:
        commission = commissions.get(order.pk)
        rows.append(OrderRow(order, commission, holds.get(commission.pk) if commission else None))
    return rows


def steps_of(finding: FraudFinding) -> list[FraudStep]:
    """What was done, oldest first."""
    return list(finding.steps.select_related("author").order_by("at", "pk"))


def other_findings(finding: FraudFinding, *, limit: int = 10) -> list[FraudFinding]:
    """The partner's other findings in the program, newest first."""
    found = FraudFinding.objects.filter(enrolment=finding.enrolment_id).exclude(pk=finding.pk)
    return list(found.order_by("-found_at")[:limit])


def facts_about(commissions: Sequence[Commission], *, viewer: Viewer) -> dict[UUID, tuple[FindingFact, ...]]:
    """What was ever found about commissions, by commission, oldest first; a partner reads what it was told of."""
    found: dict[UUID, list[FindingFact]] = {}
    holds = FraudHold.objects.filter(commission__in=[row.pk for row in commissions]).select_related("finding")
    for hold in holds.order_by("held_at", "pk"):
        finding = hold.finding
        if viewer == "partner" and finding.answer_due_at is None:
            continue
        # Approved before it was found, it was never kept back.
        approved_at = next((row.approved_at for row in commissions if row.pk == hold.commission_id), None)
        was_held = hold.state == _H.HELD or approved_at is None or approved_at > hold.held_at
        found.setdefault(hold.commission_id, []).append(
            FindingFact(
                finding.public_id,
                finding.rule,
                hold.state,
                was_held,
                hold.held_at,
                hold.ended_at,
                finding.answer_due_at if finding.is_live else None,
            )
        )
    return {key: tuple(rows) for key, rows in found.items()}


def _asked(found: QuerySet[FraudFinding], question: FindingQuestion) -> QuerySet[FraudFinding]:
    if question.view == "live":
        found = found.filter(state__in=FraudFinding.LIVE)
    elif question.view == "asked":
        found = found.filter(_for_the_network())
    elif question.view in FraudFinding.State.values:
        found = found.filter(state=question.view)
    if question.rule in FINDING_RULES:
        found = found.filter(rule=question.rule)
    if question.program:
        found = found.filter(program__slug=question.program)
    if question.text:
        found = found.filter(
            Q(enrolment__affiliate__name__icontains=question.text)
            | Q(program__name__icontains=question.text)
            | Q(program__merchant__name__icontains=question.text)
        )
    return _joined(found)


def _joined(found: QuerySet[FraudFinding]) -> QuerySet[FraudFinding]:
    return found.select_related("enrolment__affiliate", "program__merchant")


def _for_the_network() -> Q:
    return Q(state=_S.APPEALED) | Q(state=_S.HELD, asked_at__isnull=False)


def _queue() -> tuple[str | Case | OrderBy, ...]:
    rank = Case(
        When(state__in=[_S.HELD, _S.APPEALED], then=Value(0)),
        When(state=_S.OPEN, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    promised = Case(When(state__in=[_S.HELD, _S.APPEALED], then=F("answer_due_at")))
    return (rank, promised.asc(nulls_last=True), "-found_at", "-pk")


@dataclass(frozen=True, slots=True)
class FindingNews:
    """What a letter about a finding has to know."""

    finding: str
    affiliate: Affiliate
    merchant: Merchant
    program: str
    rule: str
    state: str
    orders: int
    held: Money
    answer_due_at: datetime | None
    is_automatic: bool
    was_appealed: bool
    text: str


def finding_news(public_id: str, *, step: str = "") -> FindingNews:
    """The facts of a finding by its public id, with what was written at its last step of that name."""
    one: FraudFinding = _joined(FraudFinding.objects.all()).get(pk=FraudFinding.key_of(public_id))
    line = one.steps.filter(step=step).order_by("-at", "-pk").first() if step else None
    return FindingNews(
        finding=one.public_id,
        affiliate=one.enrolment.affiliate,
        merchant=one.program.merchant,
        program=one.program.name,
        rule=one.rule,
        state=one.state,
        orders=len(one.subjects),
        held=held_by_finding([one])[one.pk],
        answer_due_at=one.answer_due_at,
        is_automatic=one.is_automatic,
        was_appealed=one.appealed_at is not None,
        text=line.text if line else "",
    )
