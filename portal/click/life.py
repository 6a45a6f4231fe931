"""A door process's beginning and surroundings: its spool file, early signals, near callers."""

import ipaddress
import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from portal.click.settings import DoorSettings
from portal.click.visitors import address_of
from tracking.spool import SpoolWriter

if TYPE_CHECKING:
    from granian.rsgi import Scope

logger = logging.getLogger("click")


def open_spool(settings: DoorSettings) -> SpoolWriter:
    """A spool file of this process's own; one that will fail, loudly, when the disk gives none."""
    try:
        return SpoolWriter.claim(settings.spool_dir, most_bytes=settings.spool_most_bytes)
    except OSError:
        logger.critical("no spool file can be had in %s", settings.spool_dir, exc_info=True)
        return SpoolWriter(settings.spool_dir / "clicks-0.sqlite3", most_bytes=settings.spool_most_bytes)


@contextmanager
def stoppable() -> Iterator[None]:
    """While the loop does not run yet, SIGTERM and SIGINT end the process at once.

    Their handlers would only be heard by a running loop, and the signal would be lost.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_near(scope: "Scope") -> bool:
    """Whether the caller is on this machine or its private network, and no proxy stands between."""
    try:
        address = ipaddress.ip_address(address_of(scope.client).strip("[]"))
    except ValueError:
        return False
    return address.is_private and scope.headers.get("x-forwarded-for") is None
