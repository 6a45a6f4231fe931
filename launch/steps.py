"""Commands that end by themselves, run with progress, several at once where they may."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from launch import console, processes

HEARTBEAT_SECONDS = 20


@dataclass(frozen=True)
class Step:
    """One command, what people call it, and the file that takes its output."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] | None = None
    note: str = ""


@dataclass(frozen=True)
class Result:
    """How a step ended: exit status and seconds it took."""

    step: Step
    status: int
    seconds: float

    @property
    def is_good(self) -> bool:
        """True when the command exited with 0."""
        return self.status == 0

    @property
    def output(self) -> str:
        """Everything the command printed."""
        return self.step.log.read_text(encoding="utf-8", errors="replace")


@dataclass
class Running:
    """Steps under way. `collect` says how they went; `abandon` ends those still running."""

    at_once: int = 2
    waiting: list[Step] = field(default_factory=list)
    _started: dict[str, tuple[Step, subprocess.Popen[bytes], float]] = field(default_factory=dict)
    _heartbeat: float = field(default_factory=time.monotonic)

    def add(self, *steps: Step) -> None:
        """Starts `steps` as soon as there is room for them."""
        self.waiting += steps
        self._fill()

    def collect(self) -> list[Result]:
        """Says and returns the steps that have ended since the last call; does not wait."""
        results = []
        for name, (step, process, since) in list(self._started.items()):
            if process.poll() is None:
                continue
            processes.kill_group(process)
            del self._started[name]
            result = Result(step, process.returncode, time.monotonic() - since)
            _say(result)
            results.append(result)
        self._fill()
        self._show()
        return results

    def wait(self, *, is_hasty: bool = False) -> list[Result]:
        """Waits for every step, and returns their results in the order they ended.

        In haste, the first failure ends the others.
        """
        results: list[Result] = []
        try:
            while self._started or self.waiting:
                results += self.collect()
                if is_hasty and not all(result.is_good for result in results):
                    break
                time.sleep(0.05)
        finally:
            self.abandon()
        return results

    def abandon(self) -> None:
        """Ends what still runs."""
        for _, process, _ in self._started.values():
            processes.ask(process)
        processes.finish([process for _, process, _ in self._started.values()], seconds=5)
        self._started.clear()
        self.waiting.clear()

    def _fill(self) -> None:
        while self.waiting and len(self._started) < self.at_once:
            step = self.waiting.pop(0)
            step.log.parent.mkdir(parents=True, exist_ok=True)
            with step.log.open("wb") as log:
                process = processes.spawn(step.command, environment=step.environment, output=log)
            self._started[step.name] = (step, process, time.monotonic())

    def _show(self) -> None:
        if not self._started:
            console.clear_status()
            return
        now = time.monotonic()
        texts = [f"{step.name} {console.seconds_text(now - since)}" for step, _, since in self._started.values()]
        if console.is_terminal():
            console.show_status("… " + ", ".join(texts))
        elif now - self._heartbeat > HEARTBEAT_SECONDS:
            self._heartbeat = now
            console.say("… " + ", ".join(texts))


def run_steps(*steps: Step, at_once: int = 2) -> list[Result]:
    """Runs all steps, `at_once` at a time, and returns how they ended."""
    running = Running(at_once=at_once)
    running.add(*steps)
    return running.wait()


def demand(results: Sequence[Result], remedy: str) -> None:
    """Problem with the failed command's last words when any of `results` is bad."""
    for result in results:
        if not result.is_good:
            raise console.Problem(
                f"{result.step.name}: failed with exit status {result.status}.",
                f"{remedy}\nThe whole output is in {result.step.log}.",
                processes.tail(str(result.step.log)),
            )


def _say(result: Result) -> None:
    if result.is_good:
        console.say_done(result.step.name, result.seconds, result.step.note)
    else:
        console.say_failed(result.step.name, result.seconds, f"exit status {result.status}")
