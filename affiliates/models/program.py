"""A merchant's standing offer, its dated terms, and the affiliates' places in it."""

from datetime import datetime
from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from affiliates.models.affiliate import Affiliate
from affiliates.models.merchant import Merchant
from affiliates.models.user import User
from ledger.ids import Record, RecordManager


class Program(Record):
    """A merchant's standing offer to affiliates."""

    ID_PREFIX = "prog"

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        OPEN = "open", _("open")
        PAUSED = "paused", _("paused")
        CLOSED = "closed", _("closed")

    class Approval(models.TextChoices):
        AUTO = "auto", _("at once")
        MANUAL = "manual", _("by the merchant")

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="programs")
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    summary = models.TextField(blank=True, default="")
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    approval = models.CharField(max_length=10, choices=Approval, default=Approval.AUTO)
    landing_url = models.URLField(max_length=1000)
    allowed_hosts = ArrayField(models.CharField(max_length=253))
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name

    def terms_at(self, at: datetime) -> "Terms | None":
        """The version in force at an instant."""
        return self.terms.filter(starts_at__lte=at).order_by("-starts_at", "-version").first()


class Terms(Record):
    """One dated version of a program's conditions. Published once, never edited (a trigger refuses)."""

    ID_PREFIX = "terms"

    class Basis(models.TextChoices):
        NET = "net", _("net of tax and shipping")
        GROSS = "gross", _("the order's whole amount")

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="terms")
    version = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    window_days = models.PositiveIntegerField(default=30)
    hold_days = models.PositiveIntegerField(default=30)
    basis = models.CharField(max_length=5, choices=Basis, default=Basis.NET)
    minimum_payout_minor = models.BigIntegerField(default=0)
    text = models.TextField(blank=True, default="")

    class Meta:
        verbose_name_plural = "terms"
        constraints = [
            models.UniqueConstraint(fields=["program", "version"], name="terms_version_once"),
            models.CheckConstraint(condition=Q(window_days__gte=1) & Q(window_days__lte=365), name="terms_window_sane"),
            models.CheckConstraint(condition=Q(hold_days__lte=365), name="terms_hold_sane"),
        ]
        triggers = [pgtrigger.Protect(name="terms_immutable", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.program} v{self.version}"


class EnrolmentManager(RecordManager["Enrolment"]):
    """Enrolments with what most questions need."""

    def get_queryset(self) -> models.QuerySet["Enrolment"]:
        """Enrolments joined with their program and affiliate."""
        return super().get_queryset().select_related("program__merchant", "affiliate")


class Enrolment(Record):
    """One affiliate's place in one program."""

    ID_PREFIX = "enr"

    class Status(models.TextChoices):
        APPLIED = "applied", _("applied")
        APPROVED = "approved", _("approved")
        DECLINED = "declined", _("declined")
        SUSPENDED = "suspended", _("suspended")
        LEFT = "left", _("left")

    class DeclineReason(models.TextChoices):
        """Why an application is declined: a closed list, worded for the applicant."""

        CONTENT = "content", _("The channel's content does not fit the program.")
        AUDIENCE = "audience", _("The channel's audience is outside the program's markets.")
        UNREACHABLE = "unreachable", _("The channel could not be opened.")
        METHOD = "method", _("The way of promotion is not allowed in this program.")
        DUPLICATE = "duplicate", _("You have a place in this program already.")
        INCOMPLETE = "incomplete", _("The application says too little about how you promote.")

    affiliate = models.ForeignKey(Affiliate, on_delete=models.PROTECT, related_name="enrolments")
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="enrolments")
    terms = models.ForeignKey(Terms, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=Status, default=Status.APPLIED)
    message = models.TextField(blank=True, default="")
    applied_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    decline_reason = models.CharField(max_length=12, choices=DeclineReason, blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[RecordManager[Any]] = EnrolmentManager()

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["affiliate", "program"], name="enrolment_once")]
        indexes = [models.Index(fields=["program", "status", "applied_at"], name="enrolment_queue")]
