"""Addresses of merchants and partners that hear of what happens, and every call that was made to them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from affiliates.models.affiliate import Affiliate
from affiliates.models.merchant import Merchant
from affiliates.models.program import Program
from affiliates.models.user import User
from affiliates.sealed import EncryptedTextField
from ledger.ids import Record


class Endpoint(Record):
    """An address of a merchant's or a partner's own, and the events it hears of.

    A webhook gets JSON, signed by `secret`; a postback gets its address filled in. It is never
    switched off by itself: `failing_since` says since when no call arrives.
    """

    ID_PREFIX = "hook"

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", _("webhook")
        POSTBACK = "postback", _("postback")

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        REMOVED = "removed", _("removed")

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, null=True, blank=True, related_name="endpoints")
    affiliate = models.ForeignKey(Affiliate, on_delete=models.PROTECT, null=True, blank=True, related_name="endpoints")
    program = models.ForeignKey(Program, on_delete=models.PROTECT, null=True, blank=True, related_name="endpoints")
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=80)
    url = models.TextField()
    method = models.CharField(max_length=4, default="POST")
    events = ArrayField(models.CharField(max_length=40))
    secret = EncryptedTextField()
    previous_secret = EncryptedTextField(blank=True, default="")
    previous_until = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.ACTIVE)
    failing_since = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(merchant=None, affiliate__isnull=False) | Q(merchant__isnull=False, affiliate=None),
                name="endpoint_one_owner",
            )
        ]
        indexes = [models.Index(fields=["status", "kind"], name="endpoint_by_status")]

    def __str__(self) -> str:
        return self.name


class Call(Record):
    """One event's way to one endpoint: written down with what will be said, then made until it arrives.

    The pair of endpoint and event is unique, so an event heard of twice is told once.
    """

    ID_PREFIX = "call"

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        DEAD = "dead", _("given up")

    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="calls")
    event = models.CharField(max_length=64)
    event_name = models.CharField(max_length=40)
    subject = models.CharField(max_length=64)
    happened_at = models.DateTimeField()
    method = models.CharField(max_length=4)
    url = models.TextField()
    body = models.TextField(blank=True, default="")
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    #: Attempts since it was put back by hand: the waits begin anew.
    attempts_since = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["endpoint", "event"], name="call_once")]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(state="waiting"), name="call_waiting"),
            models.Index(fields=["endpoint", "-created_at"], name="call_by_endpoint"),
            models.Index(fields=["endpoint", "state", "-created_at"], name="call_by_state"),
        ]


class CallTry(models.Model):
    """One try of a call: what came back, or what stood in the way."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="tries")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField(default=0)
    headers = models.JSONField(default=dict)
    status = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=40, blank=True, default="")
    detail = models.TextField(blank=True, default="")
    answer = models.TextField(blank=True, default="")
    answer_headers = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "call tries"
        constraints = [models.UniqueConstraint(fields=["call", "number"], name="call_try_once")]

    def __str__(self) -> str:
        return f"{self.call_id}:{self.number}"
