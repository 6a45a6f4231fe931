"""The commands: what they are called, their options, and what must be ready before each."""

from __future__ import annotations

import argparse
import os
import sys
import time

from launch import console, environment, facts, instance, ports
from launch.console import Problem
from launch.places import ROOT, VAR

STAGES = ("empty", "running", "month-end", "disputed")
PURPOSES = ["web", "click door", "Stripe stand-in"]

HELP = """\
usage: ./run COMMAND [options]

  demo      set everything up, then run the whole product with a year of demo data
              --stage empty|running|month-end|disputed   which moment to show (running)
              --port N      web on N, click door on N+1, Stripe stand-in on N+2 (8000)
              --fresh       throw the demo data away first
              --detach      return when everything is ready; ./run stop ends it
  stop      end a demo that runs in the background or in another terminal
  test      all static checks, then the tests
              --all         the slow proofs too
              [pytest arguments]   only pytest, with these: ./run test tests/ledger -k money
  manage    manage.py inside the prepared environment: ./run manage verify_books
  bench     list the benchmarks; with a name run that one, with `all` every one
  help      this text

The first start installs what is needed into .venv; everything that runs keep is under var/.
DATABASE_URL (postgresql://…) uses a PostgreSQL of your own instead of the embedded one.
"""
# Which packages a command needs.
KINDS = {"demo": "runtime", "manage": "runtime", "bench": "runtime", "test": "dev"}


def main(arguments: list[str]) -> int:
    """Carries out `./run …` up to the point where `.venv` takes over; returns the exit status."""
    command, *rest = arguments or ["help"]
    try:
        if command in {"help", "-h", "--help"}:
            print(HELP, end="")
            return 0
        if command == "stop":
            return _stop()
        if command not in KINDS:
            raise Problem(f"There is no command {command!r}.", "Type: ./run help")
        # The demo tells how long everything took, packages included.
        os.environ["LAUNCH_SINCE"] = str(time.time())
        if command == "demo":
            # Said before minutes are spent on packages.
            check_demo(parse_demo(rest))
        python = environment.prepare(KINDS[command])
    except Problem as problem:
        console.say_problem(problem)
        return 1
    except KeyboardInterrupt:
        console.say("\nStopped. The same command goes on from here.")
        return 130
    sys.stdout.flush()
    return os.execv(python, [str(python), "-m", "launch", command, *rest])


def parse_demo(arguments: list[str]) -> argparse.Namespace:
    """The options of `./run demo`; ends the program with an explanation when one is wrong."""
    parser = argparse.ArgumentParser(prog="./run demo", allow_abbrev=False)
    parser.add_argument("--stage", choices=STAGES)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--detach", action="store_true")
    return parser.parse_args(arguments)


def check_demo(options: argparse.Namespace) -> None:
    """Problem when the demo cannot start: it runs already, or its ports are taken."""
    if instance.find_running(VAR) is not None:
        raise instance.already_running(VAR)
    ports.demand_free(options.port, PURPOSES)
    here = facts.read_facts().get("stage")
    if options.stage and here and here != options.stage and not options.fresh:
        raise Problem(
            f"The demo data here is of the stage “{here}”.",
            f"./run demo goes on with it.\n./run demo --stage {options.stage} --fresh throws it away for the other.",
        )
    if options.fresh and os.environ.get("DATABASE_URL"):
        raise Problem(
            "--fresh does not empty a database of your own (DATABASE_URL is set).",
            "Empty that database yourself, or unset DATABASE_URL to use the embedded one.",
        )


def _stop() -> int:
    if instance.stop_running(VAR):
        console.say("Stopped.")
    else:
        console.say(f"No demo runs in {ROOT}.")
    return 0
