"""Coupon codes: whose they are, and how strongly they speak."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from affiliates.models.program import Enrolment, Program
from ledger.ids import Record


class Coupon(Record):
    """A code that customers type. With a place it speaks for its partner; without one it is the shop's own.

    `policy` overrides the terms' coupon policy for this code; empty follows them. An exclusive code always
    wins for its partner.
    """

    ID_PREFIX = "coup"

    class Policy(models.TextChoices):
        ALWAYS = "always", _("always wins")
        INVOLVED = "involved", _("wins when its partner has a touch too")
        WINNER = "winner", _("never wins by itself")

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="coupons")
    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, null=True, related_name="coupons")
    code = models.CharField(max_length=64)
    is_exclusive = models.BooleanField(default=False)
    policy = models.CharField(max_length=8, choices=Policy, blank=True, default="")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(F("program"), Upper("code"), name="coupon_code_once"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")), name="coupon_dates_sane"
            ),
        ]
        indexes = [models.Index(Upper("code"), name="coupon_by_code")]

    def __str__(self) -> str:
        return self.code

    def state_at(self, at: datetime) -> str:
        """planned, live or ended."""
        if at < self.starts_at:
            return "planned"
        return "ended" if self.ends_at is not None and at >= self.ends_at else "live"
