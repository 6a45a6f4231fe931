"""Everything received has a row and a verdict; what is handled again keeps its history."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from tracking.models.conversion import Conversion


class InboxRequest(Record):
    """One request to an intake. Written as quarantined before it is read; a crash leaves it so, to be replayed.

    A request that holds several orders (a batch, a file) is a row, and each of its parts is another
    that names it as its `whole`. `headers` are the few that matter, with keys cut to their prefix.
    """

    ID_PREFIX = "req"

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")
        DUPLICATE = "duplicate", _("duplicate")
        TEST = "test", _("test")
        QUARANTINED = "quarantined", _("set aside")

    door = models.CharField(max_length=20)
    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.PROTECT, null=True, related_name="inbox")
    whole = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="parts")
    number = models.PositiveIntegerField(default=0)
    received_at = models.DateTimeField()
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=500)
    content_type = models.CharField(max_length=120, blank=True, default="")
    headers = models.JSONField(default=dict, blank=True)
    #: The digest of the key it came with: a request that was never read can still be proved to be its owner's.
    key_digest = models.CharField(max_length=64, blank=True, default="")
    body = models.BinaryField()
    #: Whether the body was longer than what is kept of it.
    is_cut = models.BooleanField(default=False)
    #: Whether it came with a test key, whatever became of it.
    is_test = models.BooleanField(default=False)
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
            models.Index(fields=["received_at"], name="inbox_being_read", condition=Q(reason="being_read")),
        ]
        constraints = [
            models.CheckConstraint(
                name="inbox_verdict_is_one_of_five",
                condition=Q(verdict__in=["accepted", "rejected", "duplicate", "test", "quarantined"]),
            ),
            models.CheckConstraint(
                name="inbox_being_read_is_set_aside", condition=~Q(reason="being_read") | Q(verdict="quarantined")
            ),
        ]


class InboxReplay(Record):
    """A kept request was handled again: when, by whom, and what it was before and after."""

    ID_PREFIX = "rpl"

    request = models.ForeignKey(InboxRequest, on_delete=models.PROTECT, related_name="replays")
    at = models.DateTimeField()
    #: Nobody when the timetable did it.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    verdict_before = models.CharField(max_length=12)
    reason_before = models.CharField(max_length=40, blank=True, default="")
    field_before = models.CharField(max_length=60, blank=True, default="")
    detail_before = models.TextField(blank=True, default="")
    verdict_after = models.CharField(max_length=12)
    reason_after = models.CharField(max_length=40, blank=True, default="")
    field_after = models.CharField(max_length=60, blank=True, default="")
    detail_after = models.TextField(blank=True, default="")
    conversion = models.ForeignKey(Conversion, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["request", "at"], name="inbox_replay_history")]


class ReplayJob(Record):
    """Everything that fits a filter, handled again one after the other; `last` is how far it has come."""

    ID_PREFIX = "rpj"

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")

    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.PROTECT, null=True, related_name="replay_jobs")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=12, choices=Status, default=Status.RUNNING)
    #: The filter of the list as it stood in the address.
    question = models.JSONField(default=dict)
    last = models.UUIDField(null=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    #: How many of those done are still refused or set aside.
    failed = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "question"], name="replay_job_runs_once",
                condition=Q(status="running"), nulls_distinct=False,
            ),
        ]  # fmt: skip
