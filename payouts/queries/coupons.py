"""What codes brought: orders, revenue, commission."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, F, Max, OuterRef, Q, Sum
from django.db.models.functions import Upper

from affiliates.models import Coupon, Merchant, Program
from ledger.money import Money
from payouts.models import Commission
from tracking.models import AttributionShare, Conversion


@dataclass(frozen=True, slots=True)
class Brought:
    """Orders that a code won, and what they are worth."""

    orders: int
    revenue: Money
    commission: Money


@dataclass(frozen=True, slots=True)
class LeakedCode:
    """A code that customers typed and that the program does not know: how often, for how much, who earned by it."""

    program: Program
    code: str
    orders: int
    revenue: Money
    commission: Money
    last_at: datetime


def codes_of_nobody(merchant: Merchant, *, since: datetime, most: int = 200) -> list[LeakedCode]:
    """Codes of orders since then that are no code of their program, the most orders first; three queries.

    A code that went about (a voucher site's find, a mailing's) shows here with what was paid for its orders.
    """
    orders = Conversion.objects.filter(
        merchant=merchant, program__isnull=False, is_test=False, occurred_at__gte=since
    ).exclude(coupon="")
    of_program = Coupon.objects.filter(program=OuterRef("program"))
    known = of_program.annotate(upper=Upper("code")).filter(upper=OuterRef("typed"))
    unknown = orders.annotate(typed=Upper("coupon")).filter(~Exists(known))
    rows = list(
        unknown.values_list("program", "typed")
        .annotate(orders=Count("pk"), revenue=Sum(F("amount_minor") - F("refunded_minor")), last=Max("occurred_at"))
        .order_by("-orders", "typed")[:most]
    )
    paid = _by_code(
        Commission.objects.filter(conversion__in=unknown.values("pk"))
        .annotate(typed=Upper("conversion__coupon"))
        .values_list("conversion__program", "typed")
        .annotate(orders=Count("pk"), minor=Sum(F("amount_minor") - F("reversed_minor")))
    )
    programs = Program.objects.in_bulk({row[0] for row in rows})
    return [
        LeakedCode(
            programs[key], typed, number, Money(int(revenue), programs[key].currency),
            Money(paid.get((key, typed), (0, 0))[1], programs[key].currency), last,
        )
        for key, typed, number, revenue, last in rows
    ]  # fmt: skip


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
