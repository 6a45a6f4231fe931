"""What a merchant's pages show of its orders and what they cost: figures, lists, partners."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from affiliates.models import Affiliate, Enrolment, Merchant
from affiliates.queries import affiliates_by_id
from ledger.money import Money
from payouts.models import Commission
from payouts.queries.states import COMMISSION_STATES, MoneyState, in_state, states_of
from tracking.models import Conversion, InboxRequest

_KEPT = F("amount_minor") - F("refunded_minor")
_LEFT = F("amount_minor") - F("reversed_minor")
_V = Conversion.Verdict

#: Named questions to the list of conversions.
VIEWS = ("review", "refunded", "zero", "test")


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of time."""

    start: datetime
    end: datetime

    @property
    def before(self) -> "Span":
        """The stretch of the same length that ends where this begins."""
        return Span(self.start - (self.end - self.start), self.start)


@dataclass(frozen=True, slots=True)
class Figures:
    """Orders that count: how many, what is left of them and of their commissions, how many customers were new."""

    revenue: Money
    commission: Money
    orders: int
    new_customers: int

    @property
    def cost_share(self) -> float | None:
        """Commission by revenue; None without revenue."""
        return self.commission.minor / self.revenue.minor if self.revenue else None


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the merchant's own calendar."""

    day: date
    revenue: Money
    commission: Money


@dataclass(frozen=True, slots=True)
class TopPartner:
    """A partner by what its orders brought."""

    id: str
    name: str
    orders: int
    revenue: Money
    commission: Money


@dataclass(frozen=True, slots=True)
class Waiting:
    """What needs somebody at the merchant's: applications, orders on hold, requests that went wrong."""

    applications: int
    held: int
    refused: int
    set_aside: int


@dataclass(frozen=True, slots=True)
class ConversionFilter:
    """A question to the list of conversions; every part may be left empty."""

    verdict: str = ""
    state: str = ""
    partner: str = ""
    program: str = ""
    text: str = ""
    view: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """One commission of an order, with where its amount stands."""

    id: str
    affiliate: str
    affiliate_name: str
    amount: Money
    state: MoneyState


