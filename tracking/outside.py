"""Looking at other people's pages: politely, and never into a private network.

Every address of a host has to be public, the connection is made to the very address that was
checked (so that DNS cannot change its mind in between), and each redirect is checked again.
"""

import http.client
import socket
import ssl
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from affiliates.outside import AddressRefused, Unreachable, public_address_of

AGENT = "Mozilla/5.0 (compatible; affiliate-link-check/1.0)"
SECONDS_TO_WAIT = 5.0
_MOST_REDIRECTS = 5
_ASK_AGAIN_WITH_GET = frozenset({400, 403, 404, 405, 501})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

#: Codes of what can be wrong with a page.
NOT_FOUND = "page_not_found"
SERVER_ERROR = "page_error"
NO_SUCH_HOST = "host_unknown"
NO_ANSWER = "no_answer"
BAD_CERTIFICATE = "certificate_invalid"
PRIVATE_ADDRESS = "private_address"
ROUND_AND_ROUND = "too_many_redirects"
UNREADABLE = "address_unreadable"
REASONS = (
    NOT_FOUND,
    SERVER_ERROR,
    NO_SUCH_HOST,
    NO_ANSWER,
    BAD_CERTIFICATE,
    PRIVATE_ADDRESS,
    ROUND_AND_ROUND,
    UNREADABLE,
)


class Look(NamedTuple):
    """How a page answered: its last HTTP status (0 without an answer), and what is wrong (empty: it is there)."""

    status: int
    reason: str


def look_at(url: str, *, allow_local: bool = False, seconds: float = SECONDS_TO_WAIT) -> Look:
    """Asks for a page, following redirects. A page that wants a log-in or no machines is there all the same.

    `allow_local` admits this machine itself, for development.
    """
    status = 0
    for _hop in range(_MOST_REDIRECTS + 1):
        try:
            status, where = _ask(url, "HEAD", allow_local=allow_local, seconds=seconds)
            if status in _ASK_AGAIN_WITH_GET:
                status, where = _ask(url, "GET", allow_local=allow_local, seconds=seconds)
        except AddressRefused:
            return Look(0, PRIVATE_ADDRESS)
        except Unreachable:
            return Look(0, NO_SUCH_HOST)
        except ssl.SSLCertVerificationError:
            return Look(0, BAD_CERTIFICATE)
        except (ValueError, UnicodeError):
            return Look(status, UNREADABLE)
        except (OSError, http.client.HTTPException):
            return Look(0, NO_ANSWER)
        if status not in _REDIRECTS or not where:
            return Look(status, _reason_of(status))
        url = urljoin(url, where)
    return Look(status, ROUND_AND_ROUND)


def _ask(url: str, method: str, *, allow_local: bool, seconds: float) -> tuple[int, str]:
    """One request: the status and where it leads. Raises what can go wrong."""
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise ValueError("no web address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = public_address_of(host, port, allow_local=allow_local)
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        plain = socket.create_connection((address, port), timeout=seconds)
        connection.sock = (
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) if parts.scheme == "https" else plain
        )
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        name = host if parts.port is None else f"{host}:{port}"
        headers = {"Host": name, "User-Agent": AGENT, "Accept": "*/*", "Connection": "close"}
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location") or ""
    finally:
        connection.close()


def _reason_of(status: int) -> str:
    if status in {404, 410}:
        return NOT_FOUND
    return SERVER_ERROR if status >= 500 else ""
