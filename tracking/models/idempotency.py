"""Answers given under an Idempotency-Key."""

from django.db import models
from django.db.models import Q

from ledger.ids import Record


class IdempotencyKey(Record):
    """One key of one owner: taken while its request is handled, then the answer that was given.

    The unique constraint decides who handles a request that comes twice at once.
    """

    ID_PREFIX = "idem"

    owner = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    taken_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    status_code = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="idempotency_key_once"),
            models.CheckConstraint(
                condition=Q(answered_at=None, status_code=0) | Q(answered_at__isnull=False, status_code__gte=200),
                name="idempotency_answer_whole",
            ),
        ]
        indexes = [models.Index(fields=["taken_at"], name="idempotency_by_age")]
