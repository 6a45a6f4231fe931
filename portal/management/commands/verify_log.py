"""manage.py verify_log: does the database still say what the published log says?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracking.receipts.verify import verify_log


class Command(BaseCommand):
    """Recomputes every root from the rows; changes nothing."""

    help = "Check chain, signatures and every row under the published roots; exit 1 and the first difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to begin, and whether to go on."""
        parser.add_argument("--after", type=int, default=0, help="check the roots after this number (all)")
        parser.add_argument("--all", action="store_true", help="print every difference, not only the first")

    def handle(self, *args: object, **options: Any) -> None:
        """Print OK, or what does not agree."""
        found = 0
        for difference in verify_log(after=options["after"]):
            found += 1
            self.stderr.write(str(difference))
            if not options["all"]:
                break
        if found:
            raise CommandError("The rows are not what was published. Nothing was changed.", returncode=1)
        self.stdout.write("OK: every row under a root is as it was published")
