"""Two connections that store batches by turns: while one moves a batch to its place, the other copies the next in.

Each batch is one transaction of one connection, as it is with a single one: a batch that is staged and not settled
when the drain dies is rolled back, and still in the spool. Free of Django.
"""

from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from tracking.partitions import ensure_partitions
from tracking.reading import Load
from tracking.storing import prepare_staging, settle_rows, stage_rows, store

#: What says that a row is unfit, and not that the database is away.
_UNFIT = (psycopg.DataError, psycopg.IntegrityError)


class Lane:
    """One connection, in autocommit, and the batch that is on its way over it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def stage(self, reading: Future[Load]) -> Load:
        """Copies a batch in, as soon as it has been read. Raises psycopg.Error."""
        load = reading.result()
        if load.rows:
            ensure_partitions(self._connection, load.months, at=datetime.now(UTC))
            prepare_staging(self._connection)
            self._connection.execute("BEGIN")
            try:
                stage_rows(self._connection, load.rows)
            except _UNFIT:
                self.give_up()
        return load

    def settle(self, load: Load) -> int:
        """Moves the staged batch to its place and commits; how many rows were new. Raises psycopg.Error.

        With an unfit row among them all is taken back and the rows are stored apart, as `store` does.
        """
        if self._is_open:
            try:
                inserted = settle_rows(self._connection)
                self._connection.execute("COMMIT")
            except _UNFIT:
                self.give_up()
            else:
                return inserted
        return store(self._connection, load)

    def give_up(self) -> None:
        """Takes back what is not committed, as far as the connection still lives."""
        with suppress(psycopg.Error):
            if self._connection.info.transaction_status != TransactionStatus.IDLE:
                self._connection.execute("ROLLBACK")

    @property
    def _is_open(self) -> bool:
        return self._connection.info.transaction_status == TransactionStatus.INTRANS
