"""Group commit: clicks that wait together are made durable together.

One batch is with the disk; what arrives meanwhile forms the next. There is no timer and no
delay of ours, so the wait of an answer is the disk's. The event loop owns every list here;
the writing thread only receives a batch and reports it back.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from tracking.spool import Row, SpoolWriter, encode_rows

logger = logging.getLogger("click.spool")

type Waiting = list[asyncio.Future[bool]]
type Batch = tuple[str, int, Waiting]

# Past this many clicks in memory the disk is not coming back soon: count them, let people pass.
MOST_WAITING = 50_000
_SECONDS_BETWEEN_ALARMS = 10.0
_SECONDS_TO_CLOSE = 5.0
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class GroupCommit:
    """Hands clicks to one spool writer in batches and wakes their requests when they are durable."""

    def __init__(
        self,
        writer: SpoolWriter,
        loop: asyncio.AbstractEventLoop,
        *,
        on_commit: Callable[[int, bool, float], None],
        on_early_answers: Callable[[int], None],
        patience_seconds: float,
    ) -> None:
        self._writer = writer
        self._loop = loop
        self._on_commit = on_commit
        self._on_early_answers = on_early_answers
        self._patience_seconds = patience_seconds
        self._rows: list[Row] = []
        self._waiting: Waiting = []
        self._in_flight: Waiting = []
        self._since = 0.0
        self._is_idle = True
        self._alarmed_at = 0.0
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write_batches, name="spool", daemon=True)

    def start(self) -> None:
        """Starts the writing thread and the watch over a hanging disk."""
        self._thread.start()
        self._loop.call_soon_threadsafe(self._watch)

    def add(self, row: Row) -> asyncio.Future[bool]:
        """A future of whether the click was made durable. Call it from the event loop only."""
        future: asyncio.Future[bool] = self._loop.create_future()
        if len(self._rows) >= MOST_WAITING:
            self._on_commit(1, False, 0.0)
            future.set_result(False)
            return future
        self._rows.append(row)
        self._waiting.append(future)
        if self._is_idle:
            self._is_idle = False
            # What else arrived in this turn of the loop comes along.
            self._loop.call_soon(self._hand_over)
        return future

    def close(self) -> None:
        """Writes what still waits, ends the thread and closes the file."""
        if self._rows:
            self._batches.put((encode_rows(self._rows), len(self._rows), []))
            self._rows = []
        self._batches.put(None)
        self._thread.join(timeout=_SECONDS_TO_CLOSE)
        self._writer.close()

    def _hand_over(self) -> None:
        """Gives everything that waits to the writing thread as one batch."""
        rows, self._rows = self._rows, []
        self._in_flight, self._waiting = self._waiting, []
        self._since = self._loop.time()
        # Encoded here, so that the writing thread seldom waits for its turn at the interpreter.
        self._batches.put((encode_rows(rows), len(rows), self._in_flight))

    def _committed(self, count: int, futures: Waiting, is_durable: bool, seconds: float) -> None:
        """Back in the event loop: sends the next batch off, then wakes the answered requests."""
        self._on_commit(count, is_durable, seconds)
        self._in_flight = []
        if self._rows:
            self._hand_over()
        else:
            self._is_idle = True
        for future in futures:
            if not future.done():
                future.set_result(is_durable)

    def _watch(self) -> None:
        """Lets visitors pass when the disk has hung for longer than our patience; their clicks are
        still written when it answers.
        """
        if self._in_flight and self._loop.time() - self._since > self._patience_seconds:
            late = [future for future in (*self._in_flight, *self._waiting) if not future.done()]
            self._waiting = []
            for future in late:
                future.set_result(False)
            if late:
                self._on_early_answers(len(late))
                logger.error("the disk has not answered for %.1f s", self._loop.time() - self._since)
        self._loop.call_later(self._patience_seconds / 5, self._watch)

    def _write_batches(self) -> None:
        """The writing thread."""
        while (batch := self._batches.get()) is not None:
            content, count, futures = batch
            started = time.perf_counter()
            is_durable = self._is_written(content, count)
            seconds = time.perf_counter() - started
            try:
                self._loop.call_soon_threadsafe(self._committed, count, futures, is_durable, seconds)
            except RuntimeError:
                # The loop is closed: the door is shutting down and nobody waits any more.
                return

    def _is_written(self, content: str, count: int) -> bool:
        """Whether the clicks are durable, after a second try on a newly opened file."""
        for attempt in (1, 2):
            try:
                self._writer.write_encoded(content, count)
            except (sqlite3.Error, OSError) as error:
                self._alarm(error, count, attempt)
                self._mend(error)
            else:
                return True
        return False

    def _mend(self, error: Exception) -> None:
        """Opens the file anew next time; a damaged one is moved aside, for a person to look at."""
        try:
            code = getattr(error, "sqlite_errorcode", None)
            if code is not None and code & 0xFF in _DAMAGED:
                logger.critical("the spool is damaged; kept as %s", self._writer.set_aside())
            else:
                self._writer.reopen()
        except (sqlite3.Error, OSError):
            logger.exception("the spool could not be opened again")

    def _alarm(self, error: Exception, count: int, attempt: int) -> None:
        """Says loudly, but not for every batch, that clicks are not being recorded."""
        now = time.monotonic()
        if attempt == 2 and now - self._alarmed_at > _SECONDS_BETWEEN_ALARMS:
            self._alarmed_at = now
            logger.critical(
                "CLICKS ARE NOT BEING RECORDED: %s: %r (%d in this batch; see clicks_unrecorded_total)",
                self._writer.path,
                error,
                count,
            )
