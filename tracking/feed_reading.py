"""Reading a product feed: a table (CSV, TSV), JSON, or XML as Google's merchants write it. Pure: bytes in, rows out.

XML is read by expat as it comes, item by item, and a document type is refused where it begins: no entity is
ever declared, so none can be blown up or lead to a file.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from xml.parsers import expat

from ledger.errors import Refusal
from tracking.feed_values import RowRefused, field_of, named

#: More rows than this are no feed of one program.
MOST_ROWS = 200_000
_MOST_COLUMNS = 300
#: The longest text of one field that is kept while reading.
_LONGEST_VALUE = 20_000
_CHUNK = 65_536
_ITEMS = frozenset({"item", "entry", "product"})
_LISTS = ("products", "items", "data", "entries", "offers")


class FeedUnreadable(Refusal):
    """The whole feed is none: `feed_unreadable` (form), `feed_encoding` (not UTF-8), `feed_columns` (a needed one is
    missing), `feed_doctype` (XML with a document type), `feed_empty` (no product), `feed_too_long` (too many rows)."""

    code = "feed_unreadable"


#: What a row says, by our names; or why it says nothing.
type Row = tuple[int, dict[str, str] | RowRefused]


def kind_of(content: bytes) -> str:
    """`xml`, `json` or `csv` (any table), by how it begins. Raises FeedUnreadable for nothing and for archives."""
    if content[:2] in {b"PK", b"\x1f\x8b"}:
        raise FeedUnreadable("This is a packed file. Unpack it, or serve it with Content-Encoding: gzip.")
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        head = content[:200].decode("utf-16", "replace")
    else:
        head = content[:200].decode("utf-8", "replace")
    start = head.lstrip("\ufeff \t\r\n")
    if not content.strip():
        raise FeedUnreadable("There is nothing in it.", code="feed_empty")
    return "xml" if start.startswith("<") else "json" if start.startswith(("[", "{")) else "csv"


def read_rows(content: bytes, kind: str) -> Iterator[Row]:
    """Every row of a feed with its number. Raises FeedUnreadable, also midway."""
    reader = {"xml": _xml_rows, "json": _json_rows, "csv": _table_rows}[kind]
    for count, row in enumerate(reader(content), start=1):
        if count > MOST_ROWS:
            raise FeedUnreadable(
                f"It has more than {MOST_ROWS:,} rows. Leave out what is not sold.", code="feed_too_long"
            )
        yield row


def text_of(content: bytes) -> str:
    """The text of a feed. Raises FeedUnreadable (`feed_encoding`)."""
    try:
        if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FeedUnreadable("It is not in UTF-8. Save it as UTF-8.", code="feed_encoding") from None


# ── Tables ───────────────────────────────────────────────────────────────────────────────


def _table_rows(content: bytes) -> Iterator[Row]:
    text = text_of(content).replace("\0", "\ufffd")
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max("\t,;|", key=head.count)
    lines = _records(text, delimiter)
    headings: list[str] = []
    for _number, cells in lines:
        headings = [field_of(cell) for cell in cells]
        break
    if len(headings) > _MOST_COLUMNS:
        raise FeedUnreadable(f"It has more than {_MOST_COLUMNS} columns. Send the product's own.")
    missing = [name for name in ("sku", "title", "price", "link") if name not in headings]
    if missing:
        raise FeedUnreadable(
            f"The first line names no {', '.join(missing)}. Name the columns there as the template does.",
            code="feed_columns",
        )
    for number, cells in lines:
        if len(cells) > len(headings):
            yield number, RowRefused(
                f"The row has {len(cells)} cells, the first line {len(headings)}. Put values with {delimiter!r} in quotes.",
                field="row", code="feed_row_unreadable",
            )  # fmt: skip
            continue
        pairs: dict[str, str] = {}
        for heading, cell in zip(headings, cells, strict=False):
            if not pairs.get(heading):
                pairs[heading] = cell[:_LONGEST_VALUE]
        yield number, pairs


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The filled lines with their numbers as an editor shows them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FeedUnreadable(f"Line {number} is no line of a table: {error}. Close the quotes before it.") from None
        if any(cell.strip() for cell in cells):
            yield number, cells


# ── JSON ─────────────────────────────────────────────────────────────────────────────────


def _json_rows(content: bytes) -> Iterator[Row]:
    text = text_of(content)
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        if "\n" in text.strip() and text.lstrip().startswith("{"):
            yield from _json_lines(text)
            return
        raise FeedUnreadable(f"It is no JSON: {error}"[:300]) from None
    rows: Any = whole
    if isinstance(whole, dict):
        rows = next((whole[name] for name in _LISTS if isinstance(whole.get(name), list)), [whole])
    for number, row in enumerate(rows, start=1):
        yield number, _object(row)


def _json_lines(text: str) -> Iterator[Row]:
    """One object a line."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield number, _object(json.loads(line))
            except (ValueError, RecursionError):
                yield number, RowRefused("The line is no JSON.", field="row", code="feed_row_unreadable")


