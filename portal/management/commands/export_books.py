"""manage.py export_books: the whole ledger for other programs."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from ledger.export import FORMATS, Extract, write_book


class Command(BaseCommand):
    """Beancount and hledger check our sums by their own; CSV is for everything else."""

    help = "Write the ledger as Beancount, hledger or CSV."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The contract's options."""
        parser.add_argument("--format", choices=FORMATS, default="beancount")
        parser.add_argument("--from", dest="start", type=_day, help="the first day, such as 2026-01-01 (UTC)")
        parser.add_argument("--to", dest="end", type=_day, help="the day after the last one")
        parser.add_argument("--output", type=Path, help="a file; without it the lines are printed")

    def handle(self, *args: object, **options: Any) -> None:
        """Write the lines."""
        start, end = options["start"], options["end"]
        if start and end and start >= end:
            raise CommandError("--from must be before --to.")
        with self._open(options["output"]) as out:
            for line in write_book(Extract(start, end), format=options["format"]):
                out.write(f"{line}\n")

    @contextmanager
    def _open(self, path: Path | None) -> Iterator[OutputWrapper | TextIO]:
        if path is None:
            yield self.stdout
            return
        try:
            with path.open("w", encoding="utf-8", newline="\n") as file:
                yield file
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error


def _day(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day. Write it as 2026-01-31.") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
