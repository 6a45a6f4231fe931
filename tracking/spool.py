"""The spool: clicks made durable in SQLite before their redirect is answered.

One file a door process, `clicks-<n>.sqlite3`, held by a lock for as long as the process
lives; a restart takes the lowest free number and so opens the same file again. Each row of
table `batch` is one durable group of clicks, a JSON array of `Click` arrays:

    SELECT click.value FROM batch, json_each(batch.content) AS click;

The writer commits with synchronous=FULL. The drain deletes with synchronous=NORMAL: should
the machine die, a batch may come back, and the click table takes no key twice.
"""

import fcntl
import itertools
import json
import os
import re
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self
from uuid import UUID

import orjson

from ledger.base32 import encode
from tracking.click_ids import click_key, clicked_at_of, new_click_id

type Row = Sequence[str | bool | None]

FILE_NAME = re.compile(r"clicks-\d+\.sqlite3")
DEFAULT_MOST_BYTES = 4 * 1024**3
_PAGE_BYTES = 4096
_BATCH_OF_MANY = 1_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    clicks INTEGER NOT NULL,
    content TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    click TEXT NOT NULL,
    reason TEXT NOT NULL,
    quarantined_at TEXT NOT NULL
);
"""
# Keys are never used twice, or a drain that stopped half way could delete what it never read.
_INSERT = "INSERT INTO batch (clicks, content) VALUES (?, ?)"


class Click(NamedTuple):
    """One follow of a link as the door saw it; unparsed, in the order the spool keeps."""

    id: str
    belongs_to: str
    visitor: str | None
    destination: str
    referrer: str | None
    user_agent: str | None
    language: str | None
    ip: str | None
    query: str
    uncounted_reason: str = ""
    problems: str = ""
    kind: str = "click"
    consent: str = "not_needed"
    #: Where the door had to know it for a routing rule; else the drain looks it up.
    country: str = ""
    #: Whether the door made the visitor's id for this very click, so that nothing came before it.
    is_new_visitor: bool = False


class Backlog(NamedTuple):
    """What waits in a spool directory."""

    clicks: int
    bytes: int
    quarantined: int
    oldest_at: datetime | None


class Batch(NamedTuple):
    """One durable group of clicks and its key in its file."""

    id: int
    content: str


def encode_rows(rows: Sequence[Row]) -> str:
    """A batch's content: a JSON array of arrays."""
    try:
        return orjson.dumps(rows).decode()
    except TypeError:
        # Half a surrogate pair, which no request can bring: escaped, it does no harm.
        return json.dumps(rows)


def decode_rows(content: str) -> Any:
    """What a batch's content says. Raises ValueError when it is no JSON."""
    try:
        return orjson.loads(content)
    except ValueError:
        return json.loads(content)


def belongs_to(*, link_id: UUID, enrolment_id: UUID, program_id: UUID, affiliate_id: UUID) -> str:
    """Whose click it is, as the spool writes it: four keys in hexadecimal, with spaces between."""
    return f"{link_id.hex} {enrolment_id.hex} {program_id.hex} {affiliate_id.hex}"


def make_click(
    *,
    at: datetime,
    link_id: UUID,
    enrolment_id: UUID,
    program_id: UUID,
    affiliate_id: UUID,
    destination: str,
    visitor_id: UUID | None = None,
    referrer: str = "",
    user_agent: str = "",
    language: str = "",
    ip: str | None = None,
    query: str = "",
    uncounted_reason: str = "",
    kind: str = "click",
    consent: str = "not_needed",
    country: str = "",
) -> Click:
    """A click of any instant, for playing back history; `query` is the link's, percent-encoded."""
    return Click(
        id=new_click_id(at),
        belongs_to=belongs_to(
            link_id=link_id,
            enrolment_id=enrolment_id,
            program_id=program_id,
            affiliate_id=affiliate_id,
        ),
        visitor=None if visitor_id is None else encode(visitor_id),
        destination=destination,
        referrer=referrer,
        user_agent=user_agent,
        language=language,
        ip=ip,
        query=query,
        uncounted_reason=uncounted_reason,
        kind=kind,
        consent=consent,
        country=country,
    )


