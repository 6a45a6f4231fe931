"""What happened: links, clicks, conversions, and whose they are."""

from tracking.models.click import Click, ClickCount
from tracking.models.conversion import Attribution, Conversion, Refund
from tracking.models.idempotency import IdempotencyKey
from tracking.models.inbox import InboxRequest
from tracking.models.link import Link

__all__ = [
    "Attribution",
    "Click",
    "ClickCount",
    "Conversion",
    "IdempotencyKey",
    "InboxRequest",
    "Link",
    "Refund",
]
