"""Who asks: the visitor's own id in a first-party cookie, and the address they come from."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from granian.rsgi import Scope

VISITOR_COOKIE = "afv"
CLICK_COOKIE = "afc"
#: The last impression's, so that it can never be taken for a click's.
VIEW_COOKIE = "afw"
COOKIE_SECONDS = 365 * 24 * 60 * 60

_VISITOR_ID = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")
_VISITOR = re.compile(rf"(?:^|[;\s]){VISITOR_COOKIE}=([0-7][0-9a-hjkmnp-tv-z]{{25}})(?:;|$)")


def visitor_of(cookie: str | None) -> str | None:
    """The visitor's id in a Cookie header, or None when it carries none of ours."""
    if cookie is None:
        return None
    found = _VISITOR.search(cookie)
    return None if found is None else found[1]


def is_visitor_id(text: object) -> bool:
    """Whether a text is a visitor's id as our cookie holds it."""
    return isinstance(text, str) and _VISITOR_ID.fullmatch(text) is not None


def cookie_ending(*, is_secure: bool) -> str:
    """What follows the value in our cookies: first-party, out of reach of scripts, a year long."""
    secure = "; Secure" if is_secure else ""
    return f"; Max-Age={COOKIE_SECONDS}; Path=/; HttpOnly; SameSite=Lax{secure}"


def host_of(scope: "Scope") -> str:
    """The host a request names, in small letters and without its port."""
    host: str = scope.authority or scope.headers.get("host") or ""
    return host.partition(":")[0].removesuffix(".").lower()


def address_of(client: str) -> str:
    """The host part of `host:port`."""
    return client.rpartition(":")[0] or client


def forwarded_address(client: str, headers: Iterable[tuple[str, str]], trusted_proxies: int) -> str:
    """The visitor's address behind so many proxies of ours, each of which appended its caller.

    What stands further left was written by the visitor and is not believed.
    """
    hops: list[str] = []
    for name, value in headers:
        if name == "x-forwarded-for":
            hops += [hop.strip() for hop in value.split(",")]
    if not hops:
        return address_of(client)
    return hops[-trusted_proxies] if len(hops) >= trusted_proxies else hops[0]
