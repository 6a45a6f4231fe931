"""Clicks: written by the drain in plain SQL, read here.

The table is partitioned by month over the UUIDv7 key (tracking/sql/clicks.sql); Django
only knows its shape.
"""

from django.db import models

from ledger.ids import Record


class Click(Record):
    """One follow of a link."""

    ID_PREFIX = "clk"

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
    is_counted = models.BooleanField()
    uncounted_reason = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "tracking_click"


class ClickCount(models.Model):
    """Clicks of one link in one hour, kept right by the drain in the transaction that stores them."""

    pk = models.CompositePrimaryKey("hour", "link_id")
    hour = models.DateTimeField()
    link_id = models.UUIDField()
    program_id = models.UUIDField()
    affiliate_id = models.UUIDField()
    clicks = models.IntegerField()
    counted = models.IntegerField()

    class Meta:
        managed = False
        db_table = "tracking_click_count"

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}:{self.link_id}"
