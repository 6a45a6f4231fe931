"""Files of orders, purely: from bytes to rows, from a row to what the API's reader takes. Knows no database.

Nothing is guessed silently: encoding, separator, decimal sign, order of day and month and time zone
are proposed, shown and may be changed; what does not fit the choice goes on as it stands, so that
the reader refuses it by name.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Self
from zoneinfo import ZoneInfo

from charset_normalizer import from_bytes
from python_calamine import CalamineWorkbook, PasswordError

from tracking.errors import InputRefused
from tracking.import_values import guess_dates, guess_decimal
from tracking.import_words import field_of_heading

#: No file is larger, and no file has more rows of orders.
LARGEST_FILE = 16 * 1024 * 1024
MOST_ROWS = 50_000
MOST_COLUMNS = 200

#: A spreadsheet may unpack to this much; more is a bomb.
_LARGEST_UNPACKED = 512 * 1024 * 1024

#: Encodings offered, by Python's name for them.
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "gb18030": "GBK / GB 18030",
    "big5hkscs": "Big5",
    "cp932": "Shift-JIS",
    "cp1252": "Latin-1 (Windows-1252)",
}

SEPARATORS = {",": ",", ";": ";", "\t": "Tab", "|": "|"}

_GUESSED_FROM = 200_000
_SEEN_LINES = 30

# Cells may be as long as the file: what is too long for a field is refused by the reader, in words.
csv.field_size_limit(LARGEST_FILE)


class FileUnreadable(InputRefused):
    """The file as a whole cannot be read; `code` says why."""

    code = "file_malformed"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read. `decimal` is "." or "," or "minor" (whole cents); `dates` iso, dmy or mdy."""

    encoding: str = "utf-8"
    separator: str = ","
    decimal: str = "."
    dates: str = "iso"
    time_zone: str = "UTC"
    currency: str = ""
    sheet: int = 0
    is_test: bool = False

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """As it was kept; what is unknown is left out."""
        return cls(**{name: kept[name] for name in cls.__slots__ if name in kept})

    @property
    def zone(self) -> ZoneInfo:
        """The zone of times that name none."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its number as a spreadsheet shows it (the heading is 1), and its cells as text."""

    number: int
    cells: tuple[str, ...]


def kind_of_file(content: bytes) -> str:
    """csv or xlsx, by what the bytes are and not by the name. Raises FileUnreadable for empty files and other kinds."""
    if not content.strip():
        raise FileUnreadable("The file is empty. Export it again.", code="file_empty", field="file")
    if len(content) > LARGEST_FILE:
        raise FileUnreadable("The file is larger than 16 MB. Send it in parts.", code="file_too_large", field="file")
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "xlsx"
    if content.startswith(
        (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"7z\xbc\xaf", b"{\\rtf", b"<!DOCTYPE", b"<html")
    ):
        raise FileUnreadable(
            "The file is neither CSV nor XLSX. Export a table of orders.", code="file_kind_unknown", field="file"
        )
    return "csv"


def guess_encoding(content: bytes) -> str:
    """The encoding the bytes most likely have: a byte order mark, UTF-8 that fits, else by the letters in them."""
    if content.startswith(b"\xef\xbb\xbf"):
        return "utf-8"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = content[:_GUESSED_FROM]
    if head.count(b"\0") > len(head) // 4:
        # Latin letters and digits in UTF-16 have a zero beside each; which side says the order.
        return "utf-16-le" if head[1::2].count(0) >= head[0::2].count(0) else "utf-16-be"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    best = from_bytes(head, cp_isolation=["gb18030", "big5hkscs", "cp932", "cp1252"], enable_fallback=False).best()
    if best is not None and best.encoding in ENCODINGS:
        return str(best.encoding)
    return next((name for name in ("gb18030", "big5hkscs", "cp932") if _fits(head, name)), "cp1252")


