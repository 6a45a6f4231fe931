"""`manage.py compile_catalogs`: locale/*/LC_MESSAGES/*.po become .mo with Babel, so nobody needs gettext."""

from argparse import ArgumentParser
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Compiles what is newer than its .mo; a second run does nothing."""

    help = "Compile the translations that changed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--force compiles everything."""
        parser.add_argument("--force", action="store_true", help="compile everything, changed or not")

    def handle(self, *_args: Any, force: bool = False, **_options: Any) -> None:
        """Compile each catalogue; one that cannot be read stops with its name and line."""
        for folder in settings.LOCALE_PATHS:
            for source in sorted(Path(folder).glob("*/LC_MESSAGES/*.po")):
                if force or _is_stale(source):
                    compiled = compile_catalog(source)
                    self.stdout.write(f"{source.parent.parent.name}: {compiled} messages")


def _is_stale(source: Path) -> bool:
    target = source.with_suffix(".mo")
    return not target.exists() or target.stat().st_mtime < source.stat().st_mtime


def compile_catalog(source: Path) -> int:
    """Write the .mo beside a .po and return how many messages it translates; fuzzy ones are left out.

    The file appears at once or not at all, so a reader never sees half of it.
    """
    with source.open("rb") as stream:
        try:
            catalog = read_po(stream, locale=source.parent.parent.name, abort_invalid=True)
        except Exception as problem:  # Babel raises bare ValueErrors and its own
            raise CommandError(f"{source}: {problem}") from problem
    written = BytesIO()
    write_mo(written, catalog, use_fuzzy=False)
    draft = source.with_suffix(".mo.draft")
    draft.write_bytes(written.getvalue())
    draft.replace(source.with_suffix(".mo"))
    return sum(1 for message in catalog if message.id and message.string and not message.fuzzy)
