"""Starting other programs so that none of them outlives us, and ending them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    output: IO[bytes] | int | None = None,
    own_group: bool = True,
    death_signal: int = signal.SIGTERM,
    become: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts `command` as our child; `death_signal` reaches it if we die first (Linux).

    `own_group` keeps the terminal's Ctrl-C from it and lets us end it with its children.
    `become` runs in the child before the program, to give rights away. OSError or
    SubprocessError when the program cannot be started.
    """
    parent = os.getpid()

    def prepare() -> None:
        if own_group:
            os.setpgid(0, 0)
        if become is not None:
            become()
        # Only after `become`: the kernel forgets the wish when the credentials change.
        if _LIBC is not None:
            _LIBC.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    # Nothing here runs threads, which is what makes preexec_fn safe.
    return subprocess.Popen(
        list(command),
        env=None if environment is None else dict(environment),
        stdin=None if not own_group else subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        preexec_fn=prepare,
    )


def stop(process: subprocess.Popen[bytes], *, seconds: float, first: int = signal.SIGTERM) -> None:
    """Asks `process` to end, waits `seconds`, then kills it; its whole group goes with it."""
    ask(process, first)
    finish([process], seconds=seconds)


def ask(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
    """Sends a signal to `process` if it still runs."""
    if process.poll() is None:
        process.send_signal(number)


def finish(processes: Sequence[subprocess.Popen[bytes]], *, seconds: float) -> None:
    """Waits until all have ended, at most `seconds`; what is left of their groups is killed."""
    deadline = time.monotonic() + seconds
    try:
        while any(p.poll() is None for p in processes) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        for process in processes:
            kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills `process` and every process it left in its group. Never raises."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # No such group: it is empty, or the process shares ours.
        if process.poll() is None:
            process.kill()
    process.wait()


def is_alive(pid: int) -> bool:
    """True when a process of this number exists, whoever owns it, and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return True


def command_of(pid: int) -> str:
    """The command line of a process; empty when it cannot be seen."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        pass
    try:
        answer = subprocess.run(
            ["ps", "-ww", "-p", str(pid), "-o", "command="],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return ""
    return answer.stdout.decode("utf-8", "replace")


def tail(path: str, lines: int = 15) -> str:
    """The last lines of a log file; empty when there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 20_000))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.replace("\r", "\n").strip().splitlines()[-lines:])
