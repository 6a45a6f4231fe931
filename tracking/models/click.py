"""Clicks: written by the drain in plain SQL, read here.

The table is partitioned by month over the UUIDv7 key (tracking/sql/clicks*.sql); Django
only knows its shape.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record


class Click(Record):
    """One touch: a link that was followed, or an advertisement that was seen."""

    ID_PREFIX = "clk"

    class Kind(models.TextChoices):
        CLICK = "click", _("click")
        VIEW = "view", _("view")

    class Consent(models.TextChoices):
        """What the visitor agreed to; `unknown` where the program asks for consent and nothing was said."""

        GRANTED = "granted", _("granted")
        DENIED = "denied", _("denied")
        UNKNOWN = "unknown", _("not given")
        NOT_NEEDED = "not_needed", _("not needed")

    kind = models.CharField(max_length=5, choices=Kind, default=Kind.CLICK)
    link_id = models.UUIDField()
    enrolment_id = models.UUIDField()
    program_id = models.UUIDField()
    affiliate_id = models.UUIDField()
    clicked_at = models.DateTimeField()
    visitor_id = models.UUIDField(null=True)
    destination = models.TextField()
    referrer = models.TextField()
    user_agent = models.TextField()
    ip = models.GenericIPAddressField(null=True)
    language = models.TextField()
    country = models.CharField(max_length=2)
    params = models.JSONField(default=dict)
    device = models.CharField(max_length=10, default="")
    browser = models.CharField(max_length=40, default="")
    os = models.CharField(max_length=40, default="")
    consent = models.CharField(max_length=10, choices=Consent, default=Consent.NOT_NEEDED)
    is_counted = models.BooleanField()
    uncounted_reason = models.TextField()
    is_unique = models.BooleanField(default=False)
    anonymous_key = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "tracking_click"


class ClickHour(models.Model):
    """Clicks of one link, sub-id, country and device in one hour.

    Kept right by the drain in the transaction that stores the clicks. `clicks` are all (gross), `counted`
    those that count, `uniques` the visitors' first ones; `views` are counted impressions.
    """

    pk = models.CompositePrimaryKey("hour", "link_id", "sub1", "country", "device")
    hour = models.DateTimeField()
    program_id = models.UUIDField()
    affiliate_id = models.UUIDField()
    link_id = models.UUIDField()
    sub1 = models.CharField(max_length=255)
    country = models.CharField(max_length=2)
    device = models.CharField(max_length=10)
    clicks = models.IntegerField()
    counted = models.IntegerField()
    uniques = models.IntegerField()
    views = models.IntegerField()

    class Meta:
        managed = False
        db_table = "tracking_click_hour"

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}:{self.link_id}"


class ClickCount(models.Model):
    """Clicks of one link in one hour: a view, the sum of its ClickHours."""

    pk = models.CompositePrimaryKey("hour", "link_id")
    hour = models.DateTimeField()
    link_id = models.UUIDField()
    program_id = models.UUIDField()
    affiliate_id = models.UUIDField()
    clicks = models.IntegerField()
    counted = models.IntegerField()
    uniques = models.IntegerField()
    views = models.IntegerField()

    class Meta:
        managed = False
        db_table = "tracking_click_count"

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}:{self.link_id}"
