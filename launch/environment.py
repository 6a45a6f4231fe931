"""Making `.venv` from the locked lists of packages, once, by whatever means the machine has."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launch import console, interpreters
from launch.console import Problem
from launch.interpreters import Interpreter
from launch.places import CACHE, PYTHON, ROOT, VENV
from launch.steps import Result, Step, run_steps

STAMP = VENV / "environment.json"
LOG = CACHE / "log"
UV_LOCK = ROOT / "launch" / "requirements-uv.lock"
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
NEEDED_BYTES = {"runtime": 1_200_000_000, "dev": 1_700_000_000}

REMEDY_PYTHON = """\
Install Python 3.12, 3.13 or 3.14, then run this command again. One of:
  Debian 13, Ubuntu 24.04 or newer:  sudo apt-get install python3 python3-venv
  Fedora:                            sudo dnf install python3.13
  macOS:                             brew install python@3.13
  anywhere with pyenv:               pyenv install 3.13
  anywhere with uv and a network:    uv python install 3.13"""
REMEDY_NETWORK = """\
The package index could not be reached, or it lacks a locked version. Check the network, and
the proxy settings if there is one (HTTPS_PROXY). A mirror is used when UV_DEFAULT_INDEX or pip's
configuration names it. Then run this command again: it goes on where it stopped."""
REMEDY_DISK = "Free some space on the disk, then run this command again."
_NETWORK_WORDS = (
    "dns error", "name or service not known", "temporary failure in name resolution",
    "failed to lookup address", "connection refused", "network is unreachable", "timed out",
    "tunnel error", "newconnectionerror", "failed to fetch", "could not connect",
    "no matching distribution found", "failed to resolve", "connection reset",
)  # fmt: skip


def prepare(kind: str) -> Path:
    """Makes `.venv` hold the packages of `kind` ("runtime" or "dev"); returns its Python.

    Does nothing when that is so already (the packages of "dev" include those of "runtime").
    Problem when it cannot be done.
    """
    if is_prepared(kind):
        return PYTHON
    CACHE.mkdir(exist_ok=True)
    with _alone():
        # Somebody else may have done it while we waited.
        if not is_prepared(kind):
            _build(kind)
    return PYTHON


def is_prepared(kind: str) -> bool:
    """True when `.venv` was made here, from the locks as they are now, for `kind` or more."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return False
    wanted = _stamp(stamp.get("kind", ""))
    return stamp == wanted and kind in {stamp["kind"], "runtime"} and PYTHON.exists()


def _stamp(kind: str) -> dict[str, str]:
    locks = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in LOCKS.items()}
    # A moved folder needs a new environment: its scripts name the old place.
    return {"kind": kind, "root": str(ROOT), **locks}


