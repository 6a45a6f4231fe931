"""What a shop offers its customers for a time, for partners to tell of."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from ledger.ids import Record


class Deal(Record):
    """A program's dated offer: for every partner, or for the places named in `places` only."""

    ID_PREFIX = "deal"

    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="deals")
    title = models.CharField(max_length=160)
    terms = models.TextField(blank=True, default="")
    #: What customers type; empty where the price is simply lower.
    code = models.CharField(max_length=64, blank=True, default="")
    target_url = models.URLField(max_length=2000)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    is_exclusive = models.BooleanField(default=False)
    places = models.ManyToManyField("affiliates.Enrolment", blank=True, related_name="deals")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "title", "starts_at"], name="deal_once"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")), name="deal_dates_sane"
            ),
        ]
        indexes = [models.Index(fields=["program", "ends_at"], name="deal_by_end")]

    def __str__(self) -> str:
        return self.title

    def state_at(self, at: datetime) -> str:
        """planned, live or ended."""
        if at < self.starts_at:
            return "planned"
        return "ended" if self.ends_at is not None and at >= self.ends_at else "live"
