"""Products, the feeds they come from, and the rows that were refused: three tables of their own."""

from typing import Any, ClassVar

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    """New tables only, so that the code before runs on as it did."""

    dependencies: ClassVar[list[Any]] = [("affiliates", "0006_leftovers"), ("tracking", "0016_creatives")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="ProductFeed",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("url", models.URLField(blank=True, default="", max_length=2000)),
                ("every_hours", models.PositiveSmallIntegerField(default=24)),
                ("etag", models.CharField(blank=True, default="", max_length=500)),
                ("last_modified", models.CharField(blank=True, default="", max_length=100)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("kind", models.CharField(blank=True, default="", max_length=4)),
                ("file_name", models.CharField(blank=True, default="", max_length=200)),
                ("asked_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("next_at", models.DateTimeField(null=True)),
                ("fetching_since", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=40)),
                ("detail", models.TextField(blank=True, default="")),
                ("failures", models.PositiveIntegerField(default=0)),
                ("row_count", models.PositiveIntegerField(default=0)),
                ("product_count", models.PositiveIntegerField(default=0)),
                ("refused_count", models.PositiveIntegerField(default=0)),
                ("new_count", models.PositiveIntegerField(default=0)),
                ("changed_count", models.PositiveIntegerField(default=0)),
                ("gone_count", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                (
                    "program",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="product_feed",
                        to="affiliates.program",
                    ),
                ),
            ],
            options={
                "db_table": "tracking_product_feed",
            },
        ),
        migrations.CreateModel(
            name="FeedRefusal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("sku", models.CharField(blank=True, default="", max_length=100)),
                ("field", models.CharField(blank=True, default="", max_length=40)),
                ("code", models.CharField(max_length=40)),
                ("detail", models.TextField()),
                (
                    "feed",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="refusals", to="tracking.productfeed"
                    ),
                ),
            ],
            options={
                "db_table": "tracking_feed_refusal",
            },
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("sku", models.CharField(max_length=100)),
                ("title", models.CharField(max_length=300)),
                ("price_minor", models.BigIntegerField()),
                ("sale_price_minor", models.BigIntegerField(null=True)),
                ("currency", models.CharField(max_length=3)),
                (
                    "availability",
                    models.CharField(
                        choices=[
                            ("in_stock", "in stock"),
                            ("out_of_stock", "out of stock"),
                            ("preorder", "can be ordered in advance"),
                            ("backorder", "on back order"),
                            ("unknown", "not said"),
                        ],
                        default="unknown",
                        max_length=12,
                    ),
                ),
                ("category", models.CharField(blank=True, default="", max_length=300)),
                ("brand", models.CharField(blank=True, default="", max_length=100)),
                ("image_url", models.URLField(blank=True, default="", max_length=2000)),
                ("url", models.URLField(max_length=2000)),
                ("words", models.TextField(blank=True, default="")),
                ("first_seen_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("gone_at", models.DateTimeField(null=True)),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="products", to="affiliates.program"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("gone_at", None)), fields=["program", "-id"], name="product_listed"
                    ),
                    models.Index(
                        condition=models.Q(("gone_at", None)),
                        fields=["program", "category"],
                        name="product_by_category",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("program", "sku"), name="product_once_a_program")],
            },
        ),
        migrations.AddIndex(
            model_name="productfeed",
            index=models.Index(
                condition=models.Q(("url", ""), _negated=True), fields=["next_at"], name="product_feed_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="feedrefusal",
            constraint=models.UniqueConstraint(fields=("feed", "number"), name="feed_refusal_once"),
        ),
    ]
