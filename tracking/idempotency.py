"""Idempotency keys: a request that comes twice under one key is handled once and answered twice alike.

Taking a key is an insert under a unique constraint, so of two requests at the same moment one is
told to wait. What a key guards is idempotent by itself too (an order, a refund's reference), so a
key left behind by a crash may be taken over: nothing is done twice.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from ledger.errors import Refusal
from tracking.models import IdempotencyKey

#: A key whose request has not been answered by then was left behind by a crash.
TAKEN_OVER_AFTER = timedelta(seconds=60)

#: Answers are kept for this long.
KEPT_FOR = timedelta(days=30)


class IdempotencyKeyReused(Refusal):
    """The key came before with another request."""

    code = "idempotency_key_reused"


class IdempotencyKeyInUse(Refusal):
    """The first request under the key is being handled at this moment."""

    code = "idempotency_key_in_use"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered under a key."""

    status_code: int
    body: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A key that is ours to answer."""

    owner: str
    key: str
    taken_at: datetime


def hash_request(method: str, path: str, body: bytes) -> str:
    """SHA-256 of what makes two requests the same."""
    return hashlib.sha256(b"\n".join([method.encode(), path.encode(), body])).hexdigest()


def take_key(owner: str, key: str, *, request_hash: str, at: datetime) -> Taken | Answer:
    """Take a key, or get the answer it has already.

    Raises IdempotencyKeyReused for another request, IdempotencyKeyInUse while the first is handled.
    """
    try:
        with transaction.atomic():
            IdempotencyKey.objects.create(owner=owner, key=key, request_hash=request_hash, taken_at=at)
    except IntegrityError:
        return _known(owner, key, request_hash=request_hash, at=at)
    return Taken(owner, key, at)


def answer_key(taken: Taken, answer: Answer, *, at: datetime) -> None:
    """Keep what was answered. A key that was taken over in the meantime keeps the other answer."""
    IdempotencyKey.objects.filter(owner=taken.owner, key=taken.key, taken_at=taken.taken_at, answered_at=None).update(
        answered_at=at, status_code=answer.status_code, body=answer.body
    )


def free_key(taken: Taken) -> None:
    """Let the key be used again: the request was refused and changed nothing."""
    IdempotencyKey.objects.filter(owner=taken.owner, key=taken.key, taken_at=taken.taken_at, answered_at=None).delete()


def forget_old_keys(*, at: datetime) -> int:
    """Drop the keys that were taken longer ago than KEPT_FOR; how many."""
    count, _by_model = IdempotencyKey.objects.filter(taken_at__lt=at - KEPT_FOR).delete()
    return count


def _known(owner: str, key: str, *, request_hash: str, at: datetime) -> Taken | Answer:
    known = IdempotencyKey.objects.filter(owner=owner, key=key).first()
    if known is None:
        # Freed between our insert and our look: the other request was refused. Ours may try later.
        raise _in_use()
    if known.request_hash != request_hash:
        raise IdempotencyKeyReused(
            "This Idempotency-Key was used for another request. Use a fresh key for each request.",
            field="Idempotency-Key",
        )
    if known.answered_at is not None:
        return Answer(known.status_code, known.body)
    left_behind = IdempotencyKey.objects.filter(
        pk=known.pk, answered_at=None, taken_at=known.taken_at, taken_at__lt=at - TAKEN_OVER_AFTER
    )
    if left_behind.update(taken_at=at):
        return Taken(owner, key, at)
    raise _in_use()


def _in_use() -> IdempotencyKeyInUse:
    return IdempotencyKeyInUse(
        "The first request with this Idempotency-Key is still being handled. Send it again in a second.",
        field="Idempotency-Key",
    )
