"""The stand-in as one object: its store, clock, script, webhooks, and what it remembers of calls."""

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from fakestripe.clock import Clock
from fakestripe.faults import Script
from fakestripe.store import PLATFORM, Store


@dataclass(slots=True)
class Call:
    """One request to the interface, after its key was checked."""

    method: str
    path: str
    params: dict[str, Any]
    request_id: str
    key: str = ""
    account: str = PLATFORM
    parts: tuple[str, ...] = ()
    address: str = ""

    @property
    def is_v2(self) -> bool:
        """Whether v2's rules apply."""
        return self.path.startswith("/v2/")


@dataclass(slots=True)
class Limits:
    """Rate limits in calls a second; 0 is none."""

    total: float = 0
    endpoint: float = 0
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def admits(self, endpoint: str) -> bool:
        """Take a token for the endpoint and one for all. Buckets hold a second's worth."""
        now = time.monotonic()
        return all(self._take(name, rate, now) for name, rate in ((endpoint, self.endpoint), ("", self.total)) if rate)

    def _take(self, name: str, rate: float, now: float) -> bool:
        tokens, seen = self._buckets.get(name, (rate, now))
        tokens = min(rate, tokens + (now - seen) * rate)
        self._buckets[name] = (tokens - 1 if tokens >= 1 else tokens, now)
        return tokens >= 1


class Standin:
    """Everything one running stand-in has."""

    def __init__(self, path: str | None = None, *, rate_limit: float = 0) -> None:
        self.store = Store(path)
        self.clock = Clock(self.store)
        self.script = Script(self.store)
        self.limits = Limits(total=rate_limit, endpoint=rate_limit)
        #: Keys of requests being carried out right now, with their scope.
        self.in_flight: set[tuple[str, str]] = set()
        #: Set when there may be webhooks to deliver.
        self.wake = threading.Event()
        #: The last calls, for people and tests to look at.
        self.calls: deque[dict[str, Any]] = deque(maxlen=5000)

    def reset(self, *, endpoints: bool = False) -> None:
        """Forget everything; webhook endpoints stay registered unless `endpoints` says otherwise."""
        with self.store.transaction():
            rows = self.store.rows(
                "SELECT account, created, body FROM objects WHERE kind = 'webhook_endpoint' ORDER BY seq"
            )
            secrets = self.store.setting("secrets", {})
            self.store.wipe()
            if not endpoints:
                self.store.set("secrets", secrets)
                for account, created, body in rows:
                    self.store.add("webhook_endpoint", json.loads(body), created=created, account=account)
        self.clock.load()
        self.script.load()
        self.limits = Limits()
        self.calls.clear()
