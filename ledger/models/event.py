"""Facts in the journal, and their way to those who asked to hear of them."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from ledger.ids import Record


class Event(Record):
    """A fact, past tense: `payout.paid`. Audit log, outbox, webhook feed and notification source in one.

    Append-only by trigger.
    """

    ID_PREFIX = "evt"

    name = models.TextField()
    subject = models.TextField(db_index=True)
    about = ArrayField(models.TextField(), default=list, blank=True)
    actor = models.TextField(blank=True, default="")
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), db_index=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [
            GinIndex(fields=["about"], name="event_about"),
            models.Index(fields=["name", "recorded_at"], name="event_name_recorded"),
        ]


class Delivery(models.Model):
    """One event's way to one subscriber: at least once, kept until it arrived."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="deliveries")
    subscriber = models.TextField()
    delivered_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    last_error = models.TextField(blank=True, default="")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["event", "subscriber"], name="delivery_once")]
        indexes = [models.Index(fields=["next_try_at"], condition=Q(delivered_at=None), name="delivery_waiting")]

    def __str__(self) -> str:
        return f"{self.event_id} → {self.subscriber}"
