"""Commissions that a finding is about: kept back, let go, or worth nothing.

Approval locks a commission's row and then asks whether it is held; a hold locks the row and then looks
whether it is approved. Whoever comes second sees what the first did.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from ledger.money import Money
from payouts.adjustments import Cause, adjust_commissions
from payouts.models import Commission, FraudHold
from tracking.models import Conversion, FraudFinding

_H = FraudHold.State
_C = Commission.Status


def hold_commissions(finding: FraudFinding, subjects: Iterable[str], *, at: datetime) -> Money:
    """Keep back what of these orders is pending, and mark what is approved; how much is kept back.

    What is approved already is not kept back: finance sees it with the payout it is in (`lines.py`).
    """
    rows = list(
        Commission.objects.select_for_update(of=("self",), no_key=True)
        .filter(
            conversion__in=[UUID(one) for one in subjects],
            enrolment=finding.enrolment_id,
            status__in=[_C.PENDING, _C.APPROVED],
        )
        .order_by("pk")
    )
    FraudHold.objects.bulk_create(
        [
            FraudHold(
                finding=finding,
                commission=row,
                state=_H.HELD if row.status == _C.PENDING else _H.WATCHED,
                amount_minor=row.remaining.minor,
                currency=row.currency,
                held_at=at,
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )
    return Money(sum(row.remaining.minor for row in rows if row.status == _C.PENDING), finding.currency)


def let_go(finding: FraudFinding, *, at: datetime) -> None:
    """What was kept back goes on; what had been taken by an earlier confirmation comes back."""
    keys = _conversions_of(finding, _H.CONFIRMED)
    conversions = _locked(keys)
    FraudHold.objects.filter(finding=finding).exclude(state=_H.RELEASED).update(state=_H.RELEASED, ended_at=at)
    for conversion in conversions:
        adjust_commissions(conversion, Cause(f"{finding.public_id}:released", "fraud_released", at))


def take_away(finding: FraudFinding, *, at: datetime) -> None:
    """What was kept back is reversed for good, and what was approved or paid of these orders is taken back."""
    conversions = _locked(_conversions_of(finding, *FraudHold.STANDING))
    FraudHold.objects.filter(finding=finding, state__in=FraudHold.STANDING).update(state=_H.CONFIRMED, ended_at=at)
    for conversion in conversions:
        adjust_commissions(conversion, Cause(f"{finding.public_id}:confirmed", "fraud_confirmed", at))


def _conversions_of(finding: FraudFinding, *states: str) -> list[UUID]:
    return list(
        FraudHold.objects.filter(finding=finding, state__in=states).values_list("commission__conversion", flat=True)
    )


def _locked(keys: list[UUID]) -> list[Conversion]:
    """The orders' rows first, as whoever changes an order does."""
    return list(Conversion.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))
