"""A shop that calls the API in tests: a small network, its keys, and short ways to send."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from affiliates import keys
from tests.factories.world import World, make_world
from tracking.models import InboxRequest

CONVERSIONS = "/api/v1/conversions"


@dataclass(slots=True)
class Shop:
    """A merchant with a live and a test key, and its partner with a key of its own."""

    world: World
    live: str
    test: str
    partner: str
    at: datetime

    def post(self, body: Any, path: str = CONVERSIONS, *, key: str | None = None, **headers: str) -> HttpResponse:
        """Send a body: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        secret = self.live if key is None else key
        given = {"authorization": f"Bearer {secret}"} if secret else {}
        return Client(raise_request_exception=False).post(
            path, content, content_type="application/json", headers=given | headers
        )

    def get(self, path: str, *, key: str | None = None) -> HttpResponse:
        """Read."""
        secret = self.live if key is None else key
        given = {"authorization": f"Bearer {secret}"} if secret else {}
        return Client(raise_request_exception=False).get(path, headers=given)


def open_shop(**options: Any) -> Shop:
    """A shop that is open now."""
    at = timezone.now()
    world = make_world(at, **options)
    return Shop(
        world,
        live=keys.issue_key("sk_live", name="shop", merchant=world.merchant, at=at)[1],
        test=keys.issue_key("sk_test", name="staging", merchant=world.merchant, at=at)[1],
        partner=keys.issue_key("pk", name="blog", affiliate=world.affiliate, at=at)[1],
        at=at,
    )


def order(order_id: str = "1042", **more: Any) -> dict[str, Any]:
    """The smallest order."""
    return {"order_id": order_id, "amount": "62.00", "currency": "USD", **more}


def last_request() -> InboxRequest:
    """The row of the last request."""
    return InboxRequest.objects.order_by("received_at", "id").last()


def verdict_of_last() -> tuple[str, str, str]:
    """Its verdict, reason and field."""
    row = last_request()
    return row.verdict, row.reason, row.field
