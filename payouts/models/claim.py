"""A partner's claim: a sale that is missing or an amount that is not right, with its clocks, its thread and its papers."""

from datetime import time

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from ledger.money import Money


class ClaimPolicy(models.Model):
    """What a merchant promises to whoever claims; without a row the defaults hold."""

    merchant = models.OneToOneField(
        "affiliates.Merchant", on_delete=models.PROTECT, primary_key=True, related_name="claim_policy"
    )
    #: Working minutes until the first reply.
    reply_minutes = models.PositiveIntegerField(default=10)
    #: Days until a decision; then the claim is accepted by itself.
    deadline_days = models.PositiveSmallIntegerField(default=14)
    opens_at = models.TimeField(default=time(9))
    closes_at = models.TimeField(default=time(17))
    works_weekends = models.BooleanField(default=False)
    #: Larger commissions are never granted by silence: the network decides. None: whatever the amount.
    silent_limit_minor = models.BigIntegerField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "claim policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(reply_minutes__gte=1, reply_minutes__lte=2_880), name="claim_policy_reply_sane"
            ),
            models.CheckConstraint(
                condition=Q(deadline_days__gte=1, deadline_days__lte=60), name="claim_policy_deadline_sane"
            ),
            models.CheckConstraint(condition=Q(opens_at__lt=F("closes_at")), name="claim_policy_hours_sane"),
        ]

    def __str__(self) -> str:
        return f"{self.reply_minutes} minutes, {self.deadline_days} days"


