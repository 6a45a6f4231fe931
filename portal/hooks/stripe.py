"""Stripe's webhooks: verified, stored once, answered; the work is a task's (reliability: store first, then act)."""

import logging
from functools import partial

from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from ledger.errors import Refusal
from ledger.journal import record_event
from payouts.stripe import WebhookRefused, gateway
from payouts.stripe_events import store_event
from payouts.tasks import handle_waiting_stripe_events
from portal.errors import refusal_response

log = logging.getLogger("portal.hooks")

#: Stripe's events are far smaller.
LARGEST_BODY = 1_048_576
#: One line a minute and reason in the journal: a stranger must not be able to fill it.
_TOLD_SECONDS = 60


@csrf_exempt
@require_POST
def stripe(request: HttpRequest) -> HttpResponse:
    """Take one event: 200 once it is stored, new or not; 400 for what is not Stripe's or not of now."""
    try:
        body = _body(request)
        event = gateway().parse_webhook(body, request.headers.get("Stripe-Signature", ""))
    except Refusal as refusal:
        _tell(request, refusal)
        return refusal_response(request, refusal)
    with transaction.atomic():
        _stored, is_new = store_event(event.id, type=event.type, payload=dict(event.payload), at=timezone.now())
        if is_new:
            transaction.on_commit(partial(_hint, event.id), robust=True)
    return HttpResponse(status=200)


def _body(request: HttpRequest) -> bytes:
    too_large = Refusal("An event is at most 1 MB.", code="body_too_large")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > LARGEST_BODY:
        raise too_large
    try:
        body: bytes = request.body
    except RequestDataTooBig:
        raise too_large from None
    except UnreadablePostError:
        raise WebhookRefused("The body broke off.", code="webhook_unreadable") from None
    return body


def _hint(event_id: str) -> None:
    try:
        handle_waiting_stripe_events.delay()
    except Exception:  # noqa: BLE001 - without a broker the poll does it within half a minute
        log.warning("no broker: event %s waits for the next poll", event_id)


def _tell(request: HttpRequest, refusal: Refusal) -> None:
    """A refused webhook is a security event: somebody else's, an old one played again, or our secret is wrong."""
    sender = request.META.get("REMOTE_ADDR", "")
    log.warning("webhook refused: %s from %s", refusal.code, sender)
    if cache.add(f"hook.refused:{refusal.code}", True, _TOLD_SECONDS):
        record_event("hook.refused", "stripe", at=timezone.now(), data={"code": refusal.code, "from": sender})
