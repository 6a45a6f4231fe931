"""Delivering webhooks: signed, tried again until somebody answers 2xx, and unruly on request.

Nothing is promised about order, and an event may come twice: a receiver that relies on either
can be shown so by the settings `order` and `copies`.
"""

import hashlib
import hmac
import http.client
import json
import random
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fakestripe.errors import Invalid
from fakestripe.events import notification
from fakestripe.standin import Standin

#: Seconds a receiver has to answer.
PATIENCE = 10.0

DEFAULTS: dict[str, Any] = {
    "paused": False,
    "order": "in_order",
    "copies": 1,
    "delay": 0.0,
    "skew": 0.0,
    "retry_base": 1.0,
    "retry_limit": 60.0,
    "give_up_after": 0,
}

ORDERS = ("in_order", "reversed", "shuffled")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint."""

    seq: int
    event: str
    endpoint: str
    tries: int


def sign(payload: str, secret: str, *, at: int) -> str:
    """The Stripe-Signature header: HMAC-SHA256 over the moment and the raw body."""
    mac = hmac.new(secret.encode(), f"{at}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def settings(standin: Standin) -> dict[str, Any]:
    """How webhooks are delivered now."""
    return DEFAULTS | standin.store.setting("webhooks", {})


def change_settings(standin: Standin, given: dict[str, Any]) -> dict[str, Any]:
    """Change how webhooks are delivered. Raises Invalid for a setting nobody knows."""
    for name, value in given.items():
        if name not in DEFAULTS:
            raise Invalid(400, f"Unknown webhook setting {name!r}. Known: {', '.join(DEFAULTS)}.")
        if name == "order" and value not in ORDERS:
            raise Invalid(400, f"order is one of {', '.join(ORDERS)}.")
        if name != "order" and not isinstance(value, bool if name == "paused" else int | float):
            raise Invalid(400, f"{name} has the wrong type.")
    standin.store.set("webhooks", standin.store.setting("webhooks", {}) | given)
    standin.wake.set()
    return settings(standin)


def deliver_due(standin: Standin, *, is_forced: bool = False) -> list[dict[str, Any]]:
    """Deliver everything that is due, once each (`copies` times), and say how it went.

    `is_forced` also delivers what waits for another try, paused or not.
    """
    chosen = settings(standin)
    if chosen["paused"] and not is_forced:
        return []
    due = standin.store.rows(
        "SELECT seq, event, endpoint, tries FROM deliveries WHERE state = 'pending' AND due <= ? ORDER BY due, seq LIMIT 500",
        float("inf") if is_forced else time.time(),
    )  # fmt: skip
    batch = [Delivery(*row) for row in due]
    if chosen["delay"] and not is_forced:
        batch = [one for one in batch if one.tries or _postpone(standin, one, chosen["delay"])]
    if chosen["order"] == "reversed":
        batch.reverse()
    elif chosen["order"] == "shuffled":
        random.shuffle(batch)
    outcomes: list[dict[str, Any]] = []
    absent: set[str] = set()
    for one in batch:
        if one.endpoint in absent and not is_forced:
            continue
        outcomes += [_try(standin, one, chosen) for _ in range(max(int(chosen["copies"]), 1))]
        if not outcomes[-1]["answer"].isdigit():
            # Nobody answers there: the others need not knock too, each time round one is enough.
            absent.add(one.endpoint)
        if settings(standin)["paused"] and not is_forced:
            break
    return outcomes


def redeliver(standin: Standin, event_ids: list[str]) -> list[dict[str, Any]]:
    """Deliver these events again, in this order, to every endpoint they were for."""
    outcomes = []
    for event_id in event_ids:
        rows = standin.store.rows(
            "SELECT min(seq), event, endpoint, 0 FROM deliveries WHERE event = ? GROUP BY endpoint ORDER BY 1",
            event_id,
        )
        outcomes += [_try(standin, Delivery(*row), settings(standin)) for row in rows]
    return outcomes


def discard(standin: Standin) -> int:
    """Give up on everything that is still to be delivered."""
    return standin.store.run("UPDATE deliveries SET state = 'discarded' WHERE state = 'pending'").rowcount


def _postpone(standin: Standin, one: Delivery, seconds: float) -> bool:
    """Let a new delivery wait for its delay once. True when it has waited."""
    row = standin.store.one("SELECT due FROM deliveries WHERE seq = ?", one.seq)
    if row and row[0] == 0:
        standin.store.run("UPDATE deliveries SET due = ? WHERE seq = ?", time.time() + seconds, one.seq)
        return False
    return True


def _try(standin: Standin, one: Delivery, chosen: dict[str, Any]) -> dict[str, Any]:
    event = standin.store.find("event", one.event) or standin.store.find("thin_event", one.event)
    endpoint = standin.store.find("webhook_endpoint", one.endpoint)
    if event is None or endpoint is None or endpoint["status"] != "enabled":
        standin.store.run("UPDATE deliveries SET state = 'discarded' WHERE seq = ? AND state = 'pending'", one.seq)
        return {"event": one.event, "endpoint": one.endpoint, "answer": "discarded"}
    payload = json.dumps(notification(event))
    secret = standin.store.setting("secrets", {}).get(one.endpoint, "")
    # The receiver compares with its own clock, so signatures carry real time, not the virtual one.
    signature = sign(payload, secret, at=int(time.time() + chosen["skew"]))
    answer = _post(endpoint["url"], payload, signature)
    if answer.isdigit() and answer.startswith("2"):
        standin.store.run("UPDATE deliveries SET state = 'delivered', answer = ? WHERE seq = ?", answer, one.seq)
    else:
        tries = one.tries + 1
        wait = min(chosen["retry_base"] * 2 ** min(tries - 1, 30), chosen["retry_limit"])
        state = "failed" if chosen["give_up_after"] and tries >= chosen["give_up_after"] else "pending"
        standin.store.run(
            "UPDATE deliveries SET tries = ?, due = ?, answer = ?, state = ? WHERE seq = ? AND state = 'pending'",
            tries, time.time() + wait, answer, state, one.seq,
        )  # fmt: skip
    return {"event": one.event, "type": event["type"], "endpoint": one.endpoint, "answer": answer}


def _post(url: str, payload: str, signature: str) -> str:
    """Post to a receiver. Answers the status, or the name of what went wrong."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request(
            "POST",
            (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            payload.encode(),
            {
                "Content-Type": "application/json; charset=utf-8",
                "Stripe-Signature": signature,
                "User-Agent": "Stripe/1.0 (stand-in)",
            },
        )
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


class Courier(threading.Thread):
    """The thread that delivers while the stand-in runs."""

    def __init__(self, standin: Standin) -> None:
        super().__init__(name="fakestripe-courier", daemon=True)
        self._standin = standin
        self._is_stopped = False

    def run(self) -> None:
        """Deliver whenever there is something, and look again five times a second for retries."""
        while not self._is_stopped:
            self._standin.wake.wait(0.2)
            self._standin.wake.clear()
            if not self._is_stopped:
                deliver_due(self._standin)

    def stop(self) -> None:
        """Finish the delivery under way, and end."""
        self._is_stopped = True
        self._standin.wake.set()
        self.join(PATIENCE + 1)
