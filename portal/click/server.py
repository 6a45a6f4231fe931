"""The click door: count and redirect. An RSGI application for granian, without Django.

    granian --interface rsgi --loop uvloop portal.click.server:app

`/r/<code>` answers 302 once the click is durable in the spool; see docs/click-door.md.
"""

import asyncio
import logging
import random
import re
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zlib import crc32

from portal.click import pages
from portal.click.beacons import VIEW_PREFIX, VISIT_PATH, answer_view, answer_visit
from portal.click.commits import GroupCommit
from portal.click.figures import SharedFigures
from portal.click.keeper import DatabaseSilent, LinkAsker, LinkKeeper
from portal.click.life import is_near, open_spool, stoppable
from portal.click.links import Link, LinkTable
from portal.click.metrics import Metrics
from portal.click.settings import DoorSettings
from portal.click.visitors import (
    CLICK_COOKIE,
    VISITOR_COOKIE,
    address_of,
    cookie_ending,
    forwarded_address,
    host_of,
    visitor_of,
)
from tracking.addresses import plain_address, short_address
from tracking.agents import Agents, device_of
from tracking.click_ids import TimedIds
from tracking.consent import allows_cookies, read_consent
from tracking.destinations import Destination, DestinationRefused, read_destination
from tracking.geography import Countries
from tracking.parameters import LONGEST_QUERY, deep_link_of, read_parameters, with_presets
from tracking.routing import Choice, Routing
from tracking.spool import spool_bytes
from tracking.utm import Utm

if TYPE_CHECKING:
    from granian.rsgi import HTTPProtocol, Scope

logger = logging.getLogger("click")

LINK_PREFIX = "/r/"
_OWN_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONGEST_USER_AGENT = 1_000
LONGEST_REFERRER = 2_000
LONGEST_LANGUAGE = 255
_MOST_FLOOD_KEYS = 50_000
_FLOOD_WINDOW_SECONDS = 60.0

