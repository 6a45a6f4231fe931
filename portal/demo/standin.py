"""What the demo asks of the Stripe stand-in that Stripe itself would never do: its clock, its funds, its accounts."""

import json
import urllib.request
from datetime import datetime
from typing import Any

from django.conf import settings


def control(path: str, body: dict[str, Any] | None = None, *, method: str = "POST") -> Any:
    """One call to the stand-in's control surface."""
    request = urllib.request.Request(  # noqa: S310 - the stand-in's own http address
        f"{settings.STRIPE_API_BASE}/_control/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return json.load(answer)


def set_clock(at: datetime) -> None:
    """Let the stand-in live at this instant."""
    control("clock", {"now": at.isoformat()})


def complete_onboarding(account: str, *, bank: str) -> None:
    """Do what the payee does on Stripe's pages."""
    control(f"accounts/{account}", {"transfers": "active", "submitted": True, "bank": bank})


def begin_playing() -> None:
    """Keep the news of the past from being delivered while it is played."""
    control("webhooks", {"paused": True})


def end_playing() -> None:
    """Back to the present: real time, no news of old, webhooks on."""
    control("clock", method="DELETE")
    control("discard-webhooks", {})
    control("webhooks", {"paused": False})


def top_up(minor: int, currency: str) -> None:
    """Put money on the operator's balance."""
    control("topups", {"amount": minor, "currency": currency.lower()})
