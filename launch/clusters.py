"""One PostgreSQL data directory: made complete or not at all, and how its server is run."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from launch import console, processes
from launch.binaries import REMEDY_BINARIES, Binaries, probe
from launch.console import Problem
from launch.identities import Identity, copy_for_nobody, is_reachable

ROLE = DATABASE = "affiliate"
NEEDED_BYTES = 300_000_000

_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
}
# For data that the next run makes again.
_HASTY_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True)
class Cluster:
    """One data directory and how it is run. Travels to the keeper as JSON."""

    data: str
    sockets: str
    locks: str
    log: str
    binaries: str
    identity: str
    is_durable: bool

    @property
    def url(self) -> str:
        """The address for DATABASE_URL."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(self.sockets)}"

    @property
    def command(self) -> list[str]:
        """The server's command line."""
        options = {**_OPTIONS, "unix_socket_directories": self.sockets}
        if not self.is_durable:
            options.update(_HASTY_OPTIONS)
        settings = [f"{name}={value}" for name, value in options.items()]
        pairs = [part for setting in settings for part in ("-c", setting)]
        return [f"{self.binaries}/postgres", "-D", self.data, *pairs]

    def answers(self) -> bool:
        """True when the server is up and takes connections."""
        try:
            lines = (Path(self.data) / "postmaster.pid").read_text().splitlines()
            if len(lines) < 8 or lines[7].strip() != "ready":
                return False
            with socket.socket(socket.AF_UNIX) as visitor:
                visitor.settimeout(2)
                visitor.connect(f"{self.sockets}/.s.PGSQL.5432")
        except OSError:
            return False
        return True

    def as_json(self) -> str:
        """For the keeper's command line."""
        return json.dumps(asdict(self))


def describe_cluster(var: Path, name: str, *, is_durable: bool, binaries: Binaries, identity: Identity) -> Cluster:
    """The cluster `var`/`name`, as these programs and this user would run it."""
    data = var / name
    directory = binaries.directory
    if identity.needs_reach:
        directory = copy_for_nobody(directory)
        if not is_reachable(var):
            data = hidden_data(var, name)
    # Socket paths may have 107 bytes, so they are kept out of the project's folder.
    sockets = Path("/tmp") / f"affiliate-{os.getuid()}-{_mark(var, name)}"
    return Cluster(
        data=str(data),
        sockets=str(sockets),
        locks=str(var / "lock" / name),
        log=str(var / "log" / f"postgres-{name}.log"),
        binaries=str(directory),
        identity=identity.name,
        is_durable=is_durable,
    )


def _mark(var: Path, name: str) -> str:
    return hashlib.sha256(f"{var}/{name}".encode()).hexdigest()[:10]


def hidden_data(var: Path, name: str) -> Path:
    """Where the data lies when the server's user cannot reach the project's folder."""
    return Path("/var/tmp") / f"affiliate-data-{_mark(var, name)}"


def system_identifier(var: Path, name: str) -> str:
    """A text that differs for every cluster ever made; empty when there is none yet."""
    for directory in (var / name, hidden_data(var, name)):
        try:
            return (directory / "global" / "pg_control").read_bytes()[:8].hex()
        except OSError:
            continue
    return ""


def prepare_files(cluster: Cluster) -> None:
    """Everything that a start needs: a cluster, of the right version and owner, and sockets.

    Problem when it cannot be made, or was made by another version.
    """
    identity = Identity.named(cluster.identity)
    end_leftover(cluster)
    if not (Path(cluster.data) / "PG_VERSION").exists():
        _make(cluster, identity)
    identity.give(Path(cluster.data))
    _demand_same_version(cluster)
    _make_sockets(Path(cluster.sockets), identity)


