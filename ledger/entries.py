"""Entries: value moves from one account to another, under one reference, once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from ledger.accounts import AccountName, kind_of
from ledger.errors import NotEnough, ReferenceConflict
from ledger.models import Account, Entry, Posting
from ledger.money import Money
from ledger.rows import copy_values, insert_rows


@dataclass(frozen=True, slots=True)
class Move:
    """A posting before it is written: a positive amount out of `credit` into `debit`."""

    amount: Money
    debit: AccountName
    credit: AccountName


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it is posted."""

    reference: str
    at: datetime
    kind: str
    moves: Sequence[Move]
    by: str = ""
    memo: str = ""
    about: Sequence[str] = ()
    data: dict[str, Any] = field(default_factory=dict)

    def moving(self) -> list[Move]:
        """Its moves without those of nothing."""
        return [move for move in self.moves if move.amount]


def post_entry(
    reference: str,
    *,
    at: datetime,
    kind: str,
    moves: Sequence[Move],
    by: str = "",
    memo: str = "",
    about: Iterable[str] = (),
    data: dict[str, Any] | None = None,
) -> Entry:
    """Write the entry, or return the one that has this reference already.

    Moves of nothing are left out; an entry must move something. Raises ReferenceConflict when the
    reference stands for other moves, NotEnough when a guarded account would be overdrawn.
    """
    return post_many([Draft(reference, at, kind, moves, by, memo, list(about), data or {})])[0]


def post_many(drafts: Sequence[Draft]) -> list[Entry]:
    """Write entries, each once, all or none; those whose reference is posted already are returned as they are.

    Every account is held before anything is written, in the order of the keys, so that two sets never
    wait for each other crosswise. Raises what `post_entry` raises.
    """
    known = _posted(drafts)
    found = {
        draft.reference: _same_entry(known[draft.reference], draft.moving())
        for draft in drafts
        if draft.reference in known
    }
    fresh: dict[str, Draft] = {}
    for draft in drafts:
        if draft.reference in found:
            continue
        if not draft.moving():
            raise ValueError(f"entry {draft.reference} moves nothing")
        if fresh.setdefault(draft.reference, draft).moving() != draft.moving():
            raise ReferenceConflict(f"{draft.reference} comes twice, with other moves")
    if fresh:
        try:
            with transaction.atomic():
                found |= _write(list(fresh.values()))
        except IntegrityError as error:
            if "account_not_overdrawn" in str(error):
                raise NotEnough(f"{', '.join(list(fresh)[:5])} would overdraw an account") from error
            if not _posted(list(fresh.values())):
                raise
            # Somebody else was first with one of them.
            return post_many(drafts)
    return [found[draft.reference] for draft in drafts]


def reverse_entry(entry: Entry, *, reference: str, at: datetime, kind: str, by: str = "", memo: str = "") -> Entry:
    """Write the entry's mirror image: every move backwards. One entry has at most one mirror.

    Raises NotEnough when a guarded account would be overdrawn.
    """
    moves = [
        Move(
            Money(posting.amount_minor, posting.currency),
            debit=AccountName(posting.credit.owner, posting.credit.kind),
            credit=AccountName(posting.debit.owner, posting.debit.kind),
        )
        for posting in entry.postings.select_related("debit", "credit").order_by("number")
    ]
    known = Entry.objects.filter(reverses=entry).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            mirror = Entry.objects.create(
                reference=reference,
                kind=kind,
                effective_at=at,
                by=by,
                memo=memo,
                reverses=entry,
                subjects=entry.subjects,
            )
            _write_postings([(mirror, moves)])
    except IntegrityError as error:
        if "account_not_overdrawn" in str(error):
            raise NotEnough(f"{reference} would overdraw an account") from error
        known = Entry.objects.filter(reverses=entry).first()
        if known is None:
            raise
        return known
    return mirror


