"""Shops that merchants connected, with their sealed secrets."""

from typing import Any, ClassVar

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

import affiliates.sealed


class Migration(migrations.Migration):
    """Shops that merchants connected, with their sealed secrets."""

    dependencies: ClassVar[list[Any]] = [("affiliates", "0002_outgoing_mail")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="ShopConnection",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("stripe", "Stripe"), ("shopify", "Shopify"), ("woocommerce", "WooCommerce")],
                        max_length=12,
                    ),
                ),
                ("label", models.CharField(max_length=80)),
                ("secret", affiliates.sealed.EncryptedTextField(blank=True, default="")),
                ("previous_secret", affiliates.sealed.EncryptedTextField(blank=True, default="")),
                ("previous_until", models.DateTimeField(blank=True, null=True)),
                ("settings", models.JSONField(blank=True, default=dict)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "active"), ("paused", "paused")], default="active", max_length=8
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("rotated_at", models.DateTimeField(blank=True, null=True)),
                ("last_event_at", models.DateTimeField(blank=True, null=True)),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="shops", to="affiliates.merchant"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("merchant", "kind", "label"), name="shop_once")],
            },
        ),
    ]
