"""A shop's server with a product feed on it, over real HTTP: with ETag, redirects, slow answers and torn ones."""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FeedServer:
    """What is served, and who asked."""

    url: str = ""
    content: bytes = b""
    etag: str = ""
    status: int = 200
    is_packed: bool = False
    is_torn: bool = False
    drip: float = 0.0
    asked: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def feed_server(content: bytes = b"", *, etag: str = "") -> Iterator[FeedServer]:
    """The server for the time of a test."""
    server_of = FeedServer(content=content, etag=etag)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server_of.asked.append({name.lower(): value for name, value in self.headers.items()})
            if server_of.etag and self.headers.get("If-None-Match") == server_of.etag:
                self.send_response(304)
                self.end_headers()
                return
            body = gzip.compress(server_of.content) if server_of.is_packed else server_of.content
            self.send_response(server_of.status)
            if server_of.status in {301, 302}:
                self.send_header("Location", "http://127.0.0.1:1/")
            if server_of.etag:
                self.send_header("ETag", server_of.etag)
            if server_of.is_packed:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body) + (100 if server_of.is_torn else 0)))
            self.end_headers()
            if not server_of.drip:
                self.wfile.write(body)
                return
            for byte in body:
                try:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(server_of.drip)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server_of.url = f"http://127.0.0.1:{server.server_address[1]}/feed.csv"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server_of
    finally:
        server.shutdown()
        server.server_close()