@dataclass(frozen=True, slots=True)
class ConversionRow:
    """One order in the list."""

    id: str
    order_ref: str
    event: str
    occurred_at: datetime
    amount: Money
    refunded: Money
    verdict: str
    reason: str
    is_test: bool
    costs: tuple[Cost, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a filter in one currency."""

    currency: str
    orders: int
    revenue: Money
    refunded: Money
    commission: Money


@dataclass(frozen=True, slots=True)
class Brought:
    """What a place in a program brought."""

    orders: int
    revenue: Money
    commission: Money


def commissions_of(conversion: Conversion) -> QuerySet[Commission]:
    """What an order earned, with whom and by which rule."""
    found: QuerySet[Commission] = (
        Commission.objects.filter(conversion=conversion)
        .select_related("affiliate", "rule_line__rule_version")
        .order_by("pk")
    )
    return found


def figures_in(merchant: Merchant, span: Span) -> Figures:
    """The orders that count in a stretch, in the merchant's currency."""
    counted = _counted(merchant, span).aggregate(
        revenue=Sum(_KEPT), orders=Count("pk"), fresh=Count("pk", filter=Q(customer_status="new"))
    )
    cost = _costs(merchant, span).aggregate(sum=Sum(_LEFT))["sum"]
    return Figures(
        revenue=Money(int(counted["revenue"] or 0), merchant.currency),
        commission=Money(int(cost or 0), merchant.currency),
        orders=counted["orders"],
        new_customers=counted["fresh"],
    )


def days_in(merchant: Merchant, span: Span, days: Iterable[date]) -> list[Day]:
    """Revenue and commission of each of the days, of the merchant's time zone."""
    zone = ZoneInfo(merchant.time_zone)
    revenue = _by_day(_counted(merchant, span), TruncDate("occurred_at", tzinfo=zone), _KEPT)
    cost = _by_day(_costs(merchant, span), TruncDate("conversion__occurred_at", tzinfo=zone), _LEFT)
    return [
        Day(day, Money(revenue.get(day, 0), merchant.currency), Money(cost.get(day, 0), merchant.currency))
        for day in days
    ]


def top_partners(merchant: Merchant, span: Span, *, limit: int = 5) -> list[TopPartner]:
    """The partners whose orders brought most."""
    rows = (
        _costs(merchant, span)
        .values("affiliate", "affiliate__name")
        .annotate(
            # What was added after a payout is a commission of its own, and no second order.
            orders=Count("pk", filter=Q(number=1)),
            revenue=Sum(F("conversion__amount_minor") - F("conversion__refunded_minor"), filter=Q(number=1)),
            commission=Sum(_LEFT),
        )
        .order_by("-revenue", "affiliate__name")[:limit]
    )
    return [
        TopPartner(
            id=Affiliate(pk=row["affiliate"]).public_id,
            name=row["affiliate__name"],
            orders=row["orders"],
            revenue=Money(int(row["revenue"] or 0), merchant.currency),
            commission=Money(int(row["commission"] or 0), merchant.currency),
        )
        for row in rows
    ]


def waiting_in(merchant: Merchant, *, since: datetime) -> Waiting:
    """What needs somebody; requests that went wrong count since an instant."""
    wrong = dict(
        InboxRequest.objects.filter(merchant=merchant, received_at__gte=since, verdict__in=["rejected", "quarantined"])
        .values_list("verdict")
        .annotate(count=Count("pk"))
    )
    return Waiting(
        applications=Enrolment.objects.filter(program__merchant=merchant, status=Enrolment.Status.APPLIED).count(),
        held=Conversion.objects.filter(merchant=merchant, verdict=_V.HELD).count(),
        refused=wrong.get("rejected", 0),
        set_aside=wrong.get("quarantined", 0),
    )


def conversions_in(merchant: Merchant, question: ConversionFilter) -> QuerySet[Conversion]:
    """A merchant's orders that the question asks for, latest first."""
    found: QuerySet[Conversion] = Conversion.objects.filter(merchant=merchant)
    found = found.filter(is_test=question.view == "test")
    if question.view == "review":
        found = found.filter(verdict__in=[_V.HELD, _V.REJECTED])
    elif question.view == "refunded":
        found = found.filter(refunded_minor__gt=0)
    elif question.view == "zero":
        found = found.filter(verdict=_V.ACCEPTED).exclude(Exists(_costs_of().filter(amount_minor__gt=0)))
    if question.verdict:
        found = found.filter(verdict=question.verdict)
    if question.span is not None:
        found = found.filter(occurred_at__gte=question.span.start, occurred_at__lt=question.span.end)
    if question.program:
        found = found.filter(program__slug=question.program)
    if question.text:
        found = found.filter(Q(order_ref__icontains=question.text) | Q(coupon__iexact=question.text))
    if question.partner:
        found = found.filter(Exists(_costs_of().filter(affiliate=_affiliate(question.partner))))
    if question.state in COMMISSION_STATES:
        found = found.filter(Exists(in_state(_costs_of(), question.state)))
    return found.order_by("-occurred_at", "-id")


def rows_of(conversions: QuerySet[Conversion], *, at: datetime | None = None) -> list[ConversionRow]:
    """The list's rows; a fixed number of queries."""
    own = Prefetch("commissions", Commission.objects.select_related("affiliate").order_by("pk"))
    loaded = list(conversions.prefetch_related(own))
    states = states_of([cost for one in loaded for cost in one.commissions.all()], at=at)
    return [_row(one, states) for one in loaded]


def totals_of(conversions: QuerySet[Conversion]) -> list[Totals]:
    """The sums of all the orders that a question asks for, by currency."""
    plain = conversions.order_by()
    orders = plain.values("currency").annotate(number=Count("pk"), revenue=Sum(_KEPT), given_back=Sum("refunded_minor"))
    costs = dict(
        Commission.objects.filter(conversion__in=plain.values("pk"))
        .values_list("currency")
        .annotate(sum=Sum(_LEFT))
        .order_by()
    )
    return [
        Totals(
            currency=row["currency"],
            orders=row["number"],
            revenue=Money(int(row["revenue"] or 0), row["currency"]),
            refunded=Money(int(row["given_back"] or 0), row["currency"]),
            commission=Money(int(costs.get(row["currency"]) or 0), row["currency"]),
        )
        for row in orders.order_by("currency")
    ]


def brought_by(enrolments: Iterable[Enrolment]) -> dict[UUID, Brought]:
    """What each place brought so far, in its program's currency."""
    places = {one.pk: one.program.currency for one in enrolments}
    rows = (
        Commission.objects.filter(enrolment__in=places)
        .values("enrolment")
        .annotate(
            # What was added after a payout is a commission of its own, and no second order.
            orders=Count("pk", filter=Q(number=1)),
            revenue=Sum(F("conversion__amount_minor") - F("conversion__refunded_minor"), filter=Q(number=1)),
            commission=Sum(_LEFT),
        )
        .order_by()
    )
    found = {
        row["enrolment"]: Brought(
            row["orders"],
            Money(int(row["revenue"] or 0), places[row["enrolment"]]),
            Money(int(row["commission"] or 0), places[row["enrolment"]]),
        )
        for row in rows
    }
    return {
        key: found.get(key, Brought(0, Money.zero(currency), Money.zero(currency))) for key, currency in places.items()
    }


def partners_in(merchant: Merchant) -> list[tuple[str, str]]:
    """Everybody with a place in one of the merchant's programs, by name: (public id, name)."""
    rows = (
        Affiliate.objects.filter(enrolments__program__merchant=merchant)
        .exclude(enrolments__status__in=["applied", "declined"])
        .distinct()
        .order_by("name")
    )
    return [(affiliate.public_id, affiliate.name) for affiliate in rows]


def _counted(merchant: Merchant, span: Span) -> QuerySet[Conversion]:
    found: QuerySet[Conversion] = Conversion.objects.filter(
        merchant=merchant, currency=merchant.currency, verdict=_V.ACCEPTED, is_test=False,
        occurred_at__gte=span.start, occurred_at__lt=span.end,
    )  # fmt: skip
    return found


def _costs(merchant: Merchant, span: Span) -> QuerySet[Commission]:
    found: QuerySet[Commission] = Commission.objects.filter(
        merchant=merchant, currency=merchant.currency,
        conversion__occurred_at__gte=span.start, conversion__occurred_at__lt=span.end,
    )  # fmt: skip
    return found


def _costs_of() -> QuerySet[Commission]:
    found: QuerySet[Commission] = Commission.objects.filter(conversion=OuterRef("pk"))
    return found


def _by_day(rows: QuerySet[Any], day: TruncDate, amount: Any) -> dict[date, int]:
    sums = rows.annotate(of_day=day).values("of_day").annotate(sum=Sum(amount)).order_by()
    return {row["of_day"]: int(row["sum"] or 0) for row in sums}


def _affiliate(public_id: str) -> Affiliate | None:
    return affiliates_by_id([public_id]).get(public_id)


def _row(one: Conversion, states: dict[UUID, MoneyState]) -> ConversionRow:
    return ConversionRow(
        id=one.public_id,
        order_ref=one.order_ref,
        event=one.event,
        occurred_at=one.occurred_at,
        amount=one.amount,
        refunded=one.refunded,
        verdict=one.verdict,
        reason=one.reason,
        is_test=one.is_test,
        costs=tuple(
            Cost(cost.public_id, cost.affiliate.public_id, cost.affiliate.name, cost.remaining, states[cost.pk])
            for cost in one.commissions.all()
        ),
    )
