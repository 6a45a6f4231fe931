"""Where value rests."""

from django.db import models
from django.db.models import F, Q

from ledger.ids import Record


class Account(Record):
    """One owner's account of one kind in one currency, with the running totals of its postings.

    The totals are written by a trigger on postings and by nothing else. `is_guarded` accounts
    can never be drawn below nothing: a CHECK refuses it, however many try at once.
    """

    ID_PREFIX = "acc"

    class Type(models.TextChoices):
        ASSET = "asset"
        LIABILITY = "liability"
        INCOME = "income"
        EXPENSE = "expense"
        EQUITY = "equity"

    name = models.TextField()
    owner = models.TextField()
    kind = models.TextField()
    currency = models.CharField(max_length=3)
    type = models.CharField(max_length=9, choices=Type)
    is_guarded = models.BooleanField(default=False)
    debits_minor = models.BigIntegerField(default=0)
    credits_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "currency"], name="account_name_currency"),
            models.CheckConstraint(
                condition=Q(debits_minor__gte=0) & Q(credits_minor__gte=0), name="account_totals_positive"
            ),
            models.CheckConstraint(
                condition=Q(is_guarded=False)
                | Q(type__in=["asset", "expense"], debits_minor__gte=F("credits_minor"))
                | Q(type__in=["liability", "income", "equity"], credits_minor__gte=F("debits_minor")),
                name="account_not_overdrawn",
            ),
        ]
        indexes = [models.Index(fields=["kind", "currency"], name="account_kind_currency")]

    @property
    def is_debit_normal(self) -> bool:
        """Whether a debit makes the balance larger."""
        return self.type in {self.Type.ASSET, self.Type.EXPENSE}

    @property
    def balance_minor(self) -> int:
        """The balance on the account's own side, in minor units."""
        net = self.debits_minor - self.credits_minor
        return net if self.is_debit_normal else -net
