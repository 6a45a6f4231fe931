"""The click table, partitioned by month over its keys; hourly counts; the doors are told of changed links."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("tracking", "0001_initial")]

    operations = [
        migrations.RunSQL((SQL / "clicks.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop),
        migrations.RunSQL((SQL / "link_changed.sql").read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
