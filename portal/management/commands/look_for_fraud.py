"""manage.py look_for_fraud: judge programs now, as each night does."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from payouts.fraud import looking


class Command(BaseCommand):
    """Looks at the thirty days before a moment and keeps what is new; the same look twice finds nothing more."""

    help = "Look for fraud in every open program, or in one, and hold what its merchant's rules hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which program, and until when."""
        parser.add_argument("--program", default="", help="the program's id (prog_…); every open one without it")
        parser.add_argument("--at", default="", help="the end of the thirty days, ISO 8601; now without it")

    def handle(self, *args: object, **options: Any) -> None:
        """Print each finding, and how many there are."""
        programs = looking.programs_to_look_at()
        if options["program"]:
            programs = [one for one in programs if options["program"] in {one.public_id, one.slug}]
            if not programs:
                raise CommandError(f"There is no open program {options['program']}.")
        at = _moment(options["at"])
        count = 0
        for program in programs:
            for finding in looking.look_at_program(program, at=at):
                count += 1
                p_value = "a fact" if finding.p_value is None else f"p {finding.p_value:.1e}"
                self.stdout.write(
                    f"{finding.public_id} {finding.rule} {program.slug} {finding.state}"
                    f" {len(finding.subjects)} orders {finding.at_risk.major} {finding.currency} {p_value}"
                )
        self.stdout.write(f"{count} new findings in {len(programs)} programs")


def _moment(text: str) -> datetime:
    if not text:
        return timezone.now()
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"{text!r} is no moment such as 2026-03-10T12:00:00+00:00.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
