"""Creatives: banners, text links and pieces of HTML that a merchant gives its partners.

Banners lie under MEDIA_ROOT/private/creatives; the door that serves them (portal/pictures.py) sends their kind as
their content has it, and nothing that a browser could run.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction

from affiliates.models import Program, User
from ledger.journal import record_event
from tracking.assets import check_dates, read_target
from tracking.errors import CreativeRefused
from tracking.models import Creative
from tracking.pictures import Picture, read_picture
from tracking.snippets import read_html

#: The most creatives of one program, those that have ended too.
MOST_CREATIVES = 1_000
_LONGEST_WORDS = 200


@dataclass(frozen=True, slots=True)
class CreativeDraft:
    """A creative as its merchant wrote it; `picture` is a banner's file, empty to keep the one it has."""

    name: str
    kind: str
    text: str
    target_url: str = ""
    language: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    picture: bytes = b""


def add_creative(program: Program, draft: CreativeDraft, *, by: User | None, at: datetime) -> Creative:
    """A new creative of a program.

    Raises CreativeRefused (picture_kind, picture_size, picture_too_large, picture_missing, html_unsafe, html_no_link,
    html_too_long, creative_words, creative_name_taken, creatives_too_many, dates_reversed) and DestinationRefused.
    """
    picture = read_picture(draft.picture) if draft.kind == Creative.Kind.IMAGE and draft.picture else None
    if draft.kind == Creative.Kind.IMAGE and picture is None:
        raise CreativeRefused("A banner needs a picture.", code="picture_missing", field="picture")
    creative = Creative(program=program, kind=draft.kind, created_at=at, starts_at=draft.starts_at or at)
    _write(creative, draft)
    try:
        with transaction.atomic():
            # Whoever adds to this program waits here, so that the count stays true.
            Program.objects.select_for_update(no_key=True).get(pk=program.pk)
            if Creative.objects.filter(program=program).count() >= MOST_CREATIVES:
                raise CreativeRefused(f"A program has at most {MOST_CREATIVES:,} creatives.", code="creatives_too_many")
            if picture is not None:
                _keep(creative, picture)
            creative.save(force_insert=True)
            _tell("creative.added", creative, by=by, at=at)
    except IntegrityError:
        raise _name_taken() from None
    return creative


def change_creative(creative: Creative, draft: CreativeDraft, *, by: User | None, at: datetime) -> Creative:
    """Write a creative anew; its kind stays. Code that partners have pasted shows a new banner at once. Raises as above."""
    picture = read_picture(draft.picture) if creative.kind == Creative.Kind.IMAGE and draft.picture else None
    try:
        with transaction.atomic():
            locked: Creative = (
                Creative.objects.select_for_update(of=("self",)).select_related("program__merchant").get(pk=creative.pk)
            )
            locked.starts_at = draft.starts_at or locked.starts_at
            _write(locked, draft)
            if picture is not None:
                _keep(locked, picture)
            locked.save()
            _tell("creative.changed", locked, by=by, at=at)
    except IntegrityError:
        raise _name_taken() from None
    return locked


@transaction.atomic
def end_creative(creative: Creative, *, by: User | None, at: datetime) -> Creative:
    """Offer a creative to nobody from now on; where it stands it goes on working. Twice is once."""
    locked: Creative = (
        Creative.objects.select_for_update(of=("self",)).select_related("program__merchant").get(pk=creative.pk)
    )
    if locked.ends_at is not None and locked.ends_at <= at:
        return locked
    locked.ends_at = max(at, locked.starts_at)
    locked.save(update_fields=["ends_at", "updated_at"])
    _tell("creative.ended", locked, by=by, at=at)
    return locked


def content_of(creative: Creative) -> bytes | None:
    """A banner's bytes; None when there are none."""
    if not creative.path:
        return None
    try:
        return (folder() / creative.path).read_bytes()
    except FileNotFoundError:
        return None


def folder() -> Path:
    """Where banners lie: never under an address of the file server's."""
    return Path(settings.MEDIA_ROOT) / "private" / "creatives"


def _write(creative: Creative, draft: CreativeDraft) -> None:
    """What is the same for a new one and one that is there. Raises as above."""
    name, text = draft.name.strip(), draft.text.strip()
    if not name or len(name) > 120:
        raise CreativeRefused("A name has 1 to 120 characters.", field="name")
    if creative.kind not in Creative.Kind.values:
        raise CreativeRefused("A creative is an image, a text or HTML.", field="kind")
    if creative.kind == Creative.Kind.HTML:
        text = read_html(text)
    elif not text or len(text) > _LONGEST_WORDS or not text.isprintable():
        raise CreativeRefused(f"Write 1 to {_LONGEST_WORDS} characters.", code="creative_words", field="text")
    creative.name, creative.text = name, text
    creative.target_url = read_target(creative.program, draft.target_url)
    creative.language = draft.language.strip()
    creative.ends_at = draft.ends_at
    check_dates(creative.starts_at, creative.ends_at, refusal=CreativeRefused)


def _keep(creative: Creative, picture: Picture) -> None:
    """Keep a banner's file; one of a transaction that is rolled back stays behind unnamed."""
    digest = hashlib.sha256(picture.content).hexdigest()
    if creative.sha256 == digest:
        return
    path = f"{creative.pk.hex[-2:]}/{secrets.token_hex(24)}"
    target = folder() / path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.write_bytes(picture.content)
    creative.content_type, creative.width, creative.height = picture.content_type, picture.width, picture.height
    creative.size, creative.sha256, creative.path = len(picture.content), digest, path


def _name_taken() -> CreativeRefused:
    return CreativeRefused(
        "The program has a creative of this name. Give it another.", code="creative_name_taken", field="name"
    )


def _tell(name: str, creative: Creative, *, by: User | None, at: datetime) -> None:
    record_event(
        name, creative.public_id, at=at, actor=by.public_id if by else "",
        about=[creative.program.public_id, creative.program.merchant.public_id], data={"kind": creative.kind, "name": creative.name},
    )  # fmt: skip
