"""The stand-in's own clock: real time, a frozen moment, or real time moved by an offset."""

import time
from datetime import UTC, datetime
from typing import Any

from fakestripe.errors import Invalid
from fakestripe.store import Store


class Clock:
    """What `created` stamps, expiries and key pruning go by. Kept in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.load()

    def load(self) -> None:
        """Read what was set before a restart."""
        kept = self._store.setting("clock", {})
        self._frozen_at: float | None = kept.get("frozen_at")
        self._offset: float = kept.get("offset", 0.0)

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._offset if self._frozen_at is None else self._frozen_at

    def stamp(self) -> int:
        """Now in whole seconds, as v1 stamps objects."""
        return int(self.now())

    def set(self, moment: float, *, is_running: bool = False) -> None:
        """Go to a moment and stay there, or run on from it."""
        self._frozen_at, self._offset = (None, moment - time.time()) if is_running else (moment, 0.0)
        self._keep()

    def advance(self, seconds: float) -> None:
        """Go forward (or back), running or frozen as before."""
        if self._frozen_at is None:
            self._offset += seconds
        else:
            self._frozen_at += seconds
        self._keep()

    def reset(self) -> None:
        """Back to real time."""
        self._frozen_at, self._offset = None, 0.0
        self._keep()

    def state(self) -> dict[str, Any]:
        """What the control surface shows."""
        mode = "frozen" if self._frozen_at is not None else "offset" if self._offset else "real"
        return {
            "mode": mode,
            "now": self.now(),
            "now_iso": rfc3339(self.now()),
            "offset": self._offset,
        }

    def _keep(self) -> None:
        self._store.set("clock", {"frozen_at": self._frozen_at, "offset": self._offset})


def rfc3339(moment: float) -> str:
    """A moment as v2 writes it: UTC with milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_moment(value: Any) -> float:
    """A number of seconds since 1970, or an ISO 8601 text with its zone. Raises Invalid."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise Invalid(400, f"Not a moment: {value!r}") from None
    if moment.tzinfo is None:
        raise Invalid(400, f"A moment needs its zone: {value!r}")
    return moment.timestamp()