# The answer to every click: not cached, not indexed; its program says how much of the referrer the shop gets.
_REDIRECT_HEADERS = (
    ("cache-control", "no-store"),
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
        self._writer = open_spool(settings)
        self.commits = GroupCommit(
            self._writer,
            loop,
            on_commit=self.metrics.observe_commit,
            on_early_answers=self.metrics.observe_early_answers,
            patience_seconds=settings.patience_seconds,
        )
        self.table = LinkTable(allow_local=settings.allow_local)
        self._keeper = LinkKeeper(
            self.table,
            database_url=settings.database_url,
            directory=settings.spool_dir,
            number=self._writer.number,
            sweep_seconds=settings.sweep_seconds,
            snapshot_seconds=settings.snapshot_seconds,
        )
        self._asker = LinkAsker(self.table, database_url=settings.database_url, loop=loop)
        self.click_ids = TimedIds()
        # Ordered by time like the clicks, so that new visitors stay together in the index.
        self.visitor_ids = TimedIds(prefix="")
        self.agents = Agents()
        self.countries = Countries(settings.geoip)
        self.cookie_ending = cookie_ending(is_secure=settings.is_secure)
        self._follows: dict[str, int] = {}
        self._follows_until = 0.0
        with stoppable():
            self._keeper.load()
        self._keeper.start()
        self.commits.start()
        number = self._writer.number
        self._figures = SharedFigures(settings.spool_dir, number, lambda: self.metrics.snapshot(self._gauges()))
        self._figures.start()
        logger.info("door %d: %d links", self._writer.number, len(self.table.links))

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Writes what still waits and lets go of everything."""
        self._keeper.stop()
        self._asker.close()
        self._figures.stop()
        self.commits.close()

    async def __rsgi__(self, scope: "Scope", proto: "HTTPProtocol") -> None:
        """Answers one request."""
        path = scope.path
        owner = ""
        if path.startswith(LINK_PREFIX):
            code = path[3:]
        elif self.table.hosts and (owner := self.table.hosts.get(host_of(scope), "")) and _CODE.fullmatch(path[1:]):
            # On a merchant's own host the code stands alone; the door's own pages go before codes.
            code = path[1:] if path not in _OWN_PATHS else ""
        else:
            code = ""
        if not code:
            await self._answer_other(path, scope, proto)
            return
        method = scope.method
        if method not in {"GET", "HEAD"}:
            proto.response_str(
                405,
                [*_TEXT_HEADERS, ("allow", "GET, HEAD")],
                "Only GET and HEAD are answered here.\n",
            )
            return
        link = self.table.links.get(code)
        if link is None:
            link = await self._look_up(code, scope, proto)
            if link is None:
                return
        if owner and owner not in link.program.owners:
            self._show(pages.UNKNOWN, 404, scope.headers.get("accept-language"), proto)
            return
        header = scope.headers.get
        query = scope.query_string
        before, after, url, owners, reason, problems, program, routing, utm, presets = link
        is_own = True
        if query and ("url=" in query or "http" in query) and not reason:
            target, problem = self._deep_link(link, query)
            problems += problem
            if target is not None:
                url, _, before, after = target
                is_own = False
        if len(query) > LONGEST_QUERY:
            query, problems = "", f"{problems} query:too_long"
        if presets:
            query = with_presets(query, presets)
        user_agent, referrer, language, address, cuts = self.visitor_facts(scope)
        problems += cuts
        consent, problem = read_consent(query, header("sec-gpc"), is_required=program.needs_consent)
        if problem:
            problems = f"{problems} {problem}"
        has_consent = allows_cookies(consent)
        # Without consent nothing is read from the visitor's device and nothing is put there.
        known = visitor_of(header("cookie")) if has_consent else None
        visitor = known or (self.visitor_ids.new() if has_consent else None)
        country = ""
        if routing is not None:
            choice, country = self._route(
                routing, user_agent, referrer, address, f"{visitor}{owners}" if visitor else ""
            )
            if choice is not None:
                is_own = False
                if choice.destination is None:
                    reason, before, url = "blocked", "", ""
                else:
                    url, _, before, after = choice.destination
        if utm is not None and before and (utm.needs_parameters or not is_own):
            target = Destination(url, "", before, after)
            target = utm.apply(target, read_parameters(query)) if utm.needs_parameters else _with_utm(utm, target)
            url, _, before, after = target
        fetch_dest = header("sec-fetch-dest")
        # Browsers that send Sec-Fetch-Dest say Sec-Purpose; the older names are of older ones.
        is_old = fetch_dest is None
        reason = (
            reason
            or self.agents.reason_not_to_count(
                method,
                user_agent,
                header("sec-purpose"),
                header("purpose") if is_old else None,
                header("x-moz") if is_old else None,
                fetch_dest,
            )
            or self.flood_reason(address + path)
        )
        if reason:
            self.metrics.observe_uncounted(reason)
        click_id = self.click_ids.new()
        # Answered either way: if the disk refuses, the metrics and the log know.
        await self.commits.add(
            (
                click_id,
                owners,
                visitor,
                url,
                referrer,
                user_agent,
                language,
                address if has_consent else short_address(address),
                query,
                reason,
                problems,
                "click",
                consent,
                country,
                known is None and has_consent,
            )
        )
        if not before:
            is_blocked = reason == "blocked"
            self._show(pages.BLOCKED if is_blocked else pages.UNKNOWN, 403 if is_blocked else 404, language, proto)
            return
        if visitor is None:
            leads = [("location", f"{before}{click_id}{after}"), ("referrer-policy", program.referrer_policy)]
            proto.response_empty(302, [*leads, *_REDIRECT_HEADERS])
            return
        headers = [
            ("location", f"{before}{click_id}{after}"),
            ("referrer-policy", program.referrer_policy),
            ("set-cookie", f"{VISITOR_COOKIE}={visitor}{self.cookie_ending}"),
            ("set-cookie", f"{CLICK_COOKIE}={click_id}{self.cookie_ending}"),
            *_REDIRECT_HEADERS,
        ]
        proto.response_empty(302, headers)

    def visitor_facts(self, scope: "Scope") -> tuple[str | None, str | None, str | None, str, str]:
        """User agent, referrer, language, address, and which of them had to be cut."""
        header = scope.headers.get
        user_agent, referrer, language = header("user-agent"), header("referer"), header("accept-language")
        cuts = ""
        if user_agent is not None and len(user_agent) > LONGEST_USER_AGENT:
            user_agent, cuts = user_agent[:LONGEST_USER_AGENT], f"{cuts} user_agent:cut"
        if referrer is not None and len(referrer) > LONGEST_REFERRER:
            referrer, cuts = referrer[:LONGEST_REFERRER], f"{cuts} referrer:cut"
        if language is not None and len(language) > LONGEST_LANGUAGE:
            language, cuts = language[:LONGEST_LANGUAGE], f"{cuts} language:cut"
        address = (
            forwarded_address(scope.client, scope.headers.items(), self.settings.trusted_proxy_count)
            if self.settings.trusted_proxy_count
            else address_of(scope.client)
        )
        return user_agent, referrer, language, address, cuts

    async def find(self, code: str) -> Link | None:
        """The link of a code, from memory or the database. Raises DatabaseSilent."""
        link = self.table.links.get(code)
        if link is None and _CODE.fullmatch(code):
            # Codes are kept in small letters; on paper and by telephone they are said in any.
            link = self.table.links.get(code.lower())
            if link is None:
                await self._asker.ask(code.lower())
                link = self.table.links.get(code.lower())
            if link is None and not code.islower():
                await self._asker.ask(code)
                link = self.table.links.get(code)
        return link

    def _deep_link(self, link: Link, query: str) -> tuple[Destination | None, str]:
        """The page that a click asks for when it may be had, else what is wrong with it."""
        deep_link = deep_link_of(query)
        if deep_link is None:
            return None, ""
        if not link.program.deep_links:
            self.metrics.refused_destinations += 1
            return None, " url:deep_links_off"
        try:
            return read_destination(
                deep_link,
                allowed_hosts=link.program.allowed_hosts,
                allow_local=self.settings.allow_local,
            ), ""
        except DestinationRefused as refusal:
            self.metrics.refused_destinations += 1
            return None, f" url:{refusal.code}"

    def _route(
        self, routing: Routing, user_agent: str | None, referrer: str | None, address: str, sticky: str
    ) -> tuple[Choice | None, str]:
        """What the rules say, and the country where they ask for it. A known visitor keeps the same share."""
        country = self.countries.country_of(plain_address(address) or "") if routing.needs_country else ""
        choice = routing.choose(
            country,
            (device_of(user_agent or "") or "other") if routing.needs_device else "",
            datetime.now(UTC),
            crc32(sticky.encode()) / 2**32 if sticky else random.random(),  # noqa: S311 - shares, not secrets
            referrer=referrer or "",
        )
        return choice, country

    async def _look_up(self, code: str, scope: "Scope", proto: "HTTPProtocol") -> Link | None:
        """A link that memory does not have, or None after the page that says so."""
        language = scope.headers.get("accept-language")
        try:
            link = await self.find(code.removesuffix("/"))
        except DatabaseSilent:
            # It may well exist; that it does not can only be said by the database.
            self._show(pages.RESTING, 503, language, proto)
            return None
        if link is None:
            self.metrics.unknown += 1
            self._show(pages.UNKNOWN, 404, language, proto)
        return link

    def flood_reason(self, key: str) -> str:
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

    async def _answer_other(self, path: str, scope: "Scope", proto: "HTTPProtocol") -> None:
        """Everything that is no tracked link."""
        if path.startswith(VIEW_PREFIX):
            await answer_view(self, scope, proto)
        elif path == VISIT_PATH:
            await answer_visit(self, scope, proto)
        elif path == "/healthz":
            proto.response_str(200, _TEXT_HEADERS, "ok\n")
        elif path == "/readyz":
            is_ready = self.table.is_loaded
            proto.response_str(200 if is_ready else 503, _TEXT_HEADERS, "ready\n" if is_ready else "no links yet\n")
        elif path == "/metrics" and is_near(scope):
            proto.response_str(200, _TEXT_HEADERS, await self._all_figures())
        else:
            self._show(pages.UNKNOWN, 404, scope.headers.get("accept-language"), proto)

    async def _all_figures(self) -> str:
        """All workers' figures; this one's alone when the disk that holds the others' hangs."""
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.wait_for(loop.run_in_executor(None, self._figures.text), timeout=2)
        except TimeoutError:
            return self._figures.own_text()

    def _gauges(self) -> dict[str, float]:
        """The door's state of this moment."""
        return {
            "click_links": len(self.table.links),
            "click_links_age_seconds": time.time() - (self._keeper.fresh_at or self._started_at),
            "click_database_up": float(self._keeper.is_connected),
            "click_spool_bytes": spool_bytes(self._writer.path),
            "click_start_time_seconds": self._started_at,
        }


@lru_cache(maxsize=20_000)
def _with_utm(utm: Utm, target: Destination) -> Destination:
    """The target with parameters that are the same for every click."""
    return utm.apply(target)


app = Door()
