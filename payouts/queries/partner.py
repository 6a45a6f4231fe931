"""What an affiliate's pages show about its money: earnings, payouts, rates. Its sums are in standing.py."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection, models
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from affiliates.models import Affiliate, Program
from ledger.accounts import lines_of
from ledger.money import Money
from payouts import chart
from payouts.models import Commission, Payout, PayoutItem, RuleVersion
from payouts.queries.states import expected_payout_at, in_state
from payouts.queries.statistics import lines_of as order_lines_of
from payouts.queries.statistics import scope_of_partner
from tracking.models import Attribution, Click, Link
from tracking.statistics.questions import Question

_LEFT = F("amount_minor") - F("reversed_minor")
_P = Payout.State
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EarningsFilter:
    """A question to the list of earnings.

    Days are whole days of the current time zone, both included; `pays` is a pay day of `coming_of`.
    """

    state: str = ""
    program: str = ""
    link: str = ""
    first_day: date | None = None
    last_day: date | None = None
    pays: date | None = None


@dataclass(frozen=True, slots=True)
class LinkResult:
    """What a link brought: orders, and what is left of their commissions by currency."""

    orders: int
    earned: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class RateLine:
    """What a program pays now for one event."""

    name: str
    event: str
    kind: str
    rate: Decimal
    flat: Money | None


@dataclass(frozen=True, slots=True)
class RatesNow:
    """The rules in force for a program, and the version to come when one is published."""

    version: int
    since: datetime
    lines: tuple[RateLine, ...]
    next_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """One line of what is to be recovered: made by a refund (positive), or netted from a payout (negative).

    `subject` is the public id of the commission or payout it is about.
    """

    at: datetime
    subject: str
    amount: Money


def taken_back_of(affiliate: Affiliate, currency: str) -> list[TakenBack]:
    """The lines of the recoverable account, oldest first; they add up to its balance."""
    return [
        TakenBack(line.effective_at, line.reference.partition(":")[0], line.amount)
        for line in lines_of(chart.recoverable(affiliate), currency)
    ]


def earnings_of(
    affiliate: Affiliate, question: EarningsFilter, *, sort: str = "-date", at: datetime | None = None
) -> QuerySet[Commission]:
    """The affiliate's commissions that fit, with what a row shows."""
    found = Commission.objects.filter(affiliate=affiliate)
    if question.program:
        found = found.filter(program__slug=question.program)
    if question.first_day:
        found = found.filter(accrued_at__gte=_midnight(question.first_day))
    if question.last_day:
        found = found.filter(accrued_at__lt=_midnight(question.last_day + timedelta(days=1)))
    if question.pays:
        found = found.filter(_paid_on(question.pays, at=at or timezone.now()))
    if question.link:
        link = Link.objects.filter(affiliate=affiliate, code=question.link)
        clicks = Click.objects.filter(link_id__in=link.values("pk"))
        found = found.filter(conversion__attribution__click_id__in=clicks.values("pk"))
    found = in_state(found, question.state)
    order = {
        "date": ("accrued_at", "pk"),
        "amount": ("left_minor", "accrued_at", "pk"),
        "-amount": ("-left_minor", "-accrued_at", "-pk"),
    }
    return (
        found.annotate(left_minor=_LEFT)
        .select_related("conversion", "program__merchant", "rule_line")
        .order_by(*order.get(sort, ("-accrued_at", "-pk")))
        .fetch_mode(models.FETCH_RAISE)
    )


def totals_of(commissions: QuerySet[Commission]) -> list[Money]:
    """What is left of the commissions of a list, by currency: the list's footer."""
    rows = commissions.order_by().values("currency").annotate(sum=Sum(_LEFT)).order_by("currency")
    return [Money(int(row["sum"]), row["currency"]) for row in rows]


def latest_earnings(affiliate: Affiliate, *, limit: int) -> list[Commission]:
    """The last few commissions."""
    return list(earnings_of(affiliate, EarningsFilter())[:limit])


@dataclass(frozen=True, slots=True)
class UnpaidOrder:
    """An order that was the affiliate's and earned nothing at all: `reason` is a code of docs/reasons.md."""

    at: datetime
    order_ref: str
    event: str
    program: str
    reason: str


def unpaid_orders_of(affiliate: Affiliate, *, limit: int) -> list[UnpaidOrder]:
    """The last orders that were attributed to the affiliate without any commission (no rule was for them)."""
    found = (
        Attribution.objects.filter(
            enrolment__affiliate=affiliate, conversion__is_test=False, conversion__commissions=None
        )
        .select_related("conversion", "enrolment__program")
        .order_by("-decided_at", "-pk")[:limit]
    )
    return [
        UnpaidOrder(
            at=one.conversion.occurred_at,
            order_ref=one.conversion.order_ref,
            event=one.conversion.event,
            program=one.enrolment.program.name if one.enrolment else "",
            reason=one.conversion.reason,
        )
        for one in found
    ]


def earned_by_day(affiliate: Affiliate, currency: str, *, first_day: date, last_day: date) -> dict[date, Money]:
    """What is left of each day's commissions in a currency, both days included; days without any are left out."""
    question = EarningsFilter(first_day=first_day, last_day=last_day)
    rows = (
        earnings_of(affiliate, question)
        .filter(currency=currency)
        .order_by()
        .annotate(when=TruncDate("accrued_at"))
        .values("when")
        .annotate(sum=Sum(_LEFT))
        .order_by("when")
    )
    return {row["when"]: Money(int(row["sum"]), currency) for row in rows}


