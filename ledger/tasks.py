"""The ledger's tasks: they read the clock, call one verb, and decide nothing."""

import logging

from celery import shared_task
from django.utils import timezone

from ledger import audit, journal, seals

log = logging.getLogger(__name__)


@shared_task(name="ledger.deliver_event")
def deliver_event(event_id: str) -> None:
    """Deliver one event now; the poll below would do it within seconds anyway."""
    journal.deliver_event(event_id, at=timezone.now())


@shared_task(name="ledger.deliver_waiting_events")
def deliver_waiting_events() -> None:
    """Deliver what has been waiting."""
    journal.deliver_waiting_events(at=timezone.now())


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


def _hint(event_id: str) -> object:
    try:
        return deliver_event.delay(event_id)
    except Exception:  # noqa: BLE001 - a broker that is down costs a poll, never a fact
        log.warning("no broker: event %s waits for the next poll", event_id)
        return None


journal.on_event_recorded(_hint)
