"""The HTTP server: threads, connections that stay open, and answers that may get lost on the way."""

import json
import socket
import struct
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from fakestripe import pages
from fakestripe.api import CUT, LOST, answer
from fakestripe.control import control
from fakestripe.delivery import Courier
from fakestripe.endpoints import ensure_endpoint
from fakestripe.errors import ApiError
from fakestripe.onboarding import onboard
from fakestripe.standin import Standin

#: No request of the interface comes near this.
LARGEST_BODY = 1_000_000

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120
    server: "Server"

    def do_GET(self) -> None:
        """Read."""
        self._answer()

    do_POST = do_DELETE = do_HEAD = do_GET

    def log_message(self, *_: Any) -> None:
        """Nothing is logged: the last calls are kept for the control surface instead."""

    def _answer(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY or "Transfer-Encoding" in self.headers:
            # Hear the client out a little, or it never gets to read the answer.
            self.rfile.read(min(int(length), 2 * LARGEST_BODY) if length.isdigit() else 0)
            self.close_connection = True
            self._send(413, b"{}", {})
            return
        payload = self.rfile.read(int(length))
        path = self.path.partition("?")[0]
        if path.startswith(("/v1/", "/v2/")):
            self._answer_api(payload)
        elif path.startswith("/_control/"):
            self._answer_control(path, payload)
        else:
            self._answer_page(path, payload)

    def _answer_api(self, payload: bytes) -> None:
        standin = self.server.standin
        address = f"http://{self.headers.get('Host') or self.server.base_url.removeprefix('http://')}"
        result = answer(standin, self.command, self.path, self.headers, payload, address=address)
        if result.fate == LOST:
            self._hang_up()
            return
        body = result.body.encode()
        self._send(result.status, body, result.headers, is_cut=result.fate == CUT)

    def _answer_control(self, path: str, payload: bytes) -> None:
        try:
            status, body = (
                200,
                control(
                    self.server.standin,
                    self.command,
                    path,
                    self.headers.get("Content-Type", ""),
                    payload,
                ),
            )
        except ApiError as error:
            status, body = error.status, error.body()
        except (AttributeError, TypeError, ValueError, KeyError) as error:
            status, body = 400, {"error": {"message": f"{type(error).__name__}: {error}"}}
        self._send(status, json.dumps(body).encode(), {})

    def _answer_page(self, path: str, payload: bytes) -> None:
        headers = {"Content-Type": "text/html; charset=utf-8"} | _PAGE_HEADERS
        if path == "/style.css":
            self._send(200, pages.STYLE.encode(), headers | {"Content-Type": "text/css; charset=utf-8"})
        elif path == "/":
            self._send(200, pages.home(self.server.standin).encode(), headers)
        elif path.startswith("/onboarding/"):
            page = onboard(
                self.server.standin,
                self.command,
                path,
                payload,
                self.headers.get("Accept-Language", ""),
            )
            if page.location:
                headers["Location"] = page.location
            self._send(page.status, page.html.encode(), headers)
        else:
            self._send(404, b"Not found.", headers | {"Content-Type": "text/plain"})

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, is_cut: bool = False) -> None:
        """Write the whole answer at once, or half of it and no more."""
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase if status in HTTPStatus else 'Status'}"]
        lines += [f"{name}: {value}" for name, value in ({"Content-Type": "application/json"} | headers).items()]
        lines.append(f"Content-Length: {len(body)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        if self.command == "HEAD":
            body = b""
        try:
            self.wfile.write(head + (body[: len(body) // 2] if is_cut else body))
        except OSError:
            self.close_connection = True
        if is_cut:
            self._hang_up(is_rude=False)

    def _hang_up(self, *, is_rude: bool = True) -> None:
        self.close_connection = True
        if is_rude:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.connection.shutdown(socket.SHUT_RDWR)


class Server(ThreadingHTTPServer):
    """A running stand-in. Use it as a context manager, or call start() and stop()."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        state: str | None = None,
        webhook_url: str = "",
        webhook_secret: str = "",
        rate_limit: float = 0,
    ) -> None:
        super().__init__((host, port), Handler)
        self._open: set[socket.socket] = set()
        self.standin = Standin(state, rate_limit=rate_limit)
        if webhook_url:
            ensure_endpoint(self.standin, webhook_url, webhook_secret)
        self._courier = Courier(self.standin)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True, name="fakestripe")

    @property
    def base_url(self) -> str:
        """Where it is reached."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def start(self) -> Self:
        """Serve in threads of this process."""
        self._courier.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving, close every connection and the store."""
        self.shutdown()
        self._courier.stop()
        self.server_close()
        for connection in list(self._open):
            connection.close()
        self.standin.store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, to close it in the end."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that is done."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""
