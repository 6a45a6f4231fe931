"""Fetching a file from an address of somebody else's, by the rules of affiliates/outside.py: never a private network, never for long, never too much."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

from affiliates.outside import Unreachable, public_address_of, read_address

_PORTS = {"https": 443, "http": 80}
_CHUNK = 65_536


class TooLarge(Unreachable):
    """The file is larger than is read; nothing of it was kept."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file, or an answer without one."""

    status: int
    content: bytes
    headers: dict[str, str]


def fetch_file(
    address: str,
    *,
    headers: Mapping[str, str] | None = None,
    most_bytes: int,
    seconds: float,
    allow_local: bool = False,
) -> Fetched:
    """GET an address once and read at most `most_bytes` of it, unpacked, in at most `seconds` in all.

    Raises AddressRefused, and Unreachable (`name_unknown`, `not_connected`, `certificate_refused`, `timed_out`, and
    TooLarge with `file_too_large`). Redirects are not followed: their status is the answer.
    """
    parts = urlsplit(read_address(address, allow_local=allow_local))
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    target = public_address_of(host, port, allow_local=allow_local)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    name = host if port == _PORTS[parts.scheme] else f"{host}:{port}"
    timeout = urllib3.Timeout(connect=min(seconds, 5.0), read=min(seconds, 15.0))
    pool: urllib3.HTTPConnectionPool = (
        urllib3.HTTPSConnectionPool(target, port, timeout=timeout, server_hostname=host, assert_hostname=host)
        if parts.scheme == "https"
        else urllib3.HTTPConnectionPool(target, port, timeout=timeout)
    )
    until = time.monotonic() + seconds
    try:
        answer = pool.request(
            "GET", path, headers={"Host": name, "Accept-Encoding": "gzip", **(headers or {})},
            redirect=False, retries=False, preload_content=False,
        )  # fmt: skip
        said = {key.lower(): value[:500] for key, value in list(answer.headers.items())[:40]}
        content = _read(answer, most_bytes, until=until, seconds=seconds) if answer.status == 200 else b""
        return Fetched(answer.status, content, said)
    except urllib3.exceptions.SSLError as error:
        raise Unreachable("certificate_refused", f"The certificate was refused: {error}"[:500]) from error
    except urllib3.exceptions.NewConnectionError as error:
        raise Unreachable("not_connected", f"No connection: {error}"[:500]) from error
    except urllib3.exceptions.TimeoutError as error:
        raise Unreachable("timed_out", f"No answer within {seconds:.0f} seconds.") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Unreachable("not_connected", f"The connection broke: {error}"[:500]) from error
    finally:
        pool.close()


def _read(answer: urllib3.BaseHTTPResponse, most_bytes: int, *, until: float, seconds: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    # read1 hands over what has come, where stream would wait for a whole piece of a slow drip.
    while piece := answer.read1(_CHUNK, decode_content=True):
        size += len(piece)
        if size > most_bytes:
            raise TooLarge("file_too_large", f"The file is larger than {most_bytes // 1_000_000} MB.")
        if time.monotonic() > until:
            raise Unreachable("timed_out", f"The file did not come within {seconds:.0f} seconds.")
        pieces.append(piece)
    return b"".join(pieces)
