"""Living conversions: revisions, disputes, refunds that can be void, and the events of shops."""

from typing import Any, ClassVar

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    """Living conversions: revisions, disputes, refunds that can be void, and the events of shops."""

    dependencies: ClassVar[list[Any]] = [("tracking", "0006_inbox")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="ConversionRevision",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("reference", models.CharField(max_length=160)),
                ("changes", models.JSONField(default=dict)),
                ("content_hash", models.CharField(max_length=64)),
                ("door", models.CharField(max_length=20)),
                ("actor", models.CharField(blank=True, default="", max_length=64)),
                ("reason", models.CharField(blank=True, default="", max_length=40)),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("reference", models.CharField(max_length=128)),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "open"), ("lost", "lost"), ("won", "won")], default="open", max_length=8
                    ),
                ),
                ("amount_minor", models.BigIntegerField(null=True)),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="ShopEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("shop", models.CharField(max_length=12)),
                ("event_id", models.CharField(max_length=128)),
                ("topic", models.CharField(max_length=60)),
                ("is_test", models.BooleanField(default=False)),
                ("keys", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=140))),
                (
                    "context",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=140), default=list
                    ),
                ),
                ("facts", models.JSONField(default=dict)),
                ("happened_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="conversion",
            name="conversion_not_negative",
        ),
        migrations.AddField(
            model_name="conversion",
            name="customer_email_key",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="conversion",
            name="fees_minor",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="conversion",
            name="is_disputed",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="conversion",
            name="is_renewal",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="conversion",
            name="revised_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="conversion",
            name="source",
            field=models.CharField(blank=True, default="", max_length=20),
        ),
        migrations.AddField(
            model_name="conversion",
            name="subscription_ref",
            field=models.CharField(blank=True, default="", max_length=128),
        ),
        migrations.AddField(
            model_name="conversion",
            name="version",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="refund",
            name="items",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="refund",
            name="origin",
            field=models.CharField(blank=True, default="", max_length=140),
        ),
        migrations.AddField(
            model_name="refund",
            name="void_reason",
            field=models.CharField(blank=True, default="", max_length=40),
        ),
        migrations.AddField(
            model_name="refund",
            name="voided_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="conversion",
            index=models.Index(
                condition=models.Q(("subscription_ref", ""), _negated=True),
                fields=["merchant", "subscription_ref"],
                name="conversion_by_subscription",
            ),
        ),
        migrations.AddConstraint(
            model_name="conversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount_minor__gte", 0),
                    ("tax_minor__gte", 0),
                    ("shipping_minor__gte", 0),
                    ("discount_minor__gte", 0),
                    ("fees_minor__gte", 0),
                ),
                name="conversion_not_negative",
            ),
        ),
        migrations.AddField(
            model_name="conversionrevision",
            name="conversion",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="revisions", to="tracking.conversion"
            ),
        ),
        migrations.AddField(
            model_name="dispute",
            name="conversion",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="disputes", to="tracking.conversion"
            ),
        ),
        migrations.AddField(
            model_name="dispute",
            name="refund",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="dispute", to="tracking.refund"
            ),
        ),
        migrations.AddField(
            model_name="shopevent",
            name="merchant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.merchant"
            ),
        ),
        migrations.AddConstraint(
            model_name="conversionrevision",
            constraint=models.UniqueConstraint(fields=("conversion", "number"), name="revision_number_once"),
        ),
        migrations.AddConstraint(
            model_name="conversionrevision",
            constraint=models.UniqueConstraint(fields=("conversion", "reference"), name="revision_once"),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.UniqueConstraint(fields=("conversion", "reference"), name="dispute_once"),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor", None), ("amount_minor__gt", 0), _connector="OR"),
                name="dispute_positive",
            ),
        ),
        migrations.AddIndex(
            model_name="shopevent",
            index=django.contrib.postgres.indexes.GinIndex(fields=["keys"], name="shop_event_keys"),
        ),
        migrations.AddIndex(
            model_name="shopevent",
            index=django.contrib.postgres.indexes.GinIndex(fields=["context"], name="shop_event_context"),
        ),
        migrations.AddConstraint(
            model_name="shopevent",
            constraint=models.UniqueConstraint(fields=("merchant", "shop", "event_id"), name="shop_event_once"),
        ),
    ]
