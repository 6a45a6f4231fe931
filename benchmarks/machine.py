"""The machine under a benchmark: who works how much, and how fast its disk is."""

import os
import time
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(root: int) -> float:
    """The processor time that a process and its children have used."""
    total = 0.0
    for process in family(root):
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def family(root: int) -> list[int]:
    """A process and everything it started."""
    found = [root]
    for process in found:
        with suppress(OSError):
            for children in Path(f"/proc/{process}/task").glob("*/children"):
                found += map(int, children.read_text().split())
    return found


def times() -> tuple[float, float]:
    """Seconds of all processors: spent on something, and stolen by the host."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, softirq, steal = (int(field) / _TICKS for field in fields[:8])
    return user + nice + system + irq + softirq, steal


def sync_ms(directory: Path) -> tuple[float, float]:
    """The median and the slowest percent of an fdatasync after 16 kB, in milliseconds."""
    path = directory / "sync-probe"
    took = []
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        for _ in range(200):
            os.write(descriptor, b"x" * 16_384)
            start = time.perf_counter()
            os.fdatasync(descriptor)
            took.append((time.perf_counter() - start) * 1000)
    finally:
        os.close(descriptor)
        path.unlink()
    took.sort()
    return took[100], took[198]
