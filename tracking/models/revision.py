"""What changed in an order after it was reported, and disputes over its payment."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from ledger.money import Money
from tracking.models.conversion import Conversion, Refund


class ConversionRevision(Record):
    """One amendment of an order: which fields, from what to what, by whom and why. Never edited.

    `changes` is {field: [before, after]} as the API spells the fields; `number` is the version it made and
    `content_hash` that of the content it replaced: a late repeat of an earlier version is no conflict.
    """

    ID_PREFIX = "crev"

    conversion = models.ForeignKey(Conversion, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    reference = models.CharField(max_length=160)
    changes = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=64)
    door = models.CharField(max_length=20)
    actor = models.CharField(max_length=64, blank=True, default="")
    reason = models.CharField(max_length=40, blank=True, default="")
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversion", "number"], name="revision_number_once"),
            models.UniqueConstraint(fields=["conversion", "reference"], name="revision_once"),
        ]


class Dispute(Record):
    """A customer's bank asks for the money of an order back.

    While it is open what the order earns stays on hold; lost, the money is taken back by a refund;
    won, that refund is void.
    """

    ID_PREFIX = "disp"

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        LOST = "lost", _("lost")
        WON = "won", _("won")

    conversion = models.ForeignKey(Conversion, on_delete=models.PROTECT, related_name="disputes")
    reference = models.CharField(max_length=128)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    amount_minor = models.BigIntegerField(null=True)
    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, null=True, related_name="dispute")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversion", "reference"], name="dispute_once"),
            models.CheckConstraint(condition=Q(amount_minor=None) | Q(amount_minor__gt=0), name="dispute_positive"),
        ]

    @property
    def amount(self) -> Money | None:
        """What is disputed; None for all of the order."""
        return None if self.amount_minor is None else Money(self.amount_minor, self.conversion.currency)
