"""What codes brought: orders, revenue, commission."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Upper

from affiliates.models import Coupon
from ledger.money import Money
from payouts.models import Commission
from tracking.models import AttributionShare


@dataclass(frozen=True, slots=True)
class Brought:
    """Orders that a code won, and what they are worth."""

    orders: int
    revenue: Money
    commission: Money


def brought_by_codes(coupons: Sequence[Coupon]) -> dict[UUID, Brought]:
    """For each code what it won so far, in two queries; the code must come with its program."""
    won = _by_code(
        AttributionShare.objects.filter(
            attribution__conversion__program__in={one.program_id for one in coupons},
            attribution__conversion__is_test=False,
        )
        .annotate(code=Upper("coupon_code"))
        .filter(code__in={one.code.upper() for one in coupons})
        .values_list("attribution__conversion__program_id", "code")
        .annotate(
            orders=Count("pk"),
            minor=Sum(F("attribution__conversion__amount_minor") - F("attribution__conversion__refunded_minor")),
        )
    )
    earned = _by_code(
        Commission.objects.filter(
            program__in={one.program_id for one in coupons},
            conversion__attribution__shares__enrolment=F("enrolment"),
        )
        .annotate(code=Upper("conversion__attribution__shares__coupon_code"))
        .filter(~Q(code=""), code__in={one.code.upper() for one in coupons})
        .values_list("program_id", "code")
        .annotate(orders=Count("pk"), minor=Sum(F("amount_minor") - F("reversed_minor")))
    )
    found = {}
    for one in coupons:
        key = one.program_id, one.code.upper()
        orders, revenue = won.get(key, (0, 0))
        currency = one.program.currency
        found[one.pk] = Brought(orders, Money(revenue, currency), Money(earned.get(key, (0, 0))[1], currency))
    return found


def _by_code(rows: Iterable[tuple[UUID, str, int, int]]) -> dict[tuple[UUID, str], tuple[int, int]]:
    return {(program, code): (orders, minor or 0) for program, code, orders, minor in rows}
