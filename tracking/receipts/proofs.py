"""Receipts: proof that a click, or a decision on an order, is under a published root."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.journal import events_about_all
from tracking.models import Click, LogRoot
from tracking.receipts.leaves import Leaf
from tracking.receipts.merkle import leaf_hash, path_of, root_by_path
from tracking.receipts.roots import source_of
from tracking.receipts.signing import is_signed

if TYPE_CHECKING:
    # For annotations only: the journal is read through its verbs.
    from ledger.models import Event


@dataclass(frozen=True, slots=True)
class Receipt:
    """Everything that somebody needs to check, without us, that a row is in the log."""

    content: str
    position: int
    path: list[str]
    number: int
    kind: str
    size: int
    root: str
    statement: str
    signature: str
    public_key: str

    def as_data(self) -> dict[str, Any]:
        """The receipt as it is handed out."""
        return {
            "v": 1,
            "leaf": self.content,
            "position": self.position,
            "path": self.path,
            "log": {
                "number": self.number,
                "kind": self.kind,
                "size": self.size,
                "root": self.root,
                "statement": self.statement,
                "signature": self.signature,
                "public_key": self.public_key,
            },
        }


def receipt_for_click(click: Click) -> Receipt | None:
    """The click's receipt, made from the rows as they are now; None as long as its hour has no root."""
    hour = click.clicked_at.replace(minute=0, second=0, microsecond=0)
    return _receipt(LogRoot.objects.filter(kind=LogRoot.Kind.CLICKS, hour=hour), click.pk.bytes)


def receipt_for_event(event: "Event") -> Receipt | None:
    """The receipt of an event of the journal; None as long as its hour has no root."""
    hour = event.recorded_at.replace(minute=0, second=0, microsecond=0)
    return _receipt(LogRoot.objects.filter(kind=LogRoot.Kind.EVENTS, hour=hour), event.pk.bytes)


def decisions_on(conversion_id: str, *, reader_id: str) -> "list[Event]":
    """The events of an order that a merchant or an affiliate may see: those about both, oldest first."""
    return list(events_about_all(conversion_id, reader_id))


def check(receipt: dict[str, Any]) -> list[str]:
    """What is wrong with a receipt, as anybody can find out; nothing when it proves what it says.

    The same steps as docs/receipts.md gives for checking without this program.
    """
    try:
        log, content = receipt["log"], str(receipt["leaf"])
        path = [bytes.fromhex(one) for one in receipt["path"]]
        statement, signature = str(log["statement"]), bytes.fromhex(log["signature"])
        key, root = bytes.fromhex(log["public_key"]), str(log["root"])
        position, size = int(receipt["position"]), int(log["size"])
    except (KeyError, TypeError, ValueError) as error:
        return [f"unreadable: {error!r}"]
    wrong = []
    found = root_by_path(leaf_hash(content.encode()), position, size, path)
    if found is None or found.hex() != root:
        wrong.append("the path does not lead to the root")
    if f"\nroot {root}\n" not in statement or f"\nsize {size}\n" not in statement:
        wrong.append("the statement names another root")
    if not is_signed(statement, signature, key):
        wrong.append("the signature is not of this key")
    return wrong


def _receipt(roots: Iterable[LogRoot], member: bytes) -> Receipt | None:
    for root in roots:
        packed = bytes(root.members)
        keys = root.keys
        start = packed.find(member)
        while start != -1 and start % 16:
            start = packed.find(member, start + 1)
        if start == -1:
            continue
        position = start // 16
        leaves: dict[Any, Leaf] = {leaf.key: leaf for leaf in source_of(root.kind).leaves(keys)}
        if any(key not in leaves for key in keys):
            return None
        hashes = [leaves[key].hash for key in keys]
        return Receipt(
            content=leaves[keys[position]].content.decode(),
            position=position,
            path=[one.hex() for one in path_of(hashes, position)],
            number=root.number,
            kind=root.kind,
            size=root.size,
            root=bytes(root.root).hex(),
            statement=root.statement,
            signature=bytes(root.signature).hex(),
            public_key=bytes(root.public_key).hex(),
        )
    return None