def _make(cluster: Cluster, identity: Identity) -> None:
    """A new cluster with our role and our database; complete, or not there at all."""
    since = time.monotonic()
    data = Path(cluster.data)
    data.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(data.parent).free
    if free < NEEDED_BYTES:
        raise Problem(
            f"The disk is nearly full: {free / 1e6:.0f} MB free, {NEEDED_BYTES / 1e6:.0f} MB needed in {data.parent}.",
            "Free some space, then run this command again.",
        )
    unfinished = data.with_name(data.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(mode=0o700)
        identity.give(unfinished)
        _initialise(unfinished, cluster, identity)
        _provision(unfinished, cluster, identity)
        unfinished.rename(data)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    console.say_done("a new database cluster", time.monotonic() - since, str(data))


def _initialise(directory: Path, cluster: Cluster, identity: Identity) -> None:
    programs = probe(Path(cluster.binaries), "")
    locale = ["--locale=C"]
    if programs is not None and programs.major >= 17:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = None
    for character_type in ("C.UTF-8", "en_US.UTF-8"):
        # With lc-ctype C, trigram search finds nothing in Chinese.
        made = _run(
            identity,
            [
                f"{cluster.binaries}/initdb", "-D", str(directory), "-U", "postgres", "--encoding=UTF8",
                *locale, f"--lc-ctype={character_type}", "--auth=trust", "--no-sync", "--no-instructions",
            ],
        )  # fmt: skip
        if made.returncode == 0:
            return
        for left in directory.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    words = made.stdout[-800:] if made else ""
    raise Problem("PostgreSQL could not make its data directory.", REMEDY_BINARIES, words)


def _provision(directory: Path, cluster: Cluster, identity: Identity) -> None:
    """Our role and database, without a server: the single-user mode takes one statement a line."""
    done = _run(
        identity,
        [f"{cluster.binaries}/postgres", "--single", "-D", str(directory), "postgres"],
        f"CREATE ROLE {ROLE} LOGIN CREATEDB;\nCREATE DATABASE {DATABASE} OWNER {ROLE};\n",
    )
    if done.returncode != 0 or "ERROR:" in done.stdout or "FATAL:" in done.stdout:
        raise Problem("PostgreSQL could not make the role and the database.", REMEDY_BINARIES, done.stdout[-800:])


def _run(identity: Identity, command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=server_environment(),
        preexec_fn=identity.become,
        check=False,
        cwd="/",
    )


def server_environment() -> dict[str, str]:
    """Our environment without what would steer PostgreSQL elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_")) and name not in {"LANG", "LANGUAGE"}
    }


def _demand_same_version(cluster: Cluster) -> None:
    made_by = (Path(cluster.data) / "PG_VERSION").read_text().strip()
    programs = probe(Path(cluster.binaries), "")
    if programs is not None and made_by != str(programs.major):
        raise Problem(
            f"The data in {cluster.data} was made by PostgreSQL {made_by}; this one is {programs.major}.",
            "Move it over with pg_upgrade, or throw the demo data away: ./run demo --fresh",
        )


def _make_sockets(directory: Path, identity: Identity) -> None:
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        # Ours from an earlier run, or somebody's trap.
        found = directory.lstat()
        if directory.is_symlink() or found.st_uid not in {os.getuid(), identity.uid}:
            raise Problem(f"{directory} belongs to somebody else.", "Remove it, then run this command again.") from None
    identity.give(directory)
    directory.chmod(0o700)


def end_leftover(cluster: Cluster) -> None:
    """Ends a server that nobody looks after, and removes the pid file of one long gone."""
    file = Path(cluster.data) / "postmaster.pid"
    try:
        pid = int(file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if not _is_server(pid, cluster):
            break
        os.kill(pid, number)
        deadline = time.monotonic() + 10
        while _is_server(pid, cluster) and time.monotonic() < deadline:
            time.sleep(0.05)
    # PostgreSQL believes the number in this file, even when another program has it by now.
    file.unlink(missing_ok=True)


def _is_server(pid: int, cluster: Cluster) -> bool:
    if not processes.is_alive(pid):
        return False
    command = processes.command_of(pid)
    return "postgres" in command and cluster.data in command
