"""How a commission came to be its partner's."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """How a commission came to be its partner's."""

    dependencies: ClassVar[list[Any]] = [("payouts", "0002_living_conversions")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="commission",
            name="role",
            field=models.CharField(
                choices=[("winner", "all of it"), ("split", "a part"), ("assist", "assist")],
                default="winner",
                max_length=6,
            ),
        ),
    ]
