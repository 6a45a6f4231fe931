"""The process that runs a database server for as long as anybody uses it.

Started by `launch.postgres`, with a Cluster as JSON. It starts the server again when it dies,
stops it when no command holds the shared lock any more, and takes it along when it is killed
itself (on Linux, by the death signal).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from launch import processes
from launch.clusters import Cluster, end_leftover, server_environment
from launch.identities import Identity

POLL_SECONDS = 0.1
MOST_STARTS = 6
CALM_SECONDS = 60
STOP_SECONDS = 25


def keep(cluster: Cluster) -> int:
    """Runs the server until nobody wants it; returns an exit status."""
    locks = Path(cluster.locks)
    with (locks / "keeper").open("w") as mine, (locks / "users").open("w") as users:
        fcntl.flock(mine, fcntl.LOCK_EX)
        server = _start(cluster)
        starts, since = 1, time.monotonic()
        try:
            while not _is_alone(users):
                time.sleep(POLL_SECONDS)
                if server.poll() is None:
                    continue
                print(f"keeper: the server ended with {server.returncode}", flush=True)
                if time.monotonic() - since > CALM_SECONDS:
                    starts = 0
                if starts >= MOST_STARTS:
                    return 1
                # The old server's children need a moment to notice and let go of the memory.
                time.sleep(0.3 * starts)
                end_leftover(cluster)
                server = _start(cluster)
                starts, since = starts + 1, time.monotonic()
        finally:
            _stop(server)
            with contextlib.suppress(OSError):
                Path(cluster.sockets).rmdir()
    return 0


def _start(cluster: Cluster) -> subprocess.Popen[bytes]:
    return processes.spawn(
        cluster.command,
        environment=server_environment(),
        death_signal=signal.SIGINT,
        become=Identity.named(cluster.identity).become,
    )


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Fast shutdown, then at once, then by force."""
    for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5)):
        processes.ask(server, number)
        try:
            server.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            continue
    processes.kill_group(server)


def _is_alone(users: IO[str]) -> bool:
    """True when nobody uses the server; from then on newcomers wait until we have ended."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(keep(Cluster(**json.loads(sys.argv[1]))))
