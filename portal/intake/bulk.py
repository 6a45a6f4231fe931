"""Bulk replay: everything that fits a filter is handled again, one after the other, and may be resumed."""

import time
from collections.abc import Callable
from datetime import datetime

from portal.intake.replay import ReplayRefused, replay
from tracking import replay_jobs

_AT_ONCE = 50


def jobs_at_work() -> list[str]:
    """The keys of the jobs that are not done."""
    return replay_jobs.jobs_at_work()


def work_on(job_id: str, *, now: Callable[[], datetime], until: float = float("inf")) -> bool:
    """Go on with a job; whether nothing is left to do. A request that is handled twice is counted once."""
    with replay_jobs.working_alone(job_id) as job:
        if job is None:
            return True
        while rows := replay_jobs.next_rows(job, most=_AT_ONCE):
            if time.monotonic() > until:
                return False
            for row in rows:
                try:
                    is_mended = replay(row, by=job.by, at=now()).verdict_after not in {"rejected", "quarantined"}
                except ReplayRefused:
                    is_mended = False
                if not replay_jobs.note_row(job, row, is_mended=is_mended):
                    return True
        replay_jobs.finish_job(job, at=now())
    return True
