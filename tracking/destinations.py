"""Where a click may lead: pure checks on addresses, shared by the click door and the link verbs.

The rule (fault 34): https only, host inside the program's list or below an entry of it, no
user-info, no backslash, no `//` in the path, no control character, internationalised hosts
compared in their ASCII form. An address that passes is handed on *rewritten* (ASCII host,
path and query percent-encoded), so that no browser can read it differently from us.
"""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote_plus

import idna

from ledger.errors import Refusal

LONGEST_ADDRESS = 2_000
CLICK_ID_PARAMETER = "click_id"
# The public form of a click id, `clk_` and 26 signs, has this length.
CLICK_ID_LENGTH = 30

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1"})
_PARTS = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_UNSEEN = re.compile("[\x00-\x1f\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb]")
_ASCII_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SAFE = "!$&'()*+,;=:@/?-._~%"


class DestinationRefused(Refusal):
    """The address may not be redirected to; `code` says why.

    Codes: destination_unreadable, destination_not_https, destination_has_userinfo,
    destination_host_unreadable, destination_host_not_allowed, destination_too_long.
    """

    code = "destination_refused"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code, field="destination")


class Destination(NamedTuple):
    """An address that passed the checks, cut where the click id belongs."""

    url: str
    host: str
    before: str
    after: str

    def with_click_id(self, click_id: str) -> str:
        """The address with `click_id` among its parameters."""
        return f"{self.before}{click_id}{self.after}"


def ascii_host(host: str) -> str:
    """A host name as DNS sees it: lower case, ASCII, no final dot. Raises DestinationRefused."""
    name = host.removesuffix(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True, transitional=False).decode("ascii")
        except UnicodeError:
            name = ""
    if len(name) > 253 or not _ASCII_HOST.fullmatch(name):
        raise DestinationRefused("destination_host_unreadable", f"{host[:80]!r} is no host name.")
    return name


def is_this_machine(host: str) -> bool:
    """Whether an ASCII host is the machine itself: names under .localhost are too (RFC 6761 §6.3)."""
    return host in _LOCAL_HOSTS or host.endswith(".localhost")


def is_host_allowed(host: str, allowed_hosts: Collection[str], *, port: str = "", allow_local: bool = False) -> bool:
    """Whether an ASCII host is one of the allowed ones or below one of them.

    An entry without a dot (`com`) allows nothing. A port other than https's own must be
    in the entry (`shop.example:8443`), except on this machine itself.
    """
    is_local = is_this_machine(host)
    if is_local and not allow_local:
        return False
    for entry in allowed_hosts:
        name, _, entry_port = entry.partition(":")
        try:
            name = ascii_host(name.removeprefix("*."))
        except DestinationRefused:
            continue
        if is_local:
            is_below = "." in name and host.endswith(f".{name}")
            if (host == name or is_below) and entry_port in {"", port}:
                return True
        elif "." in name and entry_port == port and (host == name or host.endswith(f".{name}")):
            return True
    return False


def read_destination(url: str, *, allowed_hosts: Collection[str] | None, allow_local: bool = False) -> Destination:
    """The address made safe to redirect to, or DestinationRefused.

    `allowed_hosts` None leaves the host open (a program's own landing page); `allow_local`
    admits http and this machine's own names, for development.
    """
    if len(url) > LONGEST_ADDRESS:
        raise DestinationRefused("destination_too_long", f"An address has at most {LONGEST_ADDRESS} characters.")
    parts = _PARTS.fullmatch(url)
    if parts is None or "\\" in url or _UNSEEN.search(url) or "//" in (parts["path"] or ""):
        raise DestinationRefused("destination_unreadable", "This is no plain https:// address.")
    host, port = _host_and_port(parts["authority"])
    is_local = allow_local and is_this_machine(host)
    scheme = parts["scheme"].lower()
    if scheme != "https" and not is_local:
        raise DestinationRefused("destination_not_https", "The address must begin with https://.")
    if port == {"https": "443", "http": "80"}[scheme]:
        port = ""
    if allowed_hosts is None:
        is_allowed = is_local or ("." in host and not is_this_machine(host))
    else:
        is_allowed = is_host_allowed(host, allowed_hosts, port=port, allow_local=allow_local)
    if not is_allowed:
        raise DestinationRefused("destination_host_not_allowed", f"{host} is not among the program's hosts.")
    base = f"{scheme}://{host}{f':{port}' if port else ''}{_percent_encoded(parts['path'] or '/')}"
    return _cut(base, host, _percent_encoded(parts["query"] or ""), parts["fragment"])


def _host_and_port(authority: str) -> tuple[str, str]:
    """The two halves of `host:port`; refuses user-info and odd ports."""
    if "@" in authority:
        raise DestinationRefused("destination_has_userinfo", "The address must not carry a user name.")
    name, colon, port = authority.partition(":")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        raise DestinationRefused("destination_host_unreadable", f"{authority[:80]!r} has no port.")
    return ascii_host(name), str(int(port)) if port else ""


def _percent_encoded(text: str) -> str:
    """The text in the characters an address may have; what is encoded already stays as it is."""
    return quote(_BAD_PERCENT.sub("%25", text), safe=_SAFE, errors="replace")


def _cut(base: str, host: str, query: str, fragment: str | None) -> Destination:
    """The address split around the click id; a click_id of somebody else's is left out."""
    kept = _without_click_id(query.split("&")) if query else []
    before = f"{base}?{'&'.join([*kept, f'{CLICK_ID_PARAMETER}='])}"
    after = "" if fragment is None else f"#{_percent_encoded(fragment)}"
    url = f"{base}?{'&'.join(kept)}{after}" if kept else f"{base}{after}"
    if len(before) + CLICK_ID_LENGTH + len(after) > LONGEST_ADDRESS:
        raise DestinationRefused(
            "destination_too_long",
            f"With its click id the address would pass {LONGEST_ADDRESS} characters.",
        )
    return Destination(url=url, host=host, before=before, after=after)


def _without_click_id(fields: Sequence[str]) -> list[str]:
    """The query's fields but for `click_id`, untouched and in their order."""
    return [field for field in fields if unquote_plus(field.partition("=")[0]) != CLICK_ID_PARAMETER]
