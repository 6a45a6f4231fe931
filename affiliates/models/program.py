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
    #: What new partners' codes look like, such as "{name}10" (affiliates/own_codes.py); empty makes none.
    code_pattern = models.CharField(max_length=60, blank=True, default="", db_default="")
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

    class Model(models.TextChoices):
        """How an order's commission goes to the touches before it (tracking/attribution/)."""

        LAST_CLICK = "last_click", _("last click")
        FIRST_CLICK = "first_click", _("first click")
        COUPON = "coupon", _("coupon")
        LINEAR = "linear", _("linear")
        POSITION = "position", _("position 40/20/40")
        TIME_DECAY = "time_decay", _("time decay")
        MARKOV = "markov", _("Markov")
        SHAPLEY = "shapley", _("Shapley")

    class CouponPolicy(models.TextChoices):
        ALWAYS = "always", _("the code's partner wins")
        INVOLVED = "involved", _("the code's partner wins when it has a click too")
        WINNER = "winner", _("codes decide nothing")

    class UnassignedCode(models.TextChoices):
        IGNORE = "ignore", _("the clicks decide")
        NO_COMMISSION = "no_commission", _("nobody is paid")

    class CartFreeze(models.TextChoices):
        OFF = "off", _("nothing is frozen")
        SOFT = "soft", _("soft clicks during the checkout do not count")
        ALL = "all", _("no click during the checkout counts")

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="terms")
    version = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    window_days = models.PositiveIntegerField(default=30)
    hold_days = models.PositiveIntegerField(default=30)
    basis = models.CharField(max_length=5, choices=Basis, default=Basis.NET)
    minimum_payout_minor = models.BigIntegerField(default=0)
    text = models.TextField(blank=True, default="")
    attribution_model = models.CharField(max_length=12, choices=Model, default=Model.LAST_CLICK)
    half_life_days = models.PositiveIntegerField(default=7)
    #: 0: seeing an advertisement never earns anything.
    view_window_days = models.PositiveIntegerField(default=0)
    #: How long before the order the code's partner must have a click to be involved.
    coupon_window_days = models.PositiveIntegerField(default=30)
    #: How long a customer stays with the partner of its first order; 0: not at all.
    lifetime_days = models.PositiveIntegerField(default=0)
    coupon_policy = models.CharField(max_length=8, choices=CouponPolicy, default=CouponPolicy.ALWAYS)
    unassigned_code = models.CharField(max_length=14, choices=UnassignedCode, default=UnassignedCode.IGNORE)
    #: Whether touches of the same customer's other devices count.
    cross_device = models.BooleanField(default=False)
    cart_freeze = models.CharField(max_length=4, choices=CartFreeze, default=CartFreeze.OFF)
    #: {"lead": {"click": 7, "view": 1}}: other windows in days for orders of an event.
    event_windows = models.JSONField(default=dict, blank=True)
    #: A fraction of the base for each partner who took part and did not win; 0: none.
    assist_rate = models.DecimalField(max_digits=7, decimal_places=6, default=0)
    #: The most one partner earns by assists in a day; 0: no limit.
    assist_daily_cap_minor = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "terms"
        constraints = [
            models.UniqueConstraint(fields=["program", "version"], name="terms_version_once"),
            models.CheckConstraint(condition=Q(window_days__gte=1) & Q(window_days__lte=365), name="terms_window_sane"),
            models.CheckConstraint(condition=Q(hold_days__lte=365), name="terms_hold_sane"),
            models.CheckConstraint(
                condition=Q(half_life_days__gte=1)
                & Q(half_life_days__lte=365)
                & Q(view_window_days__lte=365)
                & Q(coupon_window_days__lte=365)
                & Q(lifetime_days__lte=36500)
                & Q(assist_rate__gte=0)
                & Q(assist_rate__lte=1)
                & Q(assist_daily_cap_minor__gte=0),
                name="terms_attribution_sane",
            ),
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

    class CreditClass(models.TextChoices):
        """Who goes before whom; a soft click does not overwrite a counted one of another class."""

        PREFERRED = "preferred", _("preferred")
        STANDARD = "standard", _("standard")
        SOFT = "soft", _("soft click")

    affiliate = models.ForeignKey(Affiliate, on_delete=models.PROTECT, related_name="enrolments")
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="enrolments")
    terms = models.ForeignKey(Terms, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=Status, default=Status.APPLIED)
    credit_class = models.CharField(max_length=10, choices=CreditClass, default=CreditClass.STANDARD)
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
