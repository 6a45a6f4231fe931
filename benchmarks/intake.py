"""./run bench intake: orders through the API, one by one and by the thousand, against a lean loop without Django.

Real server processes over HTTP on both sides, the same orders, the same database, turn by turn in one run; the lean loop
(benchmarks/lean_intake.py) writes the same rows with nothing around them. The server is pinned to one core and the load
to the other. Orders per second is the rate that a shop sees; per second of processor time (the server's and that of its
database sessions) is what a busy machine disturbs least. After the run the books and the inbox are verified.
"""

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402 - what is below needs the settings
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from affiliates import enrolments, members  # noqa: E402
from affiliates.keys import issue_key  # noqa: E402
from benchmarks import machine  # noqa: E402
from benchmarks.orders import Heard  # noqa: E402
from benchmarks.servers import ModuleServer, Server, pinned  # noqa: E402
from ledger.audit import verify_books  # noqa: E402
from ledger.ids import new_uuid7, public_id_of  # noqa: E402
from payouts.sales import record_sale  # noqa: E402
from tests.factories.world import facts, make_click, make_user, make_world  # noqa: E402
from tracking import links  # noqa: E402
from tracking.inbox_audit import verify_inbox  # noqa: E402
from tracking.partitions import ensure_partitions, month_of  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "intake.json"
TARGET = 0.50
_CLICKED_DAYS_AGO = 3


@dataclass(frozen=True, slots=True)
class Way:
    """A way to report orders."""

    name: str
    size: int
    connections: int
    #: Requests made ready for each second of a run.
    ready: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One run against one server."""

    per_second: float
    per_core_second: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    """Measures, verifies, prints one table, writes the results."""
    parser = argparse.ArgumentParser(prog="./run bench intake", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clicks", type=int, default=200_000)
    parser.add_argument("--partners", type=int, default=20)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--threads", type=int, default=64, help="blocking threads of the web process")
    options = parser.parse_args()
    ways = [Way("single", 1, options.connections, 6_000), Way("batches of 1,000", 1_000, 1, 10)]
    with _database() as url, tempfile.TemporaryDirectory(prefix="bench-") as directory:
        key = _fill(options, Path(directory) / "clicks")
        connection.close()
        environment = {
            "DATABASE_URL": url,
            "SECRET_KEY": settings.SECRET_KEY,
            "CLICK_SPOOL_DIR": str(Path(directory) / "spool"),
            "LOG_LEVEL": "ERROR",
        }
        bench = Bench(options, environment, key, Path(directory) / "clicks")
        found = {(kind, way.name): [] for kind in ("lean", "real") for way in ways}  # type: dict[tuple[str, str], list[Measured]]
        for number in range(options.rounds):
            for way in ways:
                for kind in ("lean", "real"):
                    _say(f"round {number + 1} of {options.rounds}: {kind}, {way.name}")
                    found[kind, way.name].append(bench.measure(kind, way))
        _verify()
    rows = _report(ways, found)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


class Bench:
    """The servers and the load."""

    def __init__(self, options: argparse.Namespace, environment: dict[str, str], key: str, clicks: Path) -> None:
        self.options = options
        self.environment = environment
        self.key = key
        self.clicks = clicks
        self.cores = sorted(os.sched_getaffinity(0))

    def measure(self, kind: str, way: Way) -> Measured:
        """One run against a fresh server, warmed up."""
        server = (
            ModuleServer("benchmarks.lean_intake", self.environment, self.cores)
            if kind == "lean"
            else Server("config.wsgi:application", "wsgi", self.environment, self.cores, threads=self.options.threads)
        )
        try:
            self._press(server, way, seconds=1.0)
            before = machine.cpu_seconds(server.process.pid) + self._session_seconds()
            heard = self._press(server, way, seconds=self.options.seconds)
            used = machine.cpu_seconds(server.process.pid) + self._session_seconds() - before
        finally:
            server.stop()
        if set(heard.statuses) - {"200", "201"}:
            raise SystemExit(f"{kind}, {way.name}: answers {heard.statuses}")
        return Measured(heard.orders / heard.seconds, heard.orders / used, heard.p50_ms, heard.p99_ms)

    def _press(self, server: Server, way: Way, *, seconds: float) -> Heard:
        command = [sys.executable, "-m", "benchmarks.orders", "--port", str(server.port), "--key", self.key]
        command += ["--seconds", str(seconds), "--connections", str(way.connections), "--size", str(way.size)]
        command += ["--ready", str(round(way.ready * seconds)), "--clicks", str(self.clicks)]
        output = subprocess.run(
            [*pinned(self.cores, 1), *command], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        return Heard(**json.loads(output))

    def _session_seconds(self) -> float:
        """The processor time of the servers' database sessions, where they are of this machine."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as database:
            sessions = database.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
        return sum(machine.cpu_seconds(session) for (session,) in sessions)


