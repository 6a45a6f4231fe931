"""Keys with which shops and partners call the API."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from affiliates.models.affiliate import Affiliate
from affiliates.models.merchant import Merchant
from affiliates.models.user import User
from ledger.ids import Record


class ApiKey(Record):
    """A key, kept as a digest; the key itself is shown once."""

    ID_PREFIX = "key"

    class Kind(models.TextChoices):
        LIVE = "sk_live", _("live")
        TEST = "sk_test", _("test")
        PARTNER = "pk", _("partner")

    kind = models.CharField(max_length=8, choices=Kind)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, null=True, blank=True, related_name="keys")
    affiliate = models.ForeignKey(Affiliate, on_delete=models.CASCADE, null=True, blank=True, related_name="keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=24, unique=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="key_owner_fits_kind",
                condition=Q(kind="pk", affiliate__isnull=False, merchant__isnull=True)
                | Q(kind__in=["sk_live", "sk_test"], affiliate__isnull=True, merchant__isnull=False),
            )
        ]

    @property
    def is_test(self) -> bool:
        """Whether what comes with it counts for nothing."""
        return self.kind == self.Kind.TEST
