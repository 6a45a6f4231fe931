"""manage.py prove_payouts: let the payout algorithm loose in a world that crashes, forgets and lies."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payouts.prover import prove


class Command(BaseCommand):
    """Needs no database: the simulated world is all in memory."""

    help = "Prove exactly-once payouts on simulated schedules; exit 1 when anything went wrong."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """See docs/payout-proof.md."""
        parser.add_argument("--schedules", type=int, default=10_000, help="how many schedules to play")
        parser.add_argument("--seed", type=int, default=1, help="the same seed plays the same schedules")
        parser.add_argument("--mutants", action="store_true", help="hunt the mutants instead")
        parser.add_argument("--model", default="write-intent", help="a model or mutant to try instead of ours")
        parser.add_argument("--only", type=int, help="replay one schedule and tell every step")

    def handle(self, *args: object, **options: Any) -> None:
        """Print the table."""
        seed, name = options["seed"], options["model"]
        try:
            if options["mutants"]:
                is_clean = prove.run_mutants(seed=seed, write=self.stdout.write)
            elif options["only"] is not None:
                is_clean = prove.run_replay(name, seed=seed, index=options["only"], write=self.stdout.write)
            else:
                is_clean = prove.run_proof(name, schedules=options["schedules"], seed=seed, write=self.stdout.write)
        except KeyError as unknown:
            raise CommandError(f"No model or mutant is called {unknown}.") from unknown
        if not is_clean:
            raise CommandError("Something went wrong; see above.", returncode=1)
