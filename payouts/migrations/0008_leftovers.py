"""More of commissions."""

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """More of commissions."""

    dependencies: ClassVar[list[Any]] = [("payouts", "0007_fraud")]

    operations: ClassVar[list[Any]] = []
