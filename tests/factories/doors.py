"""A real click door as a process, and a small database for it; no Django in either."""

import http.client
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from ledger.base32 import encode
from tracking.click_ids import TimedIds, click_key
from tracking.drain import Drained, connect, drain_all

ROOT = Path(__file__).resolve().parents[2]
SQL = ROOT / "tracking" / "sql"
BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
#: The columns of the house's tables that the door and its SQL know.
PARENTS = """
CREATE TABLE affiliates_affiliate (id uuid PRIMARY KEY, status text NOT NULL DEFAULT 'active');
CREATE TABLE affiliates_program (
    id uuid PRIMARY KEY, status text NOT NULL DEFAULT 'open', landing_url text NOT NULL,
    allowed_hosts varchar(253)[] NOT NULL, updated_at timestamptz NOT NULL DEFAULT now(),
    merchant_id uuid NOT NULL DEFAULT gen_random_uuid(), slug varchar(60) NOT NULL DEFAULT 'shop');
CREATE TABLE affiliates_enrolment (
    id uuid PRIMARY KEY, status text NOT NULL DEFAULT 'approved', updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE tracking_link (
    id uuid PRIMARY KEY, code varchar(64) UNIQUE, enrolment_id uuid NOT NULL, program_id uuid NOT NULL,
    affiliate_id uuid NOT NULL, destination varchar(2000) NOT NULL, updated_at timestamptz NOT NULL DEFAULT now(),
    presets jsonb NOT NULL DEFAULT '{}', routing jsonb NOT NULL DEFAULT '[]', utm jsonb NOT NULL DEFAULT '{}');
CREATE TABLE tracking_link_code (code varchar(64) PRIMARY KEY, link_id uuid NOT NULL);
CREATE TABLE tracking_link_alias (
    code varchar(64) PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), link_id uuid NOT NULL);
CREATE TABLE tracking_program_settings (
    program_id uuid PRIMARY KEY, deep_links boolean NOT NULL DEFAULT true, routing jsonb NOT NULL DEFAULT '[]',
    utm_template jsonb NOT NULL DEFAULT '{}', traffic_back_url varchar(2000) NOT NULL DEFAULT '',
    unique_window_hours integer NOT NULL DEFAULT 24, consent varchar(12) NOT NULL DEFAULT 'required',
    hide_referrer boolean NOT NULL DEFAULT false, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE tracking_domain (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), host varchar(253) UNIQUE NOT NULL,
    status varchar(10) NOT NULL DEFAULT 'verified', verified_at timestamptz DEFAULT now(),
    stopped_at timestamptz, merchant_id uuid NOT NULL, program_id uuid);
"""
#: What the migrations of clicks and links run after those tables, in their order.
SQL_FILES = ("clicks.sql", "link_changed.sql", "links_0004.sql", "clicks_0005.sql")

_keys = TimedIds(prefix="")


def new_key() -> UUID:
    """A fresh key."""
    return click_key(_keys.new())


@dataclass(slots=True)
class LinkFacts:
    """A link as the tests made it."""

    code: str
    id: UUID
    enrolment_id: UUID
    program_id: UUID
    affiliate_id: UUID


class ClickDatabase:
    """A database with the tables the door reads and the drain writes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection = connect(url)

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of one statement, or nothing."""
        cursor = self.connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    def add_link(
        self,
        code: str = "",
        destination: str = "https://shop.example/landing",
        *,
        hosts: tuple[str, ...] = ("shop.example",),
        landing: str = "https://shop.example/",
        program_status: str = "open",
        enrolment_status: str = "approved",
        affiliate_status: str = "active",
        routing: Iterable[object] = (),
        program_routing: Iterable[object] = (),
        utm: object = None,
        presets: object = None,
        **settings: Any,
    ) -> LinkFacts:
        """A link with a program, an enrolment and an affiliate of its own.

        `settings` are the program's tracking settings; unlike by default, visitors need not be asked.
        """
        link = LinkFacts(code or secrets.token_hex(4), *(new_key() for _ in range(4)))
        self.execute("INSERT INTO affiliates_affiliate VALUES (%s, %s)", link.affiliate_id, affiliate_status)
        self.execute(
            "INSERT INTO affiliates_program VALUES (%s, %s, %s, %s)",
            *(link.program_id, program_status, landing, list(hosts)),
        )
        self.set_program(link, **{"consent": "not_required", "routing": list(program_routing), **settings})
        self.execute("INSERT INTO affiliates_enrolment VALUES (%s, %s)", link.enrolment_id, enrolment_status)
        self.execute(
            "INSERT INTO tracking_link (id, code, enrolment_id, program_id, affiliate_id, destination, routing, utm, presets)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            *(link.id, link.code, link.enrolment_id, link.program_id, link.affiliate_id, destination),
            *(Jsonb(list(routing)), Jsonb(utm or {}), Jsonb(presets or {})),
        )
        return link

    def set_program(self, link: LinkFacts, **settings: Any) -> None:
        """Sets tracking settings of the link's program, by column."""
        self.execute(
            "INSERT INTO tracking_program_settings (program_id) VALUES (%s) ON CONFLICT DO NOTHING", link.program_id
        )
        for name, value in settings.items():
            kept = Jsonb(value) if isinstance(value, (dict, list)) else value
            self.execute(
                f"UPDATE tracking_program_settings SET {name} = %s, updated_at = now() WHERE program_id = %s",
                *(kept, link.program_id),
            )

    def drain(self, spool_dir: Path) -> Drained:
        """Moves everything that waits."""
        with closing(connect(self.url)) as connection:
            return drain_all(connection, spool_dir)

    def click(self, click_id: str) -> dict[str, Any]:
        """A recorded click, by column."""
        cursor = self.connection.execute("SELECT * FROM tracking_click WHERE id = %s", [click_key(click_id)])
        row = cursor.fetchone()
        assert row is not None, f"{click_id} is not recorded"
        assert cursor.description is not None
        return dict(zip([column.name for column in cursor.description], row, strict=True))


