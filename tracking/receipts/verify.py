"""Does the log still say what was published? Recomputed from the rows, root by root."""

from collections.abc import Iterator
from dataclasses import dataclass

from tracking.models import LogRoot
from tracking.receipts.merkle import root_of
from tracking.receipts.roots import GENESIS, digest_of, source_of, statement_of
from tracking.receipts.signing import is_signed


@dataclass(frozen=True, slots=True)
class Difference:
    """A root that does not agree with the rows, the chain or its signature."""

    number: int
    what: str

    def __str__(self) -> str:
        return f"root {self.number}: {self.what}"


def verify_log(*, after: int = 0) -> Iterator[Difference]:
    """Every difference between the published roots past a number and what the database holds now."""
    before = LogRoot.objects.filter(number=after).first()
    previous = digest_of(before.statement, bytes(before.signature)) if before else GENESIS
    expected = after + 1
    for root in LogRoot.objects.filter(number__gt=after).order_by("number").iterator(chunk_size=20):
        if root.number != expected:
            yield Difference(expected, "it is missing from the chain")
        if root.previous != previous:
            yield Difference(root.number, "it does not follow the one before")
        said = statement_of(
            root.number, root.kind, root.hour, root.size, bytes(root.root), root.previous, root.made_at,
            bytes(root.public_key),
        )  # fmt: skip
        if said != root.statement or not is_signed(root.statement, bytes(root.signature), bytes(root.public_key)):
            yield Difference(root.number, "its statement or signature was changed")
        yield from _rows_of(root)
        previous = digest_of(root.statement, bytes(root.signature))
        expected = root.number + 1


def _rows_of(root: LogRoot) -> Iterator[Difference]:
    keys = root.keys
    hashes = {leaf.key: leaf.hash for leaf in source_of(root.kind).leaves(keys)}
    missing = [key for key in keys if key not in hashes]
    if missing:
        yield Difference(root.number, f"{len(missing)} of its {len(keys)} rows are gone, the first {missing[0]}")
    elif root_of([hashes[key] for key in keys]) != bytes(root.root):
        yield Difference(root.number, "a row under it was changed")
