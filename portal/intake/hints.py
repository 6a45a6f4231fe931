"""Having the worker go on now: a lost hint costs a poll, never a row."""

import logging

from celery import current_app

log = logging.getLogger(__name__)


def hint_upload(upload_id: str) -> None:
    """Have a file worked on now; the timetable would do it within a minute anyway."""
    _hint("portal.continue_upload", upload_id)


def hint_replay(job_id: str) -> None:
    """Have a bulk replay worked on now."""
    _hint("portal.continue_replay", job_id)


def _hint(task: str, key: str) -> None:
    try:
        current_app.send_task(task, [key])
    except Exception:  # noqa: BLE001 - a broker that is down costs a poll, never a row
        log.warning("no broker: %s waits for the next poll", key)
