"""A commission kept back while a suspicion is answered."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record


class FraudHold(Record):
    """One commission under one finding. While one is held the commission is not approved, however old it is."""

    ID_PREFIX = "fhold"

    class State(models.TextChoices):
        HELD = "held", _("held")
        RELEASED = "released", _("released")
        CONFIRMED = "confirmed", _("confirmed")

    finding = models.ForeignKey("tracking.FraudFinding", on_delete=models.PROTECT, related_name="holds")
    commission = models.ForeignKey("payouts.Commission", on_delete=models.PROTECT, related_name="fraud_holds")
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    held_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["finding", "commission"], name="fraud_hold_once"),
            models.CheckConstraint(
                condition=Q(state="held", ended_at__isnull=True) | (~Q(state="held") & Q(ended_at__isnull=False)),
                name="fraud_hold_end_known",
            ),
        ]
        indexes = [models.Index(fields=["commission"], condition=Q(state="held"), name="fraud_hold_standing")]
