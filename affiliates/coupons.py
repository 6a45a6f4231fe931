"""Coupon codes: issued, given to a partner, ended, brought in by the list."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from affiliates.errors import CouponRefused
from affiliates.models import Affiliate, Coupon, Enrolment, Program, User
from ledger.errors import Refusal
from ledger.journal import record_event

#: Letters, digits and the signs that shops allow; no spaces.
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+%-]{0,63}", re.ASCII)

#: The most rows of one list.
MOST_ROWS = 5_000

COLUMNS = ("code", "partner", "exclusive", "policy", "starts_on", "ends_on")

_YES = frozenset({"1", "true", "yes", "y", "ja", "x", "是"})


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one row of a list: its number in the file, the code, and created, changed or a refusal."""

    number: int
    code: str
    result: str
    message: str = ""


def issue_coupon(
    program: Program,
    code: str,
    *,
    enrolment: Enrolment | None = None,
    is_exclusive: bool = False,
    policy: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    at: datetime,
    by: User | None = None,
) -> Coupon:
    """A code of a program, for a partner or (without one) of the shop itself.

    Raises CouponRefused: the code is unreadable or taken (upper and lower case are the same), the place is
    of another program, the dates are the wrong way round.
    """
    code = code.strip()
    starts_at = starts_at or at
    if not _CODE.fullmatch(code):
        raise CouponRefused("A code is 1 to 64 letters, digits and _ . + % -.", code="coupon_unreadable", field="code")
    _check(program, enrolment, is_exclusive=is_exclusive, policy=policy, starts_at=starts_at, ends_at=ends_at)
    try:
        with transaction.atomic():
            coupon = Coupon.objects.create(
                program=program,
                enrolment=enrolment,
                code=code,
                is_exclusive=is_exclusive,
                policy=policy,
                starts_at=starts_at,
                ends_at=ends_at,
                created_at=at,
            )
            _tell("coupon.issued", coupon, by=by, at=at)
    except IntegrityError:
        raise CouponRefused("The program has this code.", code="coupon_taken", field="code") from None
    return coupon


@transaction.atomic
def change_coupon(
    coupon: Coupon,
    *,
    enrolment: Enrolment | None,
    is_exclusive: bool,
    policy: str,
    starts_at: datetime,
    ends_at: datetime | None,
    at: datetime,
    by: User | None = None,
) -> Coupon:
    """Give a code to a partner, take it back for the shop, move its dates. Decided orders stay decided.

    Raises CouponRefused.
    """
    locked: Coupon = Coupon.objects.select_for_update(of=("self",)).select_related("program").get(pk=coupon.pk)
    _check(locked.program, enrolment, is_exclusive=is_exclusive, policy=policy, starts_at=starts_at, ends_at=ends_at)
    locked.enrolment = enrolment
    locked.is_exclusive = is_exclusive
    locked.policy = policy
    locked.starts_at = starts_at
    locked.ends_at = ends_at
    locked.save()
    _tell("coupon.changed", locked, by=by, at=at)
    return locked


@transaction.atomic
def end_coupon(coupon: Coupon, *, at: datetime, by: User | None = None) -> Coupon:
    """Let a code win no orders from now on; ending it twice changes nothing."""
    locked: Coupon = Coupon.objects.select_for_update(of=("self",)).get(pk=coupon.pk)
    if locked.ends_at is not None and locked.ends_at <= at:
        return locked
    locked.ends_at = max(at, locked.starts_at)
    locked.save(update_fields=["ends_at", "updated_at"])
    _tell("coupon.ended", locked, by=by, at=at)
    return locked


def import_coupons(
    program: Program, text: str, *, at: datetime, by: User | None = None, is_rehearsal: bool = False
) -> list[Row]:
    """Bring codes in by a list (CSV, columns `COLUMNS`, only code is needed); what became of each row.

    A row is a transaction of its own: one that is refused spoils no other. A code that is there already is
    changed to what the row says, so that the same list twice is the same as once. Raises CouponRefused when
    the list has no column `code` or too many rows.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), dialect=_dialect(text))
    reader.fieldnames = [(name or "").strip().lower() for name in reader.fieldnames or []]
    if "code" not in reader.fieldnames:
        raise CouponRefused("The list needs a column “code” in its first line.", code="coupon_list_unreadable")
    rows = list(reader)
    if len(rows) > MOST_ROWS:
        raise CouponRefused(f"At most {MOST_ROWS} codes at once.", code="coupon_list_unreadable")
    places = _places_of(program)
    return [
        _import_row(program, number, row, places, at=at, by=by, is_rehearsal=is_rehearsal)
        for number, row in enumerate(rows, start=2)
    ]


def _places_of(program: Program) -> dict[str, Enrolment]:
    """The program's places by the affiliate's id, the place's id and the name, where the name is of one only."""
    found: dict[str, Enrolment] = {}
    doubled: set[str] = set()
    for place in Enrolment.objects.filter(program=program):
        name = place.affiliate.name.lower()
        if name in found:
            doubled.add(name)
        found |= {place.affiliate.public_id: place, place.public_id: place, name: place}
    return {key: place for key, place in found.items() if key not in doubled}


