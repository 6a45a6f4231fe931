"""Files of orders that a merchant sends: read, tried, and then recorded row by row."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from tracking.models.inbox import InboxRequest


class OrderUpload(Record):
    """A CSV or XLSX file on its way: columns are named, rows are tried, rows are recorded.

    The same bytes twice are one upload of a merchant, unless the first was discarded. `content` is
    kept until the file has been recorded or discarded, at most some days, and then emptied.
    """

    ID_PREFIX = "upl"

    class Status(models.TextChoices):
        MAPPING = "mapping", _("columns to be named")
        TRYING = "trying", _("being tried")
        TRIED = "tried", _("tried")
        RECORDING = "recording", _("being recorded")
        DONE = "done", _("done")
        DISCARDED = "discarded", _("discarded")

    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.PROTECT, related_name="uploads")
    request = models.OneToOneField(InboxRequest, on_delete=models.PROTECT, related_name="upload")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    received_at = models.DateTimeField()
    name = models.CharField(max_length=200)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    kind = models.CharField(max_length=4)
    content = models.BinaryField()
    #: How it is read (tracking/imports.py, class Reading) and which column is which field.
    reading = models.JSONField(default=dict)
    mapping = models.JSONField(default=dict)
    status = models.CharField(max_length=12, choices=Status, default=Status.MAPPING)
    #: Why it cannot be read, where it cannot.
    reason = models.CharField(max_length=40, blank=True, default="")
    detail = models.TextField(blank=True, default="")
    row_count = models.PositiveIntegerField(default=0)
    tried = models.PositiveIntegerField(default=0)
    recorded = models.PositiveIntegerField(default=0)
    recording_since = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "sha256"], name="upload_once_a_merchant", condition=~Q(status="discarded")
            )
        ]
        indexes = [
            models.Index(fields=["merchant", "-received_at"], name="upload_by_merchant"),
            models.Index(fields=["status"], name="upload_at_work", condition=Q(status__in=["trying", "recording"])),
        ]


class OrderUploadRow(models.Model):
    """One row of a file: what the trial said of it, and what became of it."""

    upload = models.ForeignKey(OrderUpload, on_delete=models.CASCADE, related_name="rows")
    #: The line's number as a spreadsheet shows it, the header being 1.
    number = models.PositiveIntegerField()
    order_ref = models.CharField(max_length=128, blank=True, default="")
    #: What the row does: report, refund, amend.
    action = models.CharField(max_length=8, blank=True, default="")
    verdict = models.CharField(max_length=12)
    reason = models.CharField(max_length=40, blank=True, default="")
    field = models.CharField(max_length=60, blank=True, default="")
    detail = models.TextField(blank=True, default="")
    #: The row's own request, once it is recorded; its verdict is the final one.
    request = models.OneToOneField(InboxRequest, on_delete=models.PROTECT, null=True, related_name="upload_row")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="upload_row_once")]
        indexes = [models.Index(fields=["upload", "verdict", "number"], name="upload_row_by_verdict")]

    def __str__(self) -> str:
        return f"{self.number}: {self.order_ref}"


class UploadMapping(models.Model):
    """Which column is which field in a merchant's files with these headings, as a person last said."""

    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.CASCADE, related_name="upload_mappings")
    #: SHA-256 of the headings in their order.
    headings = models.CharField(max_length=64)
    mapping = models.JSONField(default=dict)
    reading = models.JSONField(default=dict)
    used_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "headings"], name="upload_mapping_once")]

    def __str__(self) -> str:
        return self.headings
