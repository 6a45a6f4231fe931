"""Keeps the links in memory true to the database, and lives without it.

At the start everything is copied into a snapshot file and read from there; with no database
the last snapshot serves. Then LISTEN brings each change within moments, a sweep by
`updated_at` catches what a lost connection missed, and a lost connection is followed by a
full reading. All of it happens in threads of its own; no click waits for the database,
except one on a code nobody has heard of yet, which is asked for once.
"""

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg

from portal.click.links import HOST_SQL, LINK_SQL, LinkRow, LinkTable, rows_of_snapshot

logger = logging.getLogger("click.links")

CHANNEL = "link_changed"
SNAPSHOT = "links.snapshot"
_SECONDS_BETWEEN_ATTEMPTS = 2.0
# A change may be committed a while after the moment it carries.
_SWEEP_OVERLAP_SECONDS = 300.0
_SECONDS_UNKNOWN_IS_REMEMBERED = 5.0
_MOST_UNKNOWN = 10_000
_MOST_ASKED_AT_ONCE = 500
_SECONDS_TO_ASK = 2.0

_CHANGED_SQL = (
    LINK_SQL  # noqa: S608 - constants of ours
    + """
WHERE l.updated_at > now() - make_interval(secs => %(seconds)s)
   OR l.program_id IN (
        SELECT id FROM affiliates_program WHERE updated_at > now() - make_interval(secs => %(seconds)s))
   OR l.enrolment_id IN (
        SELECT id FROM affiliates_enrolment WHERE updated_at > now() - make_interval(secs => %(seconds)s))
   OR l.program_id IN (
        SELECT program_id FROM tracking_program_settings
        WHERE updated_at > now() - make_interval(secs => %(seconds)s))
   OR l.id IN (
        SELECT link_id FROM tracking_link_alias WHERE created_at > now() - make_interval(secs => %(seconds)s))
"""
)
# Whoever asks for a code gets all codes of its link, so that a change reaches its aliases too.
_CODES_SQL = f"""{LINK_SQL} WHERE k.link_id IN (
    SELECT id FROM tracking_link WHERE code = ANY(%(codes)s)
    UNION SELECT link_id FROM tracking_link_alias WHERE code = ANY(%(codes)s))"""  # noqa: S608 - constants of ours
_OWNER_SQL = {
    "program": f"{LINK_SQL} WHERE l.program_id = %(key)s::uuid",
    "enrolment": f"{LINK_SQL} WHERE l.enrolment_id = %(key)s::uuid",
    "affiliate": f"{LINK_SQL} WHERE l.affiliate_id = %(key)s::uuid",
}


class DatabaseSilent(Exception):
    """The database could not be asked."""


def connect(database_url: str) -> psycopg.Connection[Any]:
    """A connection that notices a dead server and never waits for ever. Raises psycopg.Error."""
    connection = psycopg.connect(
        database_url,
        autocommit=True,
        connect_timeout=3,
        application_name="click door",
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
    )
    connection.execute("SET statement_timeout = '60s'")
    return connection


