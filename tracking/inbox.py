"""The inbox: every request to an intake has a row before it is read, and a verdict after.

The row is written as quarantined in a transaction of its own. If the process dies while the
request is handled, the row stays so: nothing received is lost, and it can be replayed.
count(received) = accepted + rejected + duplicate + test + quarantined, always.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from affiliates.models import Merchant
from tracking.models import Conversion, InboxRequest

#: Of a larger body only this much is kept, unless the door asks for more.
LARGEST_KEPT_BODY = 65_536


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a request."""

    verdict: str
    status_code: int
    reason: str = ""
    field: str = ""
    detail: str = ""
    conversion: Conversion | None = None


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
) -> InboxRequest:
    """Write the row of a request that was just received. `path` must hold no key; of the body `keep` bytes are kept."""
    return InboxRequest.objects.create(
        door=door,
        merchant=merchant,
        received_at=at,
        method=method[:8],
        path=path[:500].replace("\x00", "\ufffd"),
        content_type=content_type[:120].replace("\x00", ""),
        body=body[:keep],
        ip=ip,
        reason="being_read",
    )


def receive_parts(door: str, whole: InboxRequest, bodies: Sequence[bytes], *, merchant: Merchant) -> list[InboxRequest]:
    """Write the rows of the parts of a request that holds several, each to have a verdict of its own."""
    return InboxRequest.objects.bulk_create(
        InboxRequest(
            door=door,
            merchant=merchant,
            received_at=whole.received_at,
            method=whole.method,
            path=f"{whole.path[:480]}#{number}",
            content_type=whole.content_type,
            body=body[:LARGEST_KEPT_BODY],
            ip=whole.ip,
            reason="being_read",
        )
        for number, body in enumerate(bodies)
    )


def close(
    request: InboxRequest, verdict: Verdict, *, latency_ms: int, merchant: Merchant | None = None
) -> InboxRequest:
    """Write what became of it."""
    request.verdict = verdict.verdict
    request.status_code = verdict.status_code
    request.reason = verdict.reason[:40]
    request.field = verdict.field[:60]
    request.detail = verdict.detail[:2000].replace("\x00", "\ufffd")
    request.conversion = verdict.conversion
    request.latency_ms = latency_ms
    if merchant is not None:
        request.merchant = merchant
    request.save(
        update_fields=["verdict", "status_code", "reason", "field", "detail", "conversion", "latency_ms", "merchant"]
    )
    return request
