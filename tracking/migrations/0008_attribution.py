"""Shares, bound customers and fitted models."""

from decimal import Decimal
from typing import Any, ClassVar

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    """Shares, bound customers and fitted models."""

    dependencies: ClassVar[list[Any]] = [
        ("affiliates", "0004_attribution_terms"),
        ("tracking", "0007_living_conversions"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="AttributionShare",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("click_id", models.UUIDField(null=True)),
                ("coupon_code", models.CharField(blank=True, default="", max_length=64)),
                (
                    "role",
                    models.CharField(
                        choices=[("winner", "all of it"), ("split", "a part"), ("assist", "assist")], max_length=6
                    ),
                ),
                ("weight", models.DecimalField(decimal_places=12, default=Decimal(1), max_digits=13)),
                ("reason", models.CharField(max_length=40)),
                ("position", models.PositiveSmallIntegerField(default=1)),
            ],
        ),
        migrations.CreateModel(
            name="CustomerBinding",
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
                        choices=[("customer", "the shop's customer number"), ("email", "the address's pseudonym")],
                        max_length=8,
                    ),
                ),
                ("key", models.CharField(max_length=128)),
                ("bound_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ModelFit",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("model", models.CharField(max_length=20)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("fitted_at", models.DateTimeField()),
                ("paths", models.PositiveIntegerField()),
                ("values", models.JSONField(default=dict)),
            ],
        ),
        migrations.AddField(
            model_name="attribution",
            name="engine",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="attribution",
            name="inputs",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="attribution",
            name="note",
            field=models.CharField(blank=True, default="", max_length=40),
        ),
        migrations.AddField(
            model_name="attribution",
            name="outcome",
            field=models.JSONField(default=dict),
        ),
        migrations.AlterField(
            model_name="attribution",
            name="model",
            field=models.CharField(
                choices=[
                    ("last_click", "last click"),
                    ("first_click", "first click"),
                    ("coupon", "coupon"),
                    ("lifetime", "bound customer"),
                    ("linear", "linear"),
                    ("position", "position 40/20/40"),
                    ("time_decay", "time decay"),
                    ("markov", "Markov"),
                    ("shapley", "Shapley"),
                    ("claim", "claim"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="conversion",
            index=models.Index(
                condition=models.Q(("customer_ref", ""), _negated=True),
                fields=["merchant", "customer_ref"],
                name="conversion_by_customer",
            ),
        ),
        migrations.AddIndex(
            model_name="conversion",
            index=models.Index(
                condition=models.Q(("customer_email_key", ""), _negated=True),
                fields=["merchant", "customer_email_key"],
                name="conversion_by_email",
            ),
        ),
        migrations.AddField(
            model_name="attributionshare",
            name="attribution",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="shares", to="tracking.attribution"
            ),
        ),
        migrations.AddField(
            model_name="attributionshare",
            name="enrolment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attribution_shares",
                to="affiliates.enrolment",
            ),
        ),
        migrations.AddField(
            model_name="attributionshare",
            name="terms",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.terms"
            ),
        ),
        migrations.AddField(
            model_name="customerbinding",
            name="conversion",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="bindings", to="tracking.conversion"
            ),
        ),
        migrations.AddField(
            model_name="customerbinding",
            name="enrolment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="bindings", to="affiliates.enrolment"
            ),
        ),
        migrations.AddField(
            model_name="customerbinding",
            name="program",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.program"
            ),
        ),
        migrations.AddField(
            model_name="modelfit",
            name="program",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="model_fits", to="affiliates.program"
            ),
        ),
        migrations.AddConstraint(
            model_name="attributionshare",
            constraint=models.UniqueConstraint(fields=("attribution", "enrolment"), name="attribution_share_once"),
        ),
        migrations.AddConstraint(
            model_name="attributionshare",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gte", 0), ("weight__lte", 1)), name="attribution_share_sane"
            ),
        ),
        migrations.AddIndex(
            model_name="customerbinding",
            index=models.Index(fields=["kind", "key"], name="customer_binding_by_key"),
        ),
        migrations.AddConstraint(
            model_name="customerbinding",
            constraint=models.UniqueConstraint(fields=("program", "kind", "key"), name="customer_bound_once"),
        ),
        migrations.AddConstraint(
            model_name="modelfit",
            constraint=models.UniqueConstraint(fields=("program", "model", "ends_at"), name="model_fit_once"),
        ),
        migrations.RunSQL(
            # Every order that was somebody's before there were shares was all theirs.
            sql="""
                INSERT INTO tracking_attributionshare
                    (id, attribution_id, enrolment_id, terms_id, click_id, coupon_code, role, weight, reason, position)
                SELECT id, id, enrolment_id, terms_id, click_id, '', 'winner', 1, reason, 1
                FROM tracking_attribution WHERE enrolment_id IS NOT NULL AND terms_id IS NOT NULL
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
