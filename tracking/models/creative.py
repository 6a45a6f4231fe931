"""What partners put on their sites: a program's banners, text links and pieces of HTML."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record


class Creative(Record):
    """A program's banner, text link or piece of HTML. `text` is the banner's alternative text, the words or the HTML.

    A banner's file lies at `path` under MEDIA_ROOT/private/creatives; its kind and size are those of its content.
    """

    ID_PREFIX = "crea"

    class Kind(models.TextChoices):
        IMAGE = "image", _("Banner")
        TEXT = "text", _("Text link")
        HTML = "html", _("HTML")

    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="creatives")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8, choices=Kind)
    text = models.TextField()
    #: Where it leads; always a page on the program's hosts.
    target_url = models.URLField(max_length=2000)
    #: BCP 47 tag, or empty for none in particular.
    language = models.CharField(max_length=12, blank=True, default="")
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    content_type = models.CharField(max_length=20, blank=True, default="")
    size = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    path = models.CharField(max_length=80, blank=True, default="")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "name"], name="creative_name_once"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")), name="creative_dates_sane"
            ),
            models.CheckConstraint(
                condition=~Q(kind="image") | Q(width__gt=0, height__gt=0, size__gt=0), name="creative_banner_has_size"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def dimensions(self) -> str:
        """Width × height in pixels; empty where there is no picture."""
        return f"{self.width} × {self.height}" if self.width else ""

    def state_at(self, at: datetime) -> str:
        """planned, live or ended."""
        if at < self.starts_at:
            return "planned"
        return "ended" if self.ends_at is not None and at >= self.ends_at else "live"
