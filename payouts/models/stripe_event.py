"""Stripe's webhooks, stored before they are handled."""

from django.db import models
from django.db.models import Q

from ledger.ids import Record


class StripeEvent(Record):
    """One event, once by Stripe's own id."""

    ID_PREFIX = "sevt"

    stripe_id = models.CharField(max_length=80, unique=True)
    type = models.CharField(max_length=120)
    object_id = models.CharField(max_length=80, blank=True, default="")
    payload = models.JSONField()
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["received_at"], condition=Q(handled_at=None), name="stripe_event_waiting")]
