"""Who follows a link: the cheap checks that decide whether a click counts.

A click that does not count is recorded all the same, with its reason, and its visitor is
redirected like any other (faults 32 and 33). Finer judgement belongs after the answer.
"""

import re
from functools import lru_cache
from typing import NamedTuple

# Signs of programs that are no browsers, looked for in the lower-case user agent.
_TOKENS = (
    *(
        "crawl",
        "spider",
        "slurp",
        "archiver",
        "preview",
        "scanner",
        "monitor",
        "headless",
        "phantomjs",
    ),
    *("facebookexternalhit", "facebot", "whatsapp", "telegram", "embedly", "mediapartners"),
    *("google-inspection", "google-read", "google-safety", "google-extended", "duckduck"),
    *("pingdom", "uptime", "statuscake", "lighthouse", "pagespeed", "gtmetrix"),
    *(
        "curl/",
        "wget",
        "libwww",
        "python-",
        "python/",
        "aiohttp",
        "httpx",
        "okhttp",
        "go-http-client",
    ),
    *(
        "java/",
        "apache-http",
        "axios",
        "node-fetch",
        "undici",
        "guzzle",
        "ruby/",
        "perl/",
        "scrapy",
    ),
    *("postman", "insomnia", "httpie", "zgrab", "masscan", "nmap", "nikto"),
)
# "bot" at the end of a word or before a version, but not the telephones of Cubot.
_BOT = re.compile(r"(?<!cu)bot(?![a-z])")
_MOST_REMEMBERED = 20_000

DESKTOP, MOBILE, TABLET, OTHER = "desktop", "mobile", "tablet", "other"
_TELEVISION = re.compile(
    r"smart-?tv|googletv|appletv|hbbtv|tizen.*tv|bravia|roku|playstation|xbox|nintendo", re.IGNORECASE
)
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook|android(?!.*mobi)", re.IGNORECASE)
_MOBILE = re.compile(r"mobi|iphone|ipod|android|windows phone|blackberry|opera mini", re.IGNORECASE)
_DESKTOP = re.compile(r"windows nt|macintosh|x11|cros |linux|windows 9|openbsd|freebsd", re.IGNORECASE)


class Judgement(NamedTuple):
    """Whether a click counts, and if not, why: a code of the closed list in docs/click-door.md."""

    is_counted: bool
    reason: str


COUNTED = Judgement(is_counted=True, reason="")


class Agents:
    """Judges requests; remembers its verdict on a user agent, since few of them make most clicks."""

    __slots__ = ("_reasons",)

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def reason_not_to_count(
        self,
        method: str,
        user_agent: str | None,
        sec_purpose: str | None = None,
        purpose: str | None = None,
        x_moz: str | None = None,
        fetch_dest: str | None = None,
        *,
        wanted_dest: str = "document",
    ) -> str:
        """The reason's code, or an empty text when the touch counts. Arguments are header values.

        `wanted_dest` is where a browser shows what was asked for: a document, or an image for an impression.
        """
        if method == "HEAD":
            return "head_request"
        if sec_purpose or purpose or x_moz:
            values = f"{sec_purpose} {purpose} {x_moz}".lower()
            if "prefetch" in values or "prerender" in values or "preview" in values:
                return "prefetch"
        if fetch_dest is not None and fetch_dest != wanted_dest:
            return "not_a_page"
        if not user_agent:
            return "no_user_agent"
        reason = self._reasons.get(user_agent)
        if reason is None:
            reason = "bot" if _is_program(user_agent.lower()) else ""
            if len(self._reasons) >= _MOST_REMEMBERED:
                self._reasons.clear()
            self._reasons[user_agent] = reason
        return reason


@lru_cache(maxsize=50_000)
def device_of(user_agent: str) -> str:
    """The kind of device: desktop, mobile, tablet or other; empty without a user agent."""
    if not user_agent:
        return ""
    if _TELEVISION.search(user_agent):
        return OTHER
    if _TABLET.search(user_agent):
        return TABLET
    if _MOBILE.search(user_agent):
        return MOBILE
    return DESKTOP if _DESKTOP.search(user_agent) else OTHER


def _is_program(agent: str) -> bool:
    """Whether a lower-case user agent names a crawler, a monitor or an HTTP library."""
    return _BOT.search(agent) is not None or any(token in agent for token in _TOKENS)


def judge_agent(
    method: str,
    user_agent: str | None,
    sec_purpose: str | None = None,
    purpose: str | None = None,
    x_moz: str | None = None,
    fetch_dest: str | None = None,
) -> Judgement:
    """Whether a request with these header values counts as a click."""
    reason = Agents().reason_not_to_count(method, user_agent, sec_purpose, purpose, x_moz, fetch_dest)
    return Judgement(is_counted=False, reason=reason) if reason else COUNTED
