"""Where an affiliate is paid."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record


class PayoutMethod(Record):
    """An affiliate's account at a provider. `usable_from` is when its waiting time ends (fault 24)."""

    ID_PREFIX = "pmet"

    class Status(models.TextChoices):
        PENDING = "pending", _("being set up")
        VERIFIED = "verified", _("ready")
        RESTRICTED = "restricted", _("restricted by the provider")
        REPLACED = "replaced", _("replaced")

    affiliate = models.ForeignKey("affiliates.Affiliate", on_delete=models.PROTECT, related_name="payout_methods")
    provider = models.CharField(max_length=10, default="stripe")
    account = models.CharField(max_length=64, unique=True)
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    status_reason = models.TextField(blank=True, default="")
    added_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True, blank=True)
    usable_from = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["affiliate"], condition=~Q(status="replaced"), name="payout_method_current_once"
            )
        ]
