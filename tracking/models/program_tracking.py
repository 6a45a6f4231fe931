"""How a program's links work: what the merchant allows, adds and decides."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from tracking.models.pairs import PairsField


class ProgramTracking(models.Model):
    """A program's tracking settings; a program without a row has the defaults. A trigger tells the click doors."""

    class Consent(models.TextChoices):
        NOT_REQUIRED = "not_required", _("not required")
        REQUIRED = "required", _("required")

    program = models.OneToOneField(
        "affiliates.Program", on_delete=models.PROTECT, primary_key=True, related_name="tracking"
    )
    #: Whether partners may link to any page on the allowed hosts, or to the given pages only.
    deep_links = models.BooleanField(default=True, db_default=True)
    routing = models.JSONField(blank=True, default=list, db_default=models.Value([], models.JSONField()))
    utm_template = PairsField(blank=True, default=dict, db_default=models.Value({}, models.JSONField()))
    #: Where visitors go while the program is not open; empty is its own page.
    traffic_back_url = models.URLField(max_length=2000, blank=True, default="", db_default="")
    unique_window_hours = models.PositiveIntegerField(default=24, db_default=24)
    #: Whether a visitor who says nothing has consented to cookies (docs/adr/0013).
    consent = models.CharField(max_length=12, choices=Consent, default=Consent.REQUIRED, db_default=Consent.REQUIRED)
    #: Whether the shop is not told which page a visitor came from.
    hide_referrer = models.BooleanField(default=False, db_default=False)
    updated_at = models.DateTimeField(auto_now=True, db_default=models.functions.Now())

    class Meta:
        db_table = "tracking_program_settings"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(unique_window_hours__gte=1, unique_window_hours__lte=8760),
                name="program_settings_window_sane",
            )
        ]

    def __str__(self) -> str:
        return f"tracking of {self.program_id}"


class LandingPage(Record):
    """A page the merchant offers to its partners, or to one of them (then `enrolment` names its place)."""

    ID_PREFIX = "page"

    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="landing_pages")
    enrolment = models.ForeignKey(
        "affiliates.Enrolment", on_delete=models.PROTECT, null=True, blank=True, related_name="landing_pages"
    )
    name = models.CharField(max_length=120)
    url = models.URLField(max_length=2000)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "tracking_landing_page"
        constraints = [
            models.UniqueConstraint(
                fields=["program", "enrolment", "name"], name="landing_page_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.name
