"""A small load generator on raw sockets: as fast as answers come, or at a fixed rate.

At a fixed rate a request's latency runs from the moment it was due, not from the moment a
connection was free for it, so that a stalled server cannot hide behind its own slowness.
"""

import argparse
import json
import select
import socket
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass

BROWSER_HEADERS = (
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\n"
    "Referer: https://blog.example/a-long-review-of-things\r\n"
    "Sec-Fetch-Dest: document\r\n"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of visitor: the link's parameters, another user agent, cookies."""

    query: str
    agent: str = ""
    cookie: str = ""


def kinds() -> list[Kind]:
    """Of twenty visitors one is a robot, one comes by telephone, two said no to cookies, one said nothing
    and the others agreed; eight of these have been here before (480 different ones in all).
    """
    found = []
    for group in range(60):
        before = [f"afv=01a207c3{group:02d}{number:02d}nf159yx9n8c1hq" for number in range(8)]
        found += [
            Kind(
                "sub1=newsletter&cons=1",
                agent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            ),
            Kind(
                "sub1=app&cons=1",
                agent="Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/142.0.0.0 Mobile Safari/537.36",
            ),
            *[Kind("sub1=newsletter&cons=0")] * 2,
            Kind("sub1=newsletter"),
            *(Kind("sub1=newsletter&cons=1", cookie=cookie) for cookie in before),
            *[Kind("sub1=newsletter&cons=1")] * 7,
        ]
    return found


@dataclass(slots=True)
class Heard:
    """What a run of load heard back."""

    requests: int
    seconds: float
    errors: int
    p50_ms: float
    p99_ms: float


def request_for(number: int, port: int, kind: Kind) -> bytes:
    """The request for one of the benchmark's links."""
    headers = BROWSER_HEADERS
    if kind.agent:
        headers = f"User-Agent: {kind.agent}\r\n{headers.partition(chr(10))[2]}"
    if kind.cookie:
        headers += f"Cookie: {kind.cookie}\r\n"
    return f"GET /r/c{number}?{kind.query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n".encode()


def run(port: int, *, seconds: float, connections: int, links: int, rate: float | None) -> Heard:
    """Sends requests for so long; `rate` requests a second, or as many as are answered."""
    visitors = kinds()
    requests = [
        request_for(number * 7919 % links, port, visitors[number % len(visitors)])
        for number in range(min(links, 20_000))
    ]
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    idle: deque[int] = deque()
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        poll.register(connection.fileno(), select.EPOLLIN)
        sockets[connection.fileno()] = connection
        idle.append(connection.fileno())
    due_of: dict[int, float] = {}
    buffers: dict[int, bytes] = {}
    latencies: list[float] = []
    errors = sent = 0
    start = time.perf_counter()
    end = start + seconds
    while True:
        now = time.perf_counter()
        if now >= end:
            break
        while idle and (rate is None or start + sent / rate <= now):
            key = idle.popleft()
            due_of[key] = now if rate is None else start + sent / rate
            sockets[key].send(requests[sent % len(requests)])
            sent += 1
        ready = poll.poll(0.0 if rate is not None else 0.01)
        if rate is not None and not ready:
            # A nap instead of spinning: on a small machine somebody else needs this core too.
            time.sleep(0.00005)
        for key, _ in ready:
            answer = buffers.pop(key, b"") + sockets[key].recv(65_536)
            if not answer:
                errors += 1
                poll.unregister(key)
                continue
            if not answer.endswith(b"\r\n\r\n"):
                buffers[key] = answer
                continue
            latencies.append(time.perf_counter() - due_of[key])
            errors += not answer.startswith(b"HTTP/1.1 302")
            idle.append(key)
    took = time.perf_counter() - start
    for connection in sockets.values():
        connection.close()
    latencies.sort()
    return Heard(
        requests=len(latencies),
        seconds=took,
        errors=errors,
        p50_ms=_percentile(latencies, 0.50) * 1000,
        p99_ms=_percentile(latencies, 0.99) * 1000,
    )


def _percentile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def main() -> None:
    """Runs once and prints what was heard as JSON; a process of its own, so that it can be pinned."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--links", type=int, required=True)
    parser.add_argument("--rate", type=float, default=None)
    options = parser.parse_args()
    heard = run(
        options.port,
        seconds=options.seconds,
        connections=options.connections,
        links=options.links,
        rate=options.rate,
    )
    json.dump(asdict(heard), sys.stdout)


if __name__ == "__main__":
    main()