class SpoolWriter:
    """The one writer of a spool file. Use it from one thread at a time."""

    def __init__(self, path: Path, *, most_bytes: int = DEFAULT_MOST_BYTES) -> None:
        self.path = path
        self.most_bytes = most_bytes
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._looked_at = 0.0
        self._lock: int | None = None

    @classmethod
    def claim(cls, directory: Path, *, most_bytes: int = DEFAULT_MOST_BYTES) -> Self:
        """A writer on the lowest numbered file of the directory that no live process holds."""
        directory.mkdir(parents=True, exist_ok=True)
        for number in itertools.count():
            path = directory / f"clicks-{number}.sqlite3"
            lock = _try_lock(path.with_suffix(".writing"))
            if lock is not None:
                writer = cls(path, most_bytes=most_bytes)
                writer._lock = lock
                return writer
        raise AssertionError("numbers do not end")

    @property
    def number(self) -> int:
        """The n of clicks-<n>.sqlite3."""
        return int("".join(filter(str.isdigit, self.path.stem)) or 0)

    def write(self, rows: Sequence[Row]) -> None:
        """Makes the rows durable, all or none, before it returns. Raises sqlite3.Error or OSError."""
        self.write_encoded(encode_rows(rows), len(rows))

    def write_encoded(self, content: str, clicks: int) -> None:
        """Like `write`, of rows that went through `encode_rows`. Does not hold the interpreter
        while the disk is at work.
        """
        self._ready().execute(_INSERT, (clicks, content))

    def append_many(self, clicks: Iterable[Click]) -> int:
        """Makes any number of clicks durable, in groups; how many there were."""
        count = 0
        for group in itertools.batched(clicks, _BATCH_OF_MANY):
            self.write(group)
            count += len(group)
        return count

    def reopen(self) -> None:
        """Lets go of the connection; the next write makes a new one."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                connection.close()
            except sqlite3.Error:
                # A broken file may refuse even this; the connection is gone either way.
                return

    def set_aside(self) -> Path:
        """Moves a file that is no database out of the way, for a person to look at; its new path."""
        self.reopen()
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        aside = self.path.with_name(f"{self.path.stem}.broken-{stamp}.sqlite3")
        self.path.rename(aside)
        for suffix in ("-wal", "-shm"):
            log = self.path.with_name(self.path.name + suffix)
            if log.exists():
                log.rename(aside.with_name(aside.name + suffix))
        return aside

    def close(self) -> None:
        """Closes the file and gives its number free."""
        self.reopen()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _ready(self) -> sqlite3.Connection:
        """The open connection; a new one when there is none or the file was taken away."""
        now = time.monotonic()
        if self._connection is not None and now - self._looked_at > 1:
            self._looked_at = now
            if not self.path.exists() or self.path.stat().st_ino != self._inode:
                self.reopen()
        if self._connection is None:
            self._connection = _open(self.path, synchronous="FULL")
            pages = self.most_bytes // _PAGE_BYTES
            self._connection.execute(f"PRAGMA max_page_count = {pages:d}")
            self._inode = self.path.stat().st_ino
        return self._connection


class SpoolReader:
    """The drain's view of a spool file: read, then discard. Two readers do no harm."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = _open(path, synchronous="NORMAL")

    def batches(self, at_least: int, *, after: int = 0) -> list[Batch]:
        """The oldest batches past the key `after`, until they hold `at_least` clicks or nothing is left."""
        taken: list[Batch] = []
        clicks = 0
        oldest = "SELECT id, content, clicks FROM batch WHERE id > ? ORDER BY id"
        with closing(self._connection.execute(oldest, (after,))) as rows:
            for key, content, size in rows:
                taken.append(Batch(key, content))
                clicks += size
                if clicks >= at_least:
                    break
        return taken

    def discard(self, batches: Sequence[Batch], *, quarantine: Sequence[tuple[str, str]] = ()) -> None:
        """Deletes batches; in the same transaction keeps aside the clicks (as JSON, with a
        reason) that the database would not take.
        """
        at = datetime.now(UTC).isoformat()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany("DELETE FROM batch WHERE id = ?", [(batch.id,) for batch in batches])
            self._connection.executemany(
                "INSERT INTO quarantine (click, reason, quarantined_at) VALUES (?, ?, ?)",
                [(click, reason, at) for click, reason in quarantine],
            )
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def quarantined(self) -> list[tuple[str, str]]:
        """The clicks kept aside, as JSON, with the reason of each."""
        return self._connection.execute("SELECT click, reason FROM quarantine ORDER BY id").fetchall()

    def quarantine_size(self) -> int:
        """How many clicks are kept aside."""
        (count,) = self._connection.execute("SELECT count(*) FROM quarantine").fetchone()
        return int(count)

    def waiting(self) -> int:
        """How many clicks wait."""
        (clicks,) = self._connection.execute("SELECT coalesce(sum(clicks), 0) FROM batch").fetchone()
        return int(clicks)

    def oldest_at(self) -> datetime | None:
        """When the oldest waiting click was made."""
        row = self._connection.execute(
            "SELECT json_extract(content, '$[0][0]') FROM batch ORDER BY id LIMIT 1"
        ).fetchone()
        try:
            return None if row is None else clicked_at_of(click_key(row[0]))
        except (ValueError, AttributeError):
            return None

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()


def spool_files(directory: Path) -> list[Path]:
    """The spool files of a directory, by number."""
    if not directory.is_dir():
        return []
    files = [path for path in directory.iterdir() if FILE_NAME.fullmatch(path.name)]
    return sorted(files, key=lambda path: (len(path.name), path.name))


def backlog_of(directory: Path) -> Backlog:
    """What waits in the directory's files. Raises sqlite3.Error when one cannot be read."""
    clicks = size = quarantined = 0
    oldest: datetime | None = None
    for path in spool_files(directory):
        with closing(SpoolReader(path)) as reader:
            clicks += reader.waiting()
            quarantined += reader.quarantine_size()
            at = reader.oldest_at()
            oldest = at if oldest is None else min(oldest, at or oldest)
        size += spool_bytes(path)
    return Backlog(clicks=clicks, bytes=size, quarantined=quarantined, oldest_at=oldest)


def spool_bytes(path: Path) -> int:
    """What a spool file and its log take on the disk."""
    parts = (path, path.with_name(f"{path.name}-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


class Hold:
    """A drain's hold on one spool file, so that several drains share the files between them.

    A convenience, not the guarantee: the click table's key is. `with Hold(path) as is_held`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_suffix(".draining")
        self._lock: int | None = None

    def __enter__(self) -> bool:
        self._lock = _try_lock(self._path)
        return self._lock is not None

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            os.close(self._lock)


def _try_lock(path: Path) -> int | None:
    """An open descriptor that holds the file's lock, or None when another process has it."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _open(path: Path, *, synchronous: str) -> sqlite3.Connection:
    """A connection in autocommit on a spool file, made when it is missing, for its owner's eyes."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        directory = os.open(path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
    connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
