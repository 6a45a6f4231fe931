"""Tracking's tasks."""

from contextlib import closing

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from tracking.drain import connect
from tracking.idempotency import forget_old_keys
from tracking.partitions import ensure_partitions, month_of


@shared_task(name="tracking.make_partitions")
def make_partitions() -> None:
    """Make this month's and next month's click partitions before they are needed."""
    now = timezone.now()
    year, month = month_of(now)
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    with closing(connect(settings.DATABASE_URL)) as connection:
        ensure_partitions(connection, [(year, month), following], at=now)


@shared_task(name="tracking.forget_old_idempotency_keys")
def forget_old_idempotency_keys() -> None:
    """Drop the answers that nobody can ask for again."""
    forget_old_keys(at=timezone.now())
