"""Finding a Python that the product can run on."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

OLDEST = (3, 12)
TOO_NEW = (3, 15)
WANTED = "3.13"
# The best tried first.
MINORS = (13, 12, 14)

_PROBE = """
import ctypes, json, sqlite3, ssl, sys
print(json.dumps([sys.version_info[:3], sys.executable, sys.implementation.name]))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that was started once and answered."""

    path: str
    version: tuple[int, int, int]

    @property
    def version_text(self) -> str:
        """`3.13.0`"""
        return ".".join(map(str, self.version))


def find_interpreter(paths: Iterable[str] | None = None) -> Interpreter | None:
    """The first usable Python of `paths`.

    Left out, these are ourselves, then PATH, then the places where people keep them.
    """
    seen = set()
    for path in _candidates() if paths is None else paths:
        if path in seen:
            continue
        seen.add(path)
        interpreter = probe(path)
        if interpreter is not None:
            return interpreter
    return None


def probe(path: str) -> Interpreter | None:
    """What `path` says about itself; None when it does not start, is out of range or lacks parts.

    A shim of a version manager exists for every version it knows but fails for those not
    switched on, so only a real start tells.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    try:
        answer = subprocess.run(
            [path, "-c", _PROBE],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=20,
            check=True,
        )
        version, executable, implementation = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    if implementation != "cpython" or not OLDEST <= tuple(version[:2]) < TOO_NEW:
        return None
    return Interpreter(executable or path, tuple(version))


def homes() -> list[str]:
    """The home directory by environment, then by the system's own list of people."""
    found = [os.path.expanduser("~")]
    # A system's number of a person need not stand in its list of people.
    with contextlib.suppress(KeyError):
        found.append(pwd.getpwuid(os.getuid()).pw_dir)
    return list(dict.fromkeys(found))


def _candidates() -> Iterator[str]:
    if OLDEST <= sys.version_info[:2] < TOO_NEW and sys.executable:
        yield sys.executable
    names = [f"python3.{minor}" for minor in MINORS] + ["python3", "python"]
    for name in names:
        for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
            path = shutil.which(name, path=directory) if directory else None
            if path:
                yield path
    roots = [os.environ.get("PYENV_ROOT", "")] + [f"{home}/.pyenv" for home in homes()]
    for minor in MINORS:
        for root in filter(None, roots):
            yield from sorted(glob.glob(f"{root}/versions/3.{minor}.*/bin/python"), reverse=True)
        for directory in ("/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"):
            if os.access(f"{directory}/python3.{minor}", os.X_OK):
                yield f"{directory}/python3.{minor}"
        for home in homes():
            pattern = f"{home}/.local/share/uv/python/cpython-3.{minor}.*/bin/python3.{minor}"
            yield from sorted(glob.glob(pattern), reverse=True)
