"""What the finance desk shows of runs and payouts: totals, findings, failures, needs. Fixed numbers of queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import (
    Aggregate,
    BigIntegerField,
    Count,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)

from ledger.money import Money
from payouts.fraud.lines import has_suspicion
from payouts.models import Payout, PayoutAttempt, PayoutItem, PayoutRun
from payouts.protocol import FREED, NO_FUNDS

_P = Payout.State
_R = PayoutRun.Status

OPEN_RUNS = (_R.PREPARED, _R.SUBMITTED, _R.APPROVED, _R.SENDING)
#: Payouts that have not left yet, in the order of their life.
TO_GO = (_P.READY, _P.SENDING, _P.UNSURE)
#: What deserves a look before a run is submitted, in the order it is shown.
FINDINGS = ("fraud_suspected", "first_payout", "above_median", "method_changed", "large")
#: More than this many times the median of the affiliate's former payouts.
ABOVE_MEDIAN = 3
#: More than this many times the median of the run.
LARGE = 5


class Median(Aggregate):
    """The lower middle of whole numbers (percentile_disc of PostgreSQL)."""

    function = "percentile_disc"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = BigIntegerField()


@dataclass(slots=True)
class RunTotal:
    """A run's payouts in one currency: how many stand where, and how much that is."""

    currency: str
    counts: dict[str, int] = field(default_factory=dict)
    minors: dict[str, int] = field(default_factory=dict)
    netted_minor: int = 0

    def add(self, place: str, *, count: int, minor: int, netted: int) -> None:
        """Add payouts that stand at one of `PLACES`."""
        self.counts[place] = self.counts.get(place, 0) + count
        self.minors[place] = self.minors.get(place, 0) + minor
        self.netted_minor += netted if place != "back" else 0

    def money(self, *places: str) -> Money:
        """How much stands at these places; at all but `back` when none is named."""
        wanted = places or STANDING
        return Money(sum(self.minors.get(place, 0) for place in wanted), self.currency)

    def count(self, *places: str) -> int:
        """How many stand at these places; at all but `back` when none is named."""
        return sum(self.counts.get(place, 0) for place in places or STANDING)

    @property
    def total(self) -> Money:
        """Everything the run pays or has paid in this currency."""
        return self.money()

    @property
    def payouts(self) -> int:
        """How many payouts that is."""
        return self.count()

    @property
    def netted(self) -> Money:
        """What was kept back for orders that came back."""
        return Money(self.netted_minor, self.currency)


#: Where a payout can stand, as finance counts: on its way out, held here, at Stripe, settled.
STANDING = ("to_go", "held", "sent", "paid")
PLACES = (*STANDING, "back")


@dataclass(frozen=True, slots=True)
class Failure:
    """The payouts that one cause stopped."""

    cause: str
    is_held: bool
    payouts: int
    amounts: tuple[Money, ...]
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run in a list, with its totals by currency."""

    run: PayoutRun
    totals: tuple[RunTotal, ...]

    @property
    def last_day(self) -> datetime:
        """The last instant of the period, whose end is half-open."""
        return self.run.ends_at - timedelta(microseconds=1)

    @property
    def payouts(self) -> int:
        """How many payouts stand in it."""
        return sum(total.payouts for total in self.totals)


def place_of(state: str, block_reason: str) -> str:
    """Where a payout stands: one of `PLACES`."""
    if state == _P.BLOCKED:
        return "back" if block_reason in FREED else "held"
    return {_P.SENT: "sent", _P.PAID: "paid", _P.CANCELLED: "back"}.get(_P(state), "to_go")


def runs(*, status: str = "") -> QuerySet[PayoutRun]:
    """The runs, latest period first."""
    found = PayoutRun.objects.select_related("prepared_by", "submitted_by", "approved_by", "sent_by")
    if status == "open":
        found = found.filter(status__in=OPEN_RUNS)
    elif status:
        found = found.filter(status=status)
    return found.order_by("-ends_at", "-prepared_at")


def with_totals(found: Iterable[PayoutRun]) -> list[RunRow]:
    """Runs with their totals, in one query more."""
    rows = list(found)
    totals = _totals(Payout.objects.filter(run__in=[run.pk for run in rows]))
    return [RunRow(run, tuple(totals.get(run.pk, ()))) for run in rows]


def totals_of(run: PayoutRun) -> list[RunTotal]:
    """A run's totals by currency."""
    return _totals(Payout.objects.filter(run=run)).get(run.pk, [])


def run_before(run: PayoutRun) -> PayoutRun | None:
    """The run of the period before, for comparison."""
    return PayoutRun.objects.filter(ends_at__lt=run.ends_at).exclude(status=_R.CANCELLED).order_by("-ends_at").first()


