"""What a merchant decided about orders that shoppers' browsers report."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class TagSettings(models.Model):
    """One row a merchant; without one, orders from browsers count at once."""

    class Orders(models.TextChoices):
        """When an order counts that only a browser reported."""

        AT_ONCE = "at_once", _("count at once")
        WAIT = "wait", _("wait for the server's word")

    merchant = models.OneToOneField(
        "affiliates.Merchant", on_delete=models.CASCADE, primary_key=True, related_name="tag_settings"
    )
    orders = models.CharField(max_length=10, choices=Orders, default=Orders.AT_ONCE)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "tracking_tag_settings"

    def __str__(self) -> str:
        return f"{self.merchant_id}: {self.orders}"
