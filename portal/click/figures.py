"""The figures of all door processes of one machine, whichever of them is asked.

Several workers answer behind one port, and a scrape reaches any of them. So each leaves its figures in a small file
beside its spool file every second; who is asked adds what the others left. A file that
has not been touched for a while is a dead door's and is not told.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

from portal.click.metrics import Snapshot, text_of

logger = logging.getLogger("click")

_WRITE_SECONDS = 1.0
_DEAD_SECONDS = 20.0
_NAME = re.compile(r"figures-(\d+)\.json")


class SharedFigures:
    """One door's part in it. `number` is its spool file's; `own` tells its figures of this moment."""

    def __init__(self, directory: Path, number: int, own: Callable[[], Snapshot]) -> None:
        self._directory = directory
        self._number = number
        self._own = own
        self._path = directory / f"figures-{number}.json"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="figures", daemon=True)

    def start(self) -> None:
        """Begin to leave the figures."""
        self._thread.start()

    def stop(self) -> None:
        """Leave them no more: the door is gone, and so is its file."""
        self._stopped.set()
        self._thread.join(timeout=2)
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            logger.warning("%s cannot be removed", self._path)

    def text(self) -> str:
        """Every live door's figures in Prometheus' text format. Reads files: not for the event loop."""
        doors = {self._number: self._own(), **self._of_others()}
        return text_of(dict(sorted(doors.items())))

    def own_text(self) -> str:
        """This door's figures alone, without touching the disk's files."""
        return text_of({self._number: self._own()})

    def _of_others(self) -> dict[int, Snapshot]:
        found: dict[int, Snapshot] = {}
        try:
            for path in self._directory.glob("figures-*.json"):
                name = _NAME.fullmatch(path.name)
                if name is None or int(name[1]) == self._number or time.time() - path.stat().st_mtime > _DEAD_SECONDS:
                    continue
                found[int(name[1])] = json.loads(path.read_bytes())
        except (OSError, ValueError):
            # A door that is just leaving, or a disk that is away: what was found so far.
            return found
        return found

    def _keep(self) -> None:
        fresh = self._path.with_suffix(".new")
        while not self._stopped.wait(_WRITE_SECONDS):
            try:
                fresh.write_text(json.dumps(self._own()), encoding="utf-8")
                fresh.replace(self._path)
            except OSError:
                # The spool has the same trouble and says so; these figures then come from each door alone.
                continue
