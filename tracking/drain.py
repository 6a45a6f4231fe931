"""The drain: moves clicks from the spool files into PostgreSQL.

A batch is read and judged while the ones before it are being stored: reading is Python's work, storing
the database's. With an address to open a second connection at, the next batch is copied in while the one before
moves to its place (tracking/lanes.py). `tracking/storing.py` stores a batch in one transaction; after its commit the batch is
deleted from the spool. Killed anywhere, it starts again from the spool, and the click table takes no
key twice: at least once there, exactly one row here.

A click that the database will not take goes to the spool file's quarantine and holds
nothing up. Free of Django.
"""

import logging
import sqlite3
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tracking.enrichment import Enrichment
from tracking.lanes import Lane
from tracking.reading import Load, Retention, read_batches
from tracking.spool import Batch, Hold, SpoolReader, spool_files
from tracking.storing import store

logger = logging.getLogger("drain")

__all__ = ["Drained", "Drainer", "connect", "drain_all", "drain_directory", "drain_file", "read_batches", "store"]

BATCH_OF_CLICKS = 20_000
#: How many batches of one file are moved before the other files have their turn.
ROUNDS_A_FILE = 20
_BATCHES_READ_AHEAD = 2
# The thread that feeds the database must not wait long for its turn at the interpreter.
_SWITCH_SECONDS = 0.0001


@dataclass(slots=True)
class Drained:
    """What a drain did."""

    clicks: int = 0
    inserted: int = 0
    duplicates: int = 0
    quarantined: int = 0

    def add(self, other: "Drained") -> None:
        """Adds another drain's figures to these."""
        self.clicks += other.clicks
        self.inserted += other.inserted
        self.duplicates += other.duplicates
        self.quarantined += other.quarantined


def connect(conninfo: str) -> psycopg.Connection[Any]:
    """A connection fit for the drain. Raises psycopg.Error."""
    connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=5, application_name="drain_clicks")
    # The spool forgets a click once the database has it, so "has it" must mean on disk.
    connection.execute("SET synchronous_commit = on")
    connection.execute("SET lock_timeout = '30s'")
    # A batch is sorted in memory, and its few statements are not worth compiling.
    connection.execute("SET temp_buffers = '64MB'")
    connection.execute("SET work_mem = '64MB'")
    connection.execute("SET jit = off")
    return connection