@contextmanager
def _alone() -> Iterator[None]:
    """Only one `./run` builds at a time; another one waits here."""
    with (CACHE / "environment.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.say("… another ./run is preparing the environment; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(kind: str) -> None:
    _demand_space(NEEDED_BYTES[kind])
    STAMP.unlink(missing_ok=True)
    since = time.monotonic()
    uv = _find_uv()
    interpreter = _venv_interpreter() or interpreters.find_interpreter()
    if interpreter is None:
        interpreter, uv = _get_interpreter(uv)
    console.say_done("Python", time.monotonic() - since, f"{interpreter.version_text}, {interpreter.path}")
    uv = uv or _get_uv(interpreter.path)
    if uv is None and _venv_interpreter() is None:
        # No pip anywhere: a virtual environment brings one.
        _make_venv(interpreter)
        uv = _get_uv(str(PYTHON))
    if not (uv and _build_with_uv(uv, interpreter, kind)):
        _build_with_pip(interpreter, kind)
    _mark_prepared(kind)


def _mark_prepared(kind: str) -> None:
    STAMP.write_text(json.dumps(_stamp(kind)))


def _venv_interpreter() -> Interpreter | None:
    return interpreters.probe(str(PYTHON)) if PYTHON.exists() else None


def _demand_space(needed: int) -> None:
    # Packages on disk already are counted as space that is needed no more.
    have = 700_000_000 if VENV.exists() else 0
    free = shutil.disk_usage(ROOT).free
    if free + have < needed:
        raise Problem(
            f"The disk is nearly full: {free / 1e9:.1f} GB free, about {needed / 1e9:.1f} GB needed in {ROOT}.",
            REMEDY_DISK,
        )


# ── uv: ten times faster than pip, but pip will do ───────────────────────────────────────


def _find_uv() -> str | None:
    for path in (shutil.which("uv"), str(CACHE / "uv" / "bin" / "uv")):
        if path and _works([path, "--version"]):
            return path
    return None


def _get_uv(first: str) -> str | None:
    """Brings uv into .cache with the first pip that can, that of `first` before others."""
    target = CACHE / "uv"
    for python in _pythons(first):
        if not _works([python, "-m", "pip", "--version"]):
            continue
        command = [
            python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--only-binary", ":all:", "--require-hashes",
            "--target", str(target), "--upgrade", "-r", str(UV_LOCK),
        ]  # fmt: skip
        (result,) = run_steps(Step("uv, the package installer", command, LOG / "uv.log"))
        if result.is_good:
            return _find_uv()
        if _is_network(result):
            raise _failure(result)
    return None


def _pythons(first: str) -> list[str]:
    found = [first, sys.executable, shutil.which("python3"), "/usr/bin/python3"]
    return list(dict.fromkeys(path for path in found if path and os.access(path, os.X_OK)))


def _uv_environment(**settings: str) -> dict[str, str]:
    environment = dict(os.environ, **settings)
    if any(os.path.exists(bundle) for bundle in CERTIFICATES):
        # uv brings its own list of authorities; behind a company's proxy the system's counts.
        # The two names are of newer and older versions.
        environment.setdefault("UV_SYSTEM_CERTS", "1")
        environment.setdefault("UV_NATIVE_TLS", "1")
    return environment


def _build_with_uv(uv: str, interpreter: Interpreter, kind: str) -> bool:
    environment = _uv_environment(UV_COMPILE_BYTECODE="1")
    if _venv_interpreter() is None:
        command = [
            uv,
            "venv",
            "--quiet",
            "--clear",
            "--no-project",
            "--python",
            interpreter.path,
            str(VENV),
        ]
        (result,) = run_steps(Step("an empty .venv", command, LOG / "venv.log", environment))
        if not result.is_good:
            return False
    command = [uv, "pip", "sync", "--require-hashes", "--python", str(PYTHON), str(LOCKS[kind])]
    note = f"{_count(kind)} packages"
    (result,) = run_steps(Step("Python packages", command, LOG / "packages.log", environment, note=note))
    if not result.is_good:
        if _is_disk(result):
            raise _failure(result)
        # pip reads configuration that uv does not: an index of the house, for example.
        console.say("  uv could not install them; trying pip, which reads pip's own configuration")
    return result.is_good


# ── pip, where uv is not to be had ───────────────────────────────────────────────────────


def _build_with_pip(interpreter: Interpreter, kind: str) -> None:
    pip = [str(PYTHON), "-m", "pip"]
    if _venv_interpreter() is None or not _works([*pip, "--version"]):
        pip = _make_venv(interpreter)
    command = [
        *pip, "install", "--disable-pip-version-check", "--progress-bar", "off",
        "--no-deps", "--require-hashes", "-r", str(LOCKS[kind]),
    ]  # fmt: skip
    note = f"{_count(kind)} packages, with pip"
    (result,) = run_steps(Step("Python packages", command, LOG / "packages-pip.log", note=note))
    if not result.is_good:
        raise _failure(result)


def _make_venv(interpreter: Interpreter) -> list[str]:
    """An empty .venv; returns the command of a pip that installs into it."""
    for _ in range(2):
        if _works([interpreter.path, "-c", "import ensurepip, venv"]):
            command = [interpreter.path, "-m", "venv", "--clear", str(VENV)]
            (result,) = run_steps(Step("an empty .venv", command, LOG / "venv.log"))
            if not result.is_good:
                raise _failure(result)
            return [str(PYTHON), "-m", "pip"]
        for python in _pythons(interpreter.path):
            if _works([python, "-m", "pip", "--python", python, "--version"]):
                command = [interpreter.path, "-m", "venv", "--clear", "--without-pip", str(VENV)]
                if run_steps(Step("an empty .venv", command, LOG / "venv.log"))[0].is_good:
                    return [python, "-m", "pip", "--python", str(PYTHON)]
        _install_venv_package(interpreter)
    raise Problem(
        f"{interpreter.path} can make no virtual environment: it has neither pip nor ensurepip.",
        REMEDY_PYTHON,
    )


def _install_venv_package(interpreter: Interpreter) -> None:
    """The distribution's own package that lets its Python make environments."""
    package = "python3-venv"
    if interpreter.path.startswith("/usr/bin/"):
        package = f"python{interpreter.version[0]}.{interpreter.version[1]}-venv"
    if not shutil.which("apt-get"):
        raise Problem(
            f"{interpreter.path} has neither pip nor ensurepip, so no packages can be installed.",
            "Install pip for it with your system's package manager, or install uv; then run this again.",
        )
    if os.geteuid() != 0:
        raise Problem(
            "Neither uv, pip nor venv is on this machine, and only root may install them.",
            f"Type: sudo apt-get install -y {package}\nThen run this command again.",
        )
    _apt_install(package)


def _apt_install(*packages: str) -> None:
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    script = 'apt-get update -q && apt-get install -q -y --no-install-recommends "$@"'
    command = ["sh", "-c", script, "sh", *packages]
    name = f"system package {', '.join(packages)}"
    (result,) = run_steps(Step(name, command, LOG / "apt.log", environment))
    if not result.is_good:
        raise _failure(result)


# ── Python itself ────────────────────────────────────────────────────────────────────────


def _get_interpreter(uv: str | None) -> tuple[Interpreter, str | None]:
    """A Python in range where the machine has none: the distribution's, or one that uv fetches."""
    have = ".".join(map(str, sys.version_info[:3]))
    console.say(f"  no Python 3.12 to 3.14 on this machine (this one is {have}); getting one")
    if os.geteuid() == 0 and shutil.which("apt-cache"):
        for minor in interpreters.MINORS:
            if _works(["apt-cache", "show", f"python3.{minor}-venv"]):
                _apt_install(f"python3.{minor}", f"python3.{minor}-venv")
                found = interpreters.probe(f"/usr/bin/python3.{minor}")
                if found:
                    return found, uv
    uv = uv or _get_uv(sys.executable)
    if uv is None:
        raise Problem(f"No Python 3.12 to 3.14 was found (this one is {have}).", REMEDY_PYTHON)
    directory = CACHE / "python"
    environment = _uv_environment(UV_PYTHON_INSTALL_DIR=str(directory), UV_PYTHON_INSTALL_BIN="0")
    command = [uv, "python", "install", "--no-progress", interpreters.WANTED]
    (result,) = run_steps(
        Step(f"Python {interpreters.WANTED}, fetched by uv", command, LOG / "python.log", environment)
    )
    for path in sorted(directory.glob("cpython-*/bin/python3")):
        found = interpreters.probe(str(path))
        if found:
            return found, uv
    raise Problem(
        f"No Python 3.12 to 3.14 was found (this one is {have}), and uv could not fetch one: "
        "the place it downloads Python from does not answer here.",
        REMEDY_PYTHON,
        result.output.strip()[-600:],
    )


# ── Small things ─────────────────────────────────────────────────────────────────────────


def _count(kind: str) -> int:
    return sum("==" in line for line in LOCKS[kind].read_text().splitlines() if line[:1].isalnum())


def _works(command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _is_disk(result: Result) -> bool:
    return "No space left on device" in result.output or "os error 28" in result.output


def _is_network(result: Result) -> bool:
    text = result.output.lower()
    return any(word in text for word in _NETWORK_WORDS)


def _failure(result: Result) -> Problem:
    """The Problem behind a failed installation, read from what the installer said."""
    text = result.output
    last_words = "\n".join(text.strip().splitlines()[-8:])
    if _is_disk(result):
        return Problem(f"{result.step.name}: the disk is full.", REMEDY_DISK, last_words)
    if "DO NOT MATCH THE HASHES" in text or "Hash mismatch" in text:
        remedy = (
            "A downloaded package is not the one that was locked. Empty the installer's cache "
            "(uv cache clean, pip cache purge) and try again; if it stays so, do not trust the index."
        )
        return Problem(f"{result.step.name}: a package has the wrong content.", remedy, last_words)
    if _is_network(result):
        return Problem(f"{result.step.name}: no answer from the network.", REMEDY_NETWORK, last_words)
    return Problem(
        f"{result.step.name}: the installer failed.",
        f"Its last words are above, all of them in {result.step.log}.",
        last_words,
    )
