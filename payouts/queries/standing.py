"""What an affiliate has: available, pending, on its way, paid, and what comes when; from the book's own balances."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Self

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDate, TruncMonth

from affiliates.models import Affiliate
from ledger.accounts import balances_of
from ledger.money import Money
from payouts.models import Commission, Payout, PayoutItem
from payouts.queries.states import expected_payout_at

_LEFT = F("amount_minor") - F("reversed_minor")
_P = Payout.State
_ON_THE_WAY = (_P.READY, _P.SENDING, _P.UNSURE, _P.SENT)


@dataclass(frozen=True, slots=True)
class Coming:
    """What is expected on one pay day, in one currency: certain (approved) and still on hold.

    `is_enough` says whether it reaches the smallest payout, with what earlier days left over; if
    not it waits for the next. `covers` counts the sales of all days that are then paid together.
    """

    at: datetime
    certain: Money
    pending: Money
    sales: int
    is_enough: bool = True
    covers: int = 0

    @property
    def expected(self) -> Money:
        """Both together."""
        return self.certain + self.pending


@dataclass(frozen=True, slots=True)
class Standing:
    """An affiliate's money in one currency, from the book's own balances.

    `available` = `approved` (commissions) + `carried` (left over by earlier payouts) − `recoverable`
    (paid for orders that came back). `pending_peak` is the day on which the largest part clears.
    """

    currency: str
    available: Money
    approved: Money
    carried: Money
    recoverable: Money
    pending: Money
    on_the_way: Money
    paid_this_year: Money
    minimum: Money
    #: Approved, and kept back until the dispute over its order is over: in none of the other sums.
    disputed: Money
    approved_sales: int = 0
    pending_sales: int = 0
    payouts_this_year: int = 0
    pending_peak: tuple[date, Money] | None = None
    coming: tuple[Coming, ...] = ()
    #: Whether anything was ever to be recovered in this currency.
    has_taken_back: bool = False

    @classmethod
    def nothing(cls, currency: str) -> Self:
        """Nothing earned yet."""
        zero = Money.zero(currency)
        return cls(currency, zero, zero, zero, zero, zero, zero, zero, minimum_of(currency), zero)


@dataclass(slots=True)
class _Sums:
    """Sums by currency while they are put together."""

    pending: dict[str, list[tuple[date, int, int]]] = field(default_factory=lambda: defaultdict(list))
    approved: dict[str, list[tuple[datetime, int, int]]] = field(default_factory=lambda: defaultdict(list))
    disputed: dict[str, int] = field(default_factory=dict)
    paid: dict[str, tuple[int, int]] = field(default_factory=dict)
    on_the_way: dict[str, int] = field(default_factory=dict)


def minimum_of(currency: str) -> Money:
    """The smallest payout in a currency."""
    return Money(settings.PAYOUT_MINIMUMS.get(currency, 1), currency)


def standings_of(affiliate: Affiliate, *, at: datetime) -> list[Standing]:
    """The affiliate's money by currency, the currency with the most sales first; six queries."""
    every = Commission.objects.filter(affiliate=affiliate, amount_minor__gt=0)
    own = every.filter(conversion__is_disputed=False)
    balances = balances_of(affiliate.owner_name)
    sums = _Sums()
    for row in _by_day(own.filter(status=Commission.Status.PENDING), TruncDate("due_at")):
        sums.pending[row["currency"]].append((row["when"], int(row["sum"]), row["sales"]))
    for row in _by_day(
        own.filter(status=Commission.Status.APPROVED).exclude(_in_payout()), TruncMonth("approved_at", tzinfo=UTC)
    ):
        sums.approved[row["currency"]].append((row["when"], int(row["sum"]), row["sales"]))
    waiting = every.filter(status=Commission.Status.APPROVED, conversion__is_disputed=True).exclude(_in_payout())
    sums.disputed = dict(waiting.values_list("currency").annotate(sum=Sum(_LEFT)))
    payouts = Payout.objects.filter(affiliate=affiliate).values("currency").order_by()
    this_year = Q(state=_P.PAID, settled_at__year=at.year)
    for row in payouts.annotate(
        paid=Sum("amount_minor", filter=this_year),
        number=Count("pk", filter=this_year),
        moving=Sum("amount_minor", filter=Q(state__in=_ON_THE_WAY)),
    ):
        sums.paid[row["currency"]] = (int(row["paid"] or 0), row["number"])
        sums.on_the_way[row["currency"]] = int(row["moving"] or 0)
    currencies = {currency for _kind, currency in balances} | set(sums.paid)
    found = [_standing(currency, balances, sums, at=at) for currency in sorted(currencies)]
    return sorted(found, key=lambda one: (-(one.approved_sales + one.pending_sales), one.currency))


