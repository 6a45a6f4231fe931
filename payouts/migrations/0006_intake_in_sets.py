"""Intake in sets."""

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Intake in sets."""

    dependencies: ClassVar[list[Any]] = [("payouts", "0005_fraud")]

    operations: ClassVar[list[Any]] = []
