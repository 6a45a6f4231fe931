"""Every model side by side over a program's orders of a period, and what a draft of the terms would have changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db.models import F, Sum

from affiliates.models import Affiliate, Program
from ledger.money import Money
from payouts.models import Commission
from tracking.attribution.compare import MODELS, Journey, compare, total_of
from tracking.attribution.decide import decide
from tracking.attribution.decisions import ASSIST, Share
from tracking.attribution.paths import lost_journeys, seen_by, sold_journeys
from tracking.attribution.touches import Settings
from tracking.models import Attribution, ClickCount

#: More orders than this are compared at the terminal, not on a screen.
MOST_ORDERS = 10_000
#: Visitors without an order are looked at up to this many clicks.
MOST_CLICKS = 200_000
#: A draft is tried on this many of the latest orders.
TRIED_ORDERS = 300

type Measure = Literal["commission", "revenue"]


@dataclass(frozen=True, slots=True)
class Row:
    """One partner under every model, in the models' order; `paid` is what was really booked."""

    affiliate: str
    name: str
    amounts: tuple[Money, ...]
    paid: Money

    @property
    def largest(self) -> Money:
        """The most that any model gives."""
        return max(self.amounts)


@dataclass(frozen=True, slots=True)
class Compared:
    """All models over the same orders. `total` is every model's sum."""

    models: tuple[str, ...]
    rows: tuple[Row, ...]
    total: Money
    orders: int
    lost_visitors: int
    has_lost: bool
    is_too_large: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """What a draft would have changed for one partner over the orders that were tried."""

    affiliate: str
    name: str
    before: Money
    after: Money

    @property
    def difference(self) -> Money:
        """More (or less) under the draft."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Trial:
    """A draft tried on the latest orders: how many would have gone otherwise, and who would have gained or lost."""

    orders: int
    changed: int
    moved: tuple[Moved, ...]


def compare_models_of(
    program: Program, *, start: datetime, end: datetime, measure: Measure = "commission", is_limited: bool = True
) -> Compared:
    """Every model over the orders of a half-open period; past MOST_ORDERS only when it is not limited."""
    orders = Attribution.objects.filter(
        conversion__program=program,
        conversion__occurred_at__gte=start,
        conversion__occurred_at__lt=end,
        enrolment__isnull=False,
        engine__gt=0,
    ).count()
    if is_limited and orders > MOST_ORDERS:
        return Compared(MODELS, (), Money.zero(program.currency), orders, 0, has_lost=False, is_too_large=True)
    values = _earned(program, start=start, end=end) if measure == "commission" else None
    sold = sold_journeys(program, start=start, end=end, values=values)
    has_lost = not is_limited or _clicks(program, start=start, end=end) <= MOST_CLICKS
    lost = lost_journeys(program, start=start, end=end) if has_lost else []
    paid = _paid(program, start=start, end=end)
    return side_by_side(sold, lost, currency=program.currency, paid=paid, has_lost=has_lost)


def side_by_side(
    sold: Sequence[Journey],
    lost: Sequence[Journey] = (),
    *,
    currency: str,
    paid: Mapping[str, Money] | None = None,
    has_lost: bool = True,
    models: tuple[str, ...] = MODELS,
) -> Compared:
    """The table of every model, the partner with the most under any model first."""
    journeys = [*sold, *lost]
    money = compare(journeys, models=models)
    zero = Money.zero(currency)
    known = {partner for found in money.values() for partner in found} | set(paid or {})
    names = _names(known)
    rows = [
        Row(
            partner,
            names.get(partner, partner),
            tuple(money[model].get(partner, zero) for model in models),
            (paid or {}).get(partner, zero),
        )
        for partner in known
    ]
    rows.sort(key=lambda row: (-row.largest.minor, row.name, row.affiliate))
    return Compared(
        models,
        tuple(rows),
        total_of(sold) or zero,
        sum(one.orders for one in sold),
        sum(one.nothing for one in journeys),
        has_lost=has_lost,
    )


def try_draft(program: Program, draft: Mapping[str, Any], *, at: datetime) -> Trial:
    """The latest orders decided again under a draft of the terms' attribution.

    `draft` has the names of Settings. Touches that were not looked for at the time (other devices, bound
    customers) are not in it. Nothing is written.
    """
    latest = list(
        Attribution.objects.filter(conversion__program=program, conversion__is_test=False, engine__gt=0)
        .select_related("conversion")
        .order_by("-conversion__occurred_at")[:TRIED_ORDERS]
    )
    worth = _worth(latest)
    before: dict[str, Money] = {}
    after: dict[str, Money] = {}
    changed = 0
    for one in latest:
        inputs = seen_by(one)
        again = decide(replace(inputs, settings=tuple(_drafted(found, program, draft) for found in inputs.settings)))
        was = decide(inputs)
        value = worth.get(one.conversion_id, Money.zero(program.currency))
        changed += _weights(was.shares) != _weights(again.shares)
        _give(before, was.shares, value)
        _give(after, again.shares, value)
    names = _names(before.keys() | after.keys())
    zero = Money.zero(program.currency)
    moved = [
        Moved(key, names.get(key, key), before.get(key, zero), after.get(key, zero))
        for key in before.keys() | after.keys()
        if before.get(key, zero) != after.get(key, zero)
    ]
    moved.sort(key=lambda one: (-abs(one.difference.minor), one.name))
    return Trial(len(latest), changed, tuple(moved))


def _drafted(settings: Settings, program: Program, draft: Mapping[str, Any]) -> Settings:
    return replace(settings, **draft) if settings.program == program.public_id else settings


def _weights(shares: Sequence[Share]) -> dict[str, object]:
    return {share.affiliate: share.weight for share in shares if share.role != ASSIST}


def _give(to: dict[str, Money], shares: Sequence[Share], value: Money) -> None:
    winners = [share for share in shares if share.role != ASSIST]
    if winners:
        for share, part in zip(winners, value.split([share.weight for share in winners]), strict=True):
            to[share.affiliate] = to[share.affiliate] + part if share.affiliate in to else part


def _worth(latest: Sequence[Attribution]) -> dict[UUID, Money]:
    """What an order's commission was (without assists); for orders that earned nothing, nothing."""
    rows = (
        Commission.objects.filter(conversion__in=[one.conversion_id for one in latest])
        .exclude(role=Commission.Role.ASSIST)
        .values("conversion_id", "currency")
        .annotate(minor=Sum("amount_minor"))
    )
    return {row["conversion_id"]: Money(row["minor"], row["currency"]) for row in rows}


