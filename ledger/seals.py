"""The hash chain: batches of entries are sealed, each seal holding the digest of the one before.

Entries are chained in batches after they were committed, so that posting never waits for a
chain. Editing, removing or adding a byte in a sealed entry is found by `audit.verify_books`;
keep a copy of the newest digest off the machine (docs/accounting.md) and nobody can rebuild
the chain unnoticed.
"""

import hashlib
import json
from collections.abc import Iterable

from django.db import connection, transaction

from ledger.models import Entry, Seal, SealedEntry

#: The digest before the first seal.
GENESIS = "0" * 64

#: One sealer at a time, in any process (a number of our own for pg_advisory_xact_lock).
_SEALER = 7_310_001


def digest_of(entry: Entry) -> str:
    """SHA-256 over everything an entry says, postings included, in a canonical form."""
    said = {
        "id": str(entry.pk),
        "reference": entry.reference,
        "kind": entry.kind,
        "effective_at": entry.effective_at.isoformat(),
        "recorded_at": entry.recorded_at.isoformat(),
        "reverses": str(entry.reverses_id or ""),
        "by": entry.by,
        "memo": entry.memo,
        "subjects": entry.subjects,
        "data": entry.data,
        "postings": sorted(
            [p.number, p.debit.name, p.credit.name, p.amount_minor, p.currency] for p in entry.postings.all()
        ),
    }
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def chained(previous: str, digests: Iterable[str]) -> str:
    """The digest of a seal: SHA-256 over the previous seal's digest and its entries' digests in order."""
    digest = hashlib.sha256(previous.encode())
    for one in digests:
        digest.update(one.encode())
    return digest.hexdigest()


@transaction.atomic
def seal_entries(*, limit: int = 5_000) -> Seal | None:
    """Seal the entries that are under no seal yet; the new seal, or None when there are none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SEALER])
    entries = list(
        Entry.objects.filter(sealed=None).prefetch_related("postings__debit", "postings__credit").order_by("id")[:limit]
    )
    if not entries:
        return None
    last = Seal.objects.order_by("-number").first()
    digests = [digest_of(entry) for entry in entries]
    previous = last.digest if last else GENESIS
    seal = Seal.objects.create(
        number=last.number + 1 if last else 1,
        previous=previous,
        digest=chained(previous, digests),
        entry_count=len(entries),
    )
    SealedEntry.objects.bulk_create(
        SealedEntry(entry=entry, seal=seal, position=position, digest=digest)
        for position, (entry, digest) in enumerate(zip(entries, digests, strict=True))
    )
    return seal
