"""The open list of crawlers (package crawler-user-agents, features F7 and C21), and an operator's own.

1,500 patterns take some hundred microseconds a user agent, so the list is asked after the answer, by
the drain, and each verdict is remembered: few user agents make most clicks.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

_PATTERNS_TOGETHER = 50
_MOST_REMEMBERED = 100_000
# Telephones and browsers whose names hold a crawler's.
_NO_CRAWLERS = re.compile(r"cubot", re.IGNORECASE)


class Crawlers:
    """Says whether a user agent is on the list of known crawlers."""

    __slots__ = ("_own", "_verdicts")

    def __init__(self, own: Iterable[str] = ()) -> None:
        """`own` are further names, looked for in user agents without regard to case."""
        self._own = tuple(name.lower() for name in own if name.strip())
        self._verdicts: dict[str, bool] = {}

    @classmethod
    def from_file(cls, path: Path | None) -> "Crawlers":
        """The open list and the names in a file: one a line, `#` begins a remark; of the IAB's own
        format (fields between bars) the first field is taken. Raises OSError.
        """
        if path is None:
            return cls()
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        names = (line.partition("|")[0].strip() for line in lines if not line.lstrip().startswith("#"))
        return cls(name for name in names if len(name) > 2)

    def has(self, user_agent: str) -> bool:
        """Whether this user agent is a crawler's."""
        verdict = self._verdicts.get(user_agent)
        if verdict is None:
            verdict = self._is_listed(user_agent)
            if len(self._verdicts) >= _MOST_REMEMBERED:
                self._verdicts.clear()
            self._verdicts[user_agent] = verdict
        return verdict

    def _is_listed(self, user_agent: str) -> bool:
        lower = user_agent.lower()
        if any(name in lower for name in self._own):
            return True
        plain = _NO_CRAWLERS.sub("", user_agent)
        return any(pattern.search(plain) for pattern in _patterns())


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """The open list, compiled once in a process, many patterns in one."""
    patterns = [entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA]
    return tuple(
        re.compile("|".join(patterns[start : start + _PATTERNS_TOGETHER]))
        for start in range(0, len(patterns), _PATTERNS_TOGETHER)
    )
