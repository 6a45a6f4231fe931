"""How much a conversion earns: versions of a program's rules, never edited once published."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record


class RuleVersion(Record):
    """One published version of a program's rules, in force from `starts_at` until the next one's start."""

    ID_PREFIX = "rule"

    program = models.ForeignKey("affiliates.Program", on_delete=models.PROTECT, related_name="rule_versions")
    version = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    published_by = models.ForeignKey("affiliates.User", on_delete=models.SET_NULL, null=True, related_name="+")
    note = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "version"], name="rule_version_once")]
        indexes = [models.Index(fields=["program", "-starts_at"], name="rule_version_in_force")]
        triggers = [pgtrigger.Protect(name="rule_immutable", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.program} v{self.version}"


class RuleLine(Record):
    """One line: the first whose event fits decides. A percentage of the base, or a flat amount."""

    ID_PREFIX = "rline"

    class Kind(models.TextChoices):
        PERCENT = "percent", _("percent of the order")
        FLAT = "flat", _("fixed amount")

    rule_version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    event = models.CharField(max_length=40, default="sale")
    kind = models.CharField(max_length=8, choices=Kind)
    rate = models.DecimalField(max_digits=9, decimal_places=6, default=0)
    flat_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule_version", "position"], name="rule_line_once"),
            models.CheckConstraint(
                name="rule_line_sane",
                condition=Q(kind="percent", rate__gte=0, rate__lte=1, flat_minor=0)
                | Q(kind="flat", rate=0, flat_minor__gte=0),
            ),
        ]
        triggers = [pgtrigger.Protect(name="rule_line_immutable", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.name
