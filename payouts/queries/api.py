"""What the API shows, by whose key asks: lists newest first, the whole decision, and performance."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.fields import TextField
from django.db.models.functions import Cast, TruncDate

from affiliates.models import Affiliate, Enrolment, Merchant, Program
from ledger.entries import entries_about
from ledger.money import Money
from payouts.models import Commission, Payout, PayoutItem
from tracking.models import Click, ClickCount, Link

#: What a performance report can be grouped by.
GROUPS = ("day", "affiliate", "program", "link")

_LEFT = F("amount_minor") - F("reversed_minor")


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose figures: a merchant's or an affiliate's."""

    merchant: Merchant | None = None
    affiliate: Affiliate | None = None

    def of_commissions(self) -> Q:
        """Their commissions."""
        return Q(merchant=self.merchant) if self.merchant else Q(affiliate=self.affiliate)


@dataclass(slots=True)
class PerformanceRow:
    """One group of a report: its clicks, and by currency its orders, revenue and commission."""

    key: str
    name: str = ""
    clicks: int = 0
    counted: int = 0
    totals: dict[str, tuple[int, Money, Money]] = field(default_factory=dict)

    @property
    def orders(self) -> int:
        """The orders of all currencies."""
        return sum(orders for orders, _revenue, _commission in self.totals.values())


def enrolments_for_api(merchant: Merchant) -> QuerySet[Enrolment]:
    """The places in a merchant's programs, newest first."""
    found: QuerySet[Enrolment] = Enrolment.objects.filter(program__merchant=merchant).order_by("-id")
    return found


def commissions_for_api(scope: Scope) -> QuerySet[Commission]:
    """Commissions, newest first, with the order each is for."""
    found: QuerySet[Commission] = (
        Commission.objects.filter(scope.of_commissions()).select_related("conversion", "merchant").order_by("-id")
    )
    return found


def payouts_for_api(scope: Scope) -> QuerySet[Payout]:
    """Payouts, newest first; `part_minor` is the merchant's part, or the whole amount for an affiliate."""
    if scope.affiliate is not None:
        return (
            Payout.objects.filter(affiliate=scope.affiliate)
            .select_related("run")
            .annotate(part_minor=F("amount_minor"))
            .order_by("-id")
        )
    own = Q(items__commission__merchant=scope.merchant, items__released_at=None)
    return (
        Payout.objects.filter(own)
        .select_related("run")
        .annotate(part_minor=Sum("items__amount_minor", filter=own))
        .order_by("-id")
    )


def live_payouts_of(commissions: Iterable[Commission]) -> dict[UUID, UUID]:
    """The live payout of each commission that is in one."""
    keys = [commission.pk for commission in commissions]
    items = PayoutItem.objects.filter(commission__in=keys, released_at=None)
    return dict(items.values_list("commission_id", "payout_id"))


def decision_on(commission: Commission) -> dict[str, Any]:
    """The whole decision over one commission as JSON values: rule, conditions, base, rounding, FX, entries."""
    version = commission.rule_line.rule_version
    trace = commission.trace
    applied = {"line": trace["line"], "name": trace["line_name"], "applied": True, "why": "first_that_fits"}
    others = [
        {"line": row["line"], "name": row["name"], "applied": False, "why": row["why"],
         "wants": row.get("wants"), "is": row.get("is")}
        for row in trace.get("did_not_apply", [])
    ]  # fmt: skip
    return {
        "commission": commission.public_id,
        "rule": {
            "id": version.public_id,
            "version": version.version,
            "in_force_from": version.starts_at.isoformat(),
            "conditions": sorted([applied, *others], key=lambda row: int(row["line"] or 0)),
        },
        "terms": {key: trace.get(key) for key in ("terms_version", "window_days", "hold_days", "basis")},
        "base": {"steps": trace["base_steps"], "amount": trace["base"], "currency": trace["currency"]},
        "price": {
            "kind": trace["kind"],
            "rate": trace["rate"],
            "amount": trace["amount"],
            "rounding": trace["rounding"],
        },
        "fx": None,
        "entries": [
            {
                "reference": entry.reference,
                "kind": entry.kind,
                "at": entry.effective_at.isoformat(),
                "moves": [
                    {
                        "debit": posting.debit.name,
                        "credit": posting.credit.name,
                        "amount": posting.amount.major,
                        "currency": posting.currency,
                    }
                    for posting in sorted(entry.postings.all(), key=lambda posting: posting.number)
                ],
            }
            for entry in entries_about(commission.public_id)
        ],
    }


