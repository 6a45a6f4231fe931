"""Lines of orders, for reports: copies of what they read, and the log of what has changed since."""

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "changed_orders.sql"


class Migration(migrations.Migration):
    """Lines of orders, for reports."""

    dependencies: ClassVar[list[Any]] = [("payouts", "0008_leftovers"), ("tracking", "0015_speed")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="ChangedOrder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("conversion_id", models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name="OrderLine",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "conversion_id",
                        "affiliate_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("conversion_id", models.UUIDField()),
                ("affiliate_id", models.UUIDField()),
                ("parts", models.IntegerField()),
                ("merchant_id", models.UUIDField()),
                ("program_id", models.UUIDField(null=True)),
                ("occurred_at", models.DateTimeField()),
                ("currency", models.CharField(max_length=3)),
                ("amount_minor", models.BigIntegerField()),
                ("refunded_minor", models.BigIntegerField()),
                ("kept_minor", models.BigIntegerField(null=True)),
                ("is_reversed", models.BooleanField(null=True)),
                ("waits", models.BooleanField(null=True)),
                ("customer_ref", models.CharField(max_length=128)),
                ("customer_status", models.CharField(max_length=12)),
                ("event", models.CharField(max_length=40)),
                ("coupon", models.CharField(max_length=64)),
                ("country", models.CharField(max_length=2)),
                ("click_id", models.UUIDField(null=True)),
                ("is_own_click", models.BooleanField(null=True)),
                ("link_id", models.UUIDField(null=True)),
                ("sub1", models.TextField(null=True)),
                ("click_country", models.CharField(max_length=2, null=True)),
                ("device", models.CharField(max_length=10, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["affiliate_id", "occurred_at"], name="order_line_by_affiliate"),
                    models.Index(fields=["merchant_id", "occurred_at"], name="order_line_by_merchant"),
                ],
            },
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
