"""A commission that a suspicion is about, and what becomes of it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from ledger.money import Money


class FraudHold(Record):
    """One commission under one finding.

    `held`: it is not approved while this stands, however old it is. `watched`: it had been approved when
    it was found; finance sees it and accepts or excludes its payout. `confirmed`: it is worth nothing.
    """

    ID_PREFIX = "fhold"

    class State(models.TextChoices):
        HELD = "held", _("held")
        WATCHED = "watched", _("watched")
        RELEASED = "released", _("released")
        CONFIRMED = "confirmed", _("confirmed")

    #: The finding is not decided.
    STANDING = (State.HELD, State.WATCHED)

    finding = models.ForeignKey("tracking.FraudFinding", on_delete=models.PROTECT, related_name="holds")
    commission = models.ForeignKey("payouts.Commission", on_delete=models.PROTECT, related_name="fraud_holds")
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    #: What was left of the commission when it was found.
    amount_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    held_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    #: Finance lets the payout go although the finding stands.
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey("affiliates.User", on_delete=models.SET_NULL, null=True, related_name="+")
    accepted_note = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["finding", "commission"], name="fraud_hold_once"),
            models.CheckConstraint(
                condition=Q(state__in=["held", "watched"], ended_at__isnull=True)
                | Q(state__in=["released", "confirmed"], ended_at__isnull=False),
                name="fraud_hold_end_known",
            ),
        ]
        indexes = [
            models.Index(fields=["commission"], condition=Q(state__in=["held", "watched"]), name="fraud_hold_standing")
        ]

    @property
    def amount(self) -> Money:
        """What was left of the commission when it was found."""
        return Money(self.amount_minor, self.currency)
