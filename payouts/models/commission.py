"""What one conversion earned one affiliate."""

from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record, RecordManager
from ledger.money import Money
from payouts.models.rule import RuleLine


class CommissionManager(RecordManager["Commission"]):
    """Questions about commissions."""

    def due(self, at: datetime) -> models.QuerySet["Commission"]:
        """Pending commissions whose hold is over."""
        return self.filter(status=Commission.Status.PENDING, due_at__lte=at)


class Commission(Record):
    """What one conversion earned one affiliate.

    `amount` is what it was accrued at, `reversed_minor` what refunds took back of it. Being paid is
    not a status: it is membership in a payout (`items`).
    """

    ID_PREFIX = "comm"

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        APPROVED = "approved", _("approved")
        REVERSED = "reversed", _("reversed")

    conversion = models.ForeignKey("tracking.Conversion", on_delete=models.PROTECT, related_name="commissions")
    enrolment = models.ForeignKey("affiliates.Enrolment", on_delete=models.PROTECT, related_name="commissions")
    affiliate = models.ForeignKey("affiliates.Affiliate", on_delete=models.PROTECT, related_name="commissions")
    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.PROTECT, related_name="commissions")
    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="commissions")
    rule_line = models.ForeignKey(RuleLine, on_delete=models.PROTECT, related_name="commissions")
    amount_minor = models.BigIntegerField()
    reversed_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    accrued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True, blank=True)
    trace = models.JSONField(default=dict)

    objects: ClassVar[CommissionManager] = CommissionManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversion", "enrolment"], name="commission_once"),
            models.CheckConstraint(condition=Q(amount_minor__gte=0), name="commission_not_negative"),
            models.CheckConstraint(
                condition=Q(reversed_minor__gte=0) & Q(reversed_minor__lte=F("amount_minor")),
                name="commission_reversal_within",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="pending"), name="commission_due"),
            models.Index(fields=["affiliate", "-accrued_at"], name="commission_by_affiliate"),
            models.Index(fields=["merchant", "-accrued_at"], name="commission_by_merchant"),
            models.Index(fields=["program", "-accrued_at"], name="commission_by_program"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="commission_states",
                field="status",
                transitions=[("pending", "approved"), ("pending", "reversed"), ("approved", "reversed")],
            )
        ]

    @property
    def amount(self) -> Money:
        """What it was accrued at."""
        return Money(self.amount_minor, self.currency)

    @property
    def remaining(self) -> Money:
        """What is left of it after reversals."""
        return Money(self.amount_minor - self.reversed_minor, self.currency)
