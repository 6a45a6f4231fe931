"""Attribution terms, credit classes and coupons."""

from typing import Any, ClassVar

import django.db.models.deletion
import django.db.models.functions.text
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    """Attribution terms, credit classes and coupons."""

    dependencies: ClassVar[list[Any]] = [("affiliates", "0003_shop_secrets")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Coupon",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("code", models.CharField(max_length=64)),
                ("is_exclusive", models.BooleanField(default=False)),
                (
                    "policy",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("always", "always wins"),
                            ("involved", "wins when its partner has a touch too"),
                            ("winner", "never wins by itself"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.AddField(
            model_name="enrolment",
            name="credit_class",
            field=models.CharField(
                choices=[("preferred", "preferred"), ("standard", "standard"), ("soft", "soft click")],
                default="standard",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="terms",
            name="assist_daily_cap_minor",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="terms",
            name="assist_rate",
            field=models.DecimalField(decimal_places=6, default=0, max_digits=7),
        ),
        migrations.AddField(
            model_name="terms",
            name="attribution_model",
            field=models.CharField(
                choices=[
                    ("last_click", "last click"),
                    ("first_click", "first click"),
                    ("coupon", "coupon"),
                    ("linear", "linear"),
                    ("position", "position 40/20/40"),
                    ("time_decay", "time decay"),
                    ("markov", "Markov"),
                    ("shapley", "Shapley"),
                ],
                default="last_click",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="terms",
            name="cart_freeze",
            field=models.CharField(
                choices=[
                    ("off", "nothing is frozen"),
                    ("soft", "soft clicks during the checkout do not count"),
                    ("all", "no click during the checkout counts"),
                ],
                default="off",
                max_length=4,
            ),
        ),
        migrations.AddField(
            model_name="terms",
            name="coupon_policy",
            field=models.CharField(
                choices=[
                    ("always", "the code's partner wins"),
                    ("involved", "the code's partner wins when it has a click too"),
                    ("winner", "codes decide nothing"),
                ],
                default="always",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="terms",
            name="coupon_window_days",
            field=models.PositiveIntegerField(default=30),
        ),
        migrations.AddField(
            model_name="terms",
            name="cross_device",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="terms",
            name="event_windows",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="terms",
            name="half_life_days",
            field=models.PositiveIntegerField(default=7),
        ),
        migrations.AddField(
            model_name="terms",
            name="lifetime_days",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="terms",
            name="unassigned_code",
            field=models.CharField(
                choices=[("ignore", "the clicks decide"), ("no_commission", "nobody is paid")],
                default="ignore",
                max_length=14,
            ),
        ),
        migrations.AddField(
            model_name="terms",
            name="view_window_days",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddConstraint(
            model_name="terms",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("half_life_days__gte", 1),
                    ("half_life_days__lte", 365),
                    ("view_window_days__lte", 365),
                    ("coupon_window_days__lte", 365),
                    ("lifetime_days__lte", 36500),
                    ("assist_rate__gte", 0),
                    ("assist_rate__lte", 1),
                    ("assist_daily_cap_minor__gte", 0),
                ),
                name="terms_attribution_sane",
            ),
        ),
        migrations.AddField(
            model_name="coupon",
            name="enrolment",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="coupons",
                to="affiliates.enrolment",
            ),
        ),
        migrations.AddField(
            model_name="coupon",
            name="program",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="coupons", to="affiliates.program"
            ),
        ),
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(django.db.models.functions.text.Upper("code"), name="coupon_by_code"),
        ),
        migrations.AddConstraint(
            model_name="coupon",
            constraint=models.UniqueConstraint(
                models.F("program"), django.db.models.functions.text.Upper("code"), name="coupon_code_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="coupon",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__isnull", True), ("ends_at__gte", models.F("starts_at")), _connector="OR"),
                name="coupon_dates_sane",
            ),
        ),
    ]
