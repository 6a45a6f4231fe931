"""Deals: what a shop offers its customers for a time, told to every partner of a program or to some of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from affiliates.models import Enrolment, Program, User
from ledger.journal import record_event
from tracking.assets import check_dates, read_target
from tracking.errors import DealRefused
from tracking.models import Deal

LONGEST_TERMS = 4_000


@dataclass(frozen=True, slots=True)
class DealDraft:
    """A deal as its merchant wrote it. With `places` it is theirs alone, without any it is everybody's."""

    title: str
    starts_at: datetime
    ends_at: datetime | None = None
    terms: str = ""
    code: str = ""
    target_url: str = ""
    places: Sequence[Enrolment] = ()


def add_deal(program: Program, draft: DealDraft, *, by: User | None, at: datetime) -> Deal:
    """A new deal of a program; the same title from the same moment on is the same deal, and refused.

    Raises DealRefused (deal_taken, deal_words, deal_place, dates_reversed) and DestinationRefused.
    """
    deal = Deal(program=program, created_at=at)
    _write(deal, draft)
    try:
        with transaction.atomic():
            deal.save(force_insert=True)
            deal.places.set(draft.places)
            _tell("deal.added", deal, by=by, at=at)
    except IntegrityError:
        raise _taken() from None
    return deal


def change_deal(deal: Deal, draft: DealDraft, *, by: User | None, at: datetime) -> Deal:
    """Write a deal anew. Raises as add_deal does."""
    try:
        with transaction.atomic():
            locked: Deal = (
                Deal.objects.select_for_update(of=("self",)).select_related("program__merchant").get(pk=deal.pk)
            )
            _write(locked, draft)
            locked.save()
            locked.places.set(draft.places)
            _tell("deal.changed", locked, by=by, at=at)
    except IntegrityError:
        raise _taken() from None
    return locked


@transaction.atomic
def end_deal(deal: Deal, *, by: User | None, at: datetime) -> Deal:
    """Take a deal out of every list from now on; ending it twice changes nothing."""
    locked: Deal = Deal.objects.select_for_update(of=("self",)).select_related("program__merchant").get(pk=deal.pk)
    if locked.ends_at is not None and locked.ends_at <= at:
        return locked
    locked.ends_at = max(at, locked.starts_at)
    locked.save(update_fields=["ends_at", "updated_at"])
    _tell("deal.ended", locked, by=by, at=at)
    return locked


def _write(deal: Deal, draft: DealDraft) -> None:
    title, terms, code = draft.title.strip(), draft.terms.strip(), draft.code.strip()
    if not title or len(title) > 160 or not title.isprintable():
        raise DealRefused("A title has 1 to 160 characters.", code="deal_words", field="title")
    if len(terms) > LONGEST_TERMS:
        raise DealRefused(f"The terms have at most {LONGEST_TERMS:,} characters.", code="deal_words", field="terms")
    if len(code) > 64 or " " in code or not code.isprintable():
        raise DealRefused("A code has at most 64 characters and no spaces.", code="deal_words", field="code")
    if any(place.program_id != deal.program_id for place in draft.places):
        raise DealRefused("This partner has no place in the program.", code="deal_place", field="places")
    check_dates(draft.starts_at, draft.ends_at, refusal=DealRefused)
    deal.title, deal.terms, deal.code = title, terms, code
    deal.target_url = read_target(deal.program, draft.target_url)
    deal.starts_at, deal.ends_at, deal.is_exclusive = draft.starts_at, draft.ends_at, bool(draft.places)


def _taken() -> DealRefused:
    return DealRefused("This deal is there already.", code="deal_taken", field="title")


def _tell(name: str, deal: Deal, *, by: User | None, at: datetime) -> None:
    record_event(
        name, deal.public_id, at=at, actor=by.public_id if by else "",
        about=[deal.program.public_id, deal.program.merchant.public_id], data={"title": deal.title, "exclusive": deal.is_exclusive},
    )  # fmt: skip
