"""Addresses that hear of what happens, and the calls to them."""

from typing import Any, ClassVar

import django.contrib.postgres.fields
import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import affiliates.sealed


class Migration(migrations.Migration):
    """Three new tables."""

    dependencies: ClassVar[list[Any]] = [("affiliates", "0004_attribution_terms")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(choices=[("webhook", "webhook"), ("postback", "postback")], max_length=8)),
                ("name", models.CharField(max_length=80)),
                ("url", models.TextField()),
                ("method", models.CharField(default="POST", max_length=4)),
                ("events", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40))),
                ("secret", affiliates.sealed.EncryptedTextField()),
                ("previous_secret", affiliates.sealed.EncryptedTextField(blank=True, default="")),
                ("previous_until", models.DateTimeField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "active"), ("paused", "paused"), ("removed", "removed")],
                        default="active",
                        max_length=8,
                    ),
                ),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                (
                    "affiliate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endpoints",
                        to="affiliates.affiliate",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endpoints",
                        to="affiliates.merchant",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endpoints",
                        to="affiliates.program",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Call",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("event", models.CharField(max_length=64)),
                ("event_name", models.CharField(max_length=40)),
                ("subject", models.CharField(max_length=64)),
                ("happened_at", models.DateTimeField()),
                ("method", models.CharField(max_length=4)),
                ("url", models.TextField()),
                ("body", models.TextField(blank=True, default="")),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("delivered", "delivered"), ("dead", "given up")],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("attempts_since", models.PositiveIntegerField(default=0)),
                ("next_try_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("last_status", models.PositiveIntegerField(blank=True, null=True)),
                ("last_error", models.CharField(blank=True, default="", max_length=40)),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="calls", to="affiliates.endpoint"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CallTry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                ("milliseconds", models.PositiveIntegerField(default=0)),
                ("headers", models.JSONField(default=dict)),
                ("status", models.PositiveIntegerField(null=True)),
                ("error", models.CharField(blank=True, default="", max_length=40)),
                ("detail", models.TextField(blank=True, default="")),
                ("answer", models.TextField(blank=True, default="")),
                ("answer_headers", models.JSONField(default=dict)),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tries", to="affiliates.call"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "call tries",
                "constraints": [models.UniqueConstraint(fields=("call", "number"), name="call_try_once")],
            },
        ),
        migrations.AddIndex(
            model_name="endpoint",
            index=models.Index(fields=["status", "kind"], name="endpoint_by_status"),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("affiliate__isnull", False), ("merchant", None)),
                    models.Q(("affiliate", None), ("merchant__isnull", False)),
                    _connector="OR",
                ),
                name="endpoint_one_owner",
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(condition=models.Q(("state", "waiting")), fields=["next_try_at"], name="call_waiting"),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(fields=["endpoint", "-created_at"], name="call_by_endpoint"),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(fields=["endpoint", "state", "-created_at"], name="call_by_state"),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.UniqueConstraint(fields=("endpoint", "event"), name="call_once"),
        ),
    ]
