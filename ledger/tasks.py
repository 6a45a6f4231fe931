"""The ledger's tasks: they read the clock, call one verb, and decide nothing."""

import logging
import time
from collections.abc import Sequence

from celery import shared_task
from django.utils import timezone

from ledger import audit, journal, seals

log = logging.getLogger(__name__)

#: config/celery.py asks so often what waits.
_POLL_SECONDS = 20


@shared_task(name="ledger.deliver_event")
def deliver_event(event_id: str) -> None:
    """Deliver one event now; the poll below would do it within seconds anyway."""
    journal.deliver_event(event_id, at=timezone.now())


@shared_task(name="ledger.deliver_waiting_events")
def deliver_waiting_events() -> None:
    """Deliver what has been waiting, until nothing waits or the next poll is near."""
    until = time.monotonic() + _POLL_SECONDS
    while journal.deliver_waiting_events(at=timezone.now()) and time.monotonic() < until:
        pass


@shared_task(name="ledger.seal_entries")
def seal_entries() -> None:
    """Seal every entry that is under no seal yet."""
    while seals.seal_entries() is not None:
        pass


@shared_task(name="ledger.verify_books")
def verify_books() -> None:
    """The nightly check; every difference is an error in the log and an event in the journal."""
    differences = [str(difference) for difference in audit.verify_books()]
    for difference in differences:
        log.error("books: %s", difference)
    journal.record_event(
        "books.verified" if not differences else "books.disagree",
        "house",
        at=timezone.now(),
        data={"differences": differences[:100]},
    )


#: Sets of events are hinted at once in so many seconds by one process: what a hint sets off delivers everything
#: that waits, and sending one costs more than taking in an order.
_HINT_EVERY = 1.0
_last_hint = {"at": float("-inf")}


def _hint(event_ids: Sequence[str]) -> object:
    try:
        if len(event_ids) == 1:
            return deliver_event.delay(event_ids[0])
        if time.monotonic() - _last_hint["at"] < _HINT_EVERY:
            return None
        _last_hint["at"] = time.monotonic()
        return deliver_waiting_events.delay()
    except Exception:  # noqa: BLE001 - a broker that is down costs a poll, never a fact
        log.warning("no broker: %d events wait for the next poll", len(event_ids))
        return None


journal.on_event_recorded(_hint)
