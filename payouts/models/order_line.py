"""What reports read of orders: one narrow row an order and partner, and the log of what has changed since."""

from django.db import models


class OrderLine(models.Model):
    """An accepted order as a report sees it: once as a whole (affiliate nil) and once for each partner with a part.

    A copy, written by payouts/order_lines.py, which says how it is worked out. `kept_minor`, `is_reversed` and
    `waits` are of the commissions (None without any); link, sub-id, country and device are those of the click that
    won. `is_own_click` says that this click is the partner's own. `parts` counts the order's partners.
    """

    pk = models.CompositePrimaryKey("conversion_id", "affiliate_id")
    conversion_id = models.UUIDField()
    affiliate_id = models.UUIDField()
    parts = models.IntegerField()
    merchant_id = models.UUIDField()
    program_id = models.UUIDField(null=True)
    occurred_at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField()
    kept_minor = models.BigIntegerField(null=True)
    is_reversed = models.BooleanField(null=True)
    waits = models.BooleanField(null=True)
    customer_ref = models.CharField(max_length=128)
    customer_status = models.CharField(max_length=12)
    event = models.CharField(max_length=40)
    coupon = models.CharField(max_length=64)
    country = models.CharField(max_length=2)
    click_id = models.UUIDField(null=True)
    is_own_click = models.BooleanField(null=True)
    link_id = models.UUIDField(null=True)
    sub1 = models.TextField(null=True)
    click_country = models.CharField(max_length=2, null=True)
    device = models.CharField(max_length=10, null=True)

    class Meta:
        indexes = [
            models.Index(fields=["affiliate_id", "occurred_at"], name="order_line_by_affiliate"),
            models.Index(fields=["merchant_id", "occurred_at"], name="order_line_by_merchant"),
        ]

    def __str__(self) -> str:
        return f"{self.conversion_id}:{self.affiliate_id}"


class ChangedOrder(models.Model):
    """An order of which something changed, written by triggers in the transaction that changed it.

    As long as it stands, reports read the order itself and not its lines. Nobody waits for anybody here: rows
    are only added, and taken away by who copies.
    """

    conversion_id = models.UUIDField()

    def __str__(self) -> str:
        return str(self.conversion_id)
