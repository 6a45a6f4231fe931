"""The book as its readers see it: accounts, their lines with a running balance, entries, all of it in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, Case, Count, F, Q, QuerySet, Sum, Value, When, Window

from ledger.accounts import AccountName, balance_of
from ledger.models import Account, Entry, Posting
from ledger.money import Money


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One posting as one account sees it, and the balance after it; a larger balance is positive."""

    at: datetime
    entry: str
    reference: str
    kind: str
    memo: str
    amount: Money
    balance: Money
    other: str
    other_id: str
    is_debit: bool


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One posting of an entry."""

    debit: str
    debit_id: str
    credit: str
    credit_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """An entry with its postings, its mirror image, and the seal it is under (0: not sealed yet)."""

    id: str
    reference: str
    kind: str
    effective_at: datetime
    recorded_at: datetime
    by: str
    memo: str
    subjects: tuple[str, ...]
    reverses: str
    reversed_by: str
    seal: int
    lines: tuple[EntryLine, ...]


@dataclass(frozen=True, slots=True)
class BookFigures:
    """How much there is in the book."""

    entries: int
    postings: int
    accounts: int


def accounts(
    *, kind: str = "", currency: str = "", owners: Iterable[str] | None = None, is_standing: bool = False
) -> QuerySet[Account]:
    """The accounts of a kind, a currency, these owners, by name; with `is_standing` only those that hold something."""
    found = Account.objects.order_by("kind", "name", "currency")
    if is_standing:
        found = found.exclude(debits_minor=F("credits_minor"))
    if kind:
        found = found.filter(kind=kind)
    if currency:
        found = found.filter(currency=currency)
    return found if owners is None else found.filter(owner__in=list(owners))


def sums_of(found: QuerySet[Account]) -> list[Money]:
    """What accounts of one kind hold together, by currency."""
    rows = (
        found.order_by("currency")
        .values("currency", "type")
        .annotate(debits=Sum("debits_minor"), credits=Sum("credits_minor"))
    )
    sums: dict[str, int] = {}
    for row in rows:
        net = int(row["debits"]) - int(row["credits"])
        sign = 1 if row["type"] in {Account.Type.ASSET, Account.Type.EXPENSE} else -1
        sums[row["currency"]] = sums.get(row["currency"], 0) + sign * net
    return [Money(minor, currency) for currency, minor in sums.items()]


def account_by_id(public_id: str) -> Account | None:
    """The account of this public id."""
    try:
        account: Account = Account.objects.by_public_id(public_id)
    except Account.DoesNotExist:
        return None
    return account


def account_ids(names: Iterable[str]) -> dict[tuple[str, str], str]:
    """The public ids of accounts by (name, currency)."""
    found = Account.objects.filter(name__in=set(names))
    return {(account.name, account.currency): account.public_id for account in found}


def balance_in(account: Account) -> Money:
    """The account's balance on its own side."""
    return Money(account.balance_minor, account.currency)


def currencies_in_use() -> list[str]:
    """The currencies the book has accounts in."""
    return list(Account.objects.order_by("currency").values_list("currency", flat=True).distinct())


def postings_of(account: Account, *, start: datetime | None = None, end: datetime | None = None) -> QuerySet[Posting]:
    """An account's postings with start ≤ effective_at < end, newest first, each with the balance after it.

    Hand a page of them to `lines_on`.
    """
    found = Posting.objects.filter(Q(debit=account) | Q(credit=account))
    opening = 0
    if start is not None:
        found = found.filter(entry__effective_at__gte=start)
        opening = balance_of(AccountName(account.owner, account.kind), account.currency, at=start).minor
    if end is not None:
        found = found.filter(entry__effective_at__lt=end)
    larger = Q(debit=account) if account.is_debit_normal else Q(credit=account)
    order = ("entry__effective_at", "entry_id", "number")
    return (
        found.select_related("entry", "debit", "credit")
        .annotate(
            signed=Case(
                When(larger, then=F("amount_minor")), default=-F("amount_minor"), output_field=BigIntegerField()
            )
        )
        .annotate(balance=Value(opening) + Window(Sum("signed"), order_by=[F(name).asc() for name in order]))
        .order_by(*(f"-{name}" for name in order))
    )


def lines_on(account: Account, postings: Iterable[Posting]) -> list[AccountLine]:
    """Postings of `postings_of` as the account sees them."""
    return [_line(posting, account) for posting in postings]