def results_by_link(affiliate: Affiliate, links: Iterable[Link]) -> dict[UUID, LinkResult]:
    """Orders and earnings of each link, by the click that won; links without any are left out. Two queries."""
    ever = Question(scope_of_partner(affiliate), _EPOCH, _EPOCH)
    lines = order_lines_of(ever, is_timed=False)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.link_id, l.currency, sum(l.kept_minor)::bigint, count(*)"  # noqa: S608 - expressions of ours
            f" FROM {lines.source} WHERE {' AND '.join(lines.conditions)} AND l.kept_minor IS NOT NULL"
            " AND l.link_id = ANY(%(links)s) GROUP BY 1, 2 ORDER BY 2",
            lines.values | {"links": [link.pk for link in links]},
        )
        rows = cursor.fetchall()
    orders: dict[UUID, int] = defaultdict(int)
    earned: dict[UUID, list[Money]] = defaultdict(list)
    for link, currency, kept, number in rows:
        orders[link] += number
        earned[link].append(Money(kept, currency))
    return {key: LinkResult(orders[key], tuple(earned[key])) for key in orders}


def payouts_of(affiliate: Affiliate, *, year: int | None = None) -> QuerySet[Payout]:
    """The affiliate's payouts, newest first; with a year, those paid in it."""
    found = Payout.objects.filter(affiliate=affiliate).select_related("run", "statement")
    if year is not None:
        found = found.filter(state=_P.PAID, settled_at__year=year)
    return found.order_by("-created_at", "-pk").fetch_mode(models.FETCH_RAISE)


def payout_totals(payouts: QuerySet[Payout]) -> list[Money]:
    """The sums of the paid ones of a list of payouts, by currency."""
    rows = (
        payouts.filter(state=_P.PAID)
        .order_by()
        .values("currency")
        .annotate(sum=Sum("amount_minor"))
        .order_by("currency")
    )
    return [Money(int(row["sum"]), row["currency"]) for row in rows]


def years_with_payouts(affiliate: Affiliate) -> list[int]:
    """The years in which the affiliate was paid, latest first."""
    years = Payout.objects.filter(affiliate=affiliate, settled_at__isnull=False).dates(
        "settled_at", "year", order="DESC"
    )
    return [year.year for year in years]


def items_of(payout: Payout) -> QuerySet[PayoutItem]:
    """The commissions in a payout, oldest order first."""
    return (
        PayoutItem.objects.filter(payout=payout)
        .select_related("commission__conversion", "commission__program")
        .order_by("commission__conversion__occurred_at", "pk")
        .fetch_mode(models.FETCH_RAISE)
    )


@dataclass(frozen=True, slots=True)
class PayoutSum:
    """How a payout's amount was made: `gross` + `carried` − `netted` = `paid`."""

    commissions: int
    gross: Money
    carried: Money
    netted: Money
    paid: Money


def sum_of(payout: Payout) -> PayoutSum:
    """The arithmetic of a payout, from its frozen items."""
    told = PayoutItem.objects.filter(payout=payout).aggregate(sum=Sum("amount_minor"), number=Count("pk"))
    gross = int(told["sum"] or 0)
    carried = payout.amount_minor + payout.netted_minor - gross
    return PayoutSum(
        commissions=told["number"],
        gross=Money(gross, payout.currency),
        carried=Money(carried, payout.currency),
        netted=Money(payout.netted_minor, payout.currency),
        paid=payout.amount,
    )


def rates_now(programs: Sequence[Program], *, at: datetime) -> dict[UUID, RatesNow]:
    """What each program pays now; programs without rules in force are left out. Three queries."""
    keys = [program.pk for program in programs]
    in_force = RuleVersion.objects.filter(program__in=keys, starts_at__lte=at)
    latest = in_force.order_by("program_id", "-starts_at", "-version").distinct("program_id").prefetch_related("lines")
    ahead = dict(
        RuleVersion.objects.filter(program__in=keys, starts_at__gt=at)
        .values_list("program_id")
        .annotate(first=models.Min("starts_at"))
    )
    currencies = {program.pk: program.currency for program in programs}
    return {
        version.program_id: RatesNow(
            version.version,
            version.starts_at,
            tuple(
                RateLine(
                    line.name, line.event, line.kind, line.rate,
                    Money(line.flat_minor, currencies[version.program_id]) if line.kind == line.Kind.FLAT else None,
                )
                for line in sorted(version.lines.all(), key=lambda line: line.position)
            ),
            ahead.get(version.program_id),
        )
        for version in latest
    }  # fmt: skip


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone.get_current_timezone())


def _paid_on(pays: date, *, at: datetime) -> Q:
    """The commissions that `_coming` puts on this pay day: due in the month before, or earlier when it is the next one."""
    end = datetime(pays.year, pays.month, 1, tzinfo=UTC)
    start = datetime(pays.year - (pays.month == 1), (pays.month - 2) % 12 + 1, 1, tzinfo=UTC)
    is_next = expected_payout_at(at - timedelta(days=62), at=at).date() == pays
    due, approved = Q(due_at__lt=end), Q(approved_at__lt=end)
    if not is_next:
        due &= Q(due_at__gte=start)
        approved &= Q(approved_at__gte=start)
    free = Q(status=Commission.Status.APPROVED) & ~Q(_in_payout())
    return Q(amount_minor__gt=0, conversion__is_disputed=False) & (
        (Q(status=Commission.Status.PENDING) & due) | (free & approved)
    )


def _in_payout() -> Exists:
    return Exists(PayoutItem.objects.filter(commission=OuterRef("pk"), released_at=None))
