"""What an affiliate earned, lost and was paid in a period."""

import pgtrigger
from django.db import models

from ledger.ids import Record
from payouts.models.payout import Payout


class Statement(Record):
    """The paper that goes with a payout: its figures are frozen when it is issued."""

    ID_PREFIX = "stmt"

    payout = models.OneToOneField(Payout, on_delete=models.PROTECT, related_name="statement")
    affiliate = models.ForeignKey("affiliates.Affiliate", on_delete=models.PROTECT, related_name="statements")
    number = models.CharField(max_length=40, unique=True)
    currency = models.CharField(max_length=3)
    issued_at = models.DateTimeField()
    figures = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["affiliate", "-issued_at"], name="statement_by_affiliate")]
        triggers = [pgtrigger.Protect(name="statement_immutable", operation=pgtrigger.Update | pgtrigger.Delete)]
