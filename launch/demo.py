"""`./run demo`: from an empty folder to the whole product with a year of data."""

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping

from launch import clusters, console, facts, instance, postgres, processes
from launch.console import Interrupted, Problem
from launch.places import LOGS, PYTHON, VAR
from launch.ports import HOST
from launch.stamps import Stamps, catalogs_are_stale, schema_fingerprint, static_fingerprint
from launch.steps import Running, Step, demand
from launch.supervisor import Service, Supervisor, interruptible

CLUSTER = "pg"
UNFINISHED = VAR / "demo.unfinished"
REMEDY_FRESH = "If the data of an earlier start is in the way: ./run demo --fresh"


def run_demo(options: argparse.Namespace) -> int:
    """Runs the product until it is interrupted, or leaves it running with `--detach`."""
    if options.detach:
        return _detach(options)
    return _run(options, is_ready=None)


def _run(options: argparse.Namespace, is_ready: int | None) -> int:
    """`is_ready`: where a detached run reports that everything answers."""
    since = float(os.environ.pop("LAUNCH_SINCE", time.time()))
    address = f"http://{HOST}:{options.port}"
    with interruptible() as tidy, instance.claim(VAR, address):
        if options.fresh:
            _throw_away("old demo data thrown away")
        elif not os.environ.get("DATABASE_URL"):
            _tidy_up()
        supervisor = Supervisor(LOGS, {})
        try:
            with postgres.open_database(VAR, CLUSTER) as database:
                environment = _environment(options.port, database.url)
                supervisor.environment = environment
                try:
                    _set_up(supervisor, options, environment)
                    supervisor.start(*_services(options.port))
                    supervisor.wait_until_ready()
                    # After the worker: both set up the same queue when they begin.
                    supervisor.start(_beat())
                    supervisor.wait_until_ready()
                    _greet(address, time.time() - since, is_detached=is_ready is not None)
                    if is_ready is not None:
                        _go_silent(is_ready)
                    supervisor.watch(also=database.ensure_running)
                finally:
                    tidy()
                    console.say("… stopping")
                    supervisor.stop()
        except Interrupted:
            console.say(f"Stopped. Everything is kept in {VAR}; the next start takes seconds.")
    return 0


def _set_up(supervisor: Supervisor, options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Schema, catalogues, static files and demo data, each only when it is not there yet."""
    stamps = Stamps(VAR / "stamps.json")
    if not os.environ.get("STRIPE_SECRET_KEY"):
        supervisor.start(_stripe_standin(options.port, environment))
    schema = f"{schema_fingerprint()} {clusters.system_identifier(VAR, CLUSTER)}"
    static = static_fingerprint()
    running = Running(at_once=2)
    # A database of somebody else's may have been changed behind our back.
    if os.environ.get("DATABASE_URL") or not stamps.is_done("schema", schema):
        running.add(_manage("database schema", environment, "migrate", "--noinput"))
    if catalogs_are_stale():
        running.add(_manage("translations", environment, "compile_catalogs"))
    if not stamps.is_done("static", static) or not any((VAR / "static").iterdir()):
        running.add(_manage("static files", environment, "collectstatic", "--noinput"))
    try:
        # Beside the steps.
        supervisor.wait_until_ready()
        demand(running.wait(is_hasty=True), REMEDY_FRESH)
    finally:
        running.abandon()
    stamps.mark_done("schema", schema)
    stamps.mark_done("static", static)
    _seed(options, environment)


def _seed(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Plays the demo's year, unless it was played; only the address is new then."""
    known = facts.read_facts()
    stage = str(known.get("stage") or options.stage or "running")
    if known and known.get("base_url") == environment["BASE_URL"]:
        return
    console.say(f"… demo data, stage “{stage}”")
    since = time.monotonic()
    if not known and not os.environ.get("DATABASE_URL"):
        UNFINISHED.touch()
    command = [str(PYTHON), "manage.py", "seed_demo", "--stage", stage]
    # Its own words are the progress; what the libraries say of every page would drown them.
    process = processes.spawn(command, environment={"LOG_LEVEL": "WARNING", **environment})
    try:
        status = process.wait()
    finally:
        processes.stop(process, seconds=5)
    if status != 0:
        raise Problem(f"The demo data could not be made (exit status {status}).", REMEDY_FRESH)
    UNFINISHED.unlink(missing_ok=True)
    console.say_done("demo data", time.monotonic() - since)


def _services(port: int) -> list[Service]:
    python = str(PYTHON)
    granian = [python, "-m", "granian", "--host", HOST, "--workers", "1", "--no-ws"]
    return [
        Service(
            "web",
            [*granian, "--interface", "wsgi", "--port", str(port), "--blocking-threads", "32", "config.wsgi:application"],
            url=f"http://{HOST}:{port}/readyz",
            tier=2,
        ),
        Service(
            "click door",
            [*granian, "--interface", "rsgi", "--port", str(port + 1), "--loop", "uvloop", "portal.click.server:app"],
            url=f"http://{HOST}:{port + 1}/healthz",
            tier=2,
        ),
        Service("drain", [python, "manage.py", "drain_clicks"], tier=2),
        Service(
            "worker",
            [
                python, "-m", "celery", "-A", "config", "worker", "-l", "INFO",
                "-P", "threads", "-c", "4", "--without-gossip", "--without-mingle",
            ],
            ready_text=" ready.",
            tier=2,
        ),
    ]  # fmt: skip


def _beat() -> Service:
    """The clock of the periodic tasks; inside the worker nobody would notice its death."""
    schedule = str(VAR / "celerybeat-schedule")
    command = ["-m", "celery", "-A", "config", "beat", "-l", "INFO", "--schedule", schedule]
    return Service("scheduler", [str(PYTHON), *command], ready_text="beat: Starting", tier=2)


def _stripe_standin(port: int, environment: Mapping[str, str]) -> Service:
    """Stops after the processes that send money through it."""
    address = f"http://{HOST}:{port + 2}"
    return Service(
        "Stripe stand-in",
        [
            str(PYTHON), "-m", "fakestripe", "--port", str(port + 2),
            "--state", str(VAR / "fakestripe.sqlite3"),
            "--webhook-url", f"{environment['BASE_URL']}/hooks/stripe/",
            "--webhook-secret", environment["STRIPE_WEBHOOK_SECRET"],
        ],
        url=f"{address}/",
        tier=1,
    )  # fmt: skip


def _environment(port: int, url: str) -> dict[str, str]:
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "BASE_URL": f"http://{HOST}:{port}",
        "CLICK_BASE_URL": f"http://{HOST}:{port + 1}",
        "CLICK_SPOOL_DIR": str(VAR / "spool"),
        "VAR_DIR": str(VAR),
        "PYTHONUNBUFFERED": "1",
    }
    if not os.environ.get("STRIPE_SECRET_KEY"):
        environment["STRIPE_API_BASE"] = f"http://{HOST}:{port + 2}"
        environment.setdefault("STRIPE_WEBHOOK_SECRET", "whsec_standin")
    for name in ("spool", "media", "mail", "static"):
        (VAR / name).mkdir(parents=True, exist_ok=True)
    return environment