class Drainer:
    """Moves clicks with an operator's enrichment. Used by one thread; it has a reading thread of its own.

    Clicks older than `keep_days` (0: none) keep only shortened addresses. `conninfo` says where a second connection
    is opened when there is more than one batch to store; without it there is none.
    """

    def __init__(
        self,
        enrichment: Enrichment | None = None,
        *,
        keep_days: int = 0,
        batch_of: int = BATCH_OF_CLICKS,
        conninfo: str = "",
    ) -> None:
        self._conninfo = conninfo
        self._enrichment = enrichment or Enrichment()
        self._keep_days = keep_days
        self._batch_of = batch_of

    def drain_directory(self, connection: psycopg.Connection[Any], directory: Path) -> Drained:
        """Moves some batches of each spool file that no other drain holds; zeros when nothing waits.

        Raises psycopg.Error when the database is away. A spool file that cannot be read is
        logged and passed over.
        """
        self._enrichment = self._enrichment.refreshed()
        sys.setswitchinterval(_SWITCH_SECONDS)
        total = Drained()
        for path in spool_files(directory):
            try:
                with Hold(path) as is_held:
                    if is_held:
                        total.add(self._drain_rounds(connection, path))
            except (sqlite3.Error, OSError):
                logger.exception("%s cannot be drained", path)
        return total

    def drain_all(self, connection: psycopg.Connection[Any], directory: Path) -> Drained:
        """Drains until nothing waits. Raises psycopg.Error when the database is away."""
        total = Drained()
        while (step := self.drain_directory(connection, directory)).clicks:
            total.add(step)
        return total

    def drain_file(self, connection: psycopg.Connection[Any], reader: SpoolReader) -> Drained:
        """Moves one batch of one file: first into the database, then out of the spool."""
        batches = reader.batches(self._batch_of)
        if not batches:
            return Drained()
        return _move(connection, reader, batches, self._read(batches))

    def _drain_rounds(self, connection: psycopg.Connection[Any], path: Path) -> Drained:
        """Moves up to ROUNDS_A_FILE batches, reading and copying ahead of what is being stored."""
        total = Drained()
        with ExitStack() as stack:
            reader = stack.enter_context(closing(SpoolReader(path)))
            lanes = [Lane(connection)]
            stack.callback(lanes[0].give_up)
            copying = stack.enter_context(ThreadPoolExecutor(max_workers=1, thread_name_prefix="copy"))
            waiting: tuple[Lane, list[Batch], Future[Load]] | None = None
            for number, (batches, reading) in enumerate(self._read_ahead(stack, path)):
                if number == 1:
                    lanes += self._second_lane(stack)
                lane = lanes[number % len(lanes)]
                if waiting and waiting[0] is lane:
                    total.add(_finish(reader, *waiting))
                    waiting = None
                staged = copying.submit(lane.stage, reading)
                if waiting:
                    total.add(_finish(reader, *waiting))
                waiting = (lane, batches, staged)
            if waiting:
                total.add(_finish(reader, *waiting))
        return total

    def _second_lane(self, stack: ExitStack) -> list[Lane]:
        """A lane of its own connection; none when there is no address, or no connection to be had."""
        if not self._conninfo:
            return []
        try:
            return [Lane(stack.enter_context(closing(connect(self._conninfo))))]
        except psycopg.OperationalError as error:
            logger.warning("draining over one connection: %s", error)
            return []

    def _read_ahead(self, stack: ExitStack, path: Path) -> Iterator[tuple[list[Batch], Future[Load]]]:
        """Batch after batch of a file, being judged by another thread while the caller stores the ones before."""
        # A connection of its own: reading must not stand in the way of the deleting.
        reader = stack.enter_context(closing(SpoolReader(path)))
        batches = reader.batches(self._batch_of)
        if not batches:
            return
        threads = stack.enter_context(ThreadPoolExecutor(max_workers=1, thread_name_prefix="read"))
        waiting: list[tuple[list[Batch], Future[Load]]] = []
        taken = 0
        while batches or waiting:
            while batches and taken < ROUNDS_A_FILE and len(waiting) < _BATCHES_READ_AHEAD:
                waiting.append((batches, threads.submit(self._read, batches)))
                taken += 1
                batches = reader.batches(self._batch_of, after=batches[-1].id) if taken < ROUNDS_A_FILE else []
            if not waiting:
                return
            yield waiting.pop(0)

    def _read(self, batches: list[Batch]) -> Load:
        retention = None
        if self._keep_days:
            retention = Retention(int(time.time()) - self._keep_days * 86_400)
        return read_batches(batches, self._enrichment, retention)


def drain_directory(
    connection: psycopg.Connection[Any], directory: Path, *, batch_of: int = BATCH_OF_CLICKS
) -> Drained:
    """As Drainer.drain_directory, without an operator's files."""
    return Drainer(batch_of=batch_of).drain_directory(connection, directory)


def drain_all(connection: psycopg.Connection[Any], directory: Path, *, batch_of: int = BATCH_OF_CLICKS) -> Drained:
    """As Drainer.drain_all, without an operator's files."""
    return Drainer(batch_of=batch_of).drain_all(connection, directory)


def drain_file(connection: psycopg.Connection[Any], reader: SpoolReader, *, batch_of: int = BATCH_OF_CLICKS) -> Drained:
    """As Drainer.drain_file, without an operator's files."""
    return Drainer(batch_of=batch_of).drain_file(connection, reader)


def _move(connection: psycopg.Connection[Any], reader: SpoolReader, batches: list[Batch], load: Load) -> Drained:
    """A read batch into the database, then out of the spool."""
    return _discard(reader, batches, load, store(connection, load))


def _finish(reader: SpoolReader, lane: Lane, batches: list[Batch], staged: Future[Load]) -> Drained:
    """A batch that is on its way into the database: to its place, then out of the spool."""
    load = staged.result()
    return _discard(reader, batches, load, lane.settle(load))


def _discard(reader: SpoolReader, batches: list[Batch], load: Load, inserted: int) -> Drained:
    """Out of the spool, for the database has it."""
    reader.discard(batches, quarantine=load.refused)
    for click, reason in load.refused:
        logger.error("quarantined in %s: %s: %.300s", reader.path.name, reason, click)
    return Drained(
        clicks=len(load.rows) + len(load.refused),
        inserted=inserted,
        duplicates=len(load.rows) - inserted,
        quarantined=len(load.refused),
    )
