"""Whose a conversion is: the decision with all it saw, the parts of it, bound customers, fitted models."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from tracking.models.conversion import Conversion


class Attribution(Record):
    """Why a conversion belongs to its enrolments, with the touches that lost. Decided once.

    `enrolment`, `terms` and `click_id` are those of the lead share: the largest one. `inputs` is all the
    decision saw and `outcome` what it gave, so that tracking/attribution/decide.py can be asked again.
    """

    ID_PREFIX = "attr"

    class Model(models.TextChoices):
        """What decided: a model, or a code or a bound customer that goes before it."""

        LAST_CLICK = "last_click", _("last click")
        FIRST_CLICK = "first_click", _("first click")
        COUPON = "coupon", _("coupon")
        LIFETIME = "lifetime", _("bound customer")
        LINEAR = "linear", _("linear")
        POSITION = "position", _("position 40/20/40")
        TIME_DECAY = "time_decay", _("time decay")
        MARKOV = "markov", _("Markov")
        SHAPLEY = "shapley", _("Shapley")
        CLAIM = "claim", _("claim")

    conversion = models.OneToOneField(Conversion, on_delete=models.PROTECT, related_name="attribution")
    model = models.CharField(max_length=20, choices=Model)
    enrolment = models.ForeignKey(
        "affiliates.Enrolment", on_delete=models.PROTECT, null=True, related_name="attributions"
    )
    terms = models.ForeignKey("affiliates.Terms", on_delete=models.PROTECT, null=True, related_name="+")
    click_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=40)
    #: A fall-back that was taken, by its code: model_not_fitted.
    note = models.CharField(max_length=40, blank=True, default="")
    candidates = models.JSONField(default=list)
    #: The version of the engine that decided; 0 for those older than it.
    engine = models.PositiveSmallIntegerField(default=0)
    inputs = models.JSONField(default=dict)
    outcome = models.JSONField(default=dict)
    decided_at = models.DateTimeField()


class AttributionShare(Record):
    """What part of a conversion is one partner's.

    The weights of winner and split add up to 1. An assist's weight is its rate of the order's base, on top.
    """

    ID_PREFIX = "ashr"

    class Role(models.TextChoices):
        WINNER = "winner", _("all of it")
        SPLIT = "split", _("a part")
        ASSIST = "assist", _("assist")

    attribution = models.ForeignKey(Attribution, on_delete=models.PROTECT, related_name="shares")
    enrolment = models.ForeignKey("affiliates.Enrolment", on_delete=models.PROTECT, related_name="attribution_shares")
    terms = models.ForeignKey("affiliates.Terms", on_delete=models.PROTECT, related_name="+")
    click_id = models.UUIDField(null=True)
    coupon_code = models.CharField(max_length=64, blank=True, default="")
    role = models.CharField(max_length=6, choices=Role)
    weight = models.DecimalField(max_digits=13, decimal_places=12, default=Decimal(1))
    reason = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attribution", "enrolment"], name="attribution_share_once"),
            models.CheckConstraint(condition=Q(weight__gte=0) & Q(weight__lte=1), name="attribution_share_sane"),
        ]


class CustomerBinding(Record):
    """A customer who stays with the partner of its first order, by the shop's number or by its address's pseudonym."""

    ID_PREFIX = "bind"

    class Kind(models.TextChoices):
        CUSTOMER = "customer", _("the shop's customer number")
        EMAIL = "email", _("the address's pseudonym")

    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="+")
    enrolment = models.ForeignKey("affiliates.Enrolment", on_delete=models.PROTECT, related_name="bindings")
    kind = models.CharField(max_length=8, choices=Kind)
    key = models.CharField(max_length=128)
    conversion = models.ForeignKey(Conversion, on_delete=models.PROTECT, related_name="bindings")
    bound_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "kind", "key"], name="customer_bound_once")]
        indexes = [models.Index(fields=["kind", "key"], name="customer_binding_by_key")]


class ModelFit(Record):
    """What a model learned from a program's paths of a period; written by a monthly task, never changed."""

    ID_PREFIX = "mfit"

    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="model_fits")
    model = models.CharField(max_length=20)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    fitted_at = models.DateTimeField()
    paths = models.PositiveIntegerField()
    #: Each partner's weight, by its public id.
    values = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "model", "ends_at"], name="model_fit_once")]
