"""The member who promotes, and where."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record


class Affiliate(Record):
    """A member of the network. Frozen keeps earning and cannot be paid; closed does neither."""

    ID_PREFIX = "aff"

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        FROZEN = "frozen", _("frozen")
        CLOSED = "closed", _("closed")

    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    contact_email = models.EmailField()
    country = models.CharField(max_length=2, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE, db_index=True)
    status_reason = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()

    @property
    def owner_name(self) -> str:
        """Its name in the book: affiliate/aff_…"""
        return f"affiliate/{self.public_id}"

    def __str__(self) -> str:
        return self.name


class Channel(Record):
    """A site, app, newsletter or account on which an affiliate promotes."""

    ID_PREFIX = "chan"

    class Kind(models.TextChoices):
        SITE = "site", _("website")
        NEWSLETTER = "newsletter", _("newsletter")
        VIDEO = "video", _("video channel")
        SOCIAL = "social", _("social account")
        APP = "app", _("app")

    affiliate = models.ForeignKey(Affiliate, on_delete=models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SITE)
    name = models.CharField(max_length=120)
    url = models.URLField(max_length=500)
    verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["affiliate", "url"], name="channel_once")]

    def __str__(self) -> str:
        return self.name
