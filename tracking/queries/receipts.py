"""What the pages of the published log show."""

from typing import Any

from django.db.models import QuerySet

from tracking.models import LogRoot
from tracking.receipts.roots import digest_of
from tracking.receipts.signing import key_id_of, public_key


def roots_published() -> QuerySet[LogRoot]:
    """Every root, newest first, without the keys of its rows."""
    return LogRoot.objects.order_by("-number").defer("members")


def roots_after(number: int, *, limit: int) -> QuerySet[LogRoot]:
    """The roots after a number, oldest first, at most so many."""
    return LogRoot.objects.filter(number__gt=number).order_by("number").defer("members")[:limit]


def root_numbered(number: int) -> LogRoot | None:
    """One root, or None."""
    return LogRoot.objects.defer("members").filter(number=number).first()


def root_data(root: LogRoot) -> dict[str, Any]:
    """A root as it is published."""
    return {
        "number": root.number,
        "kind": root.kind,
        "hour": root.hour.isoformat().replace("+00:00", "Z"),
        "size": root.size,
        "root": bytes(root.root).hex(),
        "previous": root.previous,
        "statement": root.statement,
        "signature": bytes(root.signature).hex(),
        "public_key": bytes(root.public_key).hex(),
        "digest": digest_of(root.statement, bytes(root.signature)),
    }


def published_key() -> dict[str, str]:
    """The key that signs now, and its short name."""
    key = public_key()
    return {"public_key": key.hex(), "id": key_id_of(key)}
