"""Dated events in the book, and the amounts they move."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from ledger.ids import Record
from ledger.models.account import Account
from ledger.money import Money


class Entry(Record):
    """One dated event: what happened, under a reference that exists once.

    Append-only: triggers refuse UPDATE, DELETE and TRUNCATE (migration 0002).
    """

    ID_PREFIX = "ent"

    reference = models.TextField(unique=True)
    kind = models.TextField()
    effective_at = models.DateTimeField(db_index=True)
    recorded_at = models.DateTimeField(db_default=Now())
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversed_by")
    by = models.TextField(blank=True, default="")
    memo = models.TextField(blank=True, default="")
    subjects = ArrayField(models.TextField(), default=list, blank=True)
    data = models.JSONField(default=dict, blank=True)
    # The transaction that wrote it; set by a trigger, so that nobody can add postings later.
    xact = models.BigIntegerField(db_default=0)

    class Meta:
        verbose_name_plural = "entries"


class Posting(models.Model):
    """A positive amount from one account (credit) to another (debit): balanced by construction."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="postings")
    number = models.PositiveSmallIntegerField()
    debit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="debit_postings")
    credit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credit_postings")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entry", "number"], name="posting_entry_number"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="posting_amount_positive"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="posting_between_two"),
        ]

    def __str__(self) -> str:
        return f"{self.entry_id}:{self.number}"

    @property
    def amount(self) -> Money:
        """What was moved."""
        return Money(self.amount_minor, self.currency)
