"""An enrolment's address for a destination."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record


class Link(Record):
    """A tracking link; `code` is the short text in /r/<code>. A trigger tells the click doors of changes."""

    ID_PREFIX = "link"

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        RETIRED = "retired", _("retired")

    code = models.CharField(max_length=64, unique=True)
    enrolment = models.ForeignKey("affiliates.Enrolment", on_delete=models.PROTECT, related_name="links")
    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="links")
    affiliate = models.ForeignKey("affiliates.Affiliate", on_delete=models.PROTECT, related_name="links")
    destination = models.URLField(max_length=2000)
    label = models.CharField(max_length=120, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        constraints = [
            # Asking twice for the same page under the same label gives the same link.
            models.UniqueConstraint(fields=["enrolment", "destination", "label"], name="link_once")
        ]

    def __str__(self) -> str:
        return self.code
