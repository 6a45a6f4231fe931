"""`manage.py build_site`: the starter site, once."""

from typing import Any

from django.core.management.base import BaseCommand

from cms.site import build_site


class Command(BaseCommand):
    """Make the starter site where there is none."""

    help = "Builds the public starter site in every language. Does nothing when there is one."

    def handle(self, **options: Any) -> None:
        """Build, and say where it is."""
        home = build_site()
        self.stdout.write(f"The site is at {home.full_url}")
