"""Rows written many at a time: COPY, which costs a fraction of an INSERT a row and fires the same triggers and checks."""

import json
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from psycopg import sql


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Write new rows of one model, all or none. Of more than one, columns that are left to the database stay unread.

    For models without `auto_now` fields. Raises IntegrityError and what else the table refuses; call it in a transaction.
    """
    if len(rows) == 1:
        rows[0].save(force_insert=True)
    if len(rows) < 2:
        return
    model = type(rows[0])
    concrete = model._meta.concrete_fields  # noqa: SLF001 - Django's documented door to a model's columns
    fields = [field for field in concrete if not _is_left_to_database(field, rows[0])]
    readers = [_reader(field) for field in fields]
    columns = [str(field.column) for field in fields]
    copy_values(model, columns, ([read(row) for read in readers] for row in rows))
    for row in rows:
        row._state.adding = False  # noqa: SLF001 - as bulk_create does
        row._state.db = connection.alias  # noqa: SLF001 - as bulk_create does


def copy_values(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows that nobody needs as objects. Raises what the table refuses; call it in a transaction."""
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table),  # noqa: SLF001 - Django's documented door to a model's table
        sql.SQL(", ").join(sql.Identifier(column) for column in columns),
    )
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor() as cursor, cursor.copy(command) as copy:
        for row in rows:
            copy.write_row(row)


def _is_left_to_database(field: "models.Field[Any, Any]", row: models.Model) -> bool:
    value = getattr(row, field.attname)
    return isinstance(value, DatabaseDefault) or (value is None and isinstance(field, models.AutoField))


def _reader(field: "models.Field[Any, Any]") -> Callable[[models.Model], Any]:
    read = attrgetter(field.attname)
    if isinstance(field, models.JSONField):
        return lambda row: json.dumps(read(row))
    return read
