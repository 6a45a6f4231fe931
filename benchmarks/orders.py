"""A load of orders on raw sockets: as fast as they are answered, one to a request or many."""

import argparse
import json
import secrets
import select
import socket
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

_PATIENCE = 30.0


@dataclass(slots=True)
class Heard:
    """What one run heard."""

    requests: int
    orders: int
    seconds: float
    p50_ms: float
    p99_ms: float
    #: Answers by status; orders by verdict are the benchmark's to count in the database.
    statuses: dict[str, int] = field(default_factory=dict)


def order(number: int, prefix: str, clicks: list[str], at: str) -> dict[str, object]:
    """An order like any shop's: a click, a customer, two items."""
    return {
        "order_id": f"{prefix}-{number}",
        "amount": f"{20 + number % 180}.{number % 100:02d}",
        "currency": "USD",
        "click_id": clicks[number * 7919 % len(clicks)],
        "occurred_at": at,
        "customer": {"id": f"c-{number % 50_000}", "status": "returning", "country": "DE"},
        "items": [
            {"sku": "PRO-1", "category": "plans", "quantity": 1, "amount": f"{10 + number % 90}.00"},
            {"sku": "ADD-7", "category": "extras", "quantity": 2, "amount": "5.00"},
        ],
    }


def request_of(orders: list[dict[str, object]], key: str) -> bytes:
    """The request that reports orders."""
    body = json.dumps(orders[0] if len(orders) == 1 else {"conversions": orders}, separators=(",", ":")).encode()
    path = "/api/v1/conversions" + ("" if len(orders) == 1 else "/batch")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: shop/1.0\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def run(port: int, requests: list[bytes], *, size: int, seconds: float, connections: int) -> Heard:
    """Send requests for so long, or until there are none left."""
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    buffers: dict[int, bytes] = {}
    since: dict[int, float] = {}
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    left = iter(requests)
    start = time.perf_counter()
    end = start + seconds

    def send(key: int) -> bool:
        following = next(left, None)
        if following is None or time.perf_counter() >= end:
            return False
        since[key], buffers[key] = time.perf_counter(), b""
        sockets[key].sendall(following)
        return True

    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(connection.fileno(), select.EPOLLIN)
        sockets[connection.fileno()] = connection
    busy = {key for key in sockets if send(key)}
    while busy:
        ready = poll.poll(_PATIENCE)
        if not ready:
            raise SystemExit(f"no answer within {_PATIENCE:g} seconds")
        for key, _ in ready:
            got = sockets[key].recv(1 << 20)
            if not got:
                raise SystemExit("the server hung up")
            buffers[key] += got
            if not _is_whole(buffers[key]):
                continue
            latencies.append(time.perf_counter() - since[key])
            statuses[buffers[key][9:12].decode()] += 1
            if not send(key):
                busy.discard(key)
    took = time.perf_counter() - start
    for connection in sockets.values():
        connection.close()
    latencies.sort()
    if len(latencies) == len(requests) and took < seconds * 0.9:
        print(f"only {len(requests)} requests were made ready; {took:.1f} s", file=sys.stderr)
    return Heard(
        requests=len(latencies),
        orders=len(latencies) * size,
        seconds=took,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1000,
        statuses=dict(statuses),
    )


def _is_whole(answer: bytes) -> bool:
    head, sign, body = answer.partition(b"\r\n\r\n")
    if not sign:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return answer.endswith(b"0\r\n\r\n")


def main() -> None:
    """One run in a process of its own, so that it can be pinned; prints what was heard as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--size", type=int, required=True, help="orders in a request")
    parser.add_argument("--ready", type=int, required=True, help="requests to make ready")
    parser.add_argument("--key", required=True)
    parser.add_argument("--clicks", type=Path, required=True)
    options = parser.parse_args()
    clicks, prefix, numbers = options.clicks.read_text().split(), secrets.token_hex(4), count()
    at = datetime.now(UTC).isoformat()
    requests = [
        request_of([order(next(numbers), prefix, clicks, at) for _ in range(options.size)], options.key)
        for _ in range(options.ready)
    ]
    heard = run(options.port, requests, size=options.size, seconds=options.seconds, connections=options.connections)
    json.dump(asdict(heard), sys.stdout)


if __name__ == "__main__":
    main()
