"""Commissions kept back while a suspicion is answered."""

from typing import Any, ClassVar

import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """One new table."""

    dependencies: ClassVar[list[Any]] = [
        ("payouts", "0006_intake_in_sets"),
        ("tracking", "0013_fraud"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="FraudHold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("held", "held"),
                            ("watched", "watched"),
                            ("released", "released"),
                            ("confirmed", "confirmed"),
                        ],
                        default="held",
                        max_length=10,
                    ),
                ),
                ("amount_minor", models.BigIntegerField(default=0)),
                ("currency", models.CharField(max_length=3)),
                ("held_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("accepted_note", models.TextField(blank=True, default="")),
                (
                    "accepted_by",
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="holds", to="tracking.fraudfinding"
                    ),
                ),
                (
                    "commission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="fraud_holds", to="payouts.commission"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="fraudhold",
            index=models.Index(
                condition=models.Q(("state__in", ["held", "watched"])),
                fields=["commission"],
                name="fraud_hold_standing",
            ),
        ),
        migrations.AddConstraint(
            model_name="fraudhold",
            constraint=models.UniqueConstraint(fields=("finding", "commission"), name="fraud_hold_once"),
        ),
        migrations.AddConstraint(
            model_name="fraudhold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("state__in", ["held", "watched"])),
                    models.Q(("ended_at__isnull", False), ("state__in", ["released", "confirmed"])),
                    _connector="OR",
                ),
                name="fraud_hold_end_known",
            ),
        ),
    ]
