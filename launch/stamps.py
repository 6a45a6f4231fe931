"""Remembering what was done already, so that a second start need not do it again."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from launch.places import ROOT

PACKAGES = ("ledger", "affiliates", "tracking", "payouts", "portal", "cms")


class Stamps:
    """A small file of names, each with the fingerprint of what it was last done for."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._done: dict[str, str] = json.loads(file.read_text())
        except (OSError, ValueError):
            self._done = {}

    def is_done(self, name: str, fingerprint: str) -> bool:
        """True when `name` was done for exactly this."""
        return self._done.get(name) == fingerprint

    def mark_done(self, name: str, fingerprint: str) -> None:
        """Remembers it."""
        self._done[name] = fingerprint
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_suffix(".new")
        unfinished.write_text(json.dumps(self._done, indent=1))
        unfinished.replace(self._file)


def schema_fingerprint() -> str:
    """Changes whenever migrating a database could give another result."""
    files = [ROOT / "requirements.lock", ROOT / "config" / "settings.py"]
    for package in PACKAGES:
        files += [file for file in (ROOT / package).glob("**/migrations/**/*") if file.suffix in {".py", ".sql"}]
    return fingerprint_of(files, by_content=True)


def static_fingerprint() -> str:
    """Changes whenever the collected static files could."""
    files = [ROOT / "requirements.lock", ROOT / "config" / "settings.py"]
    for package in PACKAGES:
        files += (f for f in (ROOT / package).glob("**/static/**/*") if f.is_file())
    return fingerprint_of(files)


def catalogs_are_stale() -> bool:
    """True when a translation was changed since it was compiled, or never was."""
    for source in ROOT.glob("locale/*/LC_MESSAGES/*.po"):
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            return True
    return False


def fingerprint_of(files: Iterable[Path], *, by_content: bool = False) -> str:
    """A hash of files: of what is in them, or (fast) of their sizes and times."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file}\n".encode())
        if by_content:
            digest.update(file.read_bytes())
        else:
            status = file.stat()
            digest.update(f"{status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
