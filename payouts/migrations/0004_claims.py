"""Claims."""

import datetime
from typing import Any, ClassVar

import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Claims."""

    dependencies: ClassVar[list[Any]] = [("payouts", "0003_attribution")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Claim",
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
                        choices=[
                            ("untracked", "the sale is missing"),
                            ("declined", "the sale was not given to me"),
                            ("incorrect", "the order's amount is wrong"),
                            ("amount", "the commission is wrong"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("incomplete", "asked back"),
                            ("appealed", "with the network"),
                            ("accepted", "accepted"),
                            ("declined", "declined"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                ("order_ref", models.CharField(max_length=128)),
                ("ordered_on", models.DateField()),
                ("amount_minor", models.BigIntegerField(blank=True, null=True)),
                ("expected_minor", models.BigIntegerField(blank=True, null=True)),
                ("currency", models.CharField(max_length=3)),
                ("text", models.TextField(blank=True, default="")),
                ("evidence", models.JSONField(default=dict)),
                ("opened_at", models.DateTimeField()),
                ("reply_due_at", models.DateTimeField()),
                ("first_reply_at", models.DateTimeField(blank=True, null=True)),
                ("deadline_at", models.DateTimeField()),
                ("paused_at", models.DateTimeField(blank=True, null=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("is_automatic", models.BooleanField(default=False)),
                (
                    "decline_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("order_unknown", "The shop has no order with this number."),
                            ("order_cancelled", "The order was cancelled or came back."),
                            ("order_unpaid", "The order was never paid."),
                            ("counted_before", "The order is counted already."),
                            ("other_touch", "By the terms another click or code counts for this order."),
                            ("outside_terms", "The terms in force do not pay for this order or product."),
                            ("code_not_allowed", "The order used a code that the program does not allow."),
                            ("amount_right", "The amount is right as it stands."),
                            ("proof_too_little", "The proof does not show the order."),
                        ],
                        default="",
                        max_length=20,
                    ),
                ),
                ("appealed_at", models.DateTimeField(blank=True, null=True)),
                ("escalated_at", models.DateTimeField(blank=True, null=True)),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="claims", to="affiliates.affiliate"
                    ),
                ),
                (
                    "commission",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to="payouts.commission",
                    ),
                ),
                (
                    "conversion",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to="tracking.conversion",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "enrolment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="claims", to="affiliates.enrolment"
                    ),
                ),
                (
                    "granted",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="granted_by",
                        to="payouts.commission",
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="claims", to="affiliates.merchant"
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="claims", to="affiliates.program"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ClaimNote",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "side",
                    models.CharField(
                        choices=[
                            ("partner", "partner"),
                            ("merchant", "merchant"),
                            ("network", "network"),
                            ("house", "automatic"),
                        ],
                        max_length=8,
                    ),
                ),
                ("step", models.CharField(max_length=20)),
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
                    "claim",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notes", to="payouts.claim"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ClaimPolicy",
            fields=[
                (
                    "merchant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="claim_policy",
                        serialize=False,
                        to="affiliates.merchant",
                    ),
                ),
                ("reply_minutes", models.PositiveIntegerField(default=10)),
                ("deadline_days", models.PositiveSmallIntegerField(default=14)),
                ("opens_at", models.TimeField(default=datetime.time(9, 0))),
                ("closes_at", models.TimeField(default=datetime.time(17, 0))),
                ("works_weekends", models.BooleanField(default=False)),
                ("silent_limit_minor", models.BigIntegerField(blank=True, null=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name_plural": "claim policies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reply_minutes__gte", 1), ("reply_minutes__lte", 2880)),
                        name="claim_policy_reply_sane",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("deadline_days__gte", 1), ("deadline_days__lte", 60)),
                        name="claim_policy_deadline_sane",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("opens_at__lt", models.F("closes_at"))), name="claim_policy_hours_sane"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OrderQuestion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("order_ref", models.CharField(blank=True, default="", max_length=128)),
                ("ordered_on", models.DateField(blank=True, null=True)),
                ("amount_minor", models.BigIntegerField(blank=True, null=True)),
                ("currency", models.CharField(max_length=3)),
                ("situation", models.CharField(max_length=40)),
                ("reason", models.CharField(blank=True, default="", max_length=40)),
                ("numbers", models.JSONField(blank=True, default=dict)),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="order_questions",
                        to="affiliates.affiliate",
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "conversion",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tracking.conversion",
                    ),
                ),
                (
                    "enrolment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="affiliates.enrolment"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="claim",
            name="question",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="claims",
                to="payouts.orderquestion",
            ),
        ),
        migrations.CreateModel(
            name="ClaimFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("content_type", models.CharField(max_length=40)),
                ("size", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("path", models.CharField(max_length=200)),
                ("added_at", models.DateTimeField()),
                (
                    "added_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="files", to="payouts.claim"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("claim", "sha256"), name="claim_file_once")],
            },
        ),
        migrations.AddIndex(
            model_name="orderquestion",
            index=models.Index(fields=["affiliate", "-asked_at"], name="order_question_by_affiliate"),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(fields=["merchant", "status", "reply_due_at"], name="claim_queue"),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(fields=["affiliate", "-opened_at"], name="claim_by_affiliate"),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(condition=models.Q(("status", "open")), fields=["deadline_at"], name="claim_deadline"),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["open", "incomplete", "appealed"])),
                fields=("affiliate", "merchant", "order_ref"),
                name="claim_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__isnull", True), ("amount_minor__gt", 0), _connector="OR"),
                name="claim_amount_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(("expected_minor__isnull", True), ("expected_minor__gt", 0), _connector="OR"),
                name="claim_expected_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("paused_at__isnull", False), ("status", "incomplete")),
                    models.Q(models.Q(("status", "incomplete"), _negated=True), ("paused_at__isnull", True)),
                    _connector="OR",
                ),
                name="claim_paused_when_incomplete",
            ),
        ),
    ]
