"""SQL1–SQL12: the book refuses to be rewritten, tried as the application's own database role (fault 47)."""

from contextlib import closing, contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from ledger import audit, seals
from ledger.accounts import AccountName, balance_of
from ledger.entries import Move, post_entry
from ledger.models import Account, Entry, Posting
from ledger.money import Money
from payouts import chart
from tests.factories.world import make_world

pytestmark = pytest.mark.django_db(transaction=True)

TEN = Money(1000, "USD")


@pytest.fixture
def book(at):
    """A posted entry of ten dollars between two accounts, committed."""
    world = make_world(at)
    entry = post_entry(
        "test:accrual",
        at=at,
        kind="test",
        moves=[Move(TEN, debit=chart.receivable(world.merchant), credit=chart.payable(world.affiliate))],
    )
    other = post_entry(
        "test:other",
        at=at,
        kind="test",
        moves=[Move(TEN, debit=chart.receivable(world.merchant), credit=chart.pending(world.affiliate))],
    )
    posting = Posting.objects.get(entry=entry)
    return {
        "entry": entry.pk,
        "other": other.pk,
        "posting": posting.pk,
        "debit": posting.debit_id,
        "credit": posting.credit_id,
        "world": world,
    }


@contextmanager
def application_role():
    """A connection of its own as the application's role, committed at the end and always closed."""
    settings = connection.settings_dict
    with closing(
        psycopg.connect(
            dbname=settings["NAME"], user=settings["USER"], host=settings["HOST"] or None,
            password=settings["PASSWORD"] or None, port=settings["PORT"] or None,
        )
    ) as raw:  # fmt: skip
        yield raw
        raw.commit()


def attack(statement: str, *parameters: object) -> None:
    """Run SQL as the application's role, and commit."""
    with application_role() as raw:
        raw.execute(statement, parameters)


INSERT_ENTRY = (
    "INSERT INTO ledger_entry (id, reference, kind, effective_at, by, memo, subjects, data) "
    "VALUES (gen_random_uuid(), %s, 'x', now(), '', '', '{}', '{}') RETURNING id"
)
INSERT_POSTING = (
    "INSERT INTO ledger_posting (entry_id, number, debit_id, credit_id, amount_minor, currency) "
    "VALUES (%s, %s, %s, %s, %s, %s)"
)


def sql1_one_sided(book):
    attack(
        "WITH e AS ("
        + INSERT_ENTRY
        + ") INSERT INTO ledger_posting (entry_id, number, debit_id, amount_minor, currency)"
        " SELECT id, 1, %s, 5, 'USD' FROM e",
        "sql1",
        book["debit"],
    )


def sql2_header_without_legs(book):
    attack(INSERT_ENTRY, "sql2")


def sql3_same_reference(book):
    attack(INSERT_ENTRY, "test:accrual")


def sql3_second_mirror(book):
    attack("UPDATE ledger_entry SET reverses_id = %s WHERE id = %s", book["entry"], book["other"])


def sql4_one_sided_update(book):
    attack("UPDATE ledger_posting SET debit_id = credit_id WHERE id = %s", book["posting"])


def sql5_balanced_rewrite(book):
    attack("UPDATE ledger_posting SET amount_minor = 99900 WHERE id = %s", book["posting"])


def sql6_move_leg(book):
    attack("UPDATE ledger_posting SET entry_id = %s, number = 9 WHERE id = %s", book["other"], book["posting"])


def sql7_add_legs_later(book):
    attack(INSERT_POSTING, book["entry"], 2, book["debit"], book["credit"], 5, "USD")


def sql8_delete(book):
    attack("DELETE FROM ledger_entry WHERE id = %s", book["entry"])


def sql8_delete_leg(book):
    attack("DELETE FROM ledger_posting WHERE id = %s", book["posting"])


def sql9_truncate(book):
    attack("TRUNCATE ledger_entry, ledger_posting, ledger_sealedentry CASCADE")


