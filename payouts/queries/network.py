"""What the network office asks about payouts."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from payouts.models import PayoutRun, StripeEvent


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait, and since when the oldest does; `failed` have been tried in vain."""

    count: int
    oldest_at: datetime | None
    failed: int = 0


def stripe_events_waiting() -> Waiting:
    """Stripe's events that are stored and not handled yet."""
    waiting = StripeEvent.objects.filter(handled_at=None)
    found = waiting.aggregate(count=Count("pk"), oldest=Min("received_at"))
    return Waiting(int(found["count"]), found["oldest"], waiting.filter(attempts__gt=0).count())


def runs_with_alarm() -> list[str]:
    """The labels of runs in which our books and Stripe disagree."""
    return list(PayoutRun.objects.exclude(alarm="").order_by("-ends_at").values_list("label", flat=True)[:20])