def run_of_period(ends_at: datetime) -> PayoutRun | None:
    """The run that reaches to an instant or beyond, if somebody prepared one."""
    return PayoutRun.objects.filter(ends_at__gte=ends_at).exclude(status=_R.CANCELLED).order_by("ends_at").first()


def free_label(wanted: str) -> str:
    """A name that no run has: the wanted one, or one with a number behind it."""
    taken = set(
        PayoutRun.objects.filter(label__startswith=wanted).exclude(status=_R.CANCELLED).values_list("label", flat=True)
    )
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return next(label for label in (wanted, *numbered) if label not in taken)


def lines_of(run: PayoutRun) -> QuerySet[Payout]:
    """A run's payouts, each with the marks that `findings_of` reads."""
    former = (
        Payout.objects.filter(
            affiliate=OuterRef("affiliate"),
            currency=OuterRef("currency"),
            state=_P.PAID,
            created_at__lt=OuterRef("created_at"),
        )
        .order_by()
        .values("affiliate")
    )
    last = former.order_by("-created_at")
    return (
        Payout.objects.filter(run=run)
        .select_related("affiliate", "method", "run")
        .annotate(
            is_suspected=has_suspicion(),
            former_median=Subquery(former.annotate(median=Median("amount_minor")).values("median")),
            last_fingerprint=Subquery(last.values("fingerprint")[:1]),
            commissions=Subquery(
                PayoutItem.objects.filter(payout=OuterRef("pk"))
                .order_by()
                .values("payout")
                .annotate(n=Count("pk"))
                .values("n")
            ),
        )
    )


def findings_filter(run: PayoutRun, name: str = "") -> Q:
    """The lines of a run with one finding of FINDINGS, or with any when none is named. One query at most."""
    conditions = {
        "fraud_suspected": Q(is_suspected=True),
        "first_payout": Q(former_median=None),
        "above_median": Q(amount_minor__gt=F("former_median") * ABOVE_MEDIAN),
        "method_changed": Q(last_fingerprint__isnull=False) & ~Q(last_fingerprint=F("fingerprint")),
    }
    if name in conditions:
        return conditions[name]
    # Only this one asks the database.
    conditions["large"] = _large(run)
    if name:
        return conditions[name]
    any_of = Q()
    for condition in conditions.values():
        any_of |= condition
    return any_of


def finding_counts(run: PayoutRun) -> dict[str, int]:
    """How many standing lines have each finding; `any` for any of them, `clean` for none."""
    standing = lines_of(run).exclude(state=_P.CANCELLED)
    found: dict[str, int] = standing.aggregate(
        any=Count("pk", filter=findings_filter(run)),
        everything=Count("pk"),
        **{name: Count("pk", filter=findings_filter(run, name)) for name in FINDINGS},
    )
    return {**found, "clean": found["everything"] - found["any"]}


def findings_of(payout: Payout, *, large_from: dict[str, int]) -> list[str]:
    """What deserves a look about a line of `lines_of`; `large_from` is that of `large_amounts`."""
    marks: Any = payout
    found = ["fraud_suspected"] if marks.is_suspected else []
    if marks.former_median is None:
        found.append("first_payout")
    elif payout.amount_minor > marks.former_median * ABOVE_MEDIAN:
        found.append("above_median")
    if marks.last_fingerprint is not None and marks.last_fingerprint != payout.fingerprint:
        found.append("method_changed")
    if payout.amount_minor > large_from.get(payout.currency, payout.amount_minor):
        found.append("large")
    return found


def large_amounts(run: PayoutRun) -> dict[str, int]:
    """Above which amount, in minor units by currency, a line of the run is large."""
    medians = Payout.objects.filter(run=run).order_by().values("currency").annotate(median=Median("amount_minor"))
    return {row["currency"]: row["median"] * LARGE for row in medians}


def former_median(payout: Payout) -> Money | None:
    """The median of the affiliate's former payouts, of a line of `lines_of`; None for the first."""
    median: int | None = getattr(payout, "former_median", None)
    return None if median is None else Money(median, payout.currency)


def standing_at(place: str) -> Q:
    """The payouts that stand at one of `PLACES`."""
    given_back = Q(state=_P.BLOCKED, block_reason__in=FREED)
    conditions = {
        "to_go": Q(state__in=TO_GO),
        "held": Q(state=_P.BLOCKED) & ~Q(block_reason__in=FREED),
        "sent": Q(state=_P.SENT),
        "paid": Q(state=_P.PAID),
        "back": Q(state=_P.CANCELLED) | given_back,
    }
    return conditions[place]


def sums_of(payouts: QuerySet[Payout]) -> list[Money]:
    """What payouts add up to, by currency; those given back count for nothing."""
    rows = (
        payouts.exclude(standing_at("back")).order_by("currency").values("currency").annotate(sum=Sum("amount_minor"))
    )
    return [Money(int(row["sum"]), row["currency"]) for row in rows]


