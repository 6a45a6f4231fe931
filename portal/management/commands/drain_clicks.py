"""manage.py drain_clicks: moves clicks from the door's spool files into the database."""

import logging
import signal
import time
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection as django_connection
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from payouts.sales import decide_arrived_sales
from tracking import clicks, drain
from tracking.enrichment import Enrichment
from tracking.spool import backlog_of

_SECONDS_WHEN_IDLE = 0.2
_SECONDS_BETWEEN_ATTEMPTS = 2.0
_SECONDS_BETWEEN_LINES = 10.0
# An order that came before its click waits about so long once the click is in.
_SECONDS_BETWEEN_DECISIONS = 0.5
_SECONDS_AFTER_TROUBLE = 30.0

log = logging.getLogger("drain")


class Command(BaseCommand):
    """Drains for ever, or once."""

    help = "Moves clicks from the spool into the database, until it is stopped."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command's options."""
        parser.add_argument("--once", action="store_true", help="drain what waits now, then end")
        parser.add_argument("--spool-dir", type=Path, default=None, help="default: CLICK_SPOOL_DIR")

    def handle(self, *, once: bool, spool_dir: Path | None, **options: object) -> None:
        """Runs the drain. With --once a database that is away is an error."""
        directory = Path(settings.CLICK_SPOOL_DIR) if spool_dir is None else spool_dir
        if once:
            try:
                with closing(drain.connect(conninfo())) as connection:
                    done = _drainer().drain_all(connection, directory)
            except psycopg.Error as error:
                raise CommandError(f"the database is away: {error}") from error
            self._print_line(done, directory)
            return
        self._is_stopped = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        while not self._is_stopped:
            try:
                with closing(drain.connect(conninfo())) as connection:
                    self._drain_until_stopped(connection, directory)
            except psycopg.Error as error:
                self.stderr.write(f"drain_clicks: the database is away, clicks wait in the spool: {error}")
                time.sleep(_SECONDS_BETWEEN_ATTEMPTS)

    def _drain_until_stopped(self, connection: psycopg.Connection[Any], directory: Path) -> None:
        """Moves batch after batch; says every few seconds what it has done."""
        done = drain.Drained()
        said_at = decide_at = time.monotonic()
        drainer = _drainer()
        while not self._is_stopped:
            step = drainer.drain_directory(connection, directory)
            done.add(step)
            now = time.monotonic()
            if done.clicks and now - said_at >= _SECONDS_BETWEEN_LINES:
                self._print_line(done, directory)
                done, said_at = drain.Drained(), now
            if now >= decide_at:
                decide_at = now + _decide_waiting_sales()
            if not step.clicks:
                time.sleep(_SECONDS_WHEN_IDLE)
        if done.clicks:
            self._print_line(done, directory)

    def _print_line(self, done: drain.Drained, directory: Path) -> None:
        """One line of figures: what was moved, and what waits."""
        backlog = backlog_of(directory)
        oldest = "" if backlog.oldest_at is None else f" oldest={backlog.oldest_at:%Y-%m-%dT%H:%M:%SZ}"
        self.stdout.write(
            f"drain_clicks: clicks={done.clicks} inserted={done.inserted} duplicates={done.duplicates}"
            f" quarantined={done.quarantined} waiting={backlog.clicks}{oldest}"
            f" in_quarantine={backlog.quarantined} spool_bytes={backlog.bytes}"
        )
        self.stdout.flush()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Ends after the batch in hand."""
        self._is_stopped = True


def _decide_waiting_sales() -> float:
    """Decide over orders whose click has just come in; seconds until the next time.

    Whatever goes wrong with an order stops no click: the timetable decides over it as well.
    """
    try:
        decide_arrived_sales(at=timezone.now())
    except Exception:
        log.exception("orders that waited for clicks could not be decided")
        django_connection.close()
        return _SECONDS_AFTER_TROUBLE
    return _SECONDS_BETWEEN_DECISIONS


def _drainer() -> drain.Drainer:
    """A drain with the operator's files and limits."""
    return drain.Drainer(Enrichment(clicks.sources()), keep_days=settings.CLICK_IP_DAYS, conninfo=conninfo())


def conninfo() -> str:
    """Where Django's database is, in libpq's words; under test that is the test database."""
    parameters = django_connection.get_connection_params()
    known: dict[str, Any] = {name: value for name, value in parameters.items() if name in _LIBPQ}
    return make_conninfo("", **known)


_LIBPQ = frozenset(
    {
        *(
            "dbname",
            "user",
            "password",
            "host",
            "port",
            "passfile",
            "service",
            "connect_timeout",
            "options",
        ),
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs", "gssencmode"),
    }
)
