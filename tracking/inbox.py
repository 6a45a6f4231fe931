"""The inbox: every request to an intake has a row before it is read, and a verdict after.

The row is written as quarantined in a transaction of its own. If the process dies while the
request is handled, the row stays so: nothing received is lost, and it can be replayed.
count(received) = accepted + rejected + duplicate + test + quarantined, always.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import F

from affiliates.models import Merchant, User
from ledger.journal import record_event
from ledger.rows import insert_rows
from tracking.models import Conversion, InboxReplay, InboxRequest

#: Of a larger body only this much is kept, unless the door asks for more.
LARGEST_KEPT_BODY = 65_536

#: The columns that closing a request writes, behind its key.
_CLOSED = (
    "id", "verdict", "status_code", "reason", "field", "detail", "conversion_id", "latency_ms", "merchant_id", "is_test",
)  # fmt: skip
_CLOSE = f"""
UPDATE tracking_inboxrequest AS row
SET ({", ".join(_CLOSED[1:])}) = ROW ({", ".join(f"said.{name}" for name in _CLOSED[1:])})
FROM unnest(
    %s::uuid[], %s::text[], %s::int[], %s::text[], %s::text[], %s::text[], %s::uuid[], %s::int[], %s::uuid[], %s::boolean[]
) AS said ({", ".join(_CLOSED)})
WHERE row.id = said.id
"""  # noqa: S608 - names of columns, no values


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a request."""

    verdict: str
    status_code: int
    reason: str = ""
    field: str = ""
    detail: str = ""
    conversion: Conversion | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it came. `path` and `headers` must hold no key; `key_digest` proves later with which key it came."""

    door: str
    method: str
    path: str
    content_type: str
    body: bytes
    ip: str | None
    at: datetime
    merchant: Merchant | None = None
    #: So many bytes of the body are kept.
    keep: int = LARGEST_KEPT_BODY
    headers: Mapping[str, str] = field(default_factory=dict)
    key_digest: str = ""
    is_test: bool = False


def receive(
    door: str,
    *,
    method: str,
    path: str,
    content_type: str,
    body: bytes,
    ip: str | None,
    at: datetime,
    merchant: Merchant | None = None,
    keep: int = LARGEST_KEPT_BODY,
    headers: Mapping[str, str] | None = None,
    key_digest: str = "",
    is_test: bool = False,
) -> InboxRequest:
    """Write the row of a request that was just received; of the body `keep` bytes are kept."""
    return receive_many(
        [Arrival(door, method, path, content_type, body, ip, at, merchant, keep, headers or {}, key_digest, is_test)]
    )[0]


def receive_many(arrivals: Sequence[Arrival]) -> list[InboxRequest]:
    """Write the rows of requests that were just received, in one statement."""
    rows = [
        InboxRequest(
            door=one.door,
            merchant=one.merchant,
            received_at=one.at,
            method=one.method[:8],
            path=one.path[:500].replace("\x00", "\ufffd"),
            content_type=one.content_type[:120].replace("\x00", ""),
            headers=dict(one.headers),
            key_digest=one.key_digest,
            body=one.body[: one.keep],
            is_cut=len(one.body) > one.keep,
            is_test=one.is_test,
            ip=one.ip,
            reason="being_read",
        )
        for one in arrivals
    ]
    insert_rows(rows)
    return rows


def receive_parts(
    door: str,
    whole: InboxRequest,
    bodies: Sequence[bytes],
    *,
    merchant: Merchant,
    is_test: bool = False,
    numbers: Sequence[int] | None = None,
) -> list[InboxRequest]:
    """Write the rows of the parts of a request that holds several, each to have a verdict of its own.

    Parts are numbered from 0, or by `numbers`.
    """
    rows = [
        InboxRequest(
            door=door,
            merchant=merchant,
            whole=whole,
            number=number,
            received_at=whole.received_at,
            method=whole.method,
            path=f"{whole.path[:480]}#{number}",
            content_type=whole.content_type,
            body=body[:LARGEST_KEPT_BODY],
            is_cut=len(body) > LARGEST_KEPT_BODY,
            is_test=is_test,
            ip=whole.ip,
            reason="being_read",
        )
        for number, body in zip(numbers if numbers is not None else range(len(bodies)), bodies, strict=True)
    ]
    insert_rows(rows)
    return rows


@dataclass(frozen=True, slots=True)
class Closing:
    """What is to be written on a row: what became of it, whose it is, whether it came with a test key."""

    request: InboxRequest
    verdict: Verdict
    latency_ms: int
    merchant: Merchant | None = None
    is_test: bool | None = None


def close(
    request: InboxRequest,
    verdict: Verdict,
    *,
    latency_ms: int,
    merchant: Merchant | None = None,
    is_test: bool | None = None,
) -> InboxRequest:
    """Write what became of it, whose it is, and whether it came with a test key."""
    close_many([Closing(request, verdict, latency_ms, merchant, is_test)])
    return request


def close_many(closings: Sequence[Closing]) -> None:
    """Write what became of requests, in one statement."""
    for one in closings:
        _close(one)
    if closings:
        rows = [[getattr(one.request, name) for name in _CLOSED] for one in closings]
        with connection.cursor() as cursor:
            cursor.execute(_CLOSE, [list(column) for column in zip(*rows, strict=True)])


def _close(closing: Closing) -> None:
    request, verdict = closing.request, closing.verdict
    request.verdict = verdict.verdict
    request.status_code = verdict.status_code
    request.reason = verdict.reason[:40]
    request.field = verdict.field[:60]
    request.detail = verdict.detail[:2000].replace("\x00", "\ufffd")
    request.conversion = verdict.conversion
    request.latency_ms = closing.latency_ms
    if closing.merchant is not None:
        request.merchant = closing.merchant
    if closing.is_test is not None:
        request.is_test = closing.is_test


def lock(request: InboxRequest) -> InboxRequest:
    """The row as it stands, held until the transaction ends."""
    locked: InboxRequest = (
        InboxRequest.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=request.pk)
    )
    return locked


def close_again(
    request: InboxRequest,
    verdict: Verdict,
    *,
    merchant: Merchant,
    is_test: bool,
    by: User | None,
    at: datetime,
    latency_ms: int,
) -> InboxReplay:
    """Write what became of a request that was handled again, and what it was before. Call it under `lock`."""
    before = (request.verdict, request.reason, request.field, request.detail)
    close(request, verdict, latency_ms=latency_ms, merchant=merchant, is_test=is_test)
    replay = InboxReplay.objects.create(
        request=request,
        at=at,
        by=by,
        verdict_before=before[0],
        reason_before=before[1],
        field_before=before[2],
        detail_before=before[3],
        verdict_after=request.verdict,
        reason_after=request.reason,
        field_after=request.field,
        detail_after=request.detail,
        conversion=request.conversion,
    )
    record_event(
        "inbox.replayed",
        request.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[merchant.public_id, *([request.conversion.public_id] if request.conversion else [])],
        data={
            "door": request.door,
            "before": before[0],
            "reason_before": before[1],
            "after": request.verdict,
            "reason": request.reason,
        },
    )
    return replay


def left_behind(*, before: datetime, limit: int) -> list[InboxRequest]:
    """Requests that were received before an instant and are being read still: their process is dead."""
    found = InboxRequest.objects.filter(reason="being_read", received_at__lt=before).select_related("merchant")
    # Parts first: what is left of their whole is then only to be summed up.
    return list(found.order_by(F("whole").asc(nulls_last=True), "received_at", "id")[:limit])


def label_interrupted(request: InboxRequest, *, detail: str) -> None:
    """Say of a request that nobody read it to its end; it stays set aside."""
    InboxRequest.objects.filter(pk=request.pk, reason="being_read").update(
        reason="interrupted", detail=detail[:2000], status_code=0
    )
