"""What the drain finds out about a click after its visitor was answered.

Country (from an operator's MaxMind file), device, browser and system, and the rules against invalid
traffic that are too dear for the click door: the Media Rating Council's "general invalid traffic",
found by lists and parameters (feature F7). Free of Django; each instance belongs to one thread.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from tracking.crawlers import Crawlers
from tracking.devices import Agent, agent_of
from tracking.geography import Countries, Networks

logger = logging.getLogger("drain")

DEFAULT_ACTIVITY_LIMIT = 600
_MOST_REMEMBERED = 200_000
_BROWSER = ("Mozilla/", "Opera/", "Dalvik/")
# A browser names itself and its system; these have only the name, or what no browser ever sent.
_BARE = re.compile(r"(?:mozilla|opera)/\d+(?:\.\d+)*[\s;]*", re.IGNORECASE)
_FORGED = re.compile(
    r"[<>{}]|\$\(|user-agent\s*:|\bselect\b.+\bfrom\b|%00|\\x|(?:chrome|firefox|version)/0*[5-9]\d\d\b", re.IGNORECASE
)
_WINDOWS, _APPLE, _ANDROID = "windows nt", ("iphone", "macintosh", "ipad"), "android"


@dataclass(frozen=True, slots=True)
class Sources:
    """Which files and limits an operator has set; None and 0 switch a check off."""

    geoip: Path | None = None
    datacenters: Path | None = None
    crawlers: Path | None = None
    activity_limit: int = DEFAULT_ACTIVITY_LIMIT


class Enrichment:
    """Looks clicks up in the operator's files and in the open lists, remembering what it found."""

    def __init__(self, sources: Sources | None = None) -> None:
        self.sources = sources or Sources()
        self._countries = Countries(self.sources.geoip)
        self._networks = Networks.from_file(self.sources.datacenters)
        self._crawlers = _crawlers_of(self.sources.crawlers)
        self._reasons: dict[tuple[str, bool], str] = {}
        self._follows: dict[tuple[int, str, str], int] = {}
        self._stamps = self._files()

    def refreshed(self) -> "Enrichment":
        """This, or a new one when an operator has replaced a file."""
        return self if self._files() == self._stamps else Enrichment(self.sources)

    def country_of(self, ip: str) -> str:
        """The ISO 3166 code of an address's country, or an empty text."""
        return self._countries.country_of(ip)

    def agent_of(self, user_agent: str) -> Agent:
        """Device, browser and system."""
        return agent_of(user_agent)

    def reason_not_to_count(self, user_agent: str, language: str, ip: str, second: int) -> str:
        """Why a click that the door let pass does not count after all, or nothing.

        `second` is the click's, since 1970: activity is counted by the clock's hour.
        """
        key = (user_agent, bool(language))
        reason = self._reasons.get(key)
        if reason is None:
            reason = self._agent_reason(user_agent, has_language=bool(language))
            if len(self._reasons) >= _MOST_REMEMBERED:
                self._reasons.clear()
            self._reasons[key] = reason
        if reason or not ip:
            return reason
        if self._networks.has(ip):
            return "datacenter"
        return self._activity_reason(ip, user_agent, second)

    def _agent_reason(self, user_agent: str, *, has_language: bool) -> str:
        if self._crawlers.has(user_agent):
            return "crawler"
        if is_impossible(user_agent):
            return "impossible_agent"
        if not has_language and not user_agent.startswith(_BROWSER):
            return "no_language"
        return ""

    def _activity_reason(self, ip: str, user_agent: str, second: int) -> str:
        """Whether one address with one program follows more links in an hour than people do."""
        limit = self.sources.activity_limit
        if not limit:
            return ""
        key = (second // 3600, ip, user_agent)
        count = self._follows.get(key, 0) + 1
        if len(self._follows) >= _MOST_REMEMBERED and key not in self._follows:
            self._follows.clear()
        self._follows[key] = count
        return "activity" if count > limit else ""

    def _files(self) -> tuple[tuple[int, int] | None, ...]:
        """When the operator's files were changed, and their sizes."""
        paths = (self.sources.geoip, self.sources.datacenters, self.sources.crawlers)
        return tuple(map(_stamp_of, paths))


def is_impossible(user_agent: str) -> bool:
    """Whether no browser can have this user agent: a bare name, two systems at once, forged signs."""
    if _BARE.fullmatch(user_agent) or _FORGED.search(user_agent):
        return True
    lower = user_agent.lower()
    if _WINDOWS in lower:
        return _ANDROID in lower or any(name in lower for name in _APPLE)
    return _ANDROID in lower and "macintosh" in lower


def _crawlers_of(path: Path | None) -> Crawlers:
    try:
        return Crawlers.from_file(path)
    except OSError:
        logger.exception("%s gives no crawlers; the open list is used alone", path)
        return Crawlers()


def _stamp_of(path: Path | None) -> tuple[int, int] | None:
    try:
        found = None if path is None else path.stat()
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size)