def _earned(program: Program, *, start: datetime, end: datetime) -> dict[UUID, Money]:
    rows = (
        _commissions(program, start=start, end=end)
        .values("conversion_id")
        .annotate(minor=Sum(F("amount_minor") - F("reversed_minor")))
    )
    return {row["conversion_id"]: Money(row["minor"], program.currency) for row in rows}


def _paid(program: Program, *, start: datetime, end: datetime) -> dict[str, Money]:
    rows = (
        _commissions(program, start=start, end=end)
        .values("affiliate_id")
        .annotate(minor=Sum(F("amount_minor") - F("reversed_minor")))
    )
    return {
        Affiliate(pk=row["affiliate_id"]).public_id: Money(row["minor"], program.currency)
        for row in rows
        if row["minor"]
    }


def _commissions(program: Program, *, start: datetime, end: datetime) -> Any:
    """The commissions that models share: assists are beside them, claims are nobody's decision."""
    return Commission.objects.filter(
        program=program,
        conversion__occurred_at__gte=start,
        conversion__occurred_at__lt=end,
        conversion__attribution__engine__gt=0,
    ).exclude(role=Commission.Role.ASSIST)


def _clicks(program: Program, *, start: datetime, end: datetime) -> int:
    found = ClickCount.objects.filter(program_id=program.pk, hour__gte=start, hour__lt=end).aggregate(sum=Sum("clicks"))
    return int(found["sum"] or 0)


def _names(partners: set[str]) -> dict[str, str]:
    keys = []
    for partner in partners:
        try:
            keys.append(Affiliate.key_of(partner))
        except ValueError:
            continue  # a name out of a file of paths
    return {one.public_id: one.name for one in Affiliate.objects.filter(pk__in=keys)} if keys else {}


__all__ = ["MOST_ORDERS", "Compared", "Moved", "Row", "Trial", "compare_models_of", "side_by_side", "try_draft"]
