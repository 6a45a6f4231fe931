"""Ports of this machine: free or taken, and by whom."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from launch.console import Problem

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """True when a server could listen on `port` of this machine now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def demand_free(first: int, purposes: list[str]) -> None:
    """Problem unless the ports from `first` on, one a purpose, are all free."""
    if not 1 <= first <= 65535 - len(purposes):
        raise Problem(f"--port {first} is no usable port.", "Use a number from 1024 to 65000.")
    for port, purpose in enumerate(purposes, first):
        if is_free(port):
            continue
        holder = _holder(port)
        why = f"is taken by {holder}" if holder else "is taken by another program"
        if port < 1024:
            why = "may not be used by ordinary users"
        raise Problem(
            f"Port {port} ({purpose}) {why}.",
            f"Choose other ports: ./run demo --port {_suggest(first, len(purposes))}",
        )


def _suggest(first: int, count: int) -> int:
    start = max(first, 8000)
    candidates: list[int] = [*range(start + 100, 65000 - count, 100), *range(8000, start, 100)]
    for candidate in candidates:
        if all(is_free(port) for port in range(candidate, candidate + count)):
            return candidate
    return 8000


def _holder(port: int) -> str:
    """`name (process 123)` of who listens on `port`, where Linux lets us see it."""
    inode = ""
    for table in ("tcp", "tcp6"):
        try:
            rows = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            cells = row.split()
            if cells[3] == "0A" and int(cells[1].rpartition(":")[2], 16) == port:
                inode = cells[9]
    if not inode:
        return ""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) == f"socket:[{inode}]":
                process = link.parent.parent
                name = (process / "comm").read_text().strip()
                return f"{name} (process {process.name})"
        except OSError:
            continue
    return ""
