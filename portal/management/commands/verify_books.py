"""manage.py verify_books: does the book agree with itself?"""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ledger.audit import verify_books
from ledger.journal import record_event
from ledger.queries import book_figures


class Command(BaseCommand):
    """Reads everything and changes nothing; that it was done is written in the journal, as after the nightly check."""

    help = "Check trial balance, running totals, currencies and hash chain; exit 1 and the first difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One option."""
        parser.add_argument("--all", action="store_true", help="print every difference, not only the first")

    def handle(self, *args: object, **options: Any) -> None:
        """Print OK and how much was looked at, or what does not agree."""
        since = time.monotonic()
        found: list[str] = []
        for difference in verify_books():
            found.append(str(difference))
            self.stderr.write(str(difference))
            if not options["all"]:
                break
        name = "books.disagree" if found else "books.verified"
        record_event(name, "house", at=timezone.now(), data={"differences": found[:100]})
        if found:
            raise CommandError("The books do not agree. Nothing was changed.", returncode=1)
        figures = book_figures()
        self.stdout.write(
            f"OK: {figures.entries} entries, {figures.postings} postings, {figures.accounts} accounts"
            f" in {time.monotonic() - since:.1f} s"
        )
