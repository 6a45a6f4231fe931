"""Orders that merchants report, whose they are, and what was taken back."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from ledger.money import Money


class Conversion(Record):
    """An order a merchant reported, counted once by `order_ref`.

    `amount` is what commissions are worked out on, as reported; `refunded_minor` is the sum of its
    refunds and never more than the amount.
    """

    ID_PREFIX = "conv"

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        UNATTRIBUTED = "unattributed", _("not attributed")
        HELD = "held", _("held")
        REJECTED = "rejected", _("rejected")

    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.PROTECT, related_name="conversions")
    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, null=True, related_name="conversions")
    order_ref = models.CharField(max_length=128)
    event = models.CharField(max_length=40, default="sale")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    tax_minor = models.BigIntegerField(default=0)
    shipping_minor = models.BigIntegerField(default=0)
    discount_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    customer_ref = models.CharField(max_length=128, blank=True, default="")
    customer_status = models.CharField(max_length=12, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    coupon = models.CharField(max_length=64, blank=True, default="")
    click_id = models.UUIDField(null=True)
    items = models.JSONField(default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    #: The pseudonym of the customer's address, beside the shop's own number: joins devices.
    customer_email_key = models.CharField(max_length=64, blank=True, default="")
    #: What may be known of that address without giving it away: tracking.pseudonyms.Signs as text.
    customer_signs = models.CharField(max_length=60, blank=True, default="", db_default="")
    #: Which door reported it first: api, batch, postback, tag, pixel, upload, stripe, shopify, woocommerce, dub, manual.
    source = models.CharField(max_length=20, blank=True, default="")
    fees_minor = models.BigIntegerField(default=0)
    subscription_ref = models.CharField(max_length=128, blank=True, default="")
    is_renewal = models.BooleanField(default=False)
    #: How many contents it has had; each but the first has a ConversionRevision.
    version = models.PositiveIntegerField(default=1)
    revised_at = models.DateTimeField(null=True, blank=True)
    #: While a dispute over it is open, nothing that it earned is approved.
    is_disputed = models.BooleanField(default=False)
    is_test = models.BooleanField(default=False)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    content_hash = models.CharField(max_length=64)
    verdict = models.CharField(max_length=12, choices=Verdict)
    reason = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "order_ref", "event", "is_test"], name="conversion_once"),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0)
                & Q(tax_minor__gte=0)
                & Q(shipping_minor__gte=0)
                & Q(discount_minor__gte=0)
                & Q(fees_minor__gte=0),
                name="conversion_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0) & Q(refunded_minor__lte=F("amount_minor")),
                name="conversion_refund_within",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-occurred_at"], name="conversion_by_merchant"),
            models.Index(fields=["program", "-occurred_at"], name="conversion_by_program"),
            models.Index(fields=["click_id"], name="conversion_by_click"),
            models.Index(
                fields=["merchant", "subscription_ref"],
                condition=~Q(subscription_ref=""),
                name="conversion_by_subscription",
            ),
            models.Index(
                fields=["merchant", "customer_ref"], condition=~Q(customer_ref=""), name="conversion_by_customer"
            ),
            models.Index(
                fields=["merchant", "customer_email_key"],
                condition=~Q(customer_email_key=""),
                name="conversion_by_email",
            ),
            models.Index(fields=["recorded_at"], condition=Q(verdict="held"), name="conversion_held"),
        ]

    @property
    def amount(self) -> Money:
        """The amount commissions are worked out on, as reported."""
        return Money(self.amount_minor, self.currency)

    @property
    def refunded(self) -> Money:
        """What was taken back so far."""
        return Money(self.refunded_minor, self.currency)


class Refund(Record):
    """Money of an order given back to its customer; idempotent by `reference`."""

    ID_PREFIX = "rfnd"

    conversion = models.ForeignKey(Conversion, on_delete=models.PROTECT, related_name="refunds")
    reference = models.CharField(max_length=128)
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=40, blank=True, default="")
    #: Where it came from, as one thing that may grow or fall: a charge, a dispute, a cancellation. Empty: by itself.
    origin = models.CharField(max_length=140, blank=True, default="")
    items = models.JSONField(default=list, blank=True)
    #: Who told of it: api, manual, upload, dub, stripe, shopify, woocommerce. Empty in rows older than this: see origin.
    way = models.CharField(max_length=16, blank=True, default="", db_default="")
    #: The one that counts in its place: another way had told of the same refund (tracking/refunds.py).
    twin = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="twins")
    #: Since then it is one of its own: somebody said that the two are two.
    apart_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    #: Since then it counts no more: the dispute was won, or the refund failed.
    voided_at = models.DateTimeField(null=True, blank=True)
    void_reason = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversion", "reference"], name="refund_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_positive"),
        ]

    @property
    def is_told_twice(self) -> bool:
        """Whether another way had told of it, so that it takes nothing by itself."""
        return self.twin_id is not None

    @property
    def amount(self) -> Money:
        """What was given back."""
        return Money(self.amount_minor, self.conversion.currency)
