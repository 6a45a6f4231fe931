"""Runs the product's processes together: starts them, mends them, and ends them all."""

from __future__ import annotations

import http.client
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from launch import console, processes
from launch.console import Interrupted, Problem

READY_SECONDS = 90
STOP_SECONDS = 12
MOST_FALSE_STARTS = 1
MOST_RESTARTS = 5
# A process that ran this long is well again; its earlier deaths no longer count.
CALM_SECONDS = 60
KEPT_LOGS = 4


@dataclass(frozen=True)
class Service:
    """One process that is to run as long as the product does.

    Ready when `url` answers 200, or when `ready_text` stands in its log; with neither, when
    it has lived for a second. Services of a higher `tier` are stopped before lower ones.
    """

    name: str
    command: Sequence[str]
    url: str = ""
    ready_text: str = ""
    tier: int = 1


@dataclass
class _Running:
    service: Service
    process: subprocess.Popen[bytes]
    since: float
    deaths: int = 0
    is_ready: bool = False
    # When to start it again; 0 while it runs.
    again_at: float = 0.0


@dataclass
class Supervisor:
    """The processes of one run, in the order they were started."""

    logs: Path
    environment: Mapping[str, str]
    _running: list[_Running] = field(default_factory=list)

    def start(self, *services: Service) -> None:
        """Starts `services`, each with a fresh log; does not wait for them."""
        for service in services:
            rotate_log(self.log_of(service))
            self._running.append(_Running(service, self._spawn(service), time.monotonic()))

    def log_of(self, service: Service) -> Path:
        """The file that takes the service's output."""
        return self.logs / f"{service.name.replace(' ', '-').lower()}.log"

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        """Waits until every service is ready, saying so for each. Problem when one is not."""
        deadline = time.monotonic() + seconds
        while waiting := [r for r in self._running if not r.is_ready]:
            for running in waiting:
                if running.process.poll() is not None:
                    self._try_once_more(running)
                elif _is_ready(running, self.log_of(running.service)):
                    running.is_ready = True
                    console.say_done(running.service.name, time.monotonic() - running.since)
            if waiting and time.monotonic() > deadline:
                raise self._failure(waiting[0], f"was not ready after {seconds:.0f} s")
            console.show_status("… waiting for " + ", ".join(r.service.name for r in waiting))
            time.sleep(0.05)
        console.clear_status()

    def _try_once_more(self, running: _Running) -> None:
        """Two processes may get into each other's way while both are new; a second try tells."""
        processes.kill_group(running.process)
        running.deaths += 1
        if running.deaths > MOST_FALSE_STARTS:
            raise self._failure(running, "ended while it was starting")
        time.sleep(0.5)
        running.process, running.since = self._spawn(running.service), time.monotonic()

    def watch(self, also: Callable[[], None] = lambda: None) -> None:
        """Starts dead services again, until interrupted. Problem when one keeps dying."""
        while True:
            self.mend()
            also()
            time.sleep(0.2)

    def mend(self) -> None:
        """Looks once after every service."""
        now = time.monotonic()
        for running in self._running:
            if running.again_at:
                if now >= running.again_at:
                    running.process = self._spawn(running.service)
                    running.since, running.again_at = now, 0.0
                continue
            if running.process.poll() is None:
                continue
            # Workers it left behind would hold its port.
            processes.kill_group(running.process)
            if now - running.since > CALM_SECONDS:
                running.deaths = 0
            running.deaths += 1
            if running.deaths > MOST_RESTARTS:
                raise self._failure(running, f"ended {running.deaths} times in a row")
            pause = 0.5 * 2 ** (running.deaths - 1)
            running.again_at = now + pause
            console.say_failed(
                running.service.name,
                now - running.since,
                f"{_ending(running.process)}; starting it again in {pause:g} s",
            )

    def stop(self) -> None:
        """Ends all services, later tiers first; kills those that take too long."""
        try:
            for tier in sorted({r.service.tier for r in self._running}, reverse=True):
                group = [r.process for r in reversed(self._running) if r.service.tier == tier]
                for process in group:
                    processes.ask(process)
                processes.finish(group, seconds=STOP_SECONDS)
        finally:
            for running in self._running:
                processes.kill_group(running.process)
            self._running.clear()

    def pid_of(self, name: str) -> int:
        """The process number of a service. KeyError when there is none of that name."""
        return {r.service.name: r.process.pid for r in self._running}[name]

    def _spawn(self, service: Service) -> subprocess.Popen[bytes]:
        with self.log_of(service).open("ab") as log:
            return processes.spawn(service.command, environment=self.environment, output=log)

    def _failure(self, running: _Running, what: str) -> Problem:
        log = self.log_of(running.service)
        return Problem(
            f"{running.service.name} {what} ({_ending(running.process)}).",
            f"Everything it said is in {log}.",
            processes.tail(str(log)),
        )


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Turns Ctrl-C and SIGTERM into Interrupted, once.

    Call the yielded function before tidying up: from then on a first signal is ignored with a
    word of patience, a second one ends everything at once.
    """
    asked = {"stopping": False, "again": 0}

    def answer(number: int, frame: FrameType | None) -> None:
        if not asked["stopping"]:
            asked["stopping"] = True
            raise Interrupted(signal.Signals(number).name)
        asked["again"] += 1
        if asked["again"] == 1 and number == signal.SIGINT:
            # The second Ctrl-C: leave tidying up to the kernel. The children die with us.
            raise Interrupted("forced")

    def tidy() -> None:
        asked["stopping"] = True

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, answer) for number in numbers}
    try:
        yield tidy
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def rotate_log(log: Path) -> None:
    """Puts the log of the last start aside, keeping those of a few."""
    log.parent.mkdir(parents=True, exist_ok=True)
    for age in range(KEPT_LOGS - 1, 0, -1):
        newer = log.with_suffix(f".{age - 1}.log") if age > 1 else log
        if newer.exists():
            newer.replace(log.with_suffix(f".{age}.log"))


def answers(url: str) -> bool:
    """True when `url` answers 200 within two seconds."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _is_ready(running: _Running, log: Path) -> bool:
    service = running.service
    if service.url:
        return answers(service.url)
    if service.ready_text:
        return service.ready_text in log.read_text(encoding="utf-8", errors="replace")
    return time.monotonic() - running.since > 1


def _ending(process: subprocess.Popen[bytes]) -> str:
    status = process.poll()
    if status is None:
        return "still running"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"
