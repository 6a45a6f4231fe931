"""A shop's customers and what it calls things, for those who came with another network's client."""

from django.db import models
from django.db.models import Q

from affiliates.sealed import EncryptedTextField
from ledger.ids import Record


class Customer(Record):
    """A customer as the shop told us of one: bound to the first click that brought it.

    Name and address are sealed; `email_key` is the pseudonym by which orders know the address.
    """

    ID_PREFIX = "cus"

    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.PROTECT, related_name="customers")
    external_id = models.CharField(max_length=100)
    name = EncryptedTextField(blank=True, default="")
    email = EncryptedTextField(blank=True, default="")
    email_key = models.CharField(max_length=64, blank=True, default="")
    avatar = models.URLField(max_length=500, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    stripe_customer_id = models.CharField(max_length=64, blank=True, default="")
    click_id = models.UUIDField(null=True, blank=True)
    is_test = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    subscription_canceled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "external_id", "is_test"], name="customer_once")]
        indexes = [models.Index(fields=["merchant", "email_key"], name="customer_by_address")]

    def __str__(self) -> str:
        return self.external_id


class ForeignRecord(models.Model):
    """What a merchant's own system calls one of our links or partners, and what it notes about it."""

    merchant = models.ForeignKey("affiliates.Merchant", on_delete=models.PROTECT, related_name="foreign_records")
    kind = models.CharField(max_length=10)
    subject = models.CharField(max_length=64)
    external_id = models.CharField(max_length=255, blank=True, default="")
    tenant_id = models.CharField(max_length=255, blank=True, default="")
    data = models.JSONField(default=dict)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "kind", "subject"], name="foreign_record_once"),
            models.UniqueConstraint(
                fields=["merchant", "kind", "external_id"],
                condition=~Q(external_id=""),
                name="foreign_external_id_once",
            ),
        ]
        indexes = [models.Index(fields=["merchant", "kind", "tenant_id"], name="foreign_by_tenant")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