class OrderQuestion(Record):
    """ "Why not me?": what a partner asked about an order, and what it was told at once."""

    ID_PREFIX = "ask"

    affiliate = models.ForeignKey("affiliates.Affiliate", on_delete=models.PROTECT, related_name="order_questions")
    enrolment = models.ForeignKey("affiliates.Enrolment", on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey("affiliates.User", on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    order_ref = models.CharField(max_length=128, blank=True, default="")
    ordered_on = models.DateField(null=True, blank=True)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    situation = models.CharField(max_length=40)
    reason = models.CharField(max_length=40, blank=True, default="")
    numbers = models.JSONField(default=dict, blank=True)
    conversion = models.ForeignKey("tracking.Conversion", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["affiliate", "-asked_at"], name="order_question_by_affiliate")]

    @property
    def amount(self) -> Money | None:
        """What the partner says the order was worth."""
        return None if self.amount_minor is None else Money(self.amount_minor, self.currency)


class Claim(Record):
    """A claim of one partner about one order. Open, it is unique by partner, merchant and order.

    `amount` is the order's as the partner says, `expected` the commission it expects where it is about
    an amount. `reply_due_at` is the promised first reply, `deadline_at` the merchant's last moment:
    afterwards the claim is accepted by itself. While the partner is asked back (`paused_at`) neither runs.
    """

    ID_PREFIX = "claim"

    class Kind(models.TextChoices):
        UNTRACKED = "untracked", _("the sale is missing")
        DECLINED = "declined", _("the sale was not given to me")
        INCORRECT = "incorrect", _("the order's amount is wrong")
        AMOUNT = "amount", _("the commission is wrong")

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        INCOMPLETE = "incomplete", _("asked back")
        APPEALED = "appealed", _("with the network")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class DeclineReason(models.TextChoices):
        """Why a claim is declined: a closed list of nine, worded for the partner."""

        ORDER_UNKNOWN = "order_unknown", _("The shop has no order with this number.")
        ORDER_CANCELLED = "order_cancelled", _("The order was cancelled or came back.")
        ORDER_UNPAID = "order_unpaid", _("The order was never paid.")
        COUNTED_BEFORE = "counted_before", _("The order is counted already.")
        OTHER_TOUCH = "other_touch", _("By the terms another click or code counts for this order.")
        OUTSIDE_TERMS = "outside_terms", _("The terms in force do not pay for this order or product.")
        CODE_NOT_ALLOWED = "code_not_allowed", _("The order used a code that the program does not allow.")
        AMOUNT_RIGHT = "amount_right", _("The amount is right as it stands.")
        PROOF_TOO_LITTLE = "proof_too_little", _("The proof does not show the order.")

    #: Somebody still has to do something.
    LIVE = (Status.OPEN, Status.INCOMPLETE, Status.APPEALED)

    affiliate = models.ForeignKey("affiliates.Affiliate", on_delete=models.PROTECT, related_name="claims")
    enrolment = models.ForeignKey("affiliates.Enrolment", on_delete=models.PROTECT, related_name="claims")
    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.PROTECT, related_name="claims")
    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="claims")
    kind = models.CharField(max_length=12, choices=Kind)
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    order_ref = models.CharField(max_length=128)
    ordered_on = models.DateField()
    amount_minor = models.BigIntegerField(null=True, blank=True)
    expected_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    text = models.TextField(blank=True, default="")
    question = models.ForeignKey(OrderQuestion, on_delete=models.PROTECT, null=True, related_name="claims")
    conversion = models.ForeignKey("tracking.Conversion", on_delete=models.PROTECT, null=True, related_name="claims")
    commission = models.ForeignKey("payouts.Commission", on_delete=models.PROTECT, null=True, related_name="claims")
    #: What the event log said when the claim was made: attached by the house, never edited.
    evidence = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey("affiliates.User", on_delete=models.SET_NULL, null=True, related_name="+")
    reply_due_at = models.DateTimeField()
    first_reply_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey("affiliates.User", on_delete=models.SET_NULL, null=True, related_name="+")
    is_automatic = models.BooleanField(default=False)
    decline_reason = models.CharField(max_length=20, choices=DeclineReason, blank=True, default="")
    appealed_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    granted = models.ForeignKey("payouts.Commission", on_delete=models.PROTECT, null=True, related_name="granted_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["affiliate", "merchant", "order_ref"],
                condition=Q(status__in=["open", "incomplete", "appealed"]),
                name="claim_open_once",
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__isnull=True) | Q(amount_minor__gt=0), name="claim_amount_positive"
            ),
            models.CheckConstraint(
                condition=Q(expected_minor__isnull=True) | Q(expected_minor__gt=0), name="claim_expected_positive"
            ),
            models.CheckConstraint(
                condition=Q(status="incomplete", paused_at__isnull=False)
                | (~Q(status="incomplete") & Q(paused_at__isnull=True)),
                name="claim_paused_when_incomplete",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "status", "reply_due_at"], name="claim_queue"),
            models.Index(fields=["affiliate", "-opened_at"], name="claim_by_affiliate"),
            models.Index(fields=["deadline_at"], condition=Q(status="open"), name="claim_deadline"),
        ]

    @property
    def amount(self) -> Money | None:
        """The order's amount as the partner says."""
        return None if self.amount_minor is None else Money(self.amount_minor, self.currency)

    @property
    def expected(self) -> Money | None:
        """The commission that the partner expects."""
        return None if self.expected_minor is None else Money(self.expected_minor, self.currency)

    @property
    def is_live(self) -> bool:
        """Whether somebody still has to do something."""
        return self.status in self.LIVE


class ClaimNote(Record):
    """One line of a claim's thread: a step, and what was said with it."""

    ID_PREFIX = "cnote"

    class Side(models.TextChoices):
        PARTNER = "partner", _("partner")
        MERCHANT = "merchant", _("merchant")
        NETWORK = "network", _("network")
        HOUSE = "house", _("automatic")

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="notes")
    side = models.CharField(max_length=8, choices=Side)
    step = models.CharField(max_length=20)
    text = models.TextField(blank=True, default="")
    author = models.ForeignKey("affiliates.User", on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()


class ClaimFile(Record):
    """A paper that a partner added as proof; its bytes lie under `path` of the private files."""

    ID_PREFIX = "cfile"

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=200)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey("affiliates.User", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["claim", "sha256"], name="claim_file_once")]
