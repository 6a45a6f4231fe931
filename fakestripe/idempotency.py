"""Idempotency keys, by the rules of both interfaces.

v1: once execution began, the status and body of the first request are stored under its key and
replayed, whether good or bad, a 500 included; after 24 hours the key is forgotten. v2: what
succeeded is not repeated, what failed is carried out again; keys live 30 days. On both, another
request under the key of the first is refused, and one that arrives while the first is still
being carried out meets a conflict.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fakestripe.errors import key_in_use, key_reused
from fakestripe.standin import Call, Standin

LIFETIME = {False: 24 * 3600, True: 30 * 24 * 3600}


@contextmanager
def hold_key(standin: Standin, call: Call) -> Iterator[tuple[int, str] | None]:
    """Hold the call's key while it is carried out.

    Yields the stored status and body if there is an answer to replay, else None. Raises Invalid:
    409 while another request holds the key, 400 when it belongs to a request that was different.
    """
    if not call.key:
        yield None
        return
    held = (_scope(call), call.key)
    with standin.store.reading():
        if held in standin.in_flight:
            raise key_in_use(call.key)
        stored = _find(standin, call)
        if stored is not None and stored[0] != _fingerprint(call):
            raise key_reused(call.key)
        standin.in_flight.add(held)
    try:
        is_replay = stored is not None and (not call.is_v2 or stored[1] < 400)
        yield (stored[1], stored[2]) if stored is not None and is_replay else None
    finally:
        with standin.store.reading():
            standin.in_flight.discard(held)


def keep_answer(standin: Standin, call: Call, status: int, body: dict[str, Any]) -> None:
    """Store the answer under the call's key; part of the same transaction as the work."""
    if not call.key:
        return
    standin.store.run(
        "INSERT OR REPLACE INTO answers (scope, key, fingerprint, status, body, created) VALUES (?, ?, ?, ?, ?, ?)",
        _scope(call), call.key, _fingerprint(call), status, json.dumps(body), standin.clock.stamp(),
    )  # fmt: skip


def prune(standin: Standin) -> int:
    """Forget keys that are old enough. Answers how many."""
    now = standin.clock.stamp()
    old = standin.store.run("DELETE FROM answers WHERE scope LIKE 'v1%' AND created <= ?", now - LIFETIME[False])
    older = standin.store.run("DELETE FROM answers WHERE created <= ?", now - LIFETIME[True])
    return old.rowcount + older.rowcount


def _find(standin: Standin, call: Call) -> tuple[str, int, str] | None:
    row = standin.store.one(
        "SELECT fingerprint, status, body FROM answers WHERE scope = ? AND key = ? AND created > ?",
        _scope(call), call.key, standin.clock.stamp() - LIFETIME[call.is_v2],
    )  # fmt: skip
    return None if row is None else (row[0], row[1], row[2])


def _scope(call: Call) -> str:
    return f"{'v2' if call.is_v2 else 'v1'}:{call.account}"


def _fingerprint(call: Call) -> str:
    said = json.dumps([call.method, call.path, call.params], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