def performance_of(
    scope: Scope, *, start: datetime, end: datetime, group_by: str, zone: str = "UTC"
) -> list[PerformanceRow]:
    """Clicks, orders, revenue and commission by day, affiliate, program or link.

    Orders count by when they happened; revenue is what refunds left, commission what reversals
    left. Conversion rate = orders / clicks that count.
    """
    rows: dict[str, PerformanceRow] = {}
    tz = ZoneInfo(zone)
    _add_clicks(rows, scope, start, end, group_by, tz)
    _add_orders(rows, scope, start, end, group_by, tz)
    found = list(rows.values())
    if group_by != "day":
        _name_rows(found, group_by)
        return sorted(found, key=lambda row: (-row.orders, -row.counted, row.key))
    return sorted(found, key=lambda row: row.key)


def _add_clicks(
    rows: dict[str, PerformanceRow], scope: Scope, start: datetime, end: datetime, group_by: str, zone: ZoneInfo
) -> None:
    clicks = ClickCount.objects.filter(hour__gte=start, hour__lt=end)
    if scope.merchant is not None:
        clicks = clicks.filter(program_id__in=list(scope.merchant.programs.values_list("pk", flat=True)))
    elif scope.affiliate is not None:
        clicks = clicks.filter(affiliate_id=scope.affiliate.pk)
    else:
        return
    key = TruncDate("hour", tzinfo=zone) if group_by == "day" else F(f"{group_by}_id")
    sums = (
        clicks.annotate(group=Cast(key, TextField()))
        .values("group")
        .annotate(all=Sum("clicks"), good=Sum("counted"))
        .order_by()
    )
    for row in sums:
        found = rows.setdefault(row["group"], PerformanceRow(row["group"]))
        found.clicks, found.counted = int(row["all"]), int(row["good"])


def _add_orders(
    rows: dict[str, PerformanceRow], scope: Scope, start: datetime, end: datetime, group_by: str, zone: ZoneInfo
) -> None:
    commissions = Commission.objects.filter(
        scope.of_commissions(), conversion__occurred_at__gte=start, conversion__occurred_at__lt=end
    )
    click = Click.objects.filter(pk=OuterRef("conversion__attribution__click_id"))
    key: Any = {
        "day": TruncDate("conversion__occurred_at", tzinfo=zone),
        "affiliate": F("affiliate_id"),
        "program": F("program_id"),
        "link": Subquery(click.values("link_id")[:1]),
    }[group_by]
    sums = (
        commissions.annotate(group=Cast(key, TextField()))
        .values("group", "currency")
        .annotate(
            # What was added after a payout is a commission of its own, and no second order.
            orders=Count("pk", filter=Q(number=1)),
            revenue=Sum(F("conversion__amount_minor") - F("conversion__refunded_minor"), filter=Q(number=1)),
            commission=Sum(_LEFT),
        )
        .order_by()
    )
    for row in sums.exclude(group=None):
        _add(rows, row["group"], row["currency"], row["orders"], int(row["revenue"] or 0), int(row["commission"] or 0))


def _add(rows: dict[str, PerformanceRow], key: str, currency: str, orders: int, revenue: int, commission: int) -> None:
    found = rows.setdefault(key, PerformanceRow(key))
    zero = (0, Money.zero(currency), Money.zero(currency))
    known_orders, known_revenue, known_commission = found.totals.get(currency, zero)
    found.totals[currency] = (
        known_orders + orders,
        known_revenue + Money(revenue, currency),
        known_commission + Money(commission, currency),
    )


def _name_rows(rows: list[PerformanceRow], group_by: str) -> None:
    """Put public ids and names in the place of keys."""
    model: Any = {"affiliate": Affiliate, "program": Program, "link": Link}[group_by]
    known = {str(one.pk): one for one in model.objects.filter(pk__in=[row.key for row in rows])}
    for row in rows:
        one = known.get(row.key)
        row.key = one.public_id if one else row.key
        row.name = str(one) if one else ""
