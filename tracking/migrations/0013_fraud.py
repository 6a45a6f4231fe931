"""Suspicions of fraud."""

from typing import Any, ClassVar

import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Three new tables."""

    dependencies: ClassVar[list[Any]] = [
        ("tracking", "0012_compat"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="FraudFinding",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("rule", models.CharField(max_length=4)),
                ("window_starts_at", models.DateTimeField()),
                ("window_ends_at", models.DateTimeField()),
                ("p_value", models.FloatField(blank=True, null=True)),
                ("tests", models.PositiveSmallIntegerField(default=0)),
                ("cut", models.FloatField(default=0)),
                ("numbers", models.JSONField(default=dict)),
                ("tested", models.JSONField(default=list)),
                ("subjects", models.JSONField(default=list)),
                ("at_risk_minor", models.BigIntegerField(default=0)),
                ("currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("noted", "noted"),
                            ("open", "to be looked at"),
                            ("held", "held"),
                            ("appealed", "appealed"),
                            ("released", "released"),
                            ("confirmed", "confirmed"),
                        ],
                        default="noted",
                        max_length=10,
                    ),
                ),
                ("found_at", models.DateTimeField()),
                ("answer_due_at", models.DateTimeField(blank=True, null=True)),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                ("appealed_at", models.DateTimeField(blank=True, null=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("is_automatic", models.BooleanField(default=False)),
                (
                    "enrolment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fraud_findings",
                        to="affiliates.enrolment",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fraud_findings",
                        to="affiliates.program",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FraudPolicy",
            fields=[
                (
                    "program",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="fraud_policy",
                        serialize=False,
                        to="affiliates.program",
                    ),
                ),
                ("rules", models.JSONField(blank=True, default=dict)),
                ("answer_days", models.PositiveSmallIntegerField(default=14)),
                ("looked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "fraud policies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("answer_days__gte", 1), ("answer_days__lte", 60)),
                        name="fraud_policy_days_sane",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FraudStep",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("step", models.CharField(max_length=12)),
                (
                    "side",
                    models.CharField(
                        choices=[
                            ("house", "by itself"),
                            ("partner", "the partner"),
                            ("merchant", "the merchant"),
                            ("network", "the network"),
                        ],
                        max_length=8,
                    ),
                ),
                ("text", models.TextField(blank=True, default="")),
                ("at", models.DateTimeField()),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "finding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="tracking.fraudfinding"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="fraudfinding",
            index=models.Index(fields=["program", "-found_at"], name="fraud_finding_by_program"),
        ),
        migrations.AddIndex(
            model_name="fraudfinding",
            index=models.Index(
                condition=models.Q(("state__in", ["held", "appealed"])),
                fields=["answer_due_at"],
                name="fraud_finding_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="fraudfinding",
            constraint=models.UniqueConstraint(
                fields=("program", "enrolment", "rule", "window_ends_at"), name="fraud_finding_once_a_window"
            ),
        ),
        migrations.AddConstraint(
            model_name="fraudfinding",
            constraint=models.UniqueConstraint(
                condition=models.Q(("decided_at", None), ("state__in", ["open", "held", "appealed"])),
                fields=("enrolment", "rule"),
                name="fraud_finding_live_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="fraudfinding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "held"), _negated=True), ("answer_due_at__isnull", False), _connector="OR"
                ),
                name="fraud_finding_hold_is_promised",
            ),
        ),
        migrations.AddConstraint(
            model_name="fraudfinding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["released", "confirmed"]), _negated=True),
                    ("decided_at__isnull", False),
                    _connector="OR",
                ),
                name="fraud_finding_end_known",
            ),
        ),
        migrations.AddIndex(
            model_name="fraudstep",
            index=models.Index(fields=["finding", "at"], name="fraud_step_in_order"),
        ),
        # What fraud detection asks of customers' addresses and of partners' browsers.
        migrations.AddField(
            model_name="conversion",
            name="customer_signs",
            field=models.CharField(blank=True, db_default="", default="", max_length=60),
        ),
        migrations.CreateModel(
            name="SignIn",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("visitor_id", models.UUIDField(blank=True, null=True)),
                ("network", models.GenericIPAddressField(blank=True, null=True)),
                ("day", models.DateField()),
                ("last_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sign_ins",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "visitor_id", "network", "day"),
                        name="sign_in_once_a_day",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
