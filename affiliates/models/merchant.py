"""Who sells and pays."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record


class Merchant(Record):
    """A merchant: its books are in one currency, its months in one time zone."""

    ID_PREFIX = "mer"

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        CLOSED = "closed", _("closed")

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    currency = models.CharField(max_length=3)
    country = models.CharField(max_length=2, blank=True, default="")
    time_zone = models.CharField(max_length=64, default="UTC")
    website = models.URLField(blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField()

    @property
    def owner_name(self) -> str:
        """Its name in the book: merchant/acme."""
        return f"merchant/{self.slug}"

    def __str__(self) -> str:
        return self.name