def _import_row(
    program: Program,
    number: int,
    row: Mapping[str, str | None],
    places: Mapping[str, Enrolment],
    *,
    at: datetime,
    by: User | None,
    is_rehearsal: bool,
) -> Row:
    def said(name: str) -> str:
        return (row.get(name) or "").strip()

    code, partner = said("code"), said("partner")
    try:
        with transaction.atomic():
            enrolment = None
            if partner:
                enrolment = places.get(partner) or places.get(partner.lower())
                if enrolment is None:
                    raise CouponRefused("Nobody of this name or id is in the program.", field="partner")
            facts = {
                "enrolment": enrolment,
                "is_exclusive": said("exclusive").lower() in _YES,
                "policy": said("policy").lower(),
                "ends_at": _day(said("ends_on"), "ends_on", is_end=True),
            }
            starts_at = _day(said("starts_on"), "starts_on")
            known = Coupon.objects.filter(program=program, code__iexact=code).first()
            if known is None:
                issue_coupon(program, code, starts_at=starts_at, at=at, by=by, **facts)  # type: ignore[arg-type]
                result = "created"
            else:
                change_coupon(known, starts_at=starts_at or known.starts_at, at=at, by=by, **facts)  # type: ignore[arg-type]
                result = "changed"
            if is_rehearsal:
                transaction.set_rollback(True)
    except Refusal as refusal:
        return Row(number, code, refusal.code, refusal.message)
    return Row(number, code, result)


def _day(text: str, field: str, *, is_end: bool = False) -> datetime | None:
    """Midnight UTC of a day; for an end, the midnight after it, since the day itself counts."""
    if not text:
        return None
    try:
        found = datetime.strptime(f"{text} +0000", "%Y-%m-%d %z")
    except ValueError:
        raise CouponRefused("A day is written like 2026-11-30.", field=field) from None
    return found + timedelta(days=1) if is_end else found


def _dialect(text: str) -> type[csv.Dialect]:
    class Found(csv.excel):
        delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","

    return Found


def _check(
    program: Program,
    enrolment: Enrolment | None,
    *,
    is_exclusive: bool,
    policy: str,
    starts_at: datetime,
    ends_at: datetime | None,
) -> None:
    if enrolment is not None and enrolment.program_id != program.pk:
        raise CouponRefused("The partner's place is in another program.", field="enrolment")
    if enrolment is not None and enrolment.affiliate.status == Affiliate.Status.CLOSED:
        raise CouponRefused("The partner's membership is closed.", field="enrolment")
    if is_exclusive and enrolment is None:
        raise CouponRefused("An exclusive code needs its partner.", field="is_exclusive")
    if policy and policy not in Coupon.Policy.values:
        raise CouponRefused(f"A policy is {', '.join(Coupon.Policy.values)} or empty.", field="policy")
    if ends_at is not None and ends_at < starts_at:
        raise CouponRefused("The code ends before it starts.", field="ends_at")


def _tell(event: str, coupon: Coupon, *, by: User | None, at: datetime) -> None:
    place = coupon.enrolment
    record_event(
        event,
        coupon.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[
            coupon.program.public_id,
            coupon.program.merchant.public_id,
            *([place.affiliate.public_id] if place else []),
        ],
        data={"code": coupon.code, "exclusive": coupon.is_exclusive},
    )


def coupons_of(program: Program) -> QuerySet[Coupon]:
    """A program's codes with whose they are, newest first."""
    found: QuerySet[Coupon] = Coupon.objects.filter(program=program).select_related("enrolment__affiliate")
    return found.order_by("-created_at", "-pk")
