"""Does the book agree with itself? The checks that run every night and around every payout run."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from ledger.models import Entry, Seal
from ledger.seals import GENESIS, chained, digest_of


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in the book that does not agree: which check, about what, and both figures."""

    check: str
    subject: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.check}: {self.subject}: expected {self.expected}, found {self.found}"


_TOTALS = """
SELECT account.name, account.currency, account.debits_minor, account.credits_minor,
       coalesce(d.sum, 0), coalesce(c.sum, 0)
FROM ledger_account account
LEFT JOIN (SELECT debit_id, sum(amount_minor) AS sum FROM ledger_posting GROUP BY 1) d ON d.debit_id = account.id
LEFT JOIN (SELECT credit_id, sum(amount_minor) AS sum FROM ledger_posting GROUP BY 1) c ON c.credit_id = account.id
WHERE account.debits_minor <> coalesce(d.sum, 0) OR account.credits_minor <> coalesce(c.sum, 0)
ORDER BY 1, 2
"""

_TRIAL = """
SELECT currency, sum(debits_minor), sum(credits_minor) FROM ledger_account
GROUP BY currency HAVING sum(debits_minor) <> sum(credits_minor) ORDER BY 1
"""

_CURRENCIES = """
SELECT posting.entry_id::text, posting.currency, d.currency, c.currency
FROM ledger_posting posting JOIN ledger_account d ON d.id = debit_id JOIN ledger_account c ON c.id = credit_id
WHERE posting.currency <> d.currency OR posting.currency <> c.currency
"""

_EMPTY = """
SELECT reference FROM ledger_entry entry
WHERE NOT EXISTS (SELECT FROM ledger_posting posting WHERE posting.entry_id = entry.id)
"""


def verify_books(*, with_chain: bool = True) -> Iterator[Difference]:
    """Every difference found: trial balance, running totals against postings, currencies, hash chain."""
    with connection.cursor() as cursor:
        cursor.execute(_TRIAL)
        for currency, debits, credits in cursor.fetchall():
            yield Difference("trial balance", currency, f"debits {debits}", f"credits {credits}")
        cursor.execute(_TOTALS)
        for name, currency, debits, credits, real_debits, real_credits in cursor.fetchall():
            yield Difference(
                "running totals", f"{name} {currency}", f"{real_debits}/{real_credits}", f"{debits}/{credits}"
            )
        cursor.execute(_CURRENCIES)
        for entry, currency, debit, credit in cursor.fetchall():
            yield Difference("currencies", entry, currency, f"{debit}/{credit}")
        cursor.execute(_EMPTY)
        for (reference,) in cursor.fetchall():
            yield Difference("empty entry", reference, "postings", "none")
    if with_chain:
        yield from _verify_chain()


def _verify_chain() -> Iterator[Difference]:
    previous = GENESIS
    for number, seal in enumerate(Seal.objects.order_by("number").iterator(), start=1):
        if seal.number != number or seal.previous != previous:
            yield Difference("hash chain", f"seal {seal.number}", previous, seal.previous)
            return
        entries = list(
            Entry.objects.filter(sealed__seal=seal)
            .select_related("sealed")
            .prefetch_related("postings__debit", "postings__credit")
            .order_by("sealed__position")
        )
        for entry in entries:
            found = digest_of(entry)
            if found != entry.sealed.digest:
                yield Difference("hash chain", entry.reference, entry.sealed.digest, found)
        digest = chained(previous, (entry.sealed.digest for entry in entries))
        if digest != seal.digest or len(entries) != seal.entry_count:
            yield Difference("hash chain", f"seal {seal.number}", seal.digest, digest)
        previous = seal.digest
