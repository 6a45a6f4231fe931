"""`./run manage …`: manage.py with its environment and its database, for one command's length."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from launch import processes
from launch.places import PYTHON, VAR
from launch.postgres import open_database


def run_manage(arguments: Sequence[str]) -> int:
    """Runs one manage.py command; the database is started for it unless it runs already."""
    with open_database(VAR) as database:
        environment = {**os.environ, "DATABASE_URL": database.url, "VAR_DIR": str(VAR)}
        return run_in_foreground([str(PYTHON), "manage.py", *arguments], environment)


def run_in_foreground(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs a command that owns the terminal, Ctrl-C included; returns its exit status."""
    child: subprocess.Popen[bytes] | None = None

    def hand_on(number: int, _: object) -> None:
        # The terminal's Ctrl-C has reached the child already: it is in our group.
        if child is not None and number != signal.SIGINT:
            processes.ask(child, number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, hand_on) for number in numbers}
    try:
        child = processes.spawn(command, environment=environment, own_group=False)
        status = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    # A shell's way to name a signal.
    return status if status >= 0 else 128 - status