def _object(row: object) -> dict[str, str] | RowRefused:
    if not isinstance(row, Mapping):
        return RowRefused("The row is no object. Write {…} for each product.", field="row", code="feed_row_unreadable")
    return named({str(name)[:100]: _scalar(value) for name, value in chain(row.items())})


def _scalar(value: object) -> str:
    """A JSON value as a table would have it: of a list the first one, of an amount its value and currency."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, Mapping):
        amount, unit = value.get("value", value.get("amount", "")), value.get("currency", "")
        value = f"{amount} {unit}".strip() if isinstance(amount, str | int | float) and isinstance(unit, str) else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        try:
            return str(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:_LONGEST_VALUE]
        except ValueError:
            # A whole number of more digits than Python writes out.
            return ""
    return ""


# ── XML ──────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Items:
    """Collects the items of RSS, Atom or a plain list while expat goes through the file."""

    done: list[dict[str, str]] = field(default_factory=list)
    depth: int = 0
    item_depth: int = 0
    item: dict[str, str] = field(default_factory=dict)
    name: str = ""
    text: list[str] = field(default_factory=list)
    kept: int = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self.depth += 1
        local = tag.rpartition(":")[2].lower()
        if not self.item_depth and local in _ITEMS:
            self.item_depth, self.item = self.depth, {}
        elif self.item_depth and self.depth == self.item_depth + 1:
            self.name, self.text, self.kept = local, [], 0
            if local == "link" and attributes.get("href") and attributes.get("rel", "alternate") == "alternate":
                # Atom has the address in an attribute.
                self.text, self.kept = [attributes["href"][:_LONGEST_VALUE]], len(attributes["href"])

    def data(self, text: str) -> None:
        """Text, of the item's own elements only."""
        if self.item_depth and self.depth == self.item_depth + 1 and self.kept < _LONGEST_VALUE:
            self.text.append(text)
            self.kept += len(text)

    def end(self, _tag: str) -> None:
        """An element ends."""
        if self.item_depth and self.depth == self.item_depth + 1:
            # Of several pictures or types the first one counts.
            self.item.setdefault(self.name, "".join(self.text).strip())
        elif self.depth == self.item_depth:
            self.done.append(named(self.item))
            self.item_depth = 0
        self.depth -= 1


def _xml_rows(content: bytes) -> Iterator[Row]:
    items = _Items()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = items.start
    parser.CharacterDataHandler = items.data
    parser.EndElementHandler = items.end
    parser.StartDoctypeDeclHandler = _no_doctype
    number = 0
    for start in range(0, len(content) + 1, _CHUNK):
        piece = content[start : start + _CHUNK]
        try:
            parser.Parse(piece, start + _CHUNK > len(content))
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise FeedUnreadable(f"It is no XML: {error}"[:300]) from None
        for row in items.done:
            number += 1
            yield number, row
        items.done.clear()


def _no_doctype(*_said: object) -> None:
    raise FeedUnreadable("It has a document type (<!DOCTYPE …>). Send it without one.", code="feed_doctype")
