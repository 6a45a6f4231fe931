"""Merchants' own Stripe accounts: whether an event is signed with their secret, and of now."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import stripe

from ledger.errors import Refusal
from payouts.stripe import WEBHOOK_TOLERANCE


class ShopEventRefused(Refusal):
    """The event is not the shop's, or not of now."""

    code = "shop_signature_wrong"


def read_shop_event(payload: bytes, header: str, secrets: Sequence[str], *, at: datetime) -> dict[str, Any]:
    """The event of a merchant's Stripe, signed with one of its secrets at most 300 seconds from `at` either way.

    Raises ShopEventRefused: `shop_signature_wrong`, `shop_event_old`, `shop_event_unreadable`.
    """
    if not any(_is_signed(payload, header, secret) for secret in secrets):
        raise ShopEventRefused(
            "Stripe-Signature is missing or does not fit. Check the endpoint's signing secret.",
            field="Stripe-Signature",
        )
    age = (at - _signed_at(header)).total_seconds()
    if abs(age) > WEBHOOK_TOLERANCE.total_seconds():
        word = "more than five minutes ago" if age > 0 else "more than five minutes from now"
        raise ShopEventRefused(f"The event was signed {word}.", code="shop_event_old", field="Stripe-Signature")
    try:
        event = json.loads(payload)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise ShopEventRefused("The body is no event.", code="shop_event_unreadable", field="body")
    return event


def _is_signed(payload: bytes, header: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(payload, header, secret))
    except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError):
        return False


def _signed_at(header: str) -> datetime:
    stamps = [part.strip()[2:] for part in header.split(",") if part.strip().startswith("t=")]
    try:
        return datetime.fromtimestamp(int(stamps[0]), tz=UTC)
    except (IndexError, ValueError, OverflowError, OSError):
        raise ShopEventRefused("Stripe-Signature names no time.", field="Stripe-Signature") from None
