"""The Idempotency-Key header: a POST that comes twice under one key is handled once and answered twice alike."""

import json
from collections.abc import Callable
from typing import Any

from portal.intake.door import DUPLICATE, Intake, Outcome
from portal.intake.fields import refuse
from tracking import idempotency

_LONGEST = 255


def idempotency_key(intake: Intake) -> str:
    """The header's value; empty when there is none. Raises InputRefused for one that cannot be kept."""
    key = intake.request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if len(key) > _LONGEST or not all("!" <= sign <= "~" or sign == " " for sign in key):
        raise refuse(
            "Idempotency-Key",
            "Idempotency-Key is 1 to 255 printable ASCII characters, such as a UUID.",
            code="idempotency_key_invalid",
        )
    return key


def answered_once(intake: Intake, handle: Callable[[], Outcome]) -> Outcome:
    """Handle a request, or give the answer its Idempotency-Key has already.

    A refusal changed nothing, so it frees the key; every other answer is kept. Raises
    IdempotencyKeyReused, IdempotencyKeyInUse.
    """
    key = idempotency_key(intake)
    if not key or intake.key is None:
        return handle()
    owner = intake.key.merchant or intake.key.affiliate
    known = idempotency.take_key(
        f"{owner.public_id if owner else ''}:{intake.key.kind}",
        key,
        request_hash=idempotency.hash_request(intake.request.method or "", intake.request.path, intake.readable_body()),
        at=intake.at,
    )
    if isinstance(known, idempotency.Answer):
        return _replayed(intake, known)
    try:
        outcome = handle()
    except BaseException:
        idempotency.free_key(known)
        raise
    answer = idempotency.Answer(int(outcome.status), json.dumps(outcome.payload))
    idempotency.answer_key(known, answer, at=intake.at)
    return outcome


def _replayed(intake: Intake, answer: idempotency.Answer) -> Outcome:
    intake.headers["Idempotent-Replayed"] = "true"
    payload: dict[str, Any] = json.loads(answer.body)
    return Outcome(answer.status_code, payload, DUPLICATE, reason="same_request")
