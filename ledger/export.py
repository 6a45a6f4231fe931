"""The book in the words of other programs: Beancount, hledger, and plain CSV.

Debits are positive, credits negative. The two journals end with what every account must hold, so
that the other program checks our sums by its own.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ledger.currencies import digits
from ledger.money import Money
from ledger.queries import EntryFacts, balances_before, entries_between, types_of_accounts

FORMATS = ("beancount", "hledger", "csv")

_ROOTS = {
    "asset": "Assets",
    "liability": "Liabilities",
    "income": "Income",
    "expense": "Expenses",
    "equity": "Equity",
}
#: What stands against the balances that an extract begins with.
_OPENING = "Opening-Balances"
_CSV_HEAD = (
    "entry", "reference", "kind", "effective_at", "recorded_at", "line", "debit", "credit", "amount", "currency",
    "memo", "by", "reverses",
)  # fmt: skip

type Balances = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Extract:
    """What is to be written: the entries with start ≤ effective_at < end, and the balances around them."""

    start: datetime | None = None
    end: datetime | None = None

    def entries(self) -> Iterator[EntryFacts]:
        """The entries, oldest first."""
        return entries_between(start=self.start, end=self.end)

    def opening(self) -> Balances:
        """What the accounts held before the first entry; nothing when all is written."""
        return {} if self.start is None else _standing(balances_before(self.start))

    def closing(self) -> Balances:
        """What the accounts must hold after the last entry."""
        return _standing(balances_before(self.end))


def write_book(extract: Extract, *, format: str) -> Iterator[str]:  # noqa: A002 - the option's name
    """The book as lines of a format of FORMATS, without line ends."""
    writer = {"beancount": _beancount, "hledger": _hledger, "csv": _csv}[format]
    yield from writer(extract)


def account_names(types: Mapping[str, str]) -> dict[str, str]:
    """A name for every account that both journals take: Liabilities:Affiliate:Aff-01…:Payable.

    Two accounts never share one, whatever signs their names hold.
    """
    names: dict[str, str] = {}
    taken: set[str] = {f"Equity:{_OPENING}"}
    for name, type_ in types.items():
        owner, _, kind = name.rpartition(":")
        parts = [_component(part) for part in (*owner.split("/"), kind)]
        wanted = chosen = ":".join((_ROOTS[type_], *parts))
        number = 2
        while chosen in taken:
            chosen, number = f"{wanted}-{number}", number + 1
        taken.add(chosen)
        names[name] = chosen
    return names


def _beancount(extract: Extract) -> Iterator[str]:
    names, opening, closing = account_names(types_of_accounts()), extract.opening(), extract.closing()
    entries = extract.entries()
    first = next(entries, None)
    since = min(_day(first.effective_at) if first else date.max, _day(extract.start) if extract.start else date.max)
    yield "; The whole book in Beancount's format. Load it with: bean-check FILE"
    yield 'option "title" "Affiliate network"'
    if since == date.max:
        return
    for currency in sorted({currency for _, currency in closing} | {currency for _, currency in opening}):
        yield f'option "operating_currency" "{currency}"'
    yield ""
    if opening:
        yield f"{since} open Equity:{_OPENING}"
    for name in names.values():
        yield f"{since} open {name}"
    if opening:
        yield ""
        yield f'{since} * "Opening balances"'
        for (name, currency), minor in sorted(opening.items()):
            yield f"  {names[name]}  {_amount(minor, currency)}"
            yield f"  Equity:{_OPENING}  {_amount(-minor, currency)}"
    last = since
    for entry in _with_first(first, entries):
        last = max(last, _day(entry.effective_at))
        yield ""
        yield f'{_day(entry.effective_at)} * "{_quoted(entry.kind)}" "{_quoted(entry.memo)}"'
        for key, value in _told(entry):
            yield f'  {key}: "{_quoted(value)}"'
        for line in entry.lines:
            yield f"  {names[line.debit]}  {_amount(line.amount.minor, line.amount.currency)}"
            yield f"  {names[line.credit]}  {_amount(-line.amount.minor, line.amount.currency)}"
    yield ""
    for (name, currency), minor in sorted(closing.items()):
        yield f"{last + timedelta(days=1)} balance {names[name]}  {_amount(minor, currency)}"


def _hledger(extract: Extract) -> Iterator[str]:
    types = types_of_accounts()
    names, opening, closing = account_names(types), extract.opening(), extract.closing()
    yield "; The whole book in hledger's format. Load it with: hledger -f FILE check --strict"
    for currency in sorted({currency for _, currency in closing} | {currency for _, currency in opening}):
        places = digits(currency)
        yield f"commodity 1000.{'0' * places} {_commodity(currency)}"
    if opening:
        yield f"account Equity:{_OPENING}  ; type: E"
    for name, type_ in types.items():
        yield f"account {names[name]}  ; type: {_TYPE_LETTERS[type_]}"
    last = _day(extract.start) if extract.start else None
    if opening and last:
        yield ""
        yield f"{last} * Opening balances"
        for (name, currency), minor in sorted(opening.items()):
            yield f"    {names[name]}  {_amount(minor, _commodity(currency), currency)}"
            yield f"    Equity:{_OPENING}  {_amount(-minor, _commodity(currency), currency)}"
    for entry in extract.entries():
        last = max(last or date.min, _day(entry.effective_at))
        yield ""
        yield f"{_day(entry.effective_at)} * ({entry.id}) {entry.kind}"
        for key, value in (*_told(entry)[1:], *((("memo", entry.memo),) if entry.memo else ())):
            yield f"    ; {key}: {_one_line(value)}"
        for line in entry.lines:
            currency = line.amount.currency
            yield f"    {names[line.debit]}  {_amount(line.amount.minor, _commodity(currency), currency)}"
            yield f"    {names[line.credit]}  {_amount(-line.amount.minor, _commodity(currency), currency)}"
    if last:
        yield ""
        yield f"{last} * Closing balances, checked"
        for (name, currency), minor in sorted(closing.items()):
            nothing = _amount(0, _commodity(currency), currency)
            yield f"    {names[name]}  {nothing} = {_amount(minor, _commodity(currency), currency)}"


def _csv(extract: Extract) -> Iterator[str]:
    yield _row(_CSV_HEAD)
    for entry in extract.entries():
        for number, line in enumerate(entry.lines, start=1):
            yield _row((
                entry.id, entry.reference, entry.kind, entry.effective_at.isoformat(), entry.recorded_at.isoformat(),
                number, line.debit, line.credit, line.amount.major, line.amount.currency, entry.memo, entry.by,
                entry.reverses,
            ))  # fmt: skip


_TYPE_LETTERS = {"asset": "A", "liability": "L", "income": "R", "expense": "X", "equity": "E"}


def _told(entry: EntryFacts) -> list[tuple[str, str]]:
    told = [("entry", entry.id), ("reference", entry.reference), ("recorded", entry.recorded_at.isoformat())]
    return told + [(key, value) for key, value in (("by", entry.by), ("reverses", entry.reverses)) if value]


def _with_first(first: EntryFacts | None, rest: Iterable[EntryFacts]) -> Iterator[EntryFacts]:
    if first is not None:
        yield first
    yield from rest


def _standing(balances: Balances) -> dict[tuple[str, str], int]:
    return {account: minor for account, minor in balances.items() if minor}


def _component(part: str) -> str:
    """One step of an account's name: letters, digits and hyphens, beginning with a capital or a digit."""
    plain = re.sub(r"[^A-Za-z0-9-]", "-", part).strip("-") or "X"
    return plain[0].upper() + plain[1:]


def _commodity(currency: str) -> str:
    """hledger wants quotes around anything but letters."""
    return currency if currency.isalpha() else f'"{currency}"'


def _amount(minor: int, commodity: str, currency: str = "") -> str:
    return f"{Money(minor, currency or commodity).major} {commodity}"


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _quoted(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace('"', '\\"')


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _row(cells: Iterable[object]) -> str:
    """One line of CSV. Text that a spreadsheet would take for a formula is marked as text (fault 35)."""
    out = io.StringIO()
    safe = [f"'{cell}" if isinstance(cell, str) and cell[:1] in _FORMULA else cell for cell in cells]
    csv.writer(out, lineterminator="").writerow(safe)
    return out.getvalue()


_FORMULA = frozenset("=+-@\t\r\0")
