"""manage.py compare_models: every attribution model side by side, over a program's orders or a file of paths."""

import csv
import io
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from affiliates.queries import find_program
from ledger.errors import Refusal
from ledger.money import Money
from payouts.queries.models_compared import Compared, compare_models_of, side_by_side
from tracking.attribution.compare import PATH_MODELS, Journey
from tracking.attribution.models.heuristics import Step

_DAY = 86_400


class Command(BaseCommand):
    """Prints one row a partner and one column a model; every column has the same sum, to the last cent."""

    help = "Every attribution model side by side; each sums to the same money."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be asked."""
        parser.add_argument("--program", help="the program's slug or id")
        parser.add_argument("--from", dest="first", type=date.fromisoformat, help="the first day (90 days back)")
        parser.add_argument("--to", dest="last", type=date.fromisoformat, help="the last day (today)")
        parser.add_argument("--measure", choices=["commission", "revenue"], default="commission")
        parser.add_argument(
            "--paths", metavar="FILE.csv", help="columns path,conversions,value,null; ' > ' between touches"
        )
        parser.add_argument("--currency", default="USD", help="of a file's values (USD)")
        parser.add_argument("--half-life", type=int, default=7, help="of time decay over a file, in touches (7)")
        parser.add_argument("--csv", metavar="F", help="write the table there too")

    def handle(self, *_args: object, **options: Any) -> None:
        """Compare and print."""
        if bool(options["program"]) == bool(options["paths"]):
            raise CommandError("Say --program or --paths.")
        compared = self._of_file(options) if options["paths"] else self._of_program(options)
        table = _table(compared)
        self.stdout.write(_aligned(table))
        self.stdout.write(
            f"\n{compared.orders} paths with orders, {compared.lost_visitors} visits without; "
            f"every model sums to {compared.total.major}"
        )
        if options["csv"]:
            out = io.StringIO()
            csv.writer(out).writerows(table)
            Path(options["csv"]).write_text(out.getvalue(), encoding="utf-8")

    def _of_program(self, options: dict[str, Any]) -> Compared:
        program = find_program(options["program"])
        if program is None:
            raise CommandError(f"There is no program {options['program']}.")
        last = options["last"] or timezone.now().date()
        first = options["first"] or last - timedelta(days=89)
        if first > last:
            raise CommandError("--from lies after --to.")
        return compare_models_of(
            program,
            start=datetime.combine(first, time(0), UTC),
            end=datetime.combine(last + timedelta(days=1), time(0), UTC),
            measure=options["measure"],
            is_limited=False,
        )

    def _of_file(self, options: dict[str, Any]) -> Compared:
        path = Path(options["paths"])
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as fault:
            raise CommandError(f"{path} cannot be read: {fault}") from None
        if not 1 <= options["half_life"] <= 365:
            raise CommandError("--half-life is between 1 and 365.")
        currency = options["currency"].upper()
        journeys = list(_journeys(text, currency=currency, half_life=options["half_life"]))
        if not any(one.value for one in journeys):
            # Without money the orders themselves are shared, each worth one.
            journeys = [replace(one, value=Money.parse(str(one.orders), currency)) for one in journeys]
        sold = [one for one in journeys if one.orders]
        lost = [one for one in journeys if not one.orders]
        return side_by_side(sold, lost, currency=currency, models=PATH_MODELS)


def _journeys(text: str, *, currency: str, half_life: int) -> Iterable[Journey]:
    """The rows of a file of paths. Without times, one touch lies a day before the next."""
    reader = csv.DictReader(io.StringIO(text))
    reader.fieldnames = [(name or "").strip().lower() for name in reader.fieldnames or []]
    if "path" not in reader.fieldnames:
        raise CommandError("The file needs the columns path,conversions,value,null.")
    for number, row in enumerate(reader, start=2):
        names = [name.strip() for name in (row["path"] or "").split(">") if name.strip()]
        orders, nothing = _count(row, "conversions", number), _count(row, "null", number)
        value = _value(row, number, currency)
        if not names:
            raise CommandError(f"Line {number}: the path is empty.")
        if value and not orders:
            raise CommandError(f"Line {number}: there is a value and no conversion.")
        steps = tuple(Step(name, seconds_before=(len(names) - 1 - index) * _DAY) for index, name in enumerate(names))
        yield Journey(steps, value, orders=orders, nothing=nothing, half_life_days=half_life)


def _count(row: dict[str, str | None], name: str, number: int) -> int:
    text = (row.get(name) or "0").strip() or "0"
    if not text.isascii() or not text.isdigit():
        raise CommandError(f"Line {number}: {name} is a whole number.")
    return int(text)


def _value(row: dict[str, str | None], number: int, currency: str) -> Money:
    text = (row.get("value") or "0").strip() or "0"
    try:
        return Money.parse(text, currency, field="value")
    except Refusal as refusal:
        raise CommandError(f"Line {number}: {refusal.message}") from None


def _table(compared: Compared) -> list[list[str]]:
    with_paid = any(row.paid for row in compared.rows)
    rows = [["partner", *compared.models, *(["booked"] if with_paid else [])]]
    for row in compared.rows:
        amounts = [*row.amounts, *([row.paid] if with_paid else [])]
        rows.append([row.name, *(amount.major for amount in amounts)])
    sums = [
        Money(sum(row.amounts[n].minor for row in compared.rows), compared.total.currency)
        for n in range(len(compared.models))
    ]
    last = ["sum", *(one.major for one in sums)]
    if with_paid:
        last.append(Money(sum(row.paid.minor for row in compared.rows), compared.total.currency).major)
    return [*rows, last]


def _aligned(table: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = []
    for row in table:
        cells = [
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
