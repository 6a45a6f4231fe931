"""Mails on their way out."""

from django.db import models
from django.db.models import Q

from ledger.ids import Record


class OutgoingMail(Record):
    """One mail to one person about one event: written down first, sent afterwards.

    The unique pair makes one mail of an event that is delivered twice.
    """

    ID_PREFIX = "mail"

    event = models.CharField(max_length=64)
    recipient = models.EmailField()
    kind = models.CharField(max_length=40)
    language = models.CharField(max_length=10, blank=True, default="")
    #: What the letter says, as JSON; it is worded when it is sent.
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "recipient"], name="mail_once")]
        indexes = [models.Index(fields=["next_try_at"], condition=Q(sent_at=None), name="mail_waiting")]
