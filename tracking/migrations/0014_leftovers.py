"""More of links, hosts and refunds."""

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models

import tracking.models.pairs


class Migration(migrations.Migration):
    """Which refund counts where two ways told of one; hosts that lost their records; parameters in their order."""

    dependencies: ClassVar[list[Any]] = [("tracking", "0013_fraud")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="refund",
            name="way",
            field=models.CharField(blank=True, db_default="", default="", max_length=16),
        ),
        migrations.AddField(
            model_name="refund",
            name="twin",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="twins",
                to="tracking.refund",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="apart_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="trackingdomain",
            name="failing_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="trackingdomain",
            name="stopped_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="programtracking",
            name="hide_referrer",
            field=models.BooleanField(db_default=False, default=False),
        ),
        # The column stays jsonb; what stands in it is read either way.
        migrations.AlterField(
            model_name="link",
            name="utm",
            field=tracking.models.pairs.PairsField(
                blank=True, db_default=models.Value({}, models.JSONField()), default=dict
            ),
        ),
        migrations.AlterField(
            model_name="programtracking",
            name="utm_template",
            field=tracking.models.pairs.PairsField(
                blank=True, db_default=models.Value({}, models.JSONField()), default=dict
            ),
        ),
    ]
