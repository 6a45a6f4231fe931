"""Handling a kept request again: what was set aside or refused gets another chance, and its history is kept.

Each door says how its requests are handled again: `register("api", handler)`. Keys and secrets are
not kept, so the handler gets the merchant of the row instead, and acts with its rights only; a
request that was never read is proved to be a merchant's by the digest of the key it came with.
The verdict, what it led to and the line of its history are written in one transaction, under a
lock on the row: twice is once.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.db import transaction

from affiliates.keys import key_of_digest
from ledger.errors import Refusal
from portal.intake.door import QUARANTINED, Outcome, refused
from tracking import inbox

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Merchant, User
    from tracking.models import InboxReplay, InboxRequest

log = logging.getLogger("portal.intake")

#: A request that is being read for longer than this was left behind by a process that died.
LEFT_BEHIND_AFTER = timedelta(minutes=5)

#: What may be handled again: everything else was counted, and would only be counted as a duplicate.
REPLAYABLE = ("quarantined", "rejected")


class ReplayRefused(Refusal):
    """The request cannot be handled again, or needs not to be."""

    code = "replay_refused"


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept request, as its door's handler gets it again.

    `at` is now. An order that does not say when it happened happened at `received_at`. The handler
    runs in a transaction: it must not drain the spool (portal/intake/arrivals.py); a click that is
    not known leaves the order held, and the timetable decides over it.
    """

    row: "InboxRequest"
    merchant: "Merchant"
    is_test: bool
    body: bytes
    at: datetime

    @property
    def received_at(self) -> datetime:
        """When it came for the first time."""
        return self.row.received_at

    @property
    def path(self) -> str:
        """The address without its question."""
        return urlsplit(self.row.path).path

    @property
    def query(self) -> str:
        """What stood behind the question mark, keys hidden."""
        return urlsplit(self.row.path).query


type Again = Callable[[Kept], Outcome]

_HANDLERS: dict[str, Again] = {}


def register(door: str, handler: Again) -> None:
    """Say how a kept request of a door is handled again. Refusals are raised, outcomes returned, as at the door."""
    _HANDLERS[door] = handler


def doors() -> tuple[str, ...]:
    """The doors whose requests can be handled again."""
    return tuple(sorted(_HANDLERS))


def may_replay(row: "InboxRequest", *, at: datetime) -> bool:
    """Whether a request is worth a button: it was refused or set aside, is whole, and has a handler."""
    is_open = row.verdict in REPLAYABLE and not (
        row.reason == "being_read" and at - row.received_at < LEFT_BEHIND_AFTER
    )
    return is_open and not row.is_cut and row.door in _HANDLERS


def replay(row: "InboxRequest", *, by: "User | None", at: datetime) -> "InboxReplay":
    """Handle a kept request again; `by` is nobody when the timetable does it.

    Raises ReplayRefused when it was counted already, is being read at this moment, is not kept
    whole, has no known owner, or its door has nothing to handle again.
    """
    with transaction.atomic():
        locked = inbox.lock(row)
        kept = _kept(locked, at=at)
        started = time.perf_counter()
        outcome = handled(kept, _HANDLERS[locked.door])
        verdict = inbox.Verdict(
            outcome.verdict, int(outcome.status), outcome.reason, outcome.field, outcome.detail, outcome.conversion
        )
        return inbox.close_again(
            locked,
            verdict,
            merchant=kept.merchant,
            is_test=kept.is_test,
            by=by,
            at=at,
            latency_ms=round((time.perf_counter() - started) * 1000),
        )


def sweep(*, at: datetime, limit: int = 200) -> Iterator["InboxRequest"]:
    """Deal with what dead processes left behind: handle it again where its owner is proved, else say so on it."""
    for row in inbox.left_behind(before=at - LEFT_BEHIND_AFTER, limit=limit):
        try:
            replay(row, by=None, at=at)
        except ReplayRefused as refusal:
            inbox.label_interrupted(row, detail=refusal.message)
        yield row.refreshed()


def _kept(row: "InboxRequest", *, at: datetime) -> Kept:
    """The request as its handler gets it. Raises ReplayRefused."""
    if row.verdict not in REPLAYABLE:
        raise ReplayRefused("This request was counted already. Nothing was changed.", code="replay_settled")
    if row.reason == "being_read" and at - row.received_at < LEFT_BEHIND_AFTER:
        raise ReplayRefused(
            "This request is being read at this moment. Try again in five minutes.", code="replay_early"
        )
    if row.door not in _HANDLERS:
        raise ReplayRefused("Requests of this door are not handled again. Send it again.", code="replay_not_offered")
    if row.is_cut:
        raise ReplayRefused("Only the beginning of this request was kept. Send it again.", code="replay_cut")
    if row.reason == "body_too_large" or row.reason == "body_broke_off":
        raise ReplayRefused("The body of this request did not arrive. Send it again.", code="replay_cut")
    if row.merchant is not None:
        return Kept(row, row.merchant, row.is_test, bytes(row.body), at)
    key = key_of_digest(row.key_digest, at=row.received_at)
    if key is None or key.merchant is None:
        raise ReplayRefused(
            "Nobody knows whose request this is: it came without a key that fits. Send it again with one.",
            code="replay_without_owner",
        )
    return Kept(row, key.merchant, key.is_test, bytes(row.body), at)


def handled(kept: Kept, handler: Again) -> Outcome:
    """What becomes of a kept request now; a refusal and a bug change nothing else. Raises ReplayRefused."""
    try:
        with transaction.atomic():
            return handler(kept)
    except ReplayRefused:
        raise
    except Refusal as refusal:
        return refused(refusal)
    except Exception:
        log.exception("%s was set aside again", kept.row.public_id)
        detail = "This is our fault. The request is kept and will be looked at; sending it again is safe."
        return Outcome(HTTPStatus.INTERNAL_SERVER_ERROR, {}, QUARANTINED, reason="internal_error", detail=detail)
