"""Lists as CSV: exactly the rows of the screen, and nothing a spreadsheet could run."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

#: A cell that begins with one of these is a formula to a spreadsheet (OWASP, CSV injection).
#: The full-width signs are the same to spreadsheets set to Chinese or Japanese.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def safe_cell(value: object) -> object:
    """The value as a cell: text that would be a formula gets a leading apostrophe, numbers stay numbers."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def csv_response(filename: str, header: Sequence[object], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """The rows as a download, sent as they are read. Give amounts as int, Decimal or Money.to_decimal()."""
    response = StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _lines(header: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    writer = csv.writer(_Echo())  # type: ignore[arg-type]
    # The mark by which spreadsheets know UTF-8.
    yield "\ufeff"
    yield writer.writerow([str(name) for name in header])
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])