@contextmanager
def click_database(server_url: str) -> Iterator[ClickDatabase]:
    """A database of its own on the test server, gone afterwards."""
    name = f"test_door_{os.getpid()}_{secrets.token_hex(3)}"
    with psycopg.connect(make_conninfo(server_url, dbname="postgres"), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        database = ClickDatabase(make_conninfo(server_url, dbname=name))
        try:
            database.connection.execute(PARENTS)
            for file in SQL_FILES:
                database.connection.execute((SQL / file).read_text(encoding="utf-8"))
            yield database
        finally:
            database.connection.close()
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@dataclass(slots=True)
class Answer:
    """What the door said."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    cookie_lines: list[str]
    body: str
    content: bytes = b""

    @property
    def location(self) -> str:
        """Where the visitor is sent."""
        return self.headers["location"]

    @property
    def click_id(self) -> str:
        """The click id in the target's parameter."""
        (click_id,) = parse_qs(urlsplit(self.location).query)["click_id"]
        return click_id


@dataclass(slots=True)
class RunningDoor:
    """A granian process that serves the door."""

    process: subprocess.Popen[bytes]
    port: int
    spool_dir: Path
    log: Path

    def get(self, path: str, *, method: str = "GET", agent: str | None = BROWSER, **headers: str) -> Answer:
        """One request on a connection of its own; header names with _ for -."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with closing(connection):
            return ask(connection, path, method=method, agent=agent, **headers)

    def metrics(self) -> dict[str, float]:
        """The door's figures, by name and labels but `door`."""
        lines = self.get("/metrics").body.splitlines()
        found = {}
        for line in lines:
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[re.sub(r'door="\d+",?', "", name).replace("{}", "")] = float(value)
        return found

    def wait_until_ready(self, seconds: float = 30.0) -> None:
        """Returns when the door answers; fails with its log when it does not."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if self.get("/healthz").status == 200:
                    return
            except OSError:
                if self.process.poll() is not None:
                    break
            time.sleep(0.05)
        raise AssertionError(f"the door did not start:\n{self.log.read_text(errors='replace')}")

    def kill(self) -> None:
        """SIGKILL to the server and its worker at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, as a supervisor does; SIGKILL when that is not heard."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.kill()


def ask(
    connection: http.client.HTTPConnection,
    path: str,
    *,
    method: str = "GET",
    agent: str | None = BROWSER,
    **headers: str,
) -> Answer:
    """One request on an open connection."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if agent is not None:
        sent["User-Agent"] = agent
    connection.putrequest(method, path, skip_accept_encoding=True, skip_host="host" in sent)
    for name, value in sent.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    content = response.read()
    lines = response.headers.get_all("set-cookie") or []
    jar: SimpleCookie = SimpleCookie()
    for line in lines:
        jar.load(line)
    return Answer(
        status=response.status,
        headers={name.lower(): value for name, value in response.getheaders()},
        cookies={name: morsel.value for name, morsel in jar.items()},
        cookie_lines=lines,
        body=content.decode(errors="replace"),
        content=content,
    )


def free_port() -> int:
    """A port nobody uses at the moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_door(database_url: str, spool_dir: Path, *, wait: bool = True, **environment: str) -> RunningDoor:
    """A door process on a free port."""
    spool_dir.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log = spool_dir.parent / f"door-{port}.log"
    command = [sys.executable, "-m", "granian", "--interface", "rsgi", "--loop", "uvloop", "--no-ws"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    # A signal that meets a worker before its loop runs is lost to granian; the door may be killed any time.
    command += ["--workers-kill-timeout", "3", "portal.click.server:app"]
    inherited = {name: value for name, value in os.environ.items() if name != "PRODUCTION"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={
                **inherited,
                "DATABASE_URL": database_url,
                "CLICK_SPOOL_DIR": str(spool_dir),
                "CLICK_SWEEP_SECONDS": "2",
                **environment,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    door = RunningDoor(process, port, spool_dir, log)
    if wait:
        door.wait_until_ready()
    return door


@contextmanager
def running_door(database_url: str, spool_dir: Path, **environment: str) -> Iterator[RunningDoor]:
    """A door for the length of a test."""
    door = start_door(database_url, spool_dir, **environment)
    try:
        yield door
    finally:
        door.stop()


def cookie(visitor: UUID) -> str:
    """A Cookie header of a visitor who was here before."""
    return f"theme=dark; afv={encode(visitor)}; other=1"
