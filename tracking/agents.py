"""Who follows a link: the cheap checks that decide whether a click counts.

A click that does not count is recorded all the same, with its reason, and its visitor is
redirected like any other (faults 32 and 33). Finer judgement belongs after the answer.
"""

import re
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
    ) -> str:
        """The reason's code, or an empty text when the click counts. Arguments are header values."""
        if method == "HEAD":
            return "head_request"
        if sec_purpose or purpose or x_moz:
            values = f"{sec_purpose} {purpose} {x_moz}".lower()
            if "prefetch" in values or "prerender" in values or "preview" in values:
                return "prefetch"
        if fetch_dest is not None and fetch_dest != "document":
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
