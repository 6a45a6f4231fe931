"""Where the stand-in keeps everything: one SQLite file, one writer, durable before any answer.

Write-ahead logging without a sync per commit: what was committed survives the death of the
process (SIGKILL), which is what the stand-in promises; a power cut may cost the last moments.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, account TEXT NOT NULL,
    created INTEGER NOT NULL, transfer_group TEXT, destination TEXT, source TEXT, type TEXT,
    body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_listed ON objects (kind, account, seq);
CREATE INDEX IF NOT EXISTS objects_group ON objects (transfer_group) WHERE transfer_group IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_destination ON objects (destination, seq) WHERE destination IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_source ON objects (source) WHERE source IS NOT NULL;
CREATE TABLE IF NOT EXISTS postings (
    seq INTEGER PRIMARY KEY, txn TEXT NOT NULL, holder TEXT NOT NULL, currency TEXT NOT NULL,
    minor INTEGER NOT NULL, available_on INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS postings_pending ON postings (holder, currency, available_on, minor);
CREATE TABLE IF NOT EXISTS balances (
    holder TEXT NOT NULL, currency TEXT NOT NULL, minor INTEGER NOT NULL,
    PRIMARY KEY (holder, currency), CHECK (holder = 'outside' OR minor >= 0)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL,
    body TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (scope, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_created ON answers (created);
CREATE TABLE IF NOT EXISTS links (
    token TEXT PRIMARY KEY, account TEXT NOT NULL, return_url TEXT, refresh_url TEXT,
    expires_at INTEGER NOT NULL, visit TEXT, is_done INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY, event TEXT NOT NULL, endpoint TEXT NOT NULL, due REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'pending', answer TEXT);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

TABLES = ("objects", "postings", "balances", "answers", "links", "deliveries", "settings")

#: Who owns what is not a connected account's.
PLATFORM = "platform"


class Store:
    """The file, and the one lock that everything passes through."""

    def __init__(self, path: str | None = None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        # A second process on the same file would not see this one's requests in flight.
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock, so that several reads see one state."""
        with self._lock:
            yield

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a transaction inside another is a savepoint."""
        with self._lock:
            name = f"s{self._depth}"
            self._db.execute(f"SAVEPOINT {name}" if self._depth else "BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                self._db.execute(f"ROLLBACK TO {name}" if self._depth else "ROLLBACK")
                raise
            self._depth -= 1
            self._db.execute(f"RELEASE {name}" if self._depth else "COMMIT")

    def run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Run one statement under the lock."""
        with self._lock:
            return self._db.execute(sql, values)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        with self._lock:
            row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
            return row

    # Objects: everything that has an id and is answered as JSON.

    def add(
        self,
        kind: str,
        body: Mapping[str, Any],
        *,
        created: int,
        account: str = PLATFORM,
        **columns: Any,
    ) -> None:
        """Keep a new object. `columns` are what lists filter by."""
        names = "".join(f", {name}" for name in columns)
        marks = ", ?" * len(columns)
        self.run(
            f"INSERT INTO objects (id, kind, account, created, body{names}) VALUES (?, ?, ?, ?, ?{marks})",
            body["id"], kind, account, created, json.dumps(body), *columns.values(),
        )  # fmt: skip

    def save(self, body: Mapping[str, Any]) -> None:
        """Keep an object's new body."""
        self.run("UPDATE objects SET body = ? WHERE id = ?", json.dumps(body), body["id"])

    def find(self, kind: str, object_id: str, *, account: str | None = None) -> dict[str, Any] | None:
        """One object of a kind, or None."""
        row = self.one("SELECT body, account FROM objects WHERE id = ? AND kind = ?", object_id, kind)
        if row is None or (account is not None and row[1] != account):
            return None
        found: dict[str, Any] = json.loads(row[0])
        return found

    def page(
        self, kind: str, params: Mapping[str, Any], *, account: str | None = PLATFORM, url: str,
        types: list[str] | None = None, **equal: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """One page of a v1 list, newest first. `equal` are columns that must match, None skips."""
        clauses, values = ["kind = ?"], [kind]
        for name, value in {"account": account, **equal}.items():
            if value is not None:
                clauses.append(f"{name} = ?")
                values.append(value)
        if types:
            clauses.append(f"type IN ({', '.join('?' * len(types))})")
            values.extend(types)
        for name, sign in (("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")):
            if name in params.get("created", {}):
                clauses.append(f"created {sign} ?")
                values.append(params["created"][name])
        limit = min(max(params.get("limit", 10), 1), 100)
        back = bool(params.get("ending_before"))
        for name, sign in (("starting_after", "<"), ("ending_before", ">")):
            if params.get(name):
                clauses.append(f"seq {sign} (SELECT seq FROM objects WHERE id = ?)")
                values.append(params[name])
        sql = f"SELECT body FROM objects WHERE {' AND '.join(clauses)} ORDER BY seq {'ASC' if back else 'DESC'} LIMIT ?"
        found = [json.loads(row[0]) for row in self.rows(sql, *values, limit + 1)]
        data = found[:limit]
        if back:
            data.reverse()
        return {"object": "list", "data": data, "has_more": len(found) > limit, "url": url}

    # Settings: what the control surface has set, kept over restarts.

    def setting(self, name: str, default: Any = None) -> Any:
        """A kept setting."""
        row = self.one("SELECT value FROM settings WHERE name = ?", name)
        return default if row is None else json.loads(row[0])

    def set(self, name: str, value: Any) -> None:
        """Keep a setting."""
        self.run("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", name, json.dumps(value))

    def wipe(self) -> None:
        """Forget everything."""
        with self.transaction():
            for table in TABLES:
                self.run(f"DELETE FROM {table}")
