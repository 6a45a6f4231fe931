"""The journal: facts recorded in the transaction that made them true, delivered afterwards.

Subscribers hear of an event after the commit, at least once, and may be replayed; so they
must not mind hearing of it twice. The deliveries are rows written with the event: a lost
task message delays them until the next poll, nothing more.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import TruncHour
from django.utils import timezone

from ledger.models import Delivery, Event
from ledger.rows import copy_values, insert_rows

type Subscriber = Callable[[Event], None]

#: By key: the names it hears of, the function, and after how long an event is no news for it.
_SUBSCRIBERS: dict[str, tuple[frozenset[str], Subscriber, timedelta | None]] = {}
_HINTS: list[Callable[[Sequence[str]], object]] = []

#: Waits between tries of one delivery; the last is repeated until it arrives.
_WAITS = [timedelta(seconds=s) for s in (10, 60, 300, 1800, 7200, 21600)]


@dataclass(frozen=True, slots=True)
class Fact:
    """An event before it is written. `subject` and `about` are public ids; `data` holds JSON values only."""

    name: str
    subject: str
    at: datetime
    actor: str = ""
    about: Sequence[str] = ()
    data: dict[str, Any] = field(default_factory=dict)


def record_event(
    name: str,
    subject: str,
    *,
    at: datetime,
    actor: str = "",
    about: Iterable[str] = (),
    data: dict[str, Any] | None = None,
) -> Event:
    """Write a fact and, for each subscriber of its name, a delivery to be made after the commit.

    `subject` and `about` are public ids; `data` holds JSON values only.
    """
    return record_events([Fact(name, subject, at, actor, list(about), data or {})])[0]


def record_events(facts: Sequence[Fact]) -> list[Event]:
    """Write facts in this order, with their deliveries; one hint after the commit for all of them."""
    events = [
        Event(
            name=fact.name,
            subject=fact.subject,
            at=fact.at,
            actor=fact.actor,
            about=[fact.subject, *fact.about],
            data=fact.data,
        )
        for fact in facts
    ]
    insert_rows(events)
    now = timezone.now()
    deliveries = [
        (event.pk, key, 0, now, "")
        for event in events
        for key, (names, _function, stale_after) in _SUBSCRIBERS.items()
        if event.name in names and (stale_after is None or now - event.at <= stale_after)
    ]
    if deliveries:
        copy_values(Delivery, ["event_id", "subscriber", "attempts", "next_try_at", "last_error"], deliveries)
        told = list(dict.fromkeys(str(key) for key, *_rest in deliveries))
        for hint in _HINTS:
            transaction.on_commit(partial(hint, told), robust=True)
    return events


def subscribe(key: str, *names: str, stale_after: timedelta | None = None) -> Callable[[Subscriber], Subscriber]:
    """Have a function called for every event of these names. `key` names the subscriber for ever.

    With `stale_after`, events recorded longer than that after they happened (imports, a year that
    is played back) are history and no news: the subscriber does not hear of them.
    """

    def register(function: Subscriber) -> Subscriber:
        _SUBSCRIBERS[key] = (frozenset(names), function, stale_after)
        return function

    return register


def on_event_recorded(hint: Callable[[Sequence[str]], object]) -> None:
    """Have `hint(event ids)` called after each commit that recorded events somebody waits for."""
    if hint not in _HINTS:
        _HINTS.append(hint)


def deliver_event(event_id: str, *, at: datetime) -> int:
    """Make the event's waiting deliveries; how many arrived. A failure is kept and tried again later."""
    waiting = Delivery.objects.filter(event_id=event_id, delivered_at=None)
    return sum(_deliver(delivery_id, at=at) for delivery_id in waiting.values_list("pk", flat=True))


def deliver_waiting_events(*, at: datetime, limit: int = 500) -> int:
    """Make every delivery whose time has come, oldest first; how many arrived."""
    due = Delivery.objects.filter(delivered_at=None, next_try_at__lte=at).order_by("next_try_at")
    return sum(_deliver(delivery_id, at=at) for delivery_id in list(due.values_list("pk", flat=True)[:limit]))


def _deliver(delivery_id: int, *, at: datetime) -> bool:
    with transaction.atomic():
        delivery = (
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("event")
            .filter(pk=delivery_id, delivered_at=None)
            .first()
        )
        if delivery is None:
            return False
        _names, function, _stale = _SUBSCRIBERS.get(delivery.subscriber, (frozenset(), _nobody, None))
        try:
            with transaction.atomic():
                function(delivery.event)
        except Exception as error:  # noqa: BLE001 - whatever a subscriber raises is kept and retried
            wait = _WAITS[min(delivery.attempts, len(_WAITS) - 1)]
            Delivery.objects.filter(pk=delivery_id).update(
                attempts=F("attempts") + 1, next_try_at=at + wait, last_error=repr(error)[:2000]
            )
            return False
        Delivery.objects.filter(pk=delivery_id).update(attempts=F("attempts") + 1, delivered_at=at, last_error="")
        return True


def _nobody(event: Event) -> None:
    """A subscriber that no longer exists has heard everything."""


def replay_events(key: str, *, since: datetime, at: datetime) -> int:
    """Have a subscriber hear every event of its names since an instant again; how many were queued."""
    names, _function, _stale = _SUBSCRIBERS[key]
    count = 0
    for event in Event.objects.filter(name__in=names, recorded_at__gte=since).iterator():
        Delivery.objects.update_or_create(
            event=event, subscriber=key, defaults={"delivered_at": None, "next_try_at": at}
        )
        count += 1
    return count


def events_about(*subjects: str) -> QuerySet[Event]:
    """The events that are about any of these public ids, newest first."""
    return Event.objects.filter(Q(about__overlap=list(subjects))).order_by("-at", "-id")


def events_about_all(*subjects: str) -> QuerySet[Event]:
    """The events that are about every one of these public ids, oldest first."""
    return Event.objects.filter(about__contains=list(subjects)).order_by("id")


def events_of(keys: Sequence[UUID]) -> QuerySet[Event]:
    """The events with these keys, in no order."""
    return Event.objects.filter(pk__in=keys)


def count_events_by_hour(prefixes: Sequence[str], *, since: datetime, until: datetime) -> dict[datetime, int]:
    """How many events whose names begin so were recorded in each hour of since ≤ recorded < until."""
    rows = (
        _recorded(prefixes, since, until)
        .annotate(hour=TruncHour("recorded_at", tzinfo=UTC))
        .values_list("hour")
        .annotate(Count("pk"))
    )
    return {hour: int(count) for hour, count in rows}


def keys_of_events(prefixes: Sequence[str], *, since: datetime, until: datetime) -> list[UUID]:
    """The keys of the events whose names begin so, recorded in since ≤ recorded < until, in the keys' order."""
    return list(_recorded(prefixes, since, until).order_by("pk").values_list("pk", flat=True))


def _recorded(prefixes: Sequence[str], since: datetime, until: datetime) -> QuerySet[Event]:
    named = Q()
    for prefix in prefixes:
        named |= Q(name__startswith=prefix)
    return Event.objects.filter(named, recorded_at__gte=since, recorded_at__lt=until)


def waiting_deliveries() -> int:
    """How many deliveries have not arrived yet."""
    return Delivery.objects.filter(delivered_at=None).count()
