"""Servers under measurement: granian processes on a core of their own."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Server:
    """A granian process on the server's core."""

    def __init__(
        self, application: str, interface: str, environment: dict[str, str], cores: list[int], *, threads: int = 4
    ) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "granian", "--interface", interface, "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--workers", "1", "--no-ws", "--http", "1", "--log-level", "error"]
        command += ["--workers-kill-timeout", "5"]
        command += ["--loop", "uvloop"] if interface == "rsgi" else ["--blocking-threads", str(threads)]
        self._start([*command, application], environment, cores)

    def _start(self, command: list[str], environment: dict[str, str], cores: list[int]) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self.process = subprocess.Popen(
            [*pinned(cores, 0), *command],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=self._log,
            stderr=self._log,
        )
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            # The bare server redirects this too; any answer will do.
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)) as connection:
                try:
                    connection.request("GET", "/healthz")
                    connection.getresponse()
                except OSError:
                    time.sleep(0.1)
                else:
                    return
        self._log.seek(0)
        raise SystemExit(f"the server did not start:\n{self._log.read().decode(errors='replace')}")

    def stop(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait()
        self._log.close()


class ModuleServer(Server):
    """A server of our own on the server's core: a module that takes its port as its argument."""

    def __init__(self, module: str, environment: dict[str, str], cores: list[int]) -> None:
        self.port = free_port()
        self._start([sys.executable, "-m", module, str(self.port)], environment, cores)


def pinned(cores: list[int], which: int) -> list[str]:
    """The command that keeps a process on one core; nothing when there is only one."""
    taskset = shutil.which("taskset")
    if taskset is None or len(cores) < 2:
        return []
    return [taskset, "-c", str(cores[which])]


def free_port() -> int:
    """A port nobody uses at the moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