class LinkKeeper:
    """Loads the link table and keeps it fresh."""

    def __init__(
        self,
        table: LinkTable,
        *,
        database_url: str,
        directory: Path,
        number: int = 0,
        sweep_seconds: float = 30.0,
        snapshot_seconds: float = 300.0,
    ) -> None:
        self._table = table
        self._database_url = database_url
        self._snapshot = directory / SNAPSHOT
        self._draft = directory / f"links.{number}.draft"
        self._hosts_file = directory / f"hosts.{number}.json"
        self._sweep_seconds = sweep_seconds
        self._snapshot_seconds = snapshot_seconds
        self._connection: psycopg.Connection[Any] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="links", daemon=True)
        self.is_connected = False
        self.fresh_at = 0.0

    def load(self) -> None:
        """Fills the table before the first request: from the database, else from the snapshot."""
        try:
            self._connection = self._connected()
        except (psycopg.Error, OSError, ValueError) as error:
            logger.warning("starting without the database: %s", error)
            try:
                count = self._table.replace(rows_of_snapshot(self._snapshot))
                logger.warning("%d links from the snapshot", count)
                if self._hosts_file.exists():
                    self._table.hosts = json.loads(self._hosts_file.read_text(encoding="utf-8"))
            except (OSError, ValueError) as missing:
                logger.critical("no snapshot either; no link is known yet: %s", missing)

    def start(self) -> None:
        """Starts keeping the table fresh."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the keeping, within a second or so."""
        self._stopped.set()
        if not self._thread.is_alive() and self._connection is not None:
            self._connection.close()

    def _connected(self) -> psycopg.Connection[Any]:
        """A connection that listens, with everything read. Raises psycopg.Error, OSError."""
        connection = connect(self._database_url)
        try:
            connection.execute(f"LISTEN {CHANNEL}")
            # Whatever happened before the LISTEN is in this reading.
            self._read_all(connection)
        except BaseException:
            connection.close()
            raise
        self.is_connected = True
        return connection

    def _keep(self) -> None:
        """The keeping thread: connected as long as there is a database, and again after."""
        while not self._stopped.is_set():
            try:
                connection, self._connection = self._connection or self._connected(), None
                with connection:
                    self._listen(connection)
            except (psycopg.Error, OSError, ValueError) as error:
                if self.is_connected:
                    logger.warning("the database is away; links stay as they are: %s", error)
                self.is_connected = False
                self._stopped.wait(_SECONDS_BETWEEN_ATTEMPTS)

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        """Takes in changes until the connection breaks or the door closes."""
        swept_at = snapshot_at = time.monotonic()
        while not self._stopped.is_set():
            heard = {notice.payload for notice in connection.notifies(timeout=1.0, stop_after=1)}
            if heard:
                # A transaction that changed many links says so many times.
                heard |= {notice.payload for notice in connection.notifies(timeout=0.02)}
                self._take_in(connection, heard)
            now = time.monotonic()
            if now - swept_at >= self._sweep_seconds:
                since = {"seconds": now - swept_at + _SWEEP_OVERLAP_SECONDS}
                rows = connection.execute(_CHANGED_SQL, since).fetchall()
                self._table.change(_as_text(rows))
                self._read_hosts(connection)
                swept_at = now
                self.fresh_at = time.time()
            if now - snapshot_at >= self._snapshot_seconds:
                self._write_snapshot(connection)
                snapshot_at = now

    def _take_in(self, connection: psycopg.Connection[Any], heard: set[str]) -> None:
        """Reads again what the notices name."""
        if "*" in heard:
            self._read_all(connection)
            return
        codes = [payload for payload in heard if ":" not in payload]
        if codes:
            rows = connection.execute(_CODES_SQL, {"codes": codes}).fetchall()
            self._table.change(_as_text(rows), asked=codes)
        for payload in heard.difference(codes):
            kind, _, key = payload.partition(":")
            if kind == "domain":
                self._read_hosts(connection)
            elif kind in _OWNER_SQL:
                rows = connection.execute(_OWNER_SQL[kind], {"key": key}).fetchall()
                self._table.change(_as_text(rows))
        self.fresh_at = time.time()

    def _read_all(self, connection: psycopg.Connection[Any]) -> None:
        """Copies every link into the snapshot, and the snapshot into memory."""
        rows: Iterable[LinkRow]
        if self._write_snapshot(connection):
            rows = rows_of_snapshot(self._snapshot)
        else:
            rows = _as_text(connection.execute(LINK_SQL).fetchall())
        self._read_hosts(connection)
        count = self._table.replace(rows, pause=_let_others_run)
        self.fresh_at = time.time()
        logger.info("%d links", count)

    def _read_hosts(self, connection: psycopg.Connection[Any]) -> None:
        """Takes in merchants' own hosts; there are few. They are kept beside the snapshot."""
        hosts = {host: str(owner) for host, owner in connection.execute(HOST_SQL).fetchall()}
        if hosts == self._table.hosts:
            return
        self._table.hosts = hosts
        try:
            self._hosts_file.write_text(json.dumps(hosts), encoding="utf-8")
        except OSError as error:
            logger.warning("no copy of the hosts was kept: %s", error)

    def _write_snapshot(self, connection: psycopg.Connection[Any]) -> bool:
        """Replaces the snapshot file, all or nothing; whether the disk let it."""
        try:
            with self._draft.open("wb") as file:
                with connection.cursor().copy(f"COPY ({LINK_SQL}) TO STDOUT") as rows:
                    for chunk in rows:
                        file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            self._draft.replace(self._snapshot)
        except OSError as error:
            logger.warning("no snapshot of the links was kept: %s", error)
            return False
        return True


