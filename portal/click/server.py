"""The click door: count and redirect. An RSGI application for granian, without Django.

    granian --interface rsgi --loop uvloop portal.click.server:app

`/r/<code>` answers 302 once the click is durable in the spool; see docs/click-door.md.
"""

import asyncio
import ipaddress
import logging
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from portal.click import pages
from portal.click.commits import GroupCommit
from portal.click.keeper import DatabaseSilent, LinkAsker, LinkKeeper
from portal.click.links import Link, LinkTable
from portal.click.metrics import Metrics
from portal.click.settings import DoorSettings
from portal.click.visitors import (
    CLICK_COOKIE,
    VISITOR_COOKIE,
    address_of,
    cookie_ending,
    forwarded_address,
    visitor_of,
)
from tracking.agents import Agents
from tracking.click_ids import TimedIds
from tracking.destinations import DestinationRefused, read_destination
from tracking.parameters import LONGEST_QUERY, deep_link_of
from tracking.spool import SpoolWriter, spool_bytes

if TYPE_CHECKING:
    from granian.rsgi import HTTPProtocol, Scope

logger = logging.getLogger("click")

LINK_PREFIX = "/r/"
_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONGEST_USER_AGENT = 1_000
LONGEST_REFERRER = 2_000
LONGEST_LANGUAGE = 255
_MOST_FLOOD_KEYS = 50_000
_FLOOD_WINDOW_SECONDS = 60.0

