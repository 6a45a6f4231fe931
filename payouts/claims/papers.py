"""Proof that partners add: told by its first bytes, not by its name, and kept outside of what is served.

The files lie under MEDIA_ROOT/private/claims under names that say nothing; only a page that has
opened the claim reads them.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from affiliates.models import User
from payouts.errors import PaperRefused
from payouts.models import Claim, ClaimFile

LARGEST = 5 * 1024 * 1024
MOST_FILES = 5

#: The first bytes of what may be added. WebP is RIFF with its name at byte 8.
_SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_SUFFIXES = {
    "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp", "application/pdf": ".pdf",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paper:
    """A file as it came, read whole."""

    name: str
    content: bytes


def kind_of(content: bytes) -> str:
    """The media type that the first bytes say. Raises PaperRefused for anything but a picture or a PDF."""
    for sign, kind in _SIGNS:
        if content.startswith(sign):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise PaperRefused("Add a picture (PNG, JPEG, GIF, WebP) or a PDF.", code="paper_kind", field="proof")


def check_paper(paper: Paper) -> str:
    """The media type of a paper that may be kept. Raises PaperRefused."""
    if len(paper.content) > LARGEST:
        raise PaperRefused("The file is larger than 5 MB.", code="paper_too_large", field="proof")
    return kind_of(paper.content)


@transaction.atomic
def keep_paper(claim: Claim, paper: Paper, *, by: User | None, at: datetime) -> ClaimFile:
    """Keep a paper with a claim; the same content twice is kept once. Raises PaperRefused.

    The caller holds the claim's row.
    """
    content_type = check_paper(paper)
    digest = hashlib.sha256(paper.content).hexdigest()
    known = ClaimFile.objects.filter(claim=claim, sha256=digest).first()
    if known is not None:
        return known
    if ClaimFile.objects.filter(claim=claim).count() >= MOST_FILES:
        raise PaperRefused(f"A claim holds {MOST_FILES} files.", code="papers_too_many", field="proof")
    name = f"{claim.pk.hex[:2]}/{secrets.token_hex(24)}"
    target = folder() / name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A file of a transaction that is rolled back stays behind unnamed: nothing points to it.
    target.write_bytes(paper.content)
    return ClaimFile.objects.create(
        claim=claim,
        name=_shown_name(paper.name, content_type),
        content_type=content_type,
        size=len(paper.content),
        sha256=digest,
        path=name,
        added_at=at,
        added_by=by,
    )


def content_of(file: ClaimFile) -> bytes:
    """The bytes of a paper that the caller has opened."""
    return (folder() / file.path).read_bytes()


def folder() -> Path:
    """Where papers lie: never under an address."""
    return Path(settings.MEDIA_ROOT) / "private" / "claims"


def _shown_name(name: str, content_type: str) -> str:
    """The file's own name without a path, with the ending that its content has."""
    stem = Path(name.replace("\\", "/")).name.rpartition(".")[0] or "proof"
    clean = "".join(sign for sign in stem if sign.isalnum() or sign in " -_.")[:100].strip(". ")
    return f"{clean or 'proof'}{_SUFFIXES[content_type]}"