class LinkAsker:
    """Asks the database for codes the table does not know: once each, many in one question."""

    def __init__(self, table: LinkTable, *, database_url: str, loop: asyncio.AbstractEventLoop) -> None:
        self._table = table
        self._database_url = database_url
        self._loop = loop
        self._connection: psycopg.Connection[Any] | None = None
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ask")
        self._waiting: dict[str, list[asyncio.Future[bool]]] = {}
        self._unknown: dict[str, float] = {}
        self._is_asking = False

    async def ask(self, code: str) -> None:
        """Looks a code up; afterwards it is in the table or does not exist. Raises DatabaseSilent."""
        if self._unknown.get(code, 0.0) > self._loop.time():
            return
        if len(self._waiting) >= _MOST_ASKED_AT_ONCE and code not in self._waiting:
            # Somebody is trying out codes; nothing of theirs is worth a question.
            return
        future: asyncio.Future[bool] = self._loop.create_future()
        self._waiting.setdefault(code, []).append(future)
        if not self._is_asking:
            self._is_asking = True
            self._loop.call_soon(self._send)
        try:
            is_answered = await asyncio.wait_for(future, _SECONDS_TO_ASK)
        except TimeoutError:
            raise DatabaseSilent from None
        if not is_answered:
            raise DatabaseSilent

    def close(self) -> None:
        """Lets the asking thread go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _send(self) -> None:
        """Asks for everything that waits, in one question."""
        waiting, self._waiting = self._waiting, {}
        asked = self._threads.submit(self._question, list(waiting))
        asked.add_done_callback(
            lambda answer: self._loop.call_soon_threadsafe(self._answered, waiting, answer.exception())
        )

    def _answered(self, waiting: dict[str, list[asyncio.Future[bool]]], error: BaseException | None) -> None:
        """Wakes the requests; remembers for a moment what does not exist."""
        if error is None:
            until = self._loop.time() + _SECONDS_UNKNOWN_IS_REMEMBERED
            if len(self._unknown) > _MOST_UNKNOWN:
                self._unknown.clear()
            for code in waiting:
                if code not in self._table.links:
                    self._unknown[code] = until
        else:
            logger.warning("the database did not answer for an unknown code: %s", error)
        for futures in waiting.values():
            for future in futures:
                if not future.done():
                    future.set_result(error is None)
        if self._waiting:
            self._send()
        else:
            self._is_asking = False

    def _question(self, codes: Sequence[str]) -> None:
        """In the asking thread: one query for these codes."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._database_url)
        try:
            rows = self._connection.execute(_CODES_SQL, {"codes": list(codes)}).fetchall()
        except psycopg.Error:
            self._connection.close()
            raise
        self._table.change(_as_text(rows))


def _as_text(rows: Iterable[Sequence[object]]) -> list[LinkRow]:
    """Rows from the database as text, like those of a snapshot."""
    return [["" if value is None else str(value) for value in row] for row in rows]


def _let_others_run() -> None:
    """Gives redirects the processor in the middle of a long reading."""
    time.sleep(0.0001)
