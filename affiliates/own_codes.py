"""A code for every partner, made by itself: a program's pattern, such as `{name}10`, filled in for each place.

The shop has to know the codes too: the list of codes can be downloaded for it. Turning the pattern off or changing
it leaves the codes that were made as they are.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from affiliates.coupons import issue_coupon
from affiliates.errors import CouponRefused
from affiliates.models import Affiliate, Coupon, Enrolment, Program, User
from ledger.journal import record_event

NAME = "{name}"

_PATTERN = re.compile(r"[A-Za-z0-9_.+%-]{0,20}\{name\}[A-Za-z0-9_.+%-]{0,20}", re.ASCII)
_LONGEST_NAME = 12
_MOST_ALIKE = 200
#: The most places that one call makes codes for; the next goes on.
MOST_AT_ONCE = 1_000


@transaction.atomic
def set_code_pattern(program: Program, pattern: str, *, by: User | None, at: datetime) -> Program:
    """What new partners' codes look like; empty makes none. Raises CouponRefused with the field pattern."""
    said = pattern.strip()
    if said and not _PATTERN.fullmatch(said):
        raise CouponRefused(
            "A pattern is {name} with up to 20 letters, digits and _ . + % - before and after it.",
            code="coupon_pattern_unreadable", field="pattern",
        )  # fmt: skip
    locked = Program.objects.select_for_update(of=("self",), no_key=True).get(pk=program.pk)
    if locked.code_pattern != said:
        locked.code_pattern = said
        locked.save(update_fields=["code_pattern", "updated_at"])
        record_event(
            "program.code_pattern_changed", locked.public_id, at=at, actor=by.public_id if by else "",
            about=[locked.merchant.public_id], data={"pattern": said},
        )  # fmt: skip
    return locked


@transaction.atomic
def issue_own_code(place: Enrolment, *, by: User | None = None, at: datetime) -> Coupon | None:
    """The place's own code by its program's pattern; the one there is when it has any, None without a pattern.

    Twice is once: the place's row is locked.
    """
    locked = Enrolment.objects.select_for_update(of=("self",), no_key=True).get(pk=place.pk)
    program = Program.objects.get(pk=locked.program_id)
    known = Coupon.objects.filter(enrolment=locked).order_by("created_at", "pk").first()
    if known is not None or not program.code_pattern:
        return known
    for code in _codes_for(locked.affiliate, program.code_pattern):
        try:
            return issue_coupon(program, code, enrolment=locked, at=at, by=by)
        except CouponRefused as refusal:
            if refusal.code != "coupon_taken":
                raise
    return None


def places_without_code(program: Program) -> list[Enrolment]:
    """Approved places of a program without any code, the oldest first."""
    found = program.enrolments.filter(status=Enrolment.Status.APPROVED, coupons=None)
    active = found.filter(affiliate__status=Affiliate.Status.ACTIVE)
    return list(active.select_related("affiliate").order_by("pk")[:MOST_AT_ONCE])


def issue_missing_codes(program: Program, *, by: User | None = None, at: datetime) -> int:
    """Make the codes of places that have none, each in a transaction of its own; how many were made."""
    return sum(1 for place in places_without_code(program) if issue_own_code(place, by=by, at=at) is not None)


def _codes_for(affiliate: Affiliate, pattern: str) -> Iterator[str]:
    """Codes to try: the name in capitals, then with a number, last the end of the id, which is nobody else's."""
    plain = unicodedata.normalize("NFKD", affiliate.name).encode("ascii", "ignore").decode()
    name = "".join(sign for sign in plain.upper() if sign.isalnum())[:_LONGEST_NAME]
    if name:
        yield pattern.replace(NAME, name)
        for number in range(2, _MOST_ALIKE):
            yield pattern.replace(NAME, f"{name}{number}")
    yield pattern.replace(NAME, affiliate.public_id[-10:].upper())
