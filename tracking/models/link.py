"""An enrolment's address for a destination, the other codes that lead to it, and how its page was found."""

from datetime import datetime
from hashlib import md5
from typing import Self

from django.db import models
from django.db.models.functions import MD5, Cast
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record
from tracking.models.pairs import PairsField


class Link(Record):
    """A tracking link; `code` is the short text in /r/<code>. A trigger tells the click doors of changes.

    A code belongs to one link for ever: triggers keep every code ever used in LinkCode, and make
    an alias of a code that is changed.
    """

    ID_PREFIX = "link"

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        RETIRED = "retired", _("retired")

    code = models.CharField(max_length=64, unique=True)
    enrolment = models.ForeignKey("affiliates.Enrolment", on_delete=models.PROTECT, related_name="links")
    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="links")
    affiliate = models.ForeignKey("affiliates.Affiliate", on_delete=models.PROTECT, related_name="links")
    destination = models.URLField(max_length=2000)
    label = models.CharField(max_length=120, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    #: Parameters that stand in the shared address: sub1…sub10, source_id, affiliate_click_id.
    presets = models.JSONField(blank=True, default=dict, db_default=models.Value({}, models.JSONField()))
    #: The link's own rules (tracking/routing.py), after the program's.
    routing = models.JSONField(blank=True, default=list, db_default=models.Value([], models.JSONField()))
    #: The link's own utm_… values (tracking/utm.py), before the program's.
    utm = PairsField(blank=True, default=dict, db_default=models.Value({}, models.JSONField()))
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        constraints = [
            # Asking twice for the same page with the same label and parameters gives the same link.
            models.UniqueConstraint(
                models.F("enrolment"),
                MD5("destination"),
                models.F("label"),
                MD5(Cast("presets", models.TextField())),
                name="link_once",
            )
        ]
        indexes = [models.Index(MD5("destination"), name="link_by_destination")]

    def __str__(self) -> str:
        return self.code


class LinkAlias(models.Model):
    """Another code that leads to a link: chosen in addition, or the link's own before it was renamed."""

    code = models.CharField(max_length=64, primary_key=True)
    link = models.ForeignKey(Link, on_delete=models.PROTECT, related_name="aliases")
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        db_table = "tracking_link_alias"

    def __str__(self) -> str:
        return self.code


class LinkCode(models.Model):
    """Every code ever given out, in lower case, and whose it is. Written by triggers only."""

    code = models.CharField(max_length=64, primary_key=True)
    link_id = models.UUIDField()

    class Meta:
        db_table = "tracking_link_code"

    def __str__(self) -> str:
        return self.code


class LinkTarget(models.Model):
    """How a page that links lead to answered when it was last looked at."""

    url_key = models.CharField(max_length=32, primary_key=True)
    url = models.TextField()
    status_code = models.PositiveSmallIntegerField(default=0)
    #: Empty when the page is there; else a code of tracking/outside.py.
    reason = models.CharField(max_length=40, blank=True, default="")
    checked_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    told_at = models.DateTimeField(null=True)
    next_check_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "tracking_link_target"

    def __str__(self) -> str:
        return self.url

    @classmethod
    def of(cls, url: str, *, at: datetime) -> Self:
        """An unsaved row for a page, due at once."""
        return cls(url_key=key_of_url(url), url=url, next_check_at=at)

    @property
    def is_failing(self) -> bool:
        """Whether the page was missing more than once in a row, so that it is no passing trouble."""
        return self.failures > 1


def key_of_url(url: str) -> str:
    """The key of a page: md5 for its length, not for safety, the same as PostgreSQL's md5()."""
    return md5(url.encode(), usedforsecurity=False).hexdigest()
