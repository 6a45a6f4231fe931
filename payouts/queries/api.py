"""What the API shows, by whose key asks: lists newest first, the whole decision, and performance."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum

from affiliates.models import Affiliate, Enrolment, Merchant
from ledger.entries import entries_about
from payouts.models import Commission, Payout, PayoutItem


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose figures: a merchant's or an affiliate's."""

    merchant: Merchant | None = None
    affiliate: Affiliate | None = None

    def of_commissions(self) -> Q:
        """Their commissions."""
        return Q(merchant=self.merchant) if self.merchant else Q(affiliate=self.affiliate)


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