def sums_of_all(payouts: QuerySet[Payout]) -> list[Money]:
    """What payouts add up to, by currency, wherever they stand."""
    rows = payouts.order_by("currency").values("currency").annotate(sum=Sum("amount_minor"))
    return [Money(int(row["sum"]), row["currency"]) for row in rows]


def needs() -> dict[str, Money]:
    """What open runs still have to send, by currency."""
    waiting = Payout.objects.filter(run__status__in=OPEN_RUNS).filter(
        Q(state__in=TO_GO) | Q(state=_P.BLOCKED, block_reason=NO_FUNDS)
    )
    sums = waiting.order_by().values("currency").annotate(sum=Sum("amount_minor"))
    return {row["currency"]: Money(int(row["sum"]), row["currency"]) for row in sums}


def failing(*, since: datetime, cause: str = "") -> QuerySet[Payout]:
    """Payouts that did not go through: held ones, ones without an answer, and since then ones given back."""
    given_back = Q(state=_P.BLOCKED, block_reason__in=FREED, run__sent_at__gte=since)
    found = Payout.objects.filter(Q(state=_P.UNSURE) | (Q(state=_P.BLOCKED) & ~Q(block_reason__in=FREED)) | given_back)
    if cause == "unsure":
        found = found.filter(state=_P.UNSURE)
    elif cause:
        found = found.filter(state=_P.BLOCKED, block_reason=cause)
    return found.select_related("affiliate", "run", "method").order_by("-created_at", "pk")


def failures(*, since: datetime) -> list[Failure]:
    """The failing payouts by cause: held ones first, then the most."""
    rows = (
        failing(since=since)
        .order_by()
        .values("state", "block_reason", "currency")
        .annotate(count=Count("pk"), sum=Sum("amount_minor"), oldest=Min("created_at"))
    )
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        cause = "unsure" if row["state"] == _P.UNSURE else row["block_reason"]
        grouped.setdefault(cause, []).append(dict(row))
    found = [
        Failure(
            cause=cause,
            is_held=cause not in FREED,
            payouts=sum(row["count"] for row in parts),
            amounts=tuple(
                Money(int(row["sum"]), row["currency"]) for row in sorted(parts, key=lambda row: row["currency"])
            ),
            oldest_at=min(row["oldest"] for row in parts),
        )
        for cause, parts in grouped.items()
    ]
    return sorted(found, key=lambda one: (not one.is_held, -one.payouts, one.cause))


def attempts_of(payout: Payout) -> Sequence[PayoutAttempt]:
    """The tries to send a payout, first to last."""
    return list(PayoutAttempt.objects.filter(payout=payout).order_by("fence"))


def items_of(payout: Payout) -> QuerySet[PayoutItem]:
    """The commissions in a payout, oldest order first."""
    return (
        PayoutItem.objects.filter(payout=payout)
        .select_related("commission__conversion", "commission__program", "commission__merchant")
        .order_by("commission__conversion__occurred_at", "pk")
    )


def other_payouts_of(payout: Payout, *, limit: int = 12) -> list[Payout]:
    """The affiliate's other payouts of the currency, latest first."""
    return list(
        Payout.objects.filter(affiliate=payout.affiliate_id, currency=payout.currency)
        .exclude(pk=payout.pk)
        .select_related("run")
        .order_by("-created_at")[:limit]
    )


def run_labels(public_ids: Iterable[str]) -> dict[str, str]:
    """What runs are called, by public id; unknown ones are left out."""
    keys = [PayoutRun.key_of(one) for one in public_ids]
    return {run.public_id: run.label for run in PayoutRun.objects.filter(pk__in=keys).only("label")}


def runs_called(text: str) -> list[str]:
    """The public ids of runs whose label holds a text."""
    return [run.public_id for run in PayoutRun.objects.filter(label__icontains=text).only("pk")[:100]]


def _totals(payouts: QuerySet[Payout]) -> dict[UUID, list[RunTotal]]:
    rows = (
        payouts.order_by("currency")
        .values("run_id", "currency", "state", "block_reason")
        .annotate(count=Count("pk"), sum=Sum("amount_minor"), netted=Sum("netted_minor"))
    )
    found: dict[tuple[UUID, str], RunTotal] = {}
    for row in rows:
        total = found.setdefault((row["run_id"], row["currency"]), RunTotal(row["currency"]))
        place = place_of(row["state"], row["block_reason"])
        total.add(place, count=row["count"], minor=int(row["sum"]), netted=int(row["netted"]))
    by_run: dict[UUID, list[RunTotal]] = {}
    for (run, _currency), total in sorted(found.items(), key=lambda pair: pair[0][1]):
        by_run.setdefault(run, []).append(total)
    return by_run


def _large(run: PayoutRun) -> Q:
    condition = Q(pk__in=[])
    for currency, minor in large_amounts(run).items():
        condition |= Q(currency=currency, amount_minor__gt=minor)
    return condition
