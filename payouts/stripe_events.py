"""Stripe's news: stored by the door, handled here, in any order and any number of times."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from ledger.journal import events_about, record_event
from payouts import methods, stripe, transfers
from payouts.models import Payout, PayoutMethod, StripeEvent
from payouts.provider import Transfer
from payouts.sender import Sender

_TRANSFERS = "transfer."
_ACCOUNTS = ("account.", "capability.", "v2.core.account")

_RETRY = timedelta(minutes=1)
#: Stripe keeps events for 30 days.
_KEPT = timedelta(days=30)
#: A catch-up begins this much before the last one ended: events may become readable late.
_OVERLAP = timedelta(minutes=30)
#: Where the last catch-up ended is written down this often even when it found nothing.
_MARK_EVERY = timedelta(hours=6)


def store_event(stripe_id: str, *, type: str, payload: dict[str, Any], at: datetime) -> tuple[StripeEvent, bool]:  # noqa: A002
    """Keep an event, once by Stripe's id; whether it is new."""
    payload = _storable(payload)
    data = payload.get("data") or {}
    subject = data.get("object") or payload.get("related_object") or {}
    try:
        with transaction.atomic():
            event = StripeEvent.objects.create(
                stripe_id=stripe_id,
                type=type,
                object_id=str(subject.get("id", ""))[:80],
                payload=payload,
                received_at=at,
            )
    except IntegrityError:
        return StripeEvent.objects.get(stripe_id=stripe_id), False
    return event, True


def handle_event(event: StripeEvent, sender: Sender, *, at: datetime) -> bool:
    """Act on a stored event; whether it was understood. Only names are taken from it, the rest is read again."""
    subject = (event.payload.get("data") or {}).get("object") or event.payload.get("related_object") or {}
    is_known = False
    if event.type.startswith(_TRANSFERS):
        group = str(subject.get("transfer_group") or "")
        if _is_payout(group):
            told = Transfer(str(subject.get("id")), group, 0, "", "")
            is_known = transfers.settle_transfer(sender, told) is not None
    elif event.type.startswith(_ACCOUNTS):
        is_known = _refresh_account(event, subject, at=at)
    StripeEvent.objects.filter(pk=event.pk).update(handled_at=at, error="" if is_known else "nothing of ours")
    return is_known


def handle_waiting_events(sender: Sender, *, at: datetime, limit: int = 500) -> int:
    """Handle what has not been handled; how many were. A failure is kept and tried again."""
    done = 0
    waiting = StripeEvent.objects.filter(handled_at=None).exclude(next_try_at__gt=at).order_by("received_at")[:limit]
    for event in list(waiting):
        try:
            handle_event(event, sender, at=at)
            done += 1
        except Exception as error:  # noqa: BLE001 - whatever went wrong is kept with the event and tried again
            StripeEvent.objects.filter(pk=event.pk).update(
                attempts=event.attempts + 1,
                next_try_at=at + _RETRY * min(event.attempts + 1, 30),
                error=repr(error)[:2000],
            )
    return done


def catch_up(*, at: datetime) -> int:
    """Store every event of Stripe's that no webhook brought; how many there were. Raises payouts.stripe.Unavailable.

    It looks as far back as the end of the last catch-up, 30 days at most (fault 17: lost webhooks).
    """
    mark = events_about("stripe").filter(name="stripe.caught_up").first()
    since = max(mark.at - _OVERLAP, at - _KEPT) if mark else at - _KEPT
    found = sum(
        store_event(event.id, type=event.type, payload=dict(event.payload), at=at)[1]
        for event in stripe.gateway().list_events_since(since)
        if event.type.startswith((_TRANSFERS, *_ACCOUNTS))
    )
    if found or mark is None or at - mark.at >= _MARK_EVERY:
        record_event("stripe.caught_up", "stripe", at=at, data={"found": found})
    return found


def _storable(value: Any) -> Any:
    """The value without what PostgreSQL keeps in no text: the zero character, and halves of a surrogate pair."""
    match value:
        case dict():
            return {_storable(key): _storable(one) for key, one in value.items()}
        case list():
            return [_storable(one) for one in value]
        case str():
            return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case _:
            return value


def _refresh_account(event: StripeEvent, subject: dict[str, Any], *, at: datetime) -> bool:
    said = (event.payload.get("data") or {}).get("account_id")
    account = str(said or event.payload.get("account") or subject.get("account") or subject.get("id") or "")
    method = PayoutMethod.objects.filter(account=account).first()
    if method is None:
        return False
    methods.refresh_method(method, at=at)
    return True


def _is_payout(group: str) -> bool:
    try:
        Payout.key_of(group)
    except ValueError:
        return False
    return True
