"""`python -m launch COMMAND`: what `run` hands over to once `.venv` is ready."""

import sys

from launch import console
from launch.benchmarks import run_benchmarks
from launch.checks import run_tests
from launch.commands import check_demo, parse_demo
from launch.console import Interrupted, Problem
from launch.demo import run_demo
from launch.manage import run_manage


def main(arguments: list[str]) -> int:
    """Carries out one command inside `.venv`; returns the exit status."""
    command, *rest = arguments
    try:
        if command == "demo":
            options = parse_demo(rest)
            check_demo(options)
            return run_demo(options)
        return {"test": run_tests, "manage": run_manage, "bench": run_benchmarks}[command](rest)
    except Problem as problem:
        console.say_problem(problem)
        return 1
    except (Interrupted, KeyboardInterrupt):
        console.say("Stopped.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
