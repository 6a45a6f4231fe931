"""The published roots of the log."""

from typing import Any, ClassVar

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    """One table, written once a row."""

    dependencies: ClassVar[list[Any]] = [("tracking", "0010_fraud")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="LogRoot",
            fields=[
                ("number", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(choices=[("clicks", "clicks"), ("events", "decisions on orders")], max_length=10),
                ),
                ("hour", models.DateTimeField()),
                ("size", models.PositiveIntegerField()),
                ("root", models.BinaryField(max_length=32)),
                ("previous", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField()),
                ("statement", models.TextField()),
                ("signature", models.BinaryField(max_length=64)),
                ("public_key", models.BinaryField(max_length=32)),
                ("members", models.BinaryField()),
            ],
            options={
                "indexes": [models.Index(fields=["kind", "hour"], name="log_root_hour")],
                "constraints": [models.UniqueConstraint(fields=("previous",), name="log_root_follows_one")],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="logroot",
            trigger=pgtrigger.compiler.Trigger(
                name="log_root_immutable",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="4da94e55da8575b43dad92164143dd5bf2ddde41",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_log_root_immutable_17ba5",
                    table="tracking_logroot",
                    when="BEFORE",
                ),
            ),
        ),
    ]
