"""One affiliate's amount in a run, the commissions in it, and the tries to send it."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from ledger.money import Money
from payouts.models.commission import Commission
from payouts.models.method import PayoutMethod
from payouts.models.run import PayoutRun


class Payout(Record):
    """One affiliate's amount of one currency in a run: amount and destination are frozen.

    The columns from `state` on are those of payouts/protocol.py, which alone decides over them.
    """

    ID_PREFIX = "pay"

    class State(models.TextChoices):
        READY = "ready", _("queued")
        SENDING = "sending", _("being sent")
        UNSURE = "unsure", _("outcome unknown")
        SENT = "sent", _("sent")
        PAID = "paid", _("paid")
        BLOCKED = "blocked", _("not paid")
        CANCELLED = "cancelled", _("cancelled")

    run = models.ForeignKey(PayoutRun, on_delete=models.PROTECT, related_name="payouts")
    affiliate = models.ForeignKey("affiliates.Affiliate", on_delete=models.PROTECT, related_name="payouts")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    netted_minor = models.BigIntegerField(default=0)
    method = models.ForeignKey(PayoutMethod, on_delete=models.PROTECT, related_name="payouts")
    destination = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()
    is_excluded = models.BooleanField(default=False)
    exclusion_note = models.TextField(blank=True, default="")

    state = models.CharField(max_length=10, choices=State, default=State.READY)
    attempt = models.PositiveIntegerField(default=1)
    first_sent_at = models.DateTimeField(null=True)
    key_spent = models.BooleanField(default=False)
    quiet_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    transfer_id = models.CharField(max_length=64, null=True, unique=True)
    block_reason = models.CharField(max_length=80, blank=True, default="")
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "affiliate", "currency"], name="payout_once_a_run"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payout_positive"),
            models.CheckConstraint(
                condition=~Q(state__in=["sent", "paid"]) | Q(transfer_id__isnull=False),
                name="payout_sent_has_transfer",
            ),
        ]
        indexes = [
            models.Index(fields=["affiliate", "-created_at"], name="payout_by_affiliate"),
            models.Index(
                fields=["state"], condition=Q(state__in=["ready", "sending", "unsure", "sent"]), name="payout_open"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="payout_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("amount_minor", "currency", "destination", "fingerprint", "affiliate"),
            )
        ]

    @property
    def amount(self) -> Money:
        """What is to arrive."""
        return Money(self.amount_minor, self.currency)


class PayoutItem(Record):
    """A commission's place in a payout. A commission is in at most one live payout."""

    ID_PREFIX = "item"

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="items")
    commission = models.ForeignKey(Commission, on_delete=models.PROTECT, related_name="items")
    amount_minor = models.BigIntegerField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["commission"], condition=Q(released_at=None), name="item_live_once")
        ]


class PayoutAttempt(Record):
    """One try at the provider: written before the call, completed after it."""

    ID_PREFIX = "try"

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveIntegerField()
    fence = models.PositiveIntegerField()
    key = models.CharField(max_length=120)
    started_at = models.DateTimeField()
    outcome = models.CharField(max_length=80, blank=True, default="")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["payout", "fence"], name="attempt_once_a_fence")]
