"""Many links as people bring them: a list of addresses, or a table with a head; pasted or as a file."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from charset_normalizer import from_bytes
from django.utils.translation import gettext as _

from ledger.errors import Refusal
from portal.affiliate.link_forms import PRESET_NAMES
from tracking.links import MOST_AT_ONCE, LinkDraft
from tracking.parameters import ALIASES
from tracking.utm import UTM_NAMES

LARGEST_FILE = 1_048_576
_MOST_READ = 2_000
_URL = frozenset({"url", "destination", "page", "address", "link", "target", "deep_link", "deeplink"})
_LABEL = frozenset({"label", "name", "title"})
_CODE = frozenset({"code", "alias", "short", "slug", "key"})


class RowsUnreadable(Refusal):
    """The text is no list of pages; the message is worded for the reader."""

    code = "rows_unreadable"


@dataclass(frozen=True, slots=True)
class BulkRow:
    """A line as it came, and the draft made of it."""

    number: int
    draft: LinkDraft


def decoded_file(content: bytes) -> str:
    """A file's text, whatever a spreadsheet saved it as. Raises RowsUnreadable."""
    if len(content) > LARGEST_FILE:
        raise RowsUnreadable(_("The file is larger than 1 MB. Send fewer pages at once."), field="file")
    for encoding in ("utf-8-sig", "utf-16") if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig",):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    best = from_bytes(content).best()
    if best is None or "\0" in str(best):
        raise RowsUnreadable(_("This is no text. Save the table as CSV (UTF-8) and choose it again."), field="file")
    return str(best)


def read_rows(text: str) -> list[BulkRow]:
    """The drafts of a text, empty lines left out. Raises RowsUnreadable when there are too many, or none."""
    lines = text.lstrip("\ufeff").splitlines()
    first = next((line for line in lines if line.strip()), "")
    delimiter = max("\t;,", key=first.count)
    head = [cell.strip().strip('"').lower() for cell in first.split(delimiter)]
    rows = _table(text, delimiter) if _URL & set(head) and "://" not in first else _list(lines)
    if not rows:
        raise RowsUnreadable(_("There is no page in it. Write one address a line."), field="rows")
    if len(rows) > MOST_AT_ONCE:
        raise RowsUnreadable(
            _("These are more than %(most)s pages. Send them in parts.") % {"most": MOST_AT_ONCE}, field="rows"
        )
    return rows


def _list(lines: list[str]) -> list[BulkRow]:
    found = []
    for number, line in enumerate(lines[:_MOST_READ], start=1):
        cells = [cell.strip() for cell in line.split("\t")]
        if any(cells):
            url, label, code = (*cells, "", "")[:3]
            found.append(BulkRow(number, LinkDraft(_with_scheme(url), label, code)))
    return found


def _table(text: str, delimiter: str) -> list[BulkRow]:
    found: list[BulkRow] = []
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter)
    head: list[str] = []
    try:
        for number, cells in enumerate(reader, start=1):
            if not any(cell.strip() for cell in cells):
                continue
            if not head:
                head = [cell.strip().lower() for cell in cells]
            elif len(found) <= _MOST_READ:
                found.append(BulkRow(number, _draft(dict(zip(head, (cell.strip() for cell in cells), strict=False)))))
    except csv.Error as error:
        raise RowsUnreadable(_("The table cannot be read: %(why)s.") % {"why": error}, field="rows") from error
    return found


def _draft(cells: Mapping[str, str]) -> LinkDraft:
    def of(names: frozenset[str]) -> str:
        return next((text for name, text in cells.items() if name in names and text), "")

    presets: dict[str, str] = {}
    for name, text in cells.items():
        known = name if name in PRESET_NAMES else ALIASES.get(name)
        if known and text:
            presets.setdefault(known, text)
    utm = {name: text for name, text in cells.items() if name in UTM_NAMES and text}
    return LinkDraft(_with_scheme(of(_URL)), of(_LABEL), of(_CODE), presets, utm or None)


def _with_scheme(url: str) -> str:
    """People paste addresses without https://."""
    return url if "://" in url or not url else f"https://{url}"
