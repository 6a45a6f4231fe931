"""A small MaxMind file (format 2.0) of the test's own, written by hand."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path


def write_countries(path: Path, networks: Mapping[str, str]) -> Path:
    """A file that says in which country each IPv4 network is: `{"203.0.113.0/24": "DE"}`."""
    data, offsets = b"", {}
    for code in sorted(set(networks.values())):
        offsets[code] = len(data)
        data += _map({"country": _map({"iso_code": _text(code)})})
    nodes: list[list[int | str | None]] = [[None, None]]
    for text, code in networks.items():
        network = ipaddress.IPv4Network(text)
        bits = [int(network.network_address) >> (31 - number) & 1 for number in range(network.prefixlen)]
        place = 0
        for bit in bits[:-1]:
            following = nodes[place][bit]
            if not isinstance(following, int):
                nodes.append([None, None])
                following = nodes[place][bit] = len(nodes) - 1
            place = following
        nodes[place][bits[-1]] = code
    count = len(nodes)
    tree = b"".join(
        (count if record is None else record if isinstance(record, int) else count + 16 + offsets[record]).to_bytes(3)
        for node in nodes
        for record in node
    )
    metadata = {
        "node_count": bytes([6 << 5 | 4]) + count.to_bytes(4),
        "record_size": _short(24),
        "ip_version": _short(4),
        "database_type": _text("Test-Country"),
        "languages": bytes([0, 4]),
        "binary_format_major_version": _short(2),
        "binary_format_minor_version": _short(0),
        "build_epoch": bytes([8, 2]) + (1_790_000_000).to_bytes(8),
        "description": _map({}),
    }
    path.write_bytes(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _map(metadata))
    return path


def _map(values: Mapping[str, bytes]) -> bytes:
    return bytes([7 << 5 | len(values)]) + b"".join(_text(name) + value for name, value in values.items())


def _text(text: str) -> bytes:
    # Lengths from 29 on stand in a byte of their own.
    length = len(text)
    return (bytes([2 << 5 | length]) if length < 29 else bytes([2 << 5 | 29, length - 29])) + text.encode()


def _short(number: int) -> bytes:
    return bytes([5 << 5 | 2]) + number.to_bytes(2)