def _report(ways: list[Way], found: dict[tuple[str, str], list[Measured]]) -> list[dict[str, object]]:
    """Prints the one table; the rows of the JSON file. Medians of the rounds, ratios of each round's neighbours."""
    rows: list[dict[str, object]] = []
    print(f"\n{'':34}{'orders/s':>10}{'of lean':>9}{'per core':>10}{'of lean':>9}{'p50 ms':>9}{'p99 ms':>9}")
    verdicts = []
    for way in ways:
        lean, real = found["lean", way.name], found["real", way.name]
        ratios = {
            name: statistics.median(
                getattr(own, name) / getattr(other, name) for own, other in zip(real, lean, strict=True)
            )
            for name in ("per_second", "per_core_second")
        }
        for kind, runs in (("lean loop", lean), ("the API", real)):
            middle = {
                name: statistics.median(getattr(one, name) for one in runs)
                for name in ("per_second", "per_core_second", "p50_ms", "p99_ms")
            }
            ratio = ratios if kind == "the API" else dict.fromkeys(ratios, 1.0)
            print(
                f"{kind + ', ' + way.name:34}{middle['per_second']:>10,.0f}{ratio['per_second']:>9.2f}"
                f"{middle['per_core_second']:>10,.0f}{ratio['per_core_second']:>9.2f}"
                f"{middle['p50_ms']:>9.1f}{middle['p99_ms']:>9.1f}"
            )
            rows += [
                {
                    "case": f"{kind}, {way.name}{what}",
                    "value": round(middle[name], 1),
                    "unit": unit,
                    "baseline": round(statistics.median(getattr(one, name) for one in lean), 1),
                    "ratio": round(ratio[name], 3),
                }
                for name, what, unit in (
                    ("per_second", "", "orders per second"),
                    ("per_core_second", ", per core", "orders per second of CPU, database included"),
                )
            ]
        for name, words in (("per_second", "a second"), ("per_core_second", "a second of CPU")):
            is_met = ratios[name] >= TARGET
            verdicts.append(
                f"{'met' if is_met else 'MISSED'}: {way.name} {ratios[name]:.2f} of lean {words} (target {TARGET:.2f})"
            )
    print("\n" + "\n".join(verdicts))
    return rows


def _fill(options: argparse.Namespace, file: Path) -> str:
    """A merchant with a program and partners, clicks on their links; the merchant's key."""
    now = timezone.now()
    clicked = now - timedelta(days=_CLICKED_DAYS_AGO)
    world = make_world(now)
    places = [world.link]
    for number in range(1, options.partners):
        affiliate = members.sign_up_affiliate(make_user(), name=f"Partner {number}", country="US", at=clicked)
        places.append(links.create_link(enrolments.join_program(affiliate, world.program, at=clicked), at=clicked))
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as database:
        ensure_partitions(database, [month_of(clicked)], at=now)
    for place in places:
        # The first order of each partner makes its accounts; both servers find them.
        record_sale(
            world.merchant, facts(f"first-{place.pk}", "10.00", at=now, click=make_click(place, at=clicked)), at=now
        )
    keys = []
    connection.ensure_connection()
    command = (
        "COPY tracking_click (id, link_id, enrolment_id, program_id, affiliate_id, clicked_at, destination, is_counted,"
        " uncounted_reason) FROM STDIN"
    )
    with connection.connection.cursor() as cursor, cursor.copy(command) as copy:
        for number in range(options.clicks):
            at, place = clicked + timedelta(seconds=number * 0.5 % 86_400), places[number % len(places)]
            keys.append(new_uuid7(at))
            copy.write_row(
                [
                    keys[-1],
                    place.pk,
                    place.enrolment_id,
                    place.program_id,
                    place.affiliate_id,
                    at,
                    place.destination,
                    True,
                    "",
                ]
            )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    file.write_text("\n".join(public_id_of("clk", key) for key in keys))
    return issue_key("sk_live", name="bench", at=now, merchant=world.merchant)[1]


def _verify() -> None:
    """The real way's books balance and its inbox adds up; the lean loop's rows are under the same triggers."""
    differences = [str(one) for one in verify_books()]
    if differences:
        raise SystemExit(f"the books disagree: {differences[:5]}")
    disagreements = list(verify_inbox(at=timezone.now()))
    if disagreements:
        raise SystemExit(f"the inbox disagrees: {[str(one) for one in disagreements[:5]]}")
    connection.close()


@contextmanager
def _database() -> Iterator[str]:
    """A copy of the migrated database, dropped afterwards."""
    parts = urlsplit(os.environ.get("DATABASE_URL", settings.DATABASE_URL))
    name = f"bench_intake_{os.getpid()}_{secrets.token_hex(2)}"
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{parts.path.lstrip("/")}"')
        connection.settings_dict["NAME"] = name
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            connection.close()
            for _ in range(20):
                try:
                    server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
                    break
                except psycopg.Error:
                    time.sleep(0.2)


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
