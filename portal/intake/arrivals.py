"""A click whose order comes within the minute may still lie in a door's spool: bring it in first."""

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection

from tracking.click_ids import clicked_at_of
from tracking.drain import drain_directory
from tracking.queries.merchant import unknown_clicks

log = logging.getLogger("portal.intake")

#: Older clicks have been drained long since, or never will be.
FRESH = timedelta(seconds=60)

#: Another drain may hold the spool at this moment; it is done within a few of these waits.
_WAITS = (0.0, 0.05, 0.15)


def bring_clicks_in(click_ids: Iterable[UUID], *, at: datetime) -> None:
    """Drain the spool when one of the clicks is fresh and not known yet.

    A click that does not come in leaves its sale held; the timetable decides over it later.
    """
    unknown = on_their_way(click_ids, at=at)
    for wait in _WAITS if unknown else ():
        time.sleep(wait)
        try:
            connection.ensure_connection()
            drain_directory(connection.connection, settings.CLICK_SPOOL_DIR)
        except (psycopg.Error, OSError):
            log.exception("the spool could not be drained")
            return
        unknown = unknown_clicks(unknown)
        if not unknown:
            break


def on_their_way(click_ids: Iterable[UUID], *, at: datetime) -> set[UUID]:
    """Those of the clicks that are fresh, not known, and so may lie in a door's spool; without fresh ones, no query."""
    fresh = {click_id for click_id in click_ids if _is_fresh(click_id, at)}
    return unknown_clicks(fresh) if fresh and settings.CLICK_SPOOL_DIR.is_dir() else set()


def _is_fresh(click_id: UUID, at: datetime) -> bool:
    try:
        return abs(at - clicked_at_of(click_id)) <= FRESH
    except ValueError:
        return False
