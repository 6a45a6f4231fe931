"""Everything received has a row and a verdict."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from tracking.models.conversion import Conversion


class InboxRequest(Record):
    """One request to an intake. Written as quarantined before it is read; a crash leaves it so, to be replayed."""

    ID_PREFIX = "req"

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")
        DUPLICATE = "duplicate", _("duplicate")
        TEST = "test", _("test")
        QUARANTINED = "quarantined", _("set aside")

    door = models.CharField(max_length=20)
    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.PROTECT, null=True, related_name="inbox")
    received_at = models.DateTimeField()
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=500)
    content_type = models.CharField(max_length=120, blank=True, default="")
    body = models.BinaryField()
    ip = models.GenericIPAddressField(null=True)
    verdict = models.CharField(max_length=12, choices=Verdict, default=Verdict.QUARANTINED)
    reason = models.CharField(max_length=40, blank=True, default="")
    field = models.CharField(max_length=60, blank=True, default="")
    detail = models.TextField(blank=True, default="")
    status_code = models.PositiveSmallIntegerField(default=0)
    conversion = models.ForeignKey(Conversion, on_delete=models.PROTECT, null=True, related_name="requests")
    latency_ms = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["merchant", "-received_at"], name="inbox_by_merchant"),
            models.Index(fields=["verdict", "-received_at"], name="inbox_by_verdict"),
        ]