def _fits(content: bytes, encoding: str) -> bool:
    try:
        content[: len(content) // 2 * 2].decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def decode(content: bytes, encoding: str) -> str:
    """The text of a file. Raises FileUnreadable when the bytes are not of this encoding."""
    if encoding not in ENCODINGS:
        raise FileUnreadable("Choose one of the encodings.", code="file_not_in_encoding", field="encoding")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "cp1252":
            # Five bytes mean nothing in Windows-1252; ISO 8859-1 takes them as they are.
            return content.decode("latin-1")
        raise FileUnreadable(
            f"The file is not {ENCODINGS[encoding]}: byte {error.start} does not fit. Choose another encoding.",
            code="file_not_in_encoding",
            field="encoding",
        ) from None
    return text.removeprefix("\ufeff")


def guess_separator(text: str) -> str:
    """The sign that parts the first lines into the most, and evenly many, columns."""
    lines = "".join(islice(io.StringIO(text[:_GUESSED_FROM], newline=None), _SEEN_LINES))

    def fit(separator: str) -> tuple[int, int]:
        try:
            widths = [len(cells) for cells in csv.reader(io.StringIO(lines), delimiter=separator) if cells]
        except csv.Error:
            return (0, 0)
        if not widths or widths[0] < 2:
            return (0, 0)
        return (sum(width == widths[0] for width in widths), widths[0])

    return max(SEPARATORS, key=fit)


def guess_reading(content: bytes, kind: str, *, time_zone: str, currency: str) -> Reading:
    """How a file is most likely to be read; everything in it is shown and may be changed."""
    reading = Reading(time_zone=time_zone, currency=currency)
    if kind == "csv":
        encoding = guess_encoding(content)
        reading = replace(reading, encoding=encoding, separator=guess_separator(decode(content, encoding)))
    heading, rows = headings_and_rows(content, kind, reading)
    return guess_signs(reading, heading, rows)


def guess_signs(reading: Reading, headings: Sequence[str], rows: Iterator[Row]) -> Reading:
    """The decimal sign and the order of day and month that the first rows speak for."""
    seen = list(islice(rows, 200))
    fields = [field_of_heading(heading) for heading in headings]

    def column(*names: str) -> list[str]:
        return [row.cells[i] for row in seen for i, field in enumerate(fields) if field in names and i < len(row.cells)]

    cents = any("cents" in heading.casefold() for heading in headings if field_of_heading(heading) == "amount")
    decimal = "minor" if cents else guess_decimal(column("amount", "new_amount", "refund_amount", "tax", "shipping"))
    return replace(reading, decimal=decimal, dates=guess_dates(column("occurred_at")))


def headings_and_rows(content: bytes, kind: str, reading: Reading) -> tuple[list[str], Iterator[Row]]:
    """The headings, and the rows below them. Raises FileUnreadable, at once or when a row cannot be read."""
    lines = _sheet_rows(content, reading) if kind == "xlsx" else _csv_rows(decode(content, reading.encoding), reading)
    rows = _filled(lines)
    first = next(rows, None)
    if first is None:
        raise FileUnreadable("The file has no rows. Export it again.", code="file_empty", field="file")
    headings = list(first.cells)
    while headings and not headings[-1]:
        headings.pop()
    if len(headings) > MOST_COLUMNS:
        raise FileUnreadable(
            f"The file has {len(headings)} columns; {MOST_COLUMNS} is the most.", code="file_too_wide", field="file"
        )
    return headings, rows


def sheets_of(content: bytes) -> list[str]:
    """The names of a spreadsheet's sheets. Raises FileUnreadable."""
    with _workbook(content) as book:
        return list(book.sheet_names)


def _filled(lines: Iterator[Sequence[str]]) -> Iterator[Row]:
    """The rows that hold anything; numbers count the empty ones too."""
    orders = 0
    for number, cells in enumerate(lines, start=1):
        if not any(cell.strip() for cell in cells):
            continue
        orders += 1
        if orders > MOST_ROWS + 1:
            raise FileUnreadable(
                f"The file has more than {MOST_ROWS:,} rows. Send it in parts.", code="file_too_long", field="file"
            )
        yield Row(number, tuple(_plain_cell(cell) for cell in cells))


def _plain_cell(cell: str) -> str:
    """A cell as its writer meant it: ="1042" is the text 1042, and '=1 is the text =1."""
    text = cell.strip()
    if len(text) >= 3 and text.startswith('="') and text.endswith('"'):
        return text[2:-1].replace('""', '"')
    if text[:1] == "'" and text[1:2] in {"=", "+", "-", "@"}:
        return text[1:]
    return text


def _csv_rows(text: str, reading: Reading) -> Iterator[Sequence[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=reading.separator, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise FileUnreadable(
            f"Line {reader.line_num} cannot be read: {error}. Look for a quotation mark that is never closed.",
            field="file",
        ) from None


def _sheet_rows(content: bytes, reading: Reading) -> Iterator[Sequence[str]]:
    with _workbook(content) as book:
        names = book.sheet_names
        if not 0 <= reading.sheet < len(names):
            raise FileUnreadable("There is no such sheet. Choose another.", code="file_malformed", field="sheet")
        sheet = book.get_sheet_by_index(reading.sheet)
        if sheet.total_height > MOST_ROWS * 4 or sheet.total_width > 16_384:
            raise FileUnreadable("The sheet is too large. Send it in parts.", code="file_too_long", field="file")
        rows = sheet.to_python(skip_empty_area=False)
    for row in rows:
        yield [cell_text(value) for value in row]


@contextmanager
def _workbook(content: bytes) -> Iterator[CalamineWorkbook]:
    """The workbook in the bytes, closed afterwards. Raises FileUnreadable for whatever its reader stumbles over."""
    _refuse_bomb(content)
    try:
        with CalamineWorkbook.from_object(io.BytesIO(content)) as book:
            yield book
    except (InputRefused, GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - the reader is Rust: its panics are no Exception
        raise _unreadable(error) from None


def _refuse_bomb(content: bytes) -> None:
    """Refuse an archive that unpacks to more than any file of orders would."""
    if not content.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise _unreadable(error) from None
    if size > _LARGEST_UNPACKED:
        raise FileUnreadable("The file unpacks to too much. Send it in parts.", code="file_too_large", field="file")


def _unreadable(error: BaseException) -> FileUnreadable:
    if isinstance(error, PasswordError):
        return FileUnreadable("The file has a password. Save it without one.", code="file_locked", field="file")
    return FileUnreadable("The file is damaged: it is no spreadsheet. Export it again.", field="file")


def cell_text(value: object) -> str:
    """A spreadsheet's value as text. Numbers have the 15 digits that a spreadsheet shows of them."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return format(Decimal(f"{value:.15g}").normalize(), "f") if value == value and abs(value) < 1e300 else ""
        case datetime() | date():
            return value.isoformat()
        case time() | timedelta():
            return str(value)
        case _:
            return str(value)
