"""What the network office asks about tracking."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from tracking.models import Conversion


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait, and since when the oldest does."""

    count: int
    oldest_at: datetime | None


def held_conversions() -> Waiting:
    """Orders that are held because their click has not arrived."""
    found = Conversion.objects.filter(verdict=Conversion.Verdict.HELD).aggregate(
        count=Count("pk"), oldest=Min("recorded_at")
    )
    return Waiting(int(found["count"]), found["oldest"])
