"""What is suspected of a partner, with its numbers; and what a program's merchant wants of each rule."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from ledger.money import Money


class FraudPolicy(models.Model):
    """A program's rules as its merchant set them; a program without a row has the defaults."""

    program = models.OneToOneField(
        "affiliates.Program", on_delete=models.PROTECT, primary_key=True, related_name="fraud_policy"
    )
    #: What was changed: {"F1": {"on": true, "threshold": 20, "action": "hold"}}.
    rules = models.JSONField(default=dict, blank=True)
    #: Within so many days a hold is answered; then it ends by itself, and says so.
    answer_days = models.PositiveSmallIntegerField(default=14)
    looked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "fraud policies"
        constraints = [
            models.CheckConstraint(condition=Q(answer_days__gte=1, answer_days__lte=60), name="fraud_policy_days_sane")
        ]

    def __str__(self) -> str:
        return f"fraud policy of {self.program_id}"


class FraudFinding(Record):
    """One rule's finding about one partner in one window. At most one of a rule is undecided.

    `tested` are all tests that were run on the partner with it, those that did not fire too:
    [{"rule", "p", "numbers", "fired"}].
    """

    ID_PREFIX = "find"

    class State(models.TextChoices):
        NOTED = "noted", _("noted")
        OPEN = "open", _("to be looked at")
        HELD = "held", _("held")
        APPEALED = "appealed", _("appealed")
        RELEASED = "released", _("released")
        CONFIRMED = "confirmed", _("confirmed")

    #: Somebody still has to answer.
    LIVE = (State.OPEN, State.HELD, State.APPEALED)

    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="fraud_findings")
    enrolment = models.ForeignKey("affiliates.Enrolment", on_delete=models.PROTECT, related_name="fraud_findings")
    rule = models.CharField(max_length=4)
    window_starts_at = models.DateTimeField()
    window_ends_at = models.DateTimeField()
    #: None: a fact, in which no chance is involved.
    p_value = models.FloatField(null=True, blank=True)
    tests = models.PositiveSmallIntegerField(default=0)
    #: What the partner's smallest p, times its tests, had to stay under.
    cut = models.FloatField(default=0)
    numbers = models.JSONField(default=dict)
    tested = models.JSONField(default=list)
    #: Keys of the conversions it is about.
    subjects = models.JSONField(default=list)
    at_risk_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=State, default=State.NOTED)
    found_at = models.DateTimeField()
    #: By when a hold is answered; over, it is released by itself.
    answer_due_at = models.DateTimeField(null=True, blank=True)
    #: When the merchant asked the network to confirm it.
    asked_at = models.DateTimeField(null=True, blank=True)
    appealed_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    is_automatic = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program", "enrolment", "rule", "window_ends_at"], name="fraud_finding_once_a_window"
            ),
            # Appealed after it was confirmed, it was decided once: another may be undecided meanwhile.
            models.UniqueConstraint(
                fields=["enrolment", "rule"],
                condition=Q(state__in=["open", "held", "appealed"], decided_at=None),
                name="fraud_finding_live_once",
            ),
            models.CheckConstraint(
                condition=~Q(state="held") | Q(answer_due_at__isnull=False), name="fraud_finding_hold_is_promised"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["released", "confirmed"]) | Q(decided_at__isnull=False),
                name="fraud_finding_end_known",
            ),
        ]
        indexes = [
            models.Index(fields=["program", "-found_at"], name="fraud_finding_by_program"),
            models.Index(
                fields=["answer_due_at"], condition=Q(state__in=["held", "appealed"]), name="fraud_finding_due"
            ),
        ]

    @property
    def at_risk(self) -> Money:
        """The commissions it is about, when it was found."""
        return Money(self.at_risk_minor, self.currency)

    @property
    def is_live(self) -> bool:
        """Whether somebody still has to answer."""
        return self.state in self.LIVE


class FraudStep(Record):
    """One step of a finding: what was done, by which side, and in which words. Never edited."""

    ID_PREFIX = "fstep"

    class Side(models.TextChoices):
        HOUSE = "house", _("by itself")
        PARTNER = "partner", _("the partner")
        MERCHANT = "merchant", _("the merchant")
        NETWORK = "network", _("the network")

    finding = models.ForeignKey(FraudFinding, on_delete=models.PROTECT, related_name="steps")
    step = models.CharField(max_length=12)
    side = models.CharField(max_length=8, choices=Side)
    author = models.ForeignKey("affiliates.User", on_delete=models.SET_NULL, null=True, related_name="+")
    text = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["finding", "at"], name="fraud_step_in_order")]
