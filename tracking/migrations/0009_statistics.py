"""Statistics."""

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "statistics.sql"


class Migration(migrations.Migration):
    """Statistics."""

    dependencies: ClassVar[list[Any]] = [("tracking", "0008_attribution")]

    operations: ClassVar[list[Any]] = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
