"""manage.py root_log: root, sign and chain what is under no root yet."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from tracking.receipts.roots import root_log


class Command(BaseCommand):
    """The worker does it every hour; by hand it is for spools that waited longer than forty days."""

    help = "Root the clicks and decisions of past hours that are under no published root yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How far to look back."""
        parser.add_argument("--days", type=int, default=40, help="how many days to look back (40)")

    def handle(self, *args: object, **options: Any) -> None:
        """Print each new root."""
        now = timezone.now()
        made = root_log(at=now, since=now - timedelta(days=options["days"]))
        for root in made:
            self.stdout.write(f"{root.number} {root.kind} {root.hour:%Y-%m-%dT%H} {root.size} {bytes(root.root).hex()}")
        self.stdout.write(f"{len(made)} new roots")