def entry_by_id(public_id: str) -> EntryFacts | None:
    """The entry of this public id with everything it says."""
    try:
        entry: Entry = (
            Entry.objects.select_related("reverses", "reversed_by", "sealed")
            .prefetch_related("postings__debit", "postings__credit")
            .get(pk=Entry.key_of(public_id))
        )
    except (Entry.DoesNotExist, ValueError):
        return None
    return facts_of(entry)


def facts_of(entry: Entry) -> EntryFacts:
    """Everything an entry says; reads what was not joined or prefetched."""
    mirror = getattr(entry, "reversed_by", None)
    sealed = getattr(entry, "sealed", None)
    return EntryFacts(
        id=entry.public_id,
        reference=entry.reference,
        kind=entry.kind,
        effective_at=entry.effective_at,
        recorded_at=entry.recorded_at,
        by=entry.by,
        memo=entry.memo,
        subjects=tuple(entry.subjects),
        reverses=entry.reverses.public_id if entry.reverses else "",
        reversed_by=mirror.public_id if mirror else "",
        seal=sealed.seal_id if sealed else 0,
        lines=tuple(
            EntryLine(one.debit.name, one.debit.public_id, one.credit.name, one.credit.public_id, one.amount)
            for one in sorted(entry.postings.all(), key=lambda posting: posting.number)
        ),
    )


def entries_between(*, start: datetime | None = None, end: datetime | None = None) -> Iterator[EntryFacts]:
    """Every entry with start ≤ effective_at < end, oldest first; a few thousand in memory at a time."""
    found = Entry.objects.select_related("reverses", "reversed_by", "sealed")
    if start is not None:
        found = found.filter(effective_at__gte=start)
    if end is not None:
        found = found.filter(effective_at__lt=end)
    found = found.order_by("effective_at", "id").prefetch_related("postings__debit", "postings__credit")
    for entry in found.iterator(chunk_size=2_000):
        yield facts_of(entry)


def entries_of(subject: str) -> list[EntryFacts]:
    """The entries under references that begin with `subject:`, oldest first."""
    found = (
        Entry.objects.filter(reference__startswith=f"{subject}:")
        .select_related("reverses", "reversed_by", "sealed")
        .prefetch_related("postings__debit", "postings__credit")
        .order_by("effective_at", "id")
    )
    return [facts_of(entry) for entry in found]


def balances_before(at: datetime | None) -> dict[tuple[str, str], int]:
    """What each account holds before an instant (at the end when None), in minor units, debits positive."""
    if at is None:
        rows = Account.objects.values_list("name", "currency", "debits_minor", "credits_minor")
        return {(name, currency): debits - credits for name, currency, debits, credits in rows}
    before = Posting.objects.filter(entry__effective_at__lt=at)
    net: dict[tuple[str, str], int] = {}
    for side, sign in (("debit", 1), ("credit", -1)):
        sums = before.values_list(f"{side}__name", "currency").annotate(sum=Sum("amount_minor"))
        for name, currency, minor in sums:
            net[name, currency] = net.get((name, currency), 0) + sign * int(minor)
    return net


def types_of_accounts() -> dict[str, str]:
    """The type of every account (asset, liability, income, expense, equity) by its name, in the names' order."""
    return dict(Account.objects.order_by("name").values_list("name", "type"))


def latest_entries(kind: str, *, limit: int) -> list[EntryFacts]:
    """The latest entries of a kind, newest first."""
    found = (
        Entry.objects.filter(kind=kind)
        .select_related("reverses", "reversed_by", "sealed")
        .prefetch_related("postings__debit", "postings__credit")
        .order_by("-effective_at", "-id")
    )
    return [facts_of(entry) for entry in found[:limit]]


def book_figures() -> BookFigures:
    """How many entries, postings and accounts there are."""
    counts = Posting.objects.aggregate(postings=Count("id"))
    return BookFigures(Entry.objects.count(), int(counts["postings"]), Account.objects.count())


def _line(posting: Posting, account: Account) -> AccountLine:
    is_debit = posting.debit_id == account.pk
    other = posting.credit if is_debit else posting.debit
    return AccountLine(
        at=posting.entry.effective_at,
        entry=posting.entry.public_id,
        reference=posting.entry.reference,
        kind=posting.entry.kind,
        memo=posting.entry.memo,
        amount=Money(posting.signed, posting.currency),  # type: ignore[attr-defined]  # annotated
        balance=Money(posting.balance, posting.currency),  # type: ignore[attr-defined]  # annotated
        other=other.name,
        other_id=other.public_id,
        is_debit=is_debit,
    )
