"""Inbox: what matters of a request's headers, parts of a whole, replays; uploads of orders."""

from typing import Any, ClassVar

import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

#: Nothing received is ever lost: a row of the inbox may be written and closed, and not be taken out.
_KEEP = """
CREATE FUNCTION tracking_inbox_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the inbox keeps every request: %', OLD.id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER inbox_keeps_every_request BEFORE DELETE ON tracking_inboxrequest
    FOR EACH ROW EXECUTE FUNCTION tracking_inbox_keeps();
"""

_LET_GO = """
DROP TRIGGER inbox_keeps_every_request ON tracking_inboxrequest;
DROP FUNCTION tracking_inbox_keeps();
"""


class Migration(migrations.Migration):
    """Inbox."""

    dependencies: ClassVar[list[Any]] = [
        ("tracking", "0005_clicks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="InboxReplay",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField()),
                ("verdict_before", models.CharField(max_length=12)),
                ("reason_before", models.CharField(blank=True, default="", max_length=40)),
                ("field_before", models.CharField(blank=True, default="", max_length=60)),
                ("detail_before", models.TextField(blank=True, default="")),
                ("verdict_after", models.CharField(max_length=12)),
                ("reason_after", models.CharField(blank=True, default="", max_length=40)),
                ("field_after", models.CharField(blank=True, default="", max_length=60)),
                ("detail_after", models.TextField(blank=True, default="")),
            ],
        ),
        migrations.CreateModel(
            name="OrderUpload",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("received_at", models.DateTimeField()),
                ("name", models.CharField(max_length=200)),
                ("size", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=4)),
                ("content", models.BinaryField()),
                ("reading", models.JSONField(default=dict)),
                ("mapping", models.JSONField(default=dict)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("mapping", "columns to be named"),
                            ("trying", "being tried"),
                            ("tried", "tried"),
                            ("recording", "being recorded"),
                            ("done", "done"),
                            ("discarded", "discarded"),
                        ],
                        default="mapping",
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=40)),
                ("detail", models.TextField(blank=True, default="")),
                ("row_count", models.PositiveIntegerField(default=0)),
                ("tried", models.PositiveIntegerField(default=0)),
                ("recorded", models.PositiveIntegerField(default=0)),
                ("recording_since", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="OrderUploadRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("order_ref", models.CharField(blank=True, default="", max_length=128)),
                ("action", models.CharField(blank=True, default="", max_length=8)),
                ("verdict", models.CharField(max_length=12)),
                ("reason", models.CharField(blank=True, default="", max_length=40)),
                ("field", models.CharField(blank=True, default="", max_length=60)),
                ("detail", models.TextField(blank=True, default="")),
            ],
        ),
        migrations.CreateModel(
            name="ReplayJob",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("running", "running"), ("done", "done"), ("cancelled", "cancelled")],
                        default="running",
                        max_length=12,
                    ),
                ),
                ("question", models.JSONField(default=dict)),
                ("last", models.UUIDField(null=True)),
                ("total", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="UploadMapping",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("headings", models.CharField(max_length=64)),
                ("mapping", models.JSONField(default=dict)),
                ("reading", models.JSONField(default=dict)),
                ("used_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="inboxrequest",
            name="headers",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="inboxrequest",
            name="is_cut",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="inboxrequest",
            name="is_test",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="inboxrequest",
            name="key_digest",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="inboxrequest",
            name="number",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="inboxrequest",
            name="whole",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="parts", to="tracking.inboxrequest"
            ),
        ),
        migrations.AddIndex(
            model_name="inboxrequest",
            index=models.Index(
                condition=models.Q(("reason", "being_read")), fields=["received_at"], name="inbox_being_read"
            ),
        ),
        migrations.AddConstraint(
            model_name="inboxrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("verdict__in", ["accepted", "rejected", "duplicate", "test", "quarantined"])),
                name="inbox_verdict_is_one_of_five",
            ),
        ),
        migrations.AddConstraint(
            model_name="inboxrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", "being_read"), _negated=True), ("verdict", "quarantined"), _connector="OR"
                ),
                name="inbox_being_read_is_set_aside",
            ),
        ),
        migrations.AddField(
            model_name="inboxreplay",
            name="by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="inboxreplay",
            name="conversion",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tracking.conversion"
            ),
        ),
        migrations.AddField(
            model_name="inboxreplay",
            name="request",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="replays", to="tracking.inboxrequest"
            ),
        ),
        migrations.AddField(
            model_name="orderupload",
            name="by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="orderupload",
            name="merchant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="uploads", to="affiliates.merchant"
            ),
        ),
        migrations.AddField(
            model_name="orderupload",
            name="request",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="upload", to="tracking.inboxrequest"
            ),
        ),
        migrations.AddField(
            model_name="orderuploadrow",
            name="request",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="upload_row",
                to="tracking.inboxrequest",
            ),
        ),
        migrations.AddField(
            model_name="orderuploadrow",
            name="upload",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="rows", to="tracking.orderupload"
            ),
        ),
        migrations.AddField(
            model_name="replayjob",
            name="by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="replayjob",
            name="merchant",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replay_jobs",
                to="affiliates.merchant",
            ),
        ),
        migrations.AddField(
            model_name="uploadmapping",
            name="merchant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="upload_mappings", to="affiliates.merchant"
            ),
        ),
        migrations.AddIndex(
            model_name="inboxreplay",
            index=models.Index(fields=["request", "at"], name="inbox_replay_history"),
        ),
        migrations.AddIndex(
            model_name="orderupload",
            index=models.Index(fields=["merchant", "-received_at"], name="upload_by_merchant"),
        ),
        migrations.AddIndex(
            model_name="orderupload",
            index=models.Index(
                condition=models.Q(("status__in", ["trying", "recording"])), fields=["status"], name="upload_at_work"
            ),
        ),
        migrations.AddConstraint(
            model_name="orderupload",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "discarded"), _negated=True),
                fields=("merchant", "sha256"),
                name="upload_once_a_merchant",
            ),
        ),
        migrations.AddIndex(
            model_name="orderuploadrow",
            index=models.Index(fields=["upload", "verdict", "number"], name="upload_row_by_verdict"),
        ),
        migrations.AddConstraint(
            model_name="orderuploadrow",
            constraint=models.UniqueConstraint(fields=("upload", "number"), name="upload_row_once"),
        ),
        migrations.AddConstraint(
            model_name="replayjob",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "running")),
                fields=("merchant", "question"),
                name="replay_job_runs_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="uploadmapping",
            constraint=models.UniqueConstraint(fields=("merchant", "headings"), name="upload_mapping_once"),
        ),
        migrations.RunSQL(_KEEP, _LET_GO),
        migrations.CreateModel(
            name="TagSettings",
            fields=[
                (
                    "merchant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="tag_settings",
                        serialize=False,
                        to="affiliates.merchant",
                    ),
                ),
                (
                    "orders",
                    models.CharField(
                        choices=[("at_once", "count at once"), ("wait", "wait for the server's word")],
                        default="at_once",
                        max_length=10,
                    ),
                ),
                ("updated_at", models.DateTimeField()),
            ],
            options={"db_table": "tracking_tag_settings"},
        ),
    ]
