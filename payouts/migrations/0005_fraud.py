"""Fraud."""

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Fraud."""

    dependencies: ClassVar[list[Any]] = [("payouts", "0004_claims")]

    operations: ClassVar[list[Any]] = []