def sql9_truncate_accounts(book):
    attack("TRUNCATE ledger_account CASCADE")


def sql10_wrong_currency(book):
    with application_role() as raw:
        entry = raw.execute(INSERT_ENTRY, ["sql10"]).fetchone()[0]
        raw.execute(INSERT_POSTING, [entry, 1, book["debit"], book["credit"], 5, "EUR"])


def sql11_overdraft(book):
    with application_role() as raw:
        entry = raw.execute(INSERT_ENTRY, ["sql11"]).fetchone()[0]
        raw.execute(INSERT_POSTING, [entry, 1, book["credit"], book["debit"], 1001, "USD"])


def sql12_edit_balance(book):
    attack("UPDATE ledger_account SET credits_minor = credits_minor + 100 WHERE id = %s", book["credit"])


def sql12_born_rich(book):
    attack(
        "INSERT INTO ledger_account (id, name, owner, kind, currency, type, is_guarded, debits_minor, credits_minor)"
        " VALUES (gen_random_uuid(), 'me:payable', 'me', 'payable', 'USD', 'liability', true, 0, 500)"
    )


def a_negative_amount(book):
    with application_role() as raw:
        entry = raw.execute(INSERT_ENTRY, ["negative"]).fetchone()[0]
        raw.execute(INSERT_POSTING, [entry, 1, book["debit"], book["credit"], -5, "USD"])


def an_event_rewritten(book):
    attack("UPDATE ledger_event SET actor = 'nobody'")


ATTACKS = [
    sql1_one_sided, sql2_header_without_legs, sql3_same_reference, sql3_second_mirror, sql4_one_sided_update,
    sql5_balanced_rewrite, sql6_move_leg, sql7_add_legs_later, sql8_delete, sql8_delete_leg, sql9_truncate,
    sql9_truncate_accounts, sql10_wrong_currency, sql11_overdraft, sql12_edit_balance, sql12_born_rich,
    a_negative_amount, an_event_rewritten,
]  # fmt: skip


def test_every_attack_is_refused_and_leaves_the_book_as_it_was(book):
    """SQL1–SQL12 of the reliability goals, and six more."""
    before = (Entry.objects.count(), Posting.objects.count(), Account.objects.count())
    accepted = []
    for one in ATTACKS:
        try:
            one(book)
        except psycopg.Error:
            continue
        accepted.append(one.__name__)

    assert accepted == []
    assert (Entry.objects.count(), Posting.objects.count(), Account.objects.count()) == before
    assert list(audit.verify_books()) == []


def test_an_honest_entry_passes_by_the_same_road(book):
    """The attacks fail for their own reasons, not because nothing can be written."""
    with application_role() as raw:
        entry = raw.execute(INSERT_ENTRY, ["honest"]).fetchone()[0]
        raw.execute(INSERT_POSTING, [entry, 1, book["debit"], book["credit"], 5, "USD"])

    assert balance_of(chart.payable(book["world"].affiliate), "USD") == Money(1005, "USD")


def test_the_application_is_no_superuser(book):
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)


def test_a_byte_changed_under_a_seal_is_found(book, at):
    """Goal 3: only the owner, by disabling the triggers, gets this far; the chain still tells."""
    seals.seal_entries()
    assert list(audit.verify_books()) == []
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE ledger_entry SET memo = 'x' WHERE id = %s", [book["entry"]])
        cursor.execute("ALTER TABLE ledger_entry ENABLE TRIGGER USER")

    assert [difference.check for difference in audit.verify_books()] == ["hash chain"]


def test_new_seals_are_chained_to_the_ones_before(book, at):
    first = seals.seal_entries()
    post_entry(
        "test:third",
        at=at + timedelta(days=1),
        kind="test",
        moves=[Move(TEN, debit=chart.CASH, credit=AccountName("house", "fees"))],
    )
    second = seals.seal_entries()

    assert second.previous == first.digest
    assert seals.seal_entries() is None
    assert list(audit.verify_books()) == []
