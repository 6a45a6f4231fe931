"""The hash chain over the book: any later change of a sealed entry shows."""

from django.db import models
from django.db.models.functions import Now

from ledger.models.entry import Entry


class Seal(models.Model):
    """A link of the chain: the digest of a batch of entries and of the seal before it."""

    number = models.PositiveBigIntegerField(primary_key=True)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    entry_count = models.PositiveIntegerField()
    sealed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.number}:{self.digest[:12]}"


class SealedEntry(models.Model):
    """Which seal an entry is under, and its own digest at that time."""

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, primary_key=True, related_name="sealed")
    seal = models.ForeignKey(Seal, on_delete=models.PROTECT, related_name="entries")
    position = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "sealed entries"
        constraints = [models.UniqueConstraint(fields=["seal", "position"], name="sealed_entry_position")]

    def __str__(self) -> str:
        return f"{self.seal_id}:{self.position}"
