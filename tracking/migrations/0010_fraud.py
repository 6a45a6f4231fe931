"""Fraud."""

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Fraud."""

    dependencies: ClassVar[list[Any]] = [("tracking", "0009_statistics")]

    operations: ClassVar[list[Any]] = []
