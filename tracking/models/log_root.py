"""The published roots of the log: each over the clicks or events of an hour, each naming the one before."""

from uuid import UUID

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _


class LogRoot(models.Model):
    """One signed statement: so many rows of one kind and hour, with this Merkle root, after that statement.

    `members` are the rows' keys in the order of the leaves, 16 bytes each. Never changed: a trigger refuses.
    """

    class Kind(models.TextChoices):
        CLICKS = "clicks", _("clicks")
        EVENTS = "events", _("decisions on orders")

    number = models.PositiveBigIntegerField(primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind)
    hour = models.DateTimeField()
    size = models.PositiveIntegerField()
    root = models.BinaryField(max_length=32)
    previous = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    statement = models.TextField()
    signature = models.BinaryField(max_length=64)
    public_key = models.BinaryField(max_length=32)
    members = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["previous"], name="log_root_follows_one")]
        indexes = [models.Index(fields=["kind", "hour"], name="log_root_hour")]
        triggers = [pgtrigger.Protect(name="log_root_immutable", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.number}: {self.kind} {self.hour:%Y-%m-%dT%H}"

    @property
    def keys(self) -> list[UUID]:
        """The keys of the rows under this root, in the order of the leaves."""
        packed = bytes(self.members)
        return [UUID(bytes=packed[start : start + 16]) for start in range(0, len(packed), 16)]

    @property
    def root_hex(self) -> str:
        """The Merkle root in hex."""
        return bytes(self.root).hex()
