"""Asking an address of somebody else's: never one of a private network, never for long, never twice.

Merchants and partners tell us addresses that this machine then calls. Without care that lets them
reach what only this machine can reach (server-side request forgery). So the name is resolved here,
every address it stands for must be a public one, and the connection goes to exactly that address.
Redirects are not followed: the next address would have to be checked all over.
"""

import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import urllib3

from ledger.errors import Refusal

LONGEST_ADDRESS = 2_000
#: Of an answer this much is read and kept.
MOST_READ = 16_384

_PORTS = {"https": 443, "http": 80}
# RFC 6052: behind a NAT64 this reaches any IPv4 address, and Python calls all of it global.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Refusal):
    """An address that this network does not call; the message says why."""

    code = "address_refused"


class Unreachable(Exception):
    """Nobody answered; `code` says what stood in the way."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    body: str
    milliseconds: int
    headers: dict[str, str] = field(default_factory=dict)


def read_address(text: str, *, allow_local: bool, field: str = "url") -> str:
    """An address as it may be called. Raises AddressRefused. Whether it is a public one shows when it is called."""
    address = text.strip()
    if len(address) > LONGEST_ADDRESS:
        raise AddressRefused(f"The address is longer than {LONGEST_ADDRESS} characters.", field=field)
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise AddressRefused("This is no web address. Begin it with https://.", field=field) from None
    if parts.scheme not in ({"https", "http"} if allow_local else {"https"}):
        raise AddressRefused("The address must begin with https://.", field=field)
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise AddressRefused("The address must name a host, and no user or password.", field=field)
    if not allow_local:
        if port not in {None, 443, 8443}:
            raise AddressRefused("Only the ports 443 and 8443 are called.", field=field)
        if _is_private_literal(parts.hostname):
            raise AddressRefused("Addresses of private networks are not called. Use a public one.", field=field)
    return address


def ask(
    method: str,
    address: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    seconds: float = 10.0,
    allow_local: bool = False,
) -> Answer:
    """Call an address once. Raises AddressRefused and Unreachable; any status is an answer."""
    parts = urlsplit(read_address(address, allow_local=allow_local))
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    target = public_address_of(host, port, allow_local=allow_local)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    name = host if port == _PORTS[parts.scheme] else f"{host}:{port}"
    timeout = urllib3.Timeout(connect=min(seconds, 5.0), read=seconds, total=seconds)
    pool: urllib3.HTTPConnectionPool = (
        urllib3.HTTPSConnectionPool(target, port, timeout=timeout, server_hostname=host, assert_hostname=host)
        if parts.scheme == "https"
        else urllib3.HTTPConnectionPool(target, port, timeout=timeout)
    )
    since = time.monotonic()
    try:
        answer = pool.request(
            method, path, body=body or None, headers={"Host": name, **(headers or {})},
            redirect=False, retries=False, preload_content=False,
        )  # fmt: skip
        text = answer.read(MOST_READ, decode_content=True).decode("utf-8", "replace").replace("\0", "")
        answer.release_conn()
    except urllib3.exceptions.SSLError as error:
        raise Unreachable("certificate_refused", f"The certificate was refused: {error}"[:500]) from error
    except urllib3.exceptions.NewConnectionError as error:
        # A kind of timeout to the library, but somebody did answer: that there is nobody.
        raise Unreachable("not_connected", f"No connection: {error}"[:500]) from error
    except urllib3.exceptions.TimeoutError as error:
        raise Unreachable("timed_out", f"No answer within {seconds:.0f} seconds.") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Unreachable("not_connected", f"No connection: {error}"[:500]) from error
    finally:
        pool.close()
    kept = {key.lower(): value[:500] for key, value in list(answer.headers.items())[:40]}
    return Answer(answer.status, text, round((time.monotonic() - since) * 1000), kept)


def public_address_of(host: str, port: int, *, allow_local: bool = False) -> str:
    """The one address that is called for a host, when every address it stands for is public.

    `allow_local` admits this machine itself, for development. Raises AddressRefused, and Unreachable (name_unknown).
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable("name_unknown", f"The name {host} is not known.") from None
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    for address in addresses:
        if not _is_public(address) and not (allow_local and ipaddress.ip_address(address).is_loopback):
            raise AddressRefused(
                f"{host} stands for an address of a private network, which is not called.", field="url"
            )
    return addresses[0]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        # An IPv4 address in the clothes of an IPv6 one: mapped, 6to4, Teredo, NAT64.
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return address.is_global and not address.is_multicast


def _is_private_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    return not _is_public(host)