def coming_of(standings: Iterable[Standing]) -> list[Coming]:
    """What is expected of all currencies, by pay day."""
    return sorted(
        (one for standing in standings for one in standing.coming), key=lambda one: (one.at, one.certain.currency)
    )


def _by_day(commissions: QuerySet[Commission], when: Any) -> Iterable[dict[str, Any]]:
    rows: Iterable[Any] = (
        commissions.annotate(when=when)
        .values("currency", "when")
        .annotate(sum=Sum(_LEFT), sales=Count("pk"))
        .order_by("when")
    )
    return rows


def _standing(currency: str, balances: dict[tuple[str, str], Money], sums: _Sums, *, at: datetime) -> Standing:
    nothing = Money.zero(currency)
    payable = balances.get(("payable", currency), nothing)
    recoverable = balances.get(("recoverable", currency), nothing)
    approved = sums.approved.get(currency, [])
    pending = sums.pending.get(currency, [])
    disputed = int(sums.disputed.get(currency, 0))
    approved_minor = sum(minor for _when, minor, _sales in approved)
    free = payable - Money(disputed, currency)
    peak = max(pending, key=lambda row: (row[1], row[0]), default=None)
    paid, number = sums.paid.get(currency, (0, 0))
    return Standing(
        currency=currency,
        available=free - recoverable,
        approved=Money(approved_minor, currency),
        disputed=Money(disputed, currency),
        carried=free - Money(approved_minor, currency),
        recoverable=recoverable,
        pending=balances.get(("pending", currency), nothing),
        on_the_way=Money(sums.on_the_way.get(currency, 0), currency),
        paid_this_year=Money(paid, currency),
        approved_sales=sum(sales for _when, _minor, sales in approved),
        pending_sales=sum(sales for _when, _minor, sales in pending),
        payouts_this_year=number,
        pending_peak=(peak[0], Money(peak[1], currency)) if peak and peak[1] else None,
        minimum=minimum_of(currency),
        coming=_coming(
            currency, approved, pending, left_over=free - Money(approved_minor, currency) - recoverable, at=at
        ),
        has_taken_back=("recoverable", currency) in balances,
    )


def _coming(
    currency: str,
    approved: list[tuple[datetime, int, int]],
    pending: list[tuple[date, int, int]],
    *,
    left_over: Money,
    at: datetime,
) -> tuple[Coming, ...]:
    sums: dict[datetime, list[int]] = defaultdict(lambda: [0, 0, 0])
    for month, minor, sales in approved:
        slot = sums[expected_payout_at(month, at=at)]
        slot[0] += minor
        slot[2] += sales
    for day, minor, sales in pending:
        slot = sums[expected_payout_at(datetime(day.year, day.month, day.day, tzinfo=UTC), at=at)]
        slot[1] += minor
        slot[2] += sales
    coming = []
    waiting, covers = left_over.minor, 0
    for when, (certain, held, sales) in sorted(sums.items()):
        waiting, covers = waiting + certain + held, covers + sales
        is_enough = waiting >= minimum_of(currency).minor
        coming.append(Coming(when, Money(certain, currency), Money(held, currency), sales, is_enough, covers))
        if is_enough:
            waiting, covers = 0, 0
    return tuple(coming)


def _in_payout() -> Exists:
    return Exists(PayoutItem.objects.filter(commission=OuterRef("pk"), released_at=None))
