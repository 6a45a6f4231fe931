"""What every test may ask for."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from pytest_django.plugin import DjangoDbBlocker

#: A moment most tests start from.
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def at() -> datetime:
    """The moment most tests start from."""
    return NOW


@pytest.fixture(autouse=True, scope="session")
def _the_book_can_be_emptied_between_tests() -> Iterator[None]:
    """Between tests that commit, what they wrote is deleted, by the database's owner, who disables the book's guards.

    Only tables that have rows are touched: to TRUNCATE all of them, as Django does, takes most of a second for each test.
    """
    original = DatabaseOperations.sql_flush

    def sql_flush(self, style, tables, **options):
        statements = original(self, style, tables, **options)
        if not statements:
            return statements
        asked = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in tables)
        with connection.cursor() as cursor:
            cursor.execute(asked)
            full = [table for (table,) in cursor.fetchall()]
        off = [f'ALTER TABLE "{table}" DISABLE TRIGGER USER' for table in full]
        gone = [f'DELETE FROM "{table}"' for table in full]
        on = [f'ALTER TABLE "{table}" ENABLE TRIGGER USER' for table in full]
        # Keys are checked at the end of a transaction; a table with checks to come cannot be altered.
        return [*off, *gone, "SET CONSTRAINTS ALL IMMEDIATE", *on]

    DatabaseOperations.sql_flush = sql_flush
    yield
    DatabaseOperations.sql_flush = original


@pytest.fixture
def books_agree() -> Iterator[None]:
    """After the test the book must agree with itself."""
    yield
    from ledger.audit import verify_books  # noqa: PLC0415 - needs configured settings

    assert [str(difference) for difference in verify_books()] == []
    connection.check_constraints()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database; at the end whatever a test's thread left connected is shown the door, so that it can be dropped."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
        )
