"""A merchant's shop that reports its orders by signed webhooks."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from affiliates.models.merchant import Merchant
from affiliates.sealed import EncryptedTextField
from ledger.ids import Record


class ShopConnection(Record):
    """One connected shop: whose events are believed because they are signed with its secret.

    After a rotation `previous_secret` opens until `previous_until`, so that no event on its way is refused.
    """

    ID_PREFIX = "shop"

    class Kind(models.TextChoices):
        STRIPE = "stripe", "Stripe"
        SHOPIFY = "shopify", "Shopify"
        WOOCOMMERCE = "woocommerce", "WooCommerce"

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="shops")
    kind = models.CharField(max_length=12, choices=Kind)
    label = models.CharField(max_length=80)
    secret = EncryptedTextField(blank=True, default="")
    previous_secret = EncryptedTextField(blank=True, default="")
    previous_until = models.DateTimeField(null=True, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField()
    rotated_at = models.DateTimeField(null=True, blank=True)
    last_event_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "kind", "label"], name="shop_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.label}"
