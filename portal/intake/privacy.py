"""What the inbox may not keep in clear: customers' e-mail addresses, and keys.

An address is replaced by a keyed pseudonym under a domain that cannot exist. Read again, the
pseudonym gives the same customer as the address did, so a kept request can be replayed.
"""

import re
from urllib.parse import unquote_to_bytes

from tracking.pseudonyms import customer_of_address

_AT_SIGN = re.compile(rb"@|%40|\\u0040", re.IGNORECASE)
_AROUND = frozenset(b" \t\r\n\"'<>()[]{},;:&=?/\\|")
_LONGEST_LOCAL, _LONGEST_DOMAIN = 128, 255

_SECRET = re.compile(rb"((?:sk_live|sk_test|pk)_[0-9a-f]{8})_[A-Za-z0-9_-]+")
_KEY_PARAMETER = re.compile(rb"((?:^|[?&])key=)([^&\s]*)", re.IGNORECASE)
_KEY_MEMBER = re.compile(rb'("key"\s*:\s*")([^"]*)', re.IGNORECASE)
_PREFIX = re.compile(rb"(?:sk_live|sk_test|pk)_[0-9a-f]{8}(?=_|$)")


def hide_address(text: str) -> str:
    """A text with every e-mail address in it replaced."""
    return hide_addresses(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace") if "@" in text else text


def hide_addresses(body: bytes) -> bytes:
    """A body with every e-mail address in it replaced, whether it is JSON, a form or nothing readable."""
    kept: list[bytes] = []
    done = 0
    for sign in _AT_SIGN.finditer(body):
        start, end = sign.span()
        if start < done:
            continue
        first, last = start, end
        while first > done and start - first < _LONGEST_LOCAL and body[first - 1] not in _AROUND:
            first -= 1
        while last < len(body) and last - end < _LONGEST_DOMAIN and body[last] not in _AROUND:
            last += 1
        if first == start or last == end:
            continue
        address = unquote_to_bytes(body[first:start]) + b"@" + unquote_to_bytes(body[end:last])
        name = customer_of_address(address.decode("utf-8", "replace"))
        kept += [body[done:first], name.encode(), b"@hidden.invalid"]
        done = last
    return b"".join([*kept, body[done:]])


def hide_keys(body: bytes) -> bytes:
    """A body or address with every key in it cut down to its public prefix."""
    body = _SECRET.sub(rb"\1_***", body)
    body = _KEY_PARAMETER.sub(_cut_key, body)
    return _KEY_MEMBER.sub(_cut_key, body)


def _cut_key(found: "re.Match[bytes]") -> bytes:
    prefix = _PREFIX.match(found[2])
    return found[1] + (prefix[0] if prefix else b"***" if found[2] else b"")
