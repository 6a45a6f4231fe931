"""One period's batch of payouts."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record


class PayoutRun(Record):
    """One period's payouts: prepared by one person, approved by another.

    The period is half-open and stored: commissions approved before `ends_at` are in it.
    """

    ID_PREFIX = "run"

    class Status(models.TextChoices):
        PREPARED = "prepared", _("in review")
        SUBMITTED = "submitted", _("waiting for approval")
        APPROVED = "approved", _("approved")
        SENDING = "sending", _("being sent")
        CLOSED = "closed", _("closed")
        CANCELLED = "cancelled", _("cancelled")

    label = models.CharField(max_length=40)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PREPARED)
    prepared_by = models.ForeignKey("affiliates.User", on_delete=models.PROTECT, related_name="+")
    prepared_at = models.DateTimeField()
    submitted_by = models.ForeignKey("affiliates.User", on_delete=models.PROTECT, null=True, related_name="+")
    submitted_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey("affiliates.User", on_delete=models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    sent_by = models.ForeignKey("affiliates.User", on_delete=models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    reconciled_at = models.DateTimeField(null=True)
    alarm = models.TextField(blank=True, default="")
    notes = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["label"], condition=~Q(status="cancelled"), name="run_once_a_period"),
            models.CheckConstraint(
                # Four eyes, whoever asks and through whatever door (fault 21).
                condition=Q(approved_by=None) | (~Q(approved_by=F("prepared_by")) & ~Q(approved_by=F("submitted_by"))),
                name="run_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["prepared", "submitted", "cancelled"]) | Q(approved_by__isnull=False),
                name="run_approved_before_sent",
            ),
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="run_period_forward"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="run_states",
                field="status",
                transitions=[
                    ("prepared", "submitted"),
                    ("prepared", "cancelled"),
                    ("submitted", "approved"),
                    ("submitted", "prepared"),
                    ("submitted", "cancelled"),
                    ("approved", "sending"),
                    ("approved", "cancelled"),
                    ("sending", "closed"),
                ],
            )
        ]

    def __str__(self) -> str:
        return self.label