def entries_about(subject: str) -> QuerySet[Entry]:
    """The entries whose reference begins with `subject:`, oldest first, with their postings."""
    return (
        Entry.objects.filter(reference__startswith=f"{subject}:")
        .prefetch_related("postings__debit", "postings__credit")
        .order_by("effective_at", "id")
    )


def postings_about(subjects: Sequence[str]) -> list[Posting]:
    """The postings of the entries about any of the subjects, with entry and accounts; one query, oldest first."""
    about = Q()
    for subject in subjects:
        about |= Q(entry__reference__startswith=f"{subject}:")
    found = Posting.objects.filter(about) if subjects else Posting.objects.none()
    return list(found.select_related("entry", "debit", "credit").order_by("entry__effective_at", "entry_id", "number"))


def entry_exists(reference: str) -> bool:
    """Whether an entry has this reference."""
    return Entry.objects.filter(reference=reference).exists()


def _posted(drafts: Sequence[Draft]) -> dict[str, Entry]:
    """The entries that are posted already, by their references."""
    return {entry.reference: entry for entry in Entry.objects.filter(reference__in=[one.reference for one in drafts])}


def _write(drafts: Sequence[Draft]) -> dict[str, Entry]:
    entries = [
        Entry(
            reference=draft.reference,
            kind=draft.kind,
            effective_at=draft.at,
            by=draft.by,
            memo=draft.memo,
            subjects=list(draft.about),
            data=draft.data,
        )
        for draft in sorted(drafts, key=lambda one: one.reference)
    ]
    insert_rows(entries)
    written = {entry.reference: entry for entry in entries}
    _write_postings([(written[draft.reference], draft.moving()) for draft in drafts])
    return written


def _write_postings(entries: Sequence[tuple[Entry, Sequence[Move]]]) -> None:
    accounts = _locked_accounts([move for _entry, moves in entries for move in moves])
    copy_values(
        Posting,
        ["entry_id", "number", "debit_id", "credit_id", "amount_minor", "currency"],
        (
            (
                entry.pk,
                number,
                accounts[str(move.debit), move.amount.currency].pk,
                accounts[str(move.credit), move.amount.currency].pk,
                move.amount.minor,
                move.amount.currency,
            )
            for entry, moves in entries
            for number, move in enumerate(moves, start=1)
        ),
    )


def _locked_accounts(moves: Sequence[Move]) -> dict[tuple[str, str], Account]:
    """The accounts of the moves, made where missing, locked in the order of their keys."""
    wanted = {(str(name), move.amount.currency): name for move in moves for name in (move.debit, move.credit)}
    found = _lock(wanted)
    missing = wanted.keys() - found.keys()
    if missing:
        Account.objects.bulk_create(
            [_new_account(wanted[key], key[1]) for key in sorted(missing)], ignore_conflicts=True
        )
        found = _lock(wanted)
    return found


def _lock(wanted: dict[tuple[str, str], AccountName]) -> dict[tuple[str, str], Account]:
    rows = (
        Account.objects.select_for_update(no_key=True)
        .filter(name__in={name for name, _ in wanted}, currency__in={currency for _, currency in wanted})
        .order_by("id")
    )
    return {(row.name, row.currency): row for row in rows if (row.name, row.currency) in wanted}


def _new_account(name: AccountName, currency: str) -> Account:
    kind = kind_of(name.kind)
    return Account(
        name=str(name),
        owner=name.owner,
        kind=name.kind,
        currency=currency,
        type=kind.type,
        is_guarded=kind.is_guarded,
    )


def _same_entry(known: Entry, moves: Sequence[Move]) -> Entry:
    written = [
        (posting.amount_minor, posting.currency, posting.debit.name, posting.credit.name)
        for posting in known.postings.select_related("debit", "credit").order_by("number")
    ]
    asked = [(move.amount.minor, move.amount.currency, str(move.debit), str(move.credit)) for move in moves]
    if written != asked:
        raise ReferenceConflict(f"{known.reference} is posted already, with other moves")
    return known
