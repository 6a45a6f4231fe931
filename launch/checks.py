"""`./run test`: the static checks and the tests, each a named step with its time."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from launch import console, processes
from launch.binaries import find_binaries
from launch.browsers import get_browser
from launch.console import Problem
from launch.manage import run_in_foreground
from launch.places import LOGS, PYTHON, ROOT, VAR
from launch.postgres import open_database
from launch.stamps import PACKAGES, catalogs_are_stale
from launch.steps import Result, Running, Step
from launch.supervisor import interruptible
from launch.templates import Template

CLUSTER = "pgtest"
ROWS_OF_OUTPUT = 80
# What pytest says last: `= 12 passed in 3.45s =`.
_SUMMARY = re.compile(r"^=+ .*\b(passed|failed|error|errors|skipped|no tests ran)\b.* in [0-9.:]+s.*=+$")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def run_tests(arguments: Sequence[str]) -> int:
    """All checks and tests; with arguments, only pytest with those. Returns the exit status."""
    chosen = [a for a in arguments if a != "--all"]
    is_all = "--all" in arguments
    with interruptible() as tidy:
        try:
            browser = get_browser()
            with open_database(VAR, CLUSTER, is_durable=False) as database:
                environment = {**os.environ, "DATABASE_URL": database.url}
                if browser:
                    environment["CHROMIUM_PATH"] = browser
                template = Template(find_binaries().directory / "psql", database.url)
                if chosen:
                    return _run_chosen(template, environment, chosen)
                return _run_everything(template, environment, is_all=is_all)
        finally:
            tidy()


def _run_chosen(template: Template, environment: dict[str, str], arguments: Sequence[str]) -> int:
    _prepare([], template, environment)
    # A test asked for by name runs, slow or not.
    return run_in_foreground([*_pytest(), *arguments], environment)


def _run_everything(template: Template, environment: dict[str, str], *, is_all: bool) -> int:
    since = time.monotonic()
    results = _prepare(static_checks(environment), template, environment)
    rows = [(r.step.name, r.is_good, r.seconds) for r in results]
    console.say("\nTests" + (", the slow proofs too" if is_all else ""))
    started = time.monotonic()
    marks = ["-m", ""] if is_all else ["-m", "not slow"]
    workers = str(max(2, min(os.cpu_count() or 2, 8)))
    status, summary = _run_pytest([*_pytest(), "-n", workers, "--dist", "worksteal", *marks], environment)
    rows.append(("pytest", status == 0, time.monotonic() - started))
    _say_table(rows, time.monotonic() - since)
    console.say(summary or f"pytest ended with exit status {status} and no summary")
    return 0 if all(is_good for _, is_good, _ in rows) else 1


def _prepare(checks: Sequence[Step], template: Template, environment: dict[str, str]) -> list[Result]:
    """Runs the checks, and makes the template beside them; the output of what failed is shown."""
    making = [] if template.exists() else [template.making(environment)]
    running = Running(at_once=2)
    running.add(*making, *_catalogs(environment), *checks)
    results = running.wait()
    for result in results:
        if not result.is_good:
            console.say(f"\n── {result.step.name}: exit status {result.status} " + "─" * 20)
            lines = result.output.strip().splitlines()
            for line in lines[-ROWS_OF_OUTPUT:]:
                console.say("  " + line)
            if len(lines) > ROWS_OF_OUTPUT:
                console.say(f"  ({len(lines) - ROWS_OF_OUTPUT} lines before these: {result.step.log})")
    if all(r.is_good for r in results if r.step in making):
        if making:
            template.finish()
        environment["TEST_TEMPLATE"] = template.name
    return results


def _catalogs(environment: Mapping[str, str]) -> list[Step]:
    """The step that compiles translations, when one is stale."""
    if not catalogs_are_stale():
        return []
    command = [str(PYTHON), "manage.py", "compile_catalogs"]
    return [Step("translations", command, LOGS / "check-translations.log", environment)]


def static_checks(environment: Mapping[str, str]) -> list[Step]:
    """The checks that need no tests: form, types, imports, templates, migrations, deployment."""
    python = str(PYTHON)
    scripts = PYTHON.parent
    templates = [str(p.relative_to(ROOT)) for name in PACKAGES for p in ROOT.glob(f"{name}/templates")]
    steps = {
        "types": ([python, "-m", "mypy", "."], environment),
        "format": ([python, "-m", "ruff", "format", "--check", "."], environment),
        "lint": ([python, "-m", "ruff", "check", "."], environment),
        "imports": ([str(scripts / "lint-imports")], environment),
        "templates": ([python, "-m", "djlint", "--lint", "--quiet", *templates], environment),
        "migrations": (
            [python, "manage.py", "makemigrations", "--check", "--dry-run"],
            environment,
        ),
        "deployment": (
            [python, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
            production(environment),
        ),
    }
    if not templates:
        del steps["templates"]
    return [Step(name, command, LOGS / f"check-{name}.log", env) for name, (command, env) in steps.items()]


def production(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of an installation that serves strangers, for checking only."""
    return {
        **environment,
        "PRODUCTION": "true",
        "DEBUG": "false",
        "SECRET_KEY": "checked-only-never-used-0123456789-abcdefghijklmnopqrstuvwxyz-ABC",
        "FIELD_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "ALLOWED_HOSTS": "network.example",
        "BASE_URL": "https://network.example",
        "CLICK_BASE_URL": "https://go.network.example",
        "EMAIL_URL": "smtp://localhost",
        "STRIPE_SECRET_KEY": "sk_test_checked_only",
        "STRIPE_WEBHOOK_SECRET": "whsec_checked_only",
        "CELERY_BROKER_URL": "redis://localhost/0",
    }


def _pytest() -> list[str]:
    return [str(PYTHON), "-m", "pytest"]


def _run_pytest(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Runs pytest, showing its output as it comes; its exit status and its last summary line."""
    if console.is_terminal():
        command = [*command, "--color=yes"]
    process = processes.spawn(command, environment=environment, output=subprocess.PIPE)
    summary = ""
    try:
        if process.stdout is None:
            raise Problem("pytest's output cannot be read.", "This is a bug in launch/checks.py.")
        with process.stdout as output:
            for raw in iter(output.readline, b""):
                line = raw.decode("utf-8", "replace")
                sys.stdout.write(line)
                sys.stdout.flush()
                if _SUMMARY.match(_COLOUR.sub("", line).strip()):
                    summary = _COLOUR.sub("", line).strip()
        return process.wait(), summary
    finally:
        # pytest tidies up after SIGINT, as after Ctrl-C.
        processes.stop(process, seconds=15, first=signal.SIGINT)


def _say_table(rows: Sequence[tuple[str, bool, float]], seconds: float) -> None:
    console.say()
    width = max(len(name) for name, _, _ in rows)
    for name, is_good, taken in rows:
        mark = console.paint("passed", console.GREEN) if is_good else console.paint("FAILED", console.RED)
        console.say(f"  {name:<{width}}  {mark}  {console.seconds_text(taken):>10}")
    console.say(f"  {'in all':<{width}}  {'':6}  {console.seconds_text(seconds):>10}")
    console.say()
