"""Bulk replays as rows: what is to be handled again, how far it is, and that nobody else works on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import F, QuerySet

from affiliates.errors import NotVisible
from affiliates.models import Merchant, User
from ledger.errors import Refusal
from ledger.journal import record_event
from tracking.models import InboxRequest, ReplayJob
from tracking.queries.inbox import InboxFilter, found

_REPLAYABLE = ("quarantined", "rejected")

#: No job takes more; a filter that fits more is to be narrowed.
MOST_REQUESTS = 10_000


class ReplayTooMuch(Refusal):
    """The filter fits nothing that may be handled again, or more than one job takes."""

    code = "replay_too_much"


def start_job(merchant: Merchant | None, asked: InboxFilter, *, by: User, at: datetime) -> ReplayJob:
    """Have everything that fits and was refused or set aside until now handled again; pressing twice starts once.

    Raises ReplayTooMuch for nothing, or for more than 10,000 requests.
    """
    until = at if asked.until is None else min(asked.until, at)
    total = _open_rows(merchant, replace(asked, until=until)).count()
    if not total or total > MOST_REQUESTS:
        raise ReplayTooMuch(
            f"{total} requests fit that can be handled again; 1 to {MOST_REQUESTS} may be.",
            code="replay_too_much" if total else "replay_nothing",
        )
    try:
        with transaction.atomic():
            job = ReplayJob.objects.create(
                merchant=merchant, by=by, started_at=at, question=asked.as_json(), total=total
            )
            record_event(
                "inbox.replay_started",
                job.public_id,
                at=at,
                actor=by.public_id,
                about=[merchant.public_id] if merchant else [],
                data={"filter": asked.as_json(), "requests": total},
            )
    except IntegrityError:
        running = ReplayJob.objects.filter(merchant=merchant, question=asked.as_json(), status="running").first()
        if running is None:
            raise
        return running
    return job


def open_job(merchant: Merchant | None, public_id: str) -> ReplayJob:
    """A merchant's job, or one of the office's for None. Raises NotVisible."""
    try:
        job: ReplayJob = ReplayJob.objects.by_public_id(public_id)
    except ReplayJob.DoesNotExist:
        raise NotVisible("job") from None
    if job.merchant_id != (merchant.pk if merchant else None):
        raise NotVisible("job")
    return job


def jobs_at_work() -> list[str]:
    """The keys of the jobs that are not done, oldest first."""
    running = ReplayJob.objects.filter(status=ReplayJob.Status.RUNNING).order_by("started_at")
    return [str(key) for key in running.values_list("pk", flat=True)]


@contextmanager
def working_alone(job_id: str) -> Iterator[ReplayJob | None]:
    """The job when it runs and nobody else is at work on it; until the end, nobody else will be. Death lets go."""
    job = ReplayJob.objects.select_related("by", "merchant").get(pk=job_id)
    key = job.pk.int & (2**62 - 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        [is_ours] = cursor.fetchone()
    try:
        job = ReplayJob.objects.select_related("by", "merchant").get(pk=job_id)
        yield job if is_ours and job.status == ReplayJob.Status.RUNNING else None
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def next_rows(job: ReplayJob, *, most: int) -> list[InboxRequest]:
    """The next requests of a job, in the order in which they came."""
    asked = InboxFilter.from_json(job.question)
    until = job.started_at if asked.until is None else min(asked.until, job.started_at)
    rows = _open_rows(job.merchant, replace(asked, until=until))
    if job.last is not None:
        rows = rows.filter(pk__gt=job.last)
    return list(rows.order_by("pk")[:most])


def note_row(job: ReplayJob, row: InboxRequest, *, is_mended: bool) -> bool:
    """Write that a request of the job is done; whether the job goes on (it may have been cancelled)."""
    moved = ReplayJob.objects.filter(pk=job.pk, status=ReplayJob.Status.RUNNING).update(
        last=row.pk, done=F("done") + 1, failed=F("failed") + (0 if is_mended else 1)
    )
    job.last = row.pk
    return bool(moved)


def finish_job(job: ReplayJob, *, at: datetime) -> None:
    """Nothing is left of the job."""
    ReplayJob.objects.filter(pk=job.pk, status=ReplayJob.Status.RUNNING).update(
        status=ReplayJob.Status.DONE, finished_at=at
    )


def cancel_job(job: ReplayJob, *, at: datetime) -> ReplayJob:
    """Stop a job; what it did stays done."""
    ReplayJob.objects.filter(pk=job.pk, status=ReplayJob.Status.RUNNING).update(
        status=ReplayJob.Status.CANCELLED, finished_at=at
    )
    return job.refreshed()


def _open_rows(merchant: Merchant | None, asked: InboxFilter) -> QuerySet[InboxRequest]:
    return found(merchant, asked).filter(verdict__in=_REPLAYABLE).exclude(reason="being_read")
