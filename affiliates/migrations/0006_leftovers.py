"""More of members."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """What the codes that are made by themselves look like."""

    dependencies: ClassVar[list[Any]] = [("affiliates", "0005_deliveries")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="program",
            name="code_pattern",
            field=models.CharField(blank=True, db_default="", default="", max_length=60),
        ),
    ]
