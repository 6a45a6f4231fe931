"""The intake's tasks: they read the clock, carry ids, call one verb, and decide nothing."""

import logging
import time

from celery import shared_task
from django.utils import timezone

from ledger.journal import record_event
from portal.doors import DOORS
from portal.intake import bulk, replay, uploads
from portal.intake.hints import hint_replay, hint_upload
from tracking import uploads as files
from tracking.inbox_audit import verify_inbox

log = logging.getLogger(__name__)

#: One call works for so many seconds and then asks to be called again, so that no task outlives its limit.
PATIENCE = 240


@shared_task(name="portal.sweep_inbox")
def sweep_inbox() -> None:
    """Deal with requests that dead processes left behind."""
    assert DOORS
    for row in replay.sweep(at=timezone.now()):
        log.info("%s was left behind; now %s %s", row.public_id, row.verdict, row.reason)


@shared_task(name="portal.continue_upload")
def continue_upload(upload_id: str) -> None:
    """Try or record the rows of a file, as far as one call goes."""
    upload = files.open_upload(upload_id)
    if not uploads.work_on(upload.pk.hex, until=time.monotonic() + PATIENCE):
        hint_upload(upload_id)


@shared_task(name="portal.continue_uploads")
def continue_uploads() -> None:
    """Go on with whatever a lost message or a dead worker left."""
    for upload in files.uploads_at_work():
        uploads.work_on(upload.pk.hex, until=time.monotonic() + PATIENCE)


@shared_task(name="portal.continue_replays")
def continue_replays() -> None:
    """Go on with bulk replays."""
    for job_id in bulk.jobs_at_work():
        bulk.work_on(job_id, until=time.monotonic() + PATIENCE, now=timezone.now)


@shared_task(name="portal.continue_replay")
def continue_replay(job_id: str) -> None:
    """Go on with one bulk replay, as far as one call goes."""
    if not bulk.work_on(job_id, until=time.monotonic() + PATIENCE, now=timezone.now):
        hint_replay(job_id)


@shared_task(name="portal.forget_old_uploads")
def forget_old_uploads() -> None:
    """Empty the files that nobody went on with."""
    files.forget_old_files(at=timezone.now())


@shared_task(name="portal.verify_inbox")
def check_inbox() -> None:
    """Does the inbox add up? Said in the journal, every night."""
    differences = [str(one) for one in verify_inbox(at=timezone.now())]
    record_event(
        "inbox.disagrees" if differences else "inbox.verified",
        "house",
        at=timezone.now(),
        data={"differences": differences[:100]},
    )
