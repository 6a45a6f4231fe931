"""manage.py seal_books: put every entry under the hash chain now."""

from typing import Any

from django.core.management.base import BaseCommand

from ledger.seals import seal_entries


class Command(BaseCommand):
    """The worker does it every ten minutes; before a copy of the digest is put away, do it by hand."""

    help = "Seal every entry that is under no seal yet, and print the newest digest."

    def handle(self, *args: object, **options: Any) -> None:
        """Print the seal to keep."""
        sealed, last = 0, None
        while (seal := seal_entries()) is not None:
            sealed, last = sealed + seal.entry_count, seal
        if last is None:
            self.stdout.write("Every entry is sealed already.")
            return
        self.stdout.write(f"Sealed {sealed} entries. Keep this off the machine: seal {last.number} {last.digest}")
