"""What one conversion earned one affiliate."""

from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record, RecordManager
from ledger.money import Money
from payouts.models.fraud_hold import FraudHold
from payouts.models.rule import RuleLine


class CommissionManager(RecordManager["Commission"]):
    """Questions about commissions."""

    def due(self, at: datetime) -> models.QuerySet["Commission"]:
        """Pending commissions whose hold is over, whose order nobody disputes and no suspicion keeps back."""
        waiting = self.filter(status=Commission.Status.PENDING, due_at__lte=at, conversion__is_disputed=False)
        return waiting.exclude(fraud_holds__state=FraudHold.State.HELD)


class Commission(Record):
    """What one conversion earned one affiliate.

    `amount` is what was accrued, with what was added to it later; `reversed_minor` what refunds took back of it. Being paid is
    not a status: it is membership in a payout (`items`).
    """

    ID_PREFIX = "comm"

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        APPROVED = "approved", _("approved")
        REVERSED = "reversed", _("reversed")

    class Role(models.TextChoices):
        WINNER = "winner", _("all of it")
        SPLIT = "split", _("a part")
        ASSIST = "assist", _("assist")

    conversion = models.ForeignKey("tracking.Conversion", on_delete=models.PROTECT, related_name="commissions")
    enrolment = models.ForeignKey("affiliates.Enrolment", on_delete=models.PROTECT, related_name="commissions")
    affiliate = models.ForeignKey("affiliates.Affiliate", on_delete=models.PROTECT, related_name="commissions")
    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.PROTECT, related_name="commissions")
    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="commissions")
    rule_line = models.ForeignKey(RuleLine, on_delete=models.PROTECT, related_name="commissions")
    #: 1 for what the order earned when it came; more for what was added after that was in a payout.
    number = models.PositiveSmallIntegerField(default=1)
    #: How it came to be the partner's: all of the order's commission, a part of it, or an assist on top.
    role = models.CharField(max_length=6, choices=Role, default=Role.WINNER)
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
            models.UniqueConstraint(fields=["conversion", "enrolment", "number"], name="commission_once"),
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
                # Back from reversed: a dispute that was won, a refund that failed, an order that grew again.
                transitions=[
                    ("pending", "approved"),
                    ("pending", "reversed"),
                    ("approved", "reversed"),
                    ("reversed", "pending"),
                    ("reversed", "approved"),
                ],
            )
        ]

    @property
    def amount(self) -> Money:
        """What was accrued."""
        return Money(self.amount_minor, self.currency)

    @property
    def remaining(self) -> Money:
        """What is left of it after reversals."""
        return Money(self.amount_minor - self.reversed_minor, self.currency)
