"""`./run bench [name]`: the programs under benchmarks/, each with a real database."""

import ast
import os
import time
from collections.abc import Sequence
from pathlib import Path

from launch import console
from launch.clusters import system_identifier
from launch.console import Problem
from launch.manage import run_in_foreground
from launch.places import LOGS, PYTHON, ROOT, VAR
from launch.postgres import open_database
from launch.stamps import Stamps, schema_fingerprint
from launch.steps import Step, demand, run_steps

FOLDER = ROOT / "benchmarks"
CLUSTER = "pgbench"


def run_benchmarks(arguments: Sequence[str]) -> int:
    """Lists the benchmarks, or runs one (further arguments are its own), or `all` of them.

    They write to a cluster of their own, never to the demo's or to DATABASE_URL.
    """
    known = find_benchmarks()
    if not arguments:
        for name, what in known.items():
            console.say(f"  {name:<12}  {what}")
        console.say("Type ./run bench NAME, or ./run bench all." if known else "There are no benchmarks yet.")
        return 0
    name, *rest = arguments
    if name != "all" and name not in known:
        raise Problem(
            f"There is no benchmark {name!r}.",
            f"Choose one of: {', '.join(known) or 'none yet'}, all",
        )
    with open_database(VAR, CLUSTER, own=True) as database:
        environment = {**os.environ, "DATABASE_URL": database.url}
        _migrate(environment)
        worst = 0
        for chosen in known if name == "all" else [name]:
            since = time.monotonic()
            status = run_in_foreground([str(PYTHON), "-m", f"benchmarks.{chosen}", *rest], environment)
            (console.say_failed if status else console.say_done)(chosen, time.monotonic() - since)
            worst = max(worst, status)
    return worst


def find_benchmarks(folder: Path = FOLDER) -> dict[str, str]:
    """Each benchmark with what it measures.

    A module is one when its first line says how it is run, `./run bench NAME: what it measures`;
    the others in the folder are its helpers.
    """
    found = {}
    for file in sorted(folder.glob("[a-z]*.py")):
        text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        command, _, what = text.partition("\n")[0].partition(": ")
        if command == f"./run bench {file.stem}":
            found[file.stem] = what
    return found


def _migrate(environment: dict[str, str]) -> None:
    stamps = Stamps(VAR / "stamps.json")
    mark = f"{schema_fingerprint()} {system_identifier(VAR, CLUSTER)}"
    if stamps.is_done("benchmark schema", mark):
        return
    command = [str(PYTHON), "manage.py", "migrate", "--noinput"]
    demand(
        run_steps(Step("database schema", command, LOGS / "bench-migrate.log", environment)),
        f"If an earlier state is in the way, remove {VAR / CLUSTER}.",
    )
    stamps.mark_done("benchmark schema", mark)
