"""Shops' customers, and what shops call our links and partners."""

from typing import Any, ClassVar

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

import affiliates.sealed


class Migration(migrations.Migration):
    """Two new tables."""

    dependencies: ClassVar[list[Any]] = [("tracking", "0011_receipts"), ("affiliates", "0005_deliveries")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Customer",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("external_id", models.CharField(max_length=100)),
                ("name", affiliates.sealed.EncryptedTextField(blank=True, default="")),
                ("email", affiliates.sealed.EncryptedTextField(blank=True, default="")),
                ("email_key", models.CharField(blank=True, default="", max_length=64)),
                ("avatar", models.URLField(blank=True, default="", max_length=500)),
                ("country", models.CharField(blank=True, default="", max_length=2)),
                ("stripe_customer_id", models.CharField(blank=True, default="", max_length=64)),
                ("click_id", models.UUIDField(blank=True, null=True)),
                ("is_test", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                ("subscription_canceled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="customers", to="affiliates.merchant"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["merchant", "email_key"], name="customer_by_address")],
                "constraints": [
                    models.UniqueConstraint(fields=("merchant", "external_id", "is_test"), name="customer_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ForeignRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=10)),
                ("subject", models.CharField(max_length=64)),
                ("external_id", models.CharField(blank=True, default="", max_length=255)),
                ("tenant_id", models.CharField(blank=True, default="", max_length=255)),
                ("data", models.JSONField(default=dict)),
                ("updated_at", models.DateTimeField()),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="foreign_records",
                        to="affiliates.merchant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["merchant", "kind", "tenant_id"], name="foreign_by_tenant")],
                "constraints": [
                    models.UniqueConstraint(fields=("merchant", "kind", "subject"), name="foreign_record_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("merchant", "kind", "external_id"),
                        name="foreign_external_id_once",
                    ),
                ],
            },
        ),
    ]
