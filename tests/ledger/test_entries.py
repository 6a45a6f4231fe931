"""Entries: once by reference, mirrored once, never overdrawing, agreeing under any order of events."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase

from ledger.accounts import AccountName, balance_of, lines_of
from ledger.audit import verify_books
from ledger.entries import Move, entries_about, post_entry, reverse_entry
from ledger.errors import NotEnough, ReferenceConflict
from ledger.models import Entry
from ledger.money import Money
from payouts import chart  # noqa: F401 - declares the kinds of account
from tests.conftest import NOW

PENDING = AccountName("affiliate/a", "pending")
PAYABLE = AccountName("affiliate/a", "payable")
OWED = AccountName("merchant/m", "receivable")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def accrue(reference: str, minor: int, at=NOW) -> Entry:
    return post_entry(reference, at=at, kind="t", moves=[Move(usd(minor), debit=OWED, credit=PENDING)])


@pytest.mark.django_db
def test_the_same_reference_again_is_the_same_entry():
    first, second = accrue("c:1", 500), accrue("c:1", 500)

    assert first == second
    assert balance_of(PENDING, "USD") == usd(500)


@pytest.mark.django_db
def test_the_same_reference_for_other_moves_is_refused():
    accrue("c:1", 500)

    with pytest.raises(ReferenceConflict):
        accrue("c:1", 501)
    assert balance_of(PENDING, "USD") == usd(500)


@pytest.mark.django_db
def test_a_mirror_puts_everything_back_once():
    entry = accrue("c:1", 500)

    mirror = reverse_entry(entry, reference="c:1:mirror", at=NOW, kind="t")
    again = reverse_entry(entry, reference="c:1:mirror-2", at=NOW, kind="t")

    assert mirror == again
    assert balance_of(PENDING, "USD") == usd(0)
    assert [one.reference for one in entries_about("c:1")] == ["c:1:mirror"]


@pytest.mark.django_db
def test_a_guarded_account_gives_no_more_than_it_holds():
    accrue("c:1", 500)

    with pytest.raises(NotEnough):
        post_entry("x", at=NOW, kind="t", moves=[Move(usd(501), debit=PENDING, credit=PAYABLE)])
    assert (balance_of(PENDING, "USD"), balance_of(PAYABLE, "USD")) == (usd(500), usd(0))


@pytest.mark.django_db
def test_a_balance_of_a_past_day_is_that_days():
    accrue("c:1", 500, at=NOW)
    accrue("c:2", 300, at=NOW + timedelta(days=2))

    assert balance_of(PENDING, "USD", at=NOW + timedelta(days=1)) == usd(500)
    assert [line.amount for line in lines_of(PENDING, "USD")] == [usd(500), usd(300)]


@pytest.mark.django_db(transaction=True)
def test_eight_who_draw_the_same_balance_at_once_get_it_once():
    accrue("c:1", 500)

    def draw(number: int) -> bool:
        try:
            with transaction.atomic():
                post_entry(f"draw:{number}", at=NOW, kind="t", moves=[Move(usd(500), debit=PENDING, credit=PAYABLE)])
        except NotEnough:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(draw, range(8)))

    assert results.count(True) == 1
    assert balance_of(PAYABLE, "USD") == usd(500)
    assert list(verify_books()) == []


@pytest.mark.django_db(transaction=True)
def test_eight_who_post_the_same_reference_at_once_post_it_once():
    with ThreadPoolExecutor(8) as pool:

        def post(_: int) -> str:
            try:
                return str(accrue("same", 500).pk)
            finally:
                connection.close()

        keys = set(pool.map(post, range(8)))

    assert len(keys) == 1
    assert balance_of(PENDING, "USD") == usd(500)


class AnySequence(HypothesisCase):
    """Whatever is posted, refused and mirrored in whatever order: the book agrees with itself."""

    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(
            st.tuples(st.sampled_from(["accrue", "approve", "mirror"]), st.integers(1, 6), st.integers(1, 900)),
            max_size=14,
        )
    )
    def test_totals_agree_with_postings(self, steps):
        for kind, number, minor in steps:
            try:
                if kind == "accrue":
                    accrue(f"c:{number}", minor)
                elif kind == "approve":
                    post_entry(f"a:{number}", at=NOW, kind="t", moves=[Move(usd(minor), debit=PENDING, credit=PAYABLE)])
                else:
                    entry = Entry.objects.filter(reference=f"c:{number}").first()
                    if entry:
                        reverse_entry(entry, reference=f"m:{number}", at=NOW, kind="t")
            except (NotEnough, ReferenceConflict):
                continue
        assert list(verify_books()) == []