# The answer to every click: not cached, not indexed, and no more of the referrer than its origin.
_REDIRECT_HEADERS = (
    ("cache-control", "no-store"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("x-robots-tag", "noindex, nofollow"),
)
_TEXT_HEADERS = [("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store")]


class Door:
    """One door process: its links, its spool file and its event loop."""

    def __init__(self, settings: DoorSettings | None = None) -> None:
        self._settings = settings
        self.metrics = Metrics()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Opens the spool and loads the links; granian calls it before it accepts anybody."""
        settings = self._settings or DoorSettings.from_environ()
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.INFO)
        # The writing thread must not wait long for its turn after the disk has answered; shorter
        # turns than this cost more in changes than they gain.
        sys.setswitchinterval(0.002)
        self.settings = settings
        self._started_at = time.time()
        self._writer = _open_spool(settings)
        self._commits = GroupCommit(
            self._writer,
            loop,
            on_commit=self.metrics.observe_commit,
            on_early_answers=self.metrics.observe_early_answers,
            patience_seconds=settings.patience_seconds,
        )
        self._table = LinkTable(allow_local=settings.allow_local)
        self._keeper = LinkKeeper(
            self._table,
            database_url=settings.database_url,
            directory=settings.spool_dir,
            number=self._writer.number,
            sweep_seconds=settings.sweep_seconds,
            snapshot_seconds=settings.snapshot_seconds,
        )
        self._asker = LinkAsker(self._table, database_url=settings.database_url, loop=loop)
        self._click_ids = TimedIds()
        # Ordered by time like the clicks, so that new visitors stay together in the index.
        self._visitor_ids = TimedIds(prefix="")
        self._agents = Agents()
        self._cookie_ending = cookie_ending(is_secure=settings.is_secure)
        self._follows: dict[str, int] = {}
        self._follows_until = 0.0
        with _stoppable():
            self._keeper.load()
        self._keeper.start()
        self._commits.start()
        logger.info("door %d: %d links", self._writer.number, len(self._table.links))

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Writes what still waits and lets go of everything."""
        self._keeper.stop()
        self._asker.close()
        self._commits.close()

    async def __rsgi__(self, scope: "Scope", proto: "HTTPProtocol") -> None:
        """Answers one request."""
        path = scope.path
        if not path.startswith(LINK_PREFIX):
            self._answer_other(path, scope, proto)
            return
        method = scope.method
        if method not in {"GET", "HEAD"}:
            proto.response_str(
                405,
                [*_TEXT_HEADERS, ("allow", "GET, HEAD")],
                "Only GET and HEAD are answered here.\n",
            )
            return
        link = self._table.links.get(path[3:])
        if link is None:
            link = await self._look_up(path[3:], scope, proto)
            if link is None:
                return
        header = scope.headers.get
        query = scope.query_string
        user_agent = header("user-agent")
        referrer = header("referer")
        language = header("accept-language")
        before, after, url, owners, reason, problems, allowed_hosts = link
        if query and ("url=" in query or "http" in query) and not reason:
            deep_link = deep_link_of(query)
            if deep_link is not None:
                try:
                    target = read_destination(
                        deep_link,
                        allowed_hosts=allowed_hosts,
                        allow_local=self.settings.allow_local,
                    )
                    before, after, url = target.before, target.after, target.url
                except DestinationRefused as refusal:
                    self.metrics.refused_destinations += 1
                    problems = f"{problems} url:{refusal.code}"
        if len(query) > LONGEST_QUERY:
            query, problems = "", f"{problems} query:too_long"
        if user_agent is not None and len(user_agent) > LONGEST_USER_AGENT:
            user_agent, problems = user_agent[:LONGEST_USER_AGENT], f"{problems} user_agent:cut"
        if referrer is not None and len(referrer) > LONGEST_REFERRER:
            referrer, problems = referrer[:LONGEST_REFERRER], f"{problems} referrer:cut"
        if language is not None and len(language) > LONGEST_LANGUAGE:
            language, problems = language[:LONGEST_LANGUAGE], f"{problems} language:cut"
        address = (
            forwarded_address(scope.client, scope.headers.items(), self.settings.trusted_proxy_count)
            if self.settings.trusted_proxy_count
            else address_of(scope.client)
        )
        fetch_dest = header("sec-fetch-dest")
        # Browsers that send Sec-Fetch-Dest say Sec-Purpose; the older names are of older ones.
        is_old = fetch_dest is None
        reason = (
            reason
            or self._agents.reason_not_to_count(
                method,
                user_agent,
                header("sec-purpose"),
                header("purpose") if is_old else None,
                header("x-moz") if is_old else None,
                fetch_dest,
            )
            or self._flood_reason(address + path)
        )
        if reason:
            self.metrics.observe_uncounted(reason)
        visitor = visitor_of(header("cookie")) or self._visitor_ids.new()
        click_id = self._click_ids.new()
        # Answered either way: if the disk refuses, the metrics and the log know.
        await self._commits.add(
            (
                click_id,
                owners,
                visitor,
                url,
                referrer,
                user_agent,
                language,
                address,
                query,
                reason,
                problems,
            )
        )
        if not before:
            self._show(pages.UNKNOWN, 404, language, proto)
            return
        headers = [
            ("location", f"{before}{click_id}{after}"),
            ("set-cookie", f"{VISITOR_COOKIE}={visitor}{self._cookie_ending}"),
            ("set-cookie", f"{CLICK_COOKIE}={click_id}{self._cookie_ending}"),
            *_REDIRECT_HEADERS,
        ]
        proto.response_empty(302, headers)

    async def _look_up(self, code: str, scope: "Scope", proto: "HTTPProtocol") -> Link | None:
        """A link that memory does not have, or None after the page that says so."""
        code = code.removesuffix("/")
        language = scope.headers.get("accept-language")
        if _CODE.fullmatch(code):
            link = self._table.links.get(code)
            if link is not None:
                return link
            try:
                await self._asker.ask(code)
            except DatabaseSilent:
                # It may well exist; that it does not can only be said by the database.
                self._show(pages.RESTING, 503, language, proto)
                return None
            link = self._table.links.get(code)
            if link is not None:
                return link
        self.metrics.unknown += 1
        self._show(pages.UNKNOWN, 404, language, proto)
        return None

    def _flood_reason(self, key: str) -> str:
        """Whether one address follows one link more often than a person would; counted by the minute."""
        limit = self.settings.flood_limit
        if not limit:
            return ""
        follows = self._follows
        now = time.monotonic()
        if now > self._follows_until or len(follows) > _MOST_FLOOD_KEYS:
            follows.clear()
            self._follows_until = now + _FLOOD_WINDOW_SECONDS
        count = follows.get(key, 0) + 1
        follows[key] = count
        return "flood" if count > limit else ""

    def _show(self, kind: str, status: int, accept_language: str | None, proto: "HTTPProtocol") -> None:
        """Answers with a page for people."""
        headers = list(pages.HEADERS)
        if status == 503:
            headers.append(("retry-after", "5"))
        proto.response_str(
            status,
            headers,
            pages.page(
                kind,
                pages.language_for(accept_language),
                network=self.settings.network_name,
                home_url=self.settings.home_url,
            ),
        )

    def _answer_other(self, path: str, scope: "Scope", proto: "HTTPProtocol") -> None:
        """Everything that is no tracked link."""
        if path == "/healthz":
            proto.response_str(200, _TEXT_HEADERS, "ok\n")
        elif path == "/readyz":
            is_ready = self._table.is_loaded
            proto.response_str(200 if is_ready else 503, _TEXT_HEADERS, "ready\n" if is_ready else "no links yet\n")
        elif path == "/metrics" and _is_near(scope):
            proto.response_str(200, _TEXT_HEADERS, self.metrics.text(self._writer.number, self._gauges()))
        else:
            self._show(pages.UNKNOWN, 404, scope.headers.get("accept-language"), proto)

    def _gauges(self) -> dict[str, float]:
        """The door's state of this moment."""
        return {
            "click_links": len(self._table.links),
            "click_links_age_seconds": time.time() - (self._keeper.fresh_at or self._started_at),
            "click_database_up": float(self._keeper.is_connected),
            "click_spool_bytes": spool_bytes(self._writer.path),
            "click_start_time_seconds": self._started_at,
        }


def _open_spool(settings: DoorSettings) -> SpoolWriter:
    """A spool file of this process's own; one that will fail, loudly, when the disk gives none."""
    try:
        return SpoolWriter.claim(settings.spool_dir, most_bytes=settings.spool_most_bytes)
    except OSError:
        logger.critical("no spool file can be had in %s", settings.spool_dir, exc_info=True)
        return SpoolWriter(settings.spool_dir / "clicks-0.sqlite3", most_bytes=settings.spool_most_bytes)


@contextmanager
def _stoppable() -> Iterator[None]:
    """While the loop does not run yet, SIGTERM and SIGINT end the process at once.

    Their handlers would only be heard by a running loop, and the signal would be lost.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_near(scope: "Scope") -> bool:
    """Whether the caller is on this machine or its private network, and no proxy stands between."""
    try:
        address = ipaddress.ip_address(address_of(scope.client).strip("[]"))
    except ValueError:
        return False
    return address.is_private and scope.headers.get("x-forwarded-for") is None


app = Door()
