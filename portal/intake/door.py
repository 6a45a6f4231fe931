"""The way through an intake: a row in the inbox before anything is read, a verdict after, an answer always.

A refusal closes the row as rejected; a body that cannot be read and a bug of ours leave it
quarantined, so that nothing received is lost. Whatever comes, the sender gets an answer
that says what to do.
"""

import ipaddress
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.utils import timezone

from affiliates.keys import digest_of
from ledger.errors import Refusal
from portal.errors import problem, status_of
from portal.intake.bodies import BodyUnreadable, too_large
from portal.intake.headers import given_key, kept_headers
from portal.intake.privacy import hide_addresses, hide_keys
from tracking import inbox

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey, Merchant
    from tracking.models import Conversion, InboxRequest

log = logging.getLogger("portal.intake")

ACCEPTED, DUPLICATE, REJECTED, TEST, QUARANTINED = "accepted", "duplicate", "rejected", "test", "quarantined"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: the answer, and the row's verdict."""

    status: int
    payload: Mapping[str, Any]
    verdict: str
    reason: str = ""
    field: str = ""
    detail: str = ""
    conversion: "Conversion | None" = None


@dataclass(slots=True)
class Intake:
    """One request on its way: its row, its bytes, and, once it is known, whose key it came with."""

    request: HttpRequest
    row: "InboxRequest"
    body: bytes
    at: datetime
    trouble: Refusal | None = None
    key: "ApiKey | None" = None
    headers: dict[str, str] = field(default_factory=dict)
    #: Whose it is where no key tells: a browser's order, a shop's webhook.
    owner: "Merchant | None" = None
    #: When it came, by time.perf_counter().
    started: float = field(default_factory=time.perf_counter)

    @property
    def merchant(self) -> "Merchant | None":
        """The key's merchant, or whom the request names."""
        return self.key.merchant if self.key else self.owner

    def readable_body(self) -> bytes:
        """The bytes. Raises BodyTooLarge, BodyUnreadable when they could not be had."""
        if self.trouble is not None:
            raise self.trouble
        return self.body


type Handler = Callable[[Intake], Outcome]
type Worder = Callable[[Intake, Outcome], HttpResponse]


def take(
    request: HttpRequest,
    *,
    door: str,
    handle: Handler,
    word: Worder | None = None,
    keep: int = inbox.LARGEST_KEPT_BODY,
) -> HttpResponse:
    """Receive a request, have it handled, close its row, answer. Never raises."""
    word = word or as_json
    started, at = time.perf_counter(), timezone.now()
    body, trouble = bytes_of(request)
    try:
        [row] = inbox.receive_many([arrival_of(request, door, body, at=at, keep=keep)])
    except DatabaseError:
        log.exception("the inbox could not be written")
        return unavailable()
    intake = Intake(request, row, body, at, trouble, started=started)
    outcome = settle(intake, handle)
    try:
        close(intake, outcome)
    except DatabaseError:
        # What was decided stands; the row says "being read" and is found among those set aside.
        log.exception("%s could not be closed", row.public_id)
    return word(intake, outcome)


def arrival_of(
    request: HttpRequest, door: str, body: bytes, *, at: datetime, keep: int = inbox.LARGEST_KEPT_BODY
) -> inbox.Arrival:
    """What is kept of a request."""
    return inbox.Arrival(
        door,
        method=request.method or "",
        path=hide_addresses(hide_keys(request.get_full_path().encode())).decode("utf-8", "replace"),
        content_type=request.META.get("CONTENT_TYPE", ""),
        body=hide_addresses(hide_keys(body or _query_of(request))),
        ip=address_of(request),
        at=at,
        keep=keep,
        headers=kept_headers(request),
        key_digest=digest_of(given_key(request)),
    )


def settle(intake: Intake, handle: Handler) -> Outcome:
    """Have a request handled; refusals and bugs become outcomes too."""
    try:
        return handle(intake)
    except Refusal as refusal:
        return refused(refusal)
    except Exception:
        log.exception("%s was set aside", intake.row.public_id)
        return Outcome(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            {
                "type": "/docs/reasons/#internal_error",
                "title": "internal error",
                "status": int(HTTPStatus.INTERNAL_SERVER_ERROR),
                "code": "internal_error",
                "field": None,
                "detail": "This is our fault. The request is kept and will be looked at; sending it again is safe.",
                "verdict": QUARANTINED,
                "request": intake.row.public_id,
            },
            QUARANTINED,
            reason="internal_error",
        )


def close(intake: Intake, outcome: Outcome) -> None:
    """Write the verdict on a request's row."""
    close_many([(intake, outcome)])


def close_many(settled: Sequence[tuple[Intake, Outcome]]) -> None:
    """Write the verdicts on the rows of requests, in one statement."""
    now = time.perf_counter()
    inbox.close_many(
        [
            inbox.Closing(
                intake.row,
                inbox.Verdict(
                    outcome.verdict,
                    int(outcome.status),
                    outcome.reason,
                    outcome.field,
                    outcome.detail,
                    outcome.conversion,
                ),
                latency_ms=round((now - intake.started) * 1000),
                merchant=intake.merchant,
                is_test=intake.key.is_test if intake.key else None,
            )
            for intake, outcome in settled
        ]
    )


def refused(refusal: Refusal) -> Outcome:
    """What a refusal is answered with. Only what nobody could read is set aside."""
    status = status_of(refusal)
    return Outcome(
        status,
        {**problem(refusal), "verdict": REJECTED},
        QUARANTINED if isinstance(refusal, BodyUnreadable) else REJECTED,
        reason=refusal.code,
        field=refusal.field or "",
        detail=refusal.message,
        conversion=getattr(refusal, "conversion", None),
    )


def as_json(intake: Intake, outcome: Outcome) -> HttpResponse:
    """An outcome as JSON; refusals as problem+json."""
    is_problem = outcome.status >= HTTPStatus.BAD_REQUEST
    response = JsonResponse(
        outcome.payload,
        status=int(outcome.status),
        content_type="application/problem+json" if is_problem else "application/json",
        headers={**intake.headers, "Request-Id": intake.row.public_id, "Cache-Control": "no-store"},
    )
    if outcome.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def address_of(request: HttpRequest) -> str | None:
    """The sender's address, behind as many proxies as are trusted; None when it is none."""
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    count = settings.TRUSTED_PROXY_COUNT
    text = hops[-count] if 0 < count <= len(hops) else request.META.get("REMOTE_ADDR", "")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def bytes_of(request: HttpRequest) -> tuple[bytes, Refusal | None]:
    """A request's body, or why it could not be had."""
    try:
        return request.body, None
    except RequestDataTooBig:
        return b"", too_large()
    except UnreadablePostError:
        return b"", BodyUnreadable("The body broke off. Send it again.", code="body_broke_off", field="body")


def _query_of(request: HttpRequest) -> bytes:
    """The query of a request without a body: all of what it says, however long."""
    return request.META.get("QUERY_STRING", "").encode("utf-8", "replace")


def unavailable() -> HttpResponse:
    """The answer while the inbox cannot be written."""
    return JsonResponse(
        {
            "type": "/docs/reasons/#unavailable",
            "title": "unavailable",
            "status": int(HTTPStatus.SERVICE_UNAVAILABLE),
            "code": "unavailable",
            "field": None,
            "detail": "The network cannot take requests at this moment. Send it again in a few seconds.",
        },
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        content_type="application/problem+json",
        headers={"Retry-After": "5", "Cache-Control": "no-store"},
    )
