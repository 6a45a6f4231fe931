"""A merchant's own host for its partners' links."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record


class TrackingDomain(Record):
    """A host whose owner points it at the click door, once DNS says that it is theirs."""

    ID_PREFIX = "dom"

    class Status(models.TextChoices):
        PENDING = "pending", _("waiting for DNS")
        VERIFIED = "verified", _("verified")
        FAILED = "failed", _("failed")

    host = models.CharField(max_length=253, unique=True)
    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.PROTECT, related_name="tracking_domains")
    program = models.ForeignKey(
        "affiliates.Program", on_delete=models.PROTECT, null=True, blank=True, related_name="tracking_domains"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    token = models.CharField(max_length=64)
    #: Why it is not verified: a code of tracking/domains.py; empty when it is, or was never looked at.
    reason = models.CharField(max_length=40, blank=True, default="")
    detail = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    #: Since when a host that was verified has lost its records; None while it has them.
    failing_since = models.DateTimeField(null=True, blank=True)
    #: Since when links are not answered on it any more: it failed for longer than the grace (tracking/domains.py).
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "tracking_domain"
        indexes = [models.Index(fields=["merchant", "status"], name="domain_by_merchant")]

    def __str__(self) -> str:
        return self.host
