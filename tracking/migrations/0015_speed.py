"""Indexes and roll-ups for speed."""

from typing import Any, ClassVar

from django.db import migrations, models

# Code that does not know the finer rows leaves `finer_at` as it was, and `condensed_at` is then another moment:
# such a day is read from the hours until it is condensed anew.
_FINER = """
ALTER TABLE tracking_click_condensed_day
    ADD COLUMN finer_at timestamptz,
    ADD COLUMN by_hour varchar(10)[] NOT NULL DEFAULT '{}';
ALTER TABLE tracking_click_condensed ALTER COLUMN dimension TYPE varchar(20)
"""
_COARSE = "ALTER TABLE tracking_click_condensed_day DROP COLUMN finer_at, DROP COLUMN by_hour"


class Migration(migrations.Migration):
    """Indexes and roll-ups for speed."""

    dependencies: ClassVar[list[Any]] = [("tracking", "0014_leftovers")]

    operations: ClassVar[list[Any]] = [
        migrations.RunSQL(_FINER, _COARSE),
        migrations.AddIndex(
            model_name="conversion",
            index=models.Index(fields=["recorded_at"], condition=models.Q(verdict="held"), name="conversion_held"),
        ),
    ]
