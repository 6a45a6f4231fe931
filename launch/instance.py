"""One running demo a folder: who it is, and how to end it from another terminal."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launch import console
from launch.console import Problem

STOP_SECONDS = 45


@contextmanager
def claim(var: Path, address: str) -> Iterator[None]:
    """Makes this process the demo of `var`; Problem when there is one already.

    The lock on the file says whether it runs, the text in it only who: a lock ends with its
    process, so a stale file cannot lie and a number used again cannot be mistaken for ours.
    """
    var.mkdir(parents=True, exist_ok=True)
    with (var / "run.pid").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise already_running(var) from None
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"pid": os.getpid(), "address": address}))
        file.flush()
        try:
            yield
        finally:
            file.seek(0)
            file.truncate()


def find_running(var: Path) -> dict[str, object] | None:
    """What the running demo of `var` wrote about itself; None when none runs."""
    try:
        with (var / "run.pid").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return dict(json.loads(file.read() or "{}"))
    except FileNotFoundError:
        pass
    return None


def already_running(var: Path) -> Problem:
    """The refusal to start a second one."""
    found = find_running(var) or {}
    return Problem(
        f"The demo already runs here: {found.get('address', 'it is just starting')}.",
        "Open that address, or end it first: ./run stop",
    )


def stop_running(var: Path) -> bool:
    """Ends the running demo of `var` and waits until it is gone; False when none ran."""
    found = find_running(var)
    if found is None:
        return False
    since = time.monotonic()
    pid = int(str(found.get("pid", 0)))
    number = signal.SIGTERM
    while find_running(var) is not None:
        if pid:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
            except PermissionError:
                raise Problem(
                    f"The demo (process {pid}) belongs to somebody else.",
                    f"Let its owner stop it, or type: sudo kill {pid}",
                ) from None
        deadline = time.monotonic() + STOP_SECONDS
        while find_running(var) is not None and time.monotonic() < deadline:
            console.show_status(f"… stopping {console.seconds_text(time.monotonic() - since)}")
            time.sleep(0.1)
        # It did not listen. Its children end with it.
        number = signal.SIGKILL
    return True
