"""Accounts: their names, their kinds, their balances and their lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, Sum

from ledger.models import Account, Posting
from ledger.money import Money


@dataclass(frozen=True, slots=True)
class Kind:
    """What an account of this kind is: its type, and whether it may be overdrawn."""

    name: str
    type: Account.Type
    is_guarded: bool


_KINDS: dict[str, Kind] = {}


def define_kind(name: str, type: str, *, is_guarded: bool) -> Kind:  # noqa: A002 - the accountants' word
    """Declare a kind of account. Charts call this at import; saying it twice differently is a bug."""
    kind = Kind(name, Account.Type(type), is_guarded)
    if _KINDS.setdefault(name, kind) != kind:
        raise ValueError(f"account kind {name!r} is already defined otherwise")
    return kind


def kind_of(name: str) -> Kind:
    """The declared kind. Raises KeyError for one that no chart knows."""
    return _KINDS[name]


@dataclass(frozen=True, slots=True, order=True)
class AccountName:
    """`owner:kind`, such as affiliate/aff_…:payable. The currency is the moved money's."""

    owner: str
    kind: str

    def __str__(self) -> str:
        return f"{self.owner}:{self.kind}"


@dataclass(frozen=True, slots=True)
class Line:
    """One posting as one account sees it: positive when it makes the account's balance larger."""

    entry_id: str
    reference: str
    kind: str
    effective_at: datetime
    memo: str
    amount: Money
    other: str
    is_debit: bool


def balance_of(name: AccountName, currency: str, *, at: datetime | None = None) -> Money:
    """The account's balance on its own side; nothing when it does not exist yet.

    With `at`, only entries effective before that instant count.
    """
    account = Account.objects.filter(name=str(name), currency=currency).first()
    if account is None:
        return Money.zero(currency)
    if at is None:
        return Money(account.balance_minor, currency)
    before = Posting.objects.filter(entry__effective_at__lt=at)
    debits = before.filter(debit=account).aggregate(sum=Sum("amount_minor"))["sum"] or 0
    credits = before.filter(credit=account).aggregate(sum=Sum("amount_minor"))["sum"] or 0
    net = int(debits) - int(credits)
    return Money(net if account.is_debit_normal else -net, currency)


def balances_of(owner: str) -> dict[tuple[str, str], Money]:
    """Every balance of an owner, by (kind, currency)."""
    return {
        (account.kind, account.currency): Money(account.balance_minor, account.currency)
        for account in Account.objects.filter(owner=owner).order_by("kind", "currency")
    }


def balances_of_kind(kind: str, owners: Iterable[str]) -> dict[tuple[str, str], Money]:
    """The balances of one kind for many owners, by (owner, currency)."""
    return {
        (account.owner, account.currency): Money(account.balance_minor, account.currency)
        for account in Account.objects.filter(kind=kind, owner__in=list(owners))
    }


def totals_by_kind() -> list[tuple[str, str, Money]]:
    """(kind, currency, balance) over all owners: the trial balance's rows, from the running totals."""
    rows = (
        Account.objects.values("kind", "type", "currency")
        .annotate(debits=Sum("debits_minor"), credits=Sum("credits_minor"))
        .order_by("kind", "currency")
    )
    result = []
    for row in rows:
        net = int(row["debits"]) - int(row["credits"])
        debit_normal = row["type"] in {Account.Type.ASSET, Account.Type.EXPENSE}
        result.append((row["kind"], row["currency"], Money(net if debit_normal else -net, row["currency"])))
    return result


def lines_of(
    name: AccountName, currency: str, *, start: datetime | None = None, end: datetime | None = None
) -> list[Line]:
    """The account's postings with start ≤ effective_at < end, oldest first."""
    account = Account.objects.filter(name=str(name), currency=currency).first()
    if account is None:
        return []
    postings = Posting.objects.filter(Q(debit=account) | Q(credit=account))
    if start is not None:
        postings = postings.filter(entry__effective_at__gte=start)
    if end is not None:
        postings = postings.filter(entry__effective_at__lt=end)
    return [
        _line(posting, account)
        for posting in postings.select_related("entry", "debit", "credit").order_by(
            "entry__effective_at", "entry_id", "number"
        )
    ]


def _line(posting: Posting, account: Account) -> Line:
    is_debit = posting.debit_id == account.pk
    sign = 1 if is_debit == account.is_debit_normal else -1
    return Line(
        entry_id=posting.entry.public_id,
        reference=posting.entry.reference,
        kind=posting.entry.kind,
        effective_at=posting.entry.effective_at,
        memo=posting.entry.memo,
        amount=Money(sign * posting.amount_minor, posting.currency),
        other=(posting.credit if is_debit else posting.debit).name,
        is_debit=is_debit,
    )
