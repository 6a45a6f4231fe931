"""Links: aliases, rules, parameters, landing pages, hosts of merchants' own, and how pages answer."""

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations, models
from django.db.models.functions import MD5, Cast, Now
from uuid_utils.compat import uuid7

SQL = Path(__file__).resolve().parent.parent / "sql" / "links_0004.sql"


class Migration(migrations.Migration):
    """Links."""

    dependencies: ClassVar[list[Any]] = [("tracking", "0003_idempotency_keys")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="LandingPage",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=120)),
                ("url", models.URLField(max_length=2000)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "db_table": "tracking_landing_page",
            },
        ),
        migrations.CreateModel(
            name="LinkAlias",
            fields=[
                ("code", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(db_default=Now())),
            ],
            options={
                "db_table": "tracking_link_alias",
            },
        ),
        migrations.CreateModel(
            name="LinkCode",
            fields=[
                ("code", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("link_id", models.UUIDField()),
            ],
            options={
                "db_table": "tracking_link_code",
            },
        ),
        migrations.CreateModel(
            name="LinkTarget",
            fields=[
                ("url_key", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("url", models.TextField()),
                ("status_code", models.PositiveSmallIntegerField(default=0)),
                ("reason", models.CharField(blank=True, default="", max_length=40)),
                ("checked_at", models.DateTimeField(null=True)),
                ("failing_since", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("told_at", models.DateTimeField(null=True)),
                ("next_check_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "db_table": "tracking_link_target",
            },
        ),
        migrations.CreateModel(
            name="ProgramTracking",
            fields=[
                (
                    "program",
                    models.OneToOneField(
                        on_delete=models.PROTECT,
                        primary_key=True,
                        related_name="tracking",
                        serialize=False,
                        to="affiliates.program",
                    ),
                ),
                ("deep_links", models.BooleanField(db_default=True, default=True)),
                (
                    "routing",
                    models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
                ),
                (
                    "utm_template",
                    models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
                ),
                ("traffic_back_url", models.URLField(blank=True, db_default="", default="", max_length=2000)),
                ("unique_window_hours", models.PositiveIntegerField(db_default=24, default=24)),
                (
                    "consent",
                    models.CharField(
                        choices=[("not_required", "not required"), ("required", "required")],
                        db_default="required",
                        default="required",
                        max_length=12,
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True, db_default=Now())),
            ],
            options={
                "db_table": "tracking_program_settings",
            },
        ),
        migrations.CreateModel(
            name="TrackingDomain",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("host", models.CharField(max_length=253, unique=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "waiting for DNS"), ("verified", "verified"), ("failed", "failed")],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("token", models.CharField(max_length=64)),
                ("reason", models.CharField(blank=True, default="", max_length=40)),
                ("detail", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField()),
                ("checked_at", models.DateTimeField(null=True)),
                ("verified_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "tracking_domain",
            },
        ),
        migrations.RemoveConstraint(
            model_name="link",
            name="link_once",
        ),
        migrations.AddField(
            model_name="link",
            name="presets",
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AddField(
            model_name="link",
            name="routing",
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name="link",
            name="utm",
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AddIndex(
            model_name="link",
            index=models.Index(MD5("destination"), name="link_by_destination"),
        ),
        migrations.AddConstraint(
            model_name="link",
            constraint=models.UniqueConstraint(
                models.F("enrolment"),
                MD5("destination"),
                models.F("label"),
                MD5(Cast("presets", models.TextField())),
                name="link_once",
            ),
        ),
        migrations.AddField(
            model_name="landingpage",
            name="enrolment",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=models.PROTECT, related_name="landing_pages", to="affiliates.enrolment"
            ),
        ),
        migrations.AddField(
            model_name="landingpage",
            name="program",
            field=models.ForeignKey(on_delete=models.PROTECT, related_name="landing_pages", to="affiliates.program"),
        ),
        migrations.AddField(
            model_name="linkalias",
            name="link",
            field=models.ForeignKey(on_delete=models.PROTECT, related_name="aliases", to="tracking.link"),
        ),
        migrations.AddConstraint(
            model_name="programtracking",
            constraint=models.CheckConstraint(
                condition=models.Q(("unique_window_hours__gte", 1), ("unique_window_hours__lte", 8760)),
                name="program_settings_window_sane",
            ),
        ),
        migrations.AddField(
            model_name="trackingdomain",
            name="merchant",
            field=models.ForeignKey(
                on_delete=models.PROTECT, related_name="tracking_domains", to="affiliates.merchant"
            ),
        ),
        migrations.AddField(
            model_name="trackingdomain",
            name="program",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=models.PROTECT,
                related_name="tracking_domains",
                to="affiliates.program",
            ),
        ),
        migrations.AddConstraint(
            model_name="landingpage",
            constraint=models.UniqueConstraint(
                fields=("program", "enrolment", "name"), name="landing_page_once", nulls_distinct=False
            ),
        ),
        migrations.AddIndex(
            model_name="trackingdomain",
            index=models.Index(fields=["merchant", "status"], name="domain_by_merchant"),
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
