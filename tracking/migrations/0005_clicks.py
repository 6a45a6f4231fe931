"""Clicks."""

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "clicks_0005.sql"


class Migration(migrations.Migration):
    """Clicks."""

    dependencies: ClassVar[list[Any]] = [("tracking", "0004_links")]

    operations: ClassVar[list[Any]] = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
        migrations.CreateModel(
            name="ClickHour",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "hour",
                        "link_id",
                        "sub1",
                        "country",
                        "device",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("program_id", models.UUIDField()),
                ("affiliate_id", models.UUIDField()),
                ("link_id", models.UUIDField()),
                ("sub1", models.CharField(max_length=255)),
                ("country", models.CharField(max_length=2)),
                ("device", models.CharField(max_length=10)),
                ("clicks", models.IntegerField()),
                ("counted", models.IntegerField()),
                ("uniques", models.IntegerField()),
                ("views", models.IntegerField()),
            ],
            options={"db_table": "tracking_click_hour", "managed": False},
        ),
    ]