def _manage(name: str, environment: Mapping[str, str], *arguments: str) -> Step:
    command = [str(PYTHON), "manage.py", *arguments]
    return Step(name, command, LOGS / f"{arguments[0]}.log", environment)


def _tidy_up() -> None:
    """Throws away what is of no use: data left half made, and what belonged to a lost database."""
    if UNFINISHED.exists():
        _throw_away("demo data thrown away: it was left half made")
    elif facts.FILE.exists() and not clusters.system_identifier(VAR, CLUSTER):
        _throw_away("demo data thrown away: its database is gone")


def _throw_away(what: str) -> None:
    """Deletes the demo's data; logs and collected files stay."""
    since = time.monotonic()
    postgres.remove_cluster(VAR, CLUSTER)
    for name in ("spool", "media", "mail"):
        shutil.rmtree(VAR / name, ignore_errors=True)
    for file in [
        facts.FILE,
        UNFINISHED,
        *VAR.glob("fakestripe.sqlite3*"),
        *VAR.glob("celerybeat-schedule*"),
    ]:
        file.unlink(missing_ok=True)
    console.say_done(what, time.monotonic() - since)


# ── What people are told ─────────────────────────────────────────────────────────────────


def _greet(address: str, seconds: float, *, is_detached: bool) -> None:
    console.say()
    console.say(f"Ready in {console.seconds_text(seconds)}:  {console.paint(address + '/', console.BOLD)}")
    people = facts.read_facts().get("people")
    if isinstance(people, list) and people:
        head = ["Role", "E-mail", "Password", "Workspace"]
        rows = [[str(p.get(key) or "") for key in ("role", "email", "password", "workspace")] for p in people]
        console.say()
        for line in table([head, *rows]):
            console.say("  " + line)
    console.say()
    console.say(f"E-mails are files in {VAR / 'mail'}, logs are in {LOGS}.")
    console.say("./run stop ends it." if is_detached else "Ctrl-C stops everything.")


def table(rows: list[list[str]]) -> list[str]:
    """Lines of aligned columns, the first row underlined as the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "  ".join("─" * width for width in widths), *lines[1:]]


# ── Running on while nobody watches ──────────────────────────────────────────────────────


def _detach(options: argparse.Namespace) -> int:
    """Forks; the child carries on, we wait for its word and pass Ctrl-C on to it."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        # A session of its own: the end of this terminal is not the end of the demo.
        os.setsid()
        os._exit(_run_detached(options, writing))
    os.close(writing)
    before = signal.signal(signal.SIGINT, lambda *_: os.kill(child, signal.SIGTERM))
    try:
        with os.fdopen(reading, "rb") as pipe:
            is_ready = pipe.read() == b"ready"
    finally:
        signal.signal(signal.SIGINT, before)
    if is_ready:
        return 0
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or 1


def _run_detached(options: argparse.Namespace, writing: int) -> int:
    try:
        status = _run(options, is_ready=writing)
    except Problem as problem:
        console.say_problem(problem)
        status = 1
    except Interrupted:
        status = 130
    sys.stdout.flush()
    return status


def _go_silent(is_ready: int) -> None:
    """Lets go of the terminal; what is still said goes to var/log/demo.log."""
    sys.stdout.flush()
    log = os.open(LOGS / "demo.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    console.show_times()
    os.write(is_ready, b"ready")
    os.close(is_ready)
