"""Banners, text links and pieces of HTML for partners, and a merchant's dated offers."""

from typing import Any, ClassVar

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

_DATES = models.Q(("ends_at__isnull", True), ("ends_at__gte", models.F("starts_at")), _connector="OR")


def _key() -> models.UUIDField[Any, Any]:
    return models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)


def _program(name: str) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name=name, to="affiliates.program")


class Migration(migrations.Migration):
    """Banners, text links and pieces of HTML for partners, and a merchant's dated offers."""

    dependencies: ClassVar[list[Any]] = [("affiliates", "0006_leftovers"), ("tracking", "0015_speed")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Creative",
            fields=[
                ("id", _key()),
                ("name", models.CharField(max_length=120)),
                (
                    "kind",
                    models.CharField(
                        choices=[("image", "Banner"), ("text", "Text link"), ("html", "HTML")], max_length=8
                    ),
                ),
                ("text", models.TextField()),
                ("target_url", models.URLField(max_length=2000)),
                ("language", models.CharField(blank=True, default="", max_length=12)),
                ("width", models.PositiveIntegerField(default=0)),
                ("height", models.PositiveIntegerField(default=0)),
                ("content_type", models.CharField(blank=True, default="", max_length=20)),
                ("size", models.PositiveIntegerField(default=0)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("path", models.CharField(blank=True, default="", max_length=80)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("program", _program("creatives")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("program", "name"), name="creative_name_once"),
                    models.CheckConstraint(condition=_DATES, name="creative_dates_sane"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "image"), _negated=True),
                            models.Q(("height__gt", 0), ("size__gt", 0), ("width__gt", 0)),
                            _connector="OR",
                        ),
                        name="creative_banner_has_size",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Deal",
            fields=[
                ("id", _key()),
                ("title", models.CharField(max_length=160)),
                ("terms", models.TextField(blank=True, default="")),
                ("code", models.CharField(blank=True, default="", max_length=64)),
                ("target_url", models.URLField(max_length=2000)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("is_exclusive", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("places", models.ManyToManyField(blank=True, related_name="deals", to="affiliates.enrolment")),
                ("program", _program("deals")),
            ],
            options={
                "indexes": [models.Index(fields=["program", "ends_at"], name="deal_by_end")],
                "constraints": [
                    models.UniqueConstraint(fields=("program", "title", "starts_at"), name="deal_once"),
                    models.CheckConstraint(condition=_DATES, name="deal_dates_sane"),
                ],
            },
        ),
    ]
