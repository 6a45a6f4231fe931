"""What a leaf of the log says: the part of a click or an event that never changes, in one canonical form.

Nothing personal is in a leaf: no address, no browser, no referrer, no sub-ids. So a log can be
published and kept for ever, and erasing a person breaks no proof.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from ledger.ids import public_id_of
from ledger.journal import events_of
from tracking.receipts.merkle import leaf_hash

_CLICKS = """
SELECT id, clicked_at, link_id, program_id, affiliate_id, is_counted, uncounted_reason
FROM tracking_click WHERE id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One row of the log."""

    key: UUID
    content: bytes

    @property
    def hash(self) -> bytes:
        """The leaf's hash in the tree."""
        return leaf_hash(self.content)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no blanks, as UTF-8: the one way to write a leaf."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def instant(at: datetime) -> str:
    """An instant in UTC with microseconds, `2026-11-03T14:02:00.123000Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def leaves_of_clicks(keys: list[UUID]) -> Iterator[Leaf]:
    """The leaves of these clicks, in no order; what is gone is left out."""
    with connection.cursor() as cursor:
        cursor.execute(_CLICKS, [keys])
        while rows := cursor.fetchmany(5_000):
            for key, clicked_at, link, program, affiliate, is_counted, reason in rows:
                yield Leaf(
                    key,
                    canonical(
                        {
                            "v": 1,
                            "click": public_id_of("clk", key),
                            "at": instant(clicked_at),
                            "link": public_id_of("link", link),
                            "program": public_id_of("prog", program),
                            "affiliate": public_id_of("aff", affiliate),
                            "counted": is_counted,
                            "reason": reason,
                        }
                    ),
                )


def leaves_of_events(keys: list[UUID]) -> Iterator[Leaf]:
    """The leaves of these events of the journal: who and what is named by id, the rest by its digest."""
    for event in events_of(keys):
        yield Leaf(
            event.pk,
            canonical(
                {
                    "v": 1,
                    "event": event.public_id,
                    "name": event.name,
                    "at": instant(event.at),
                    "recorded_at": instant(event.recorded_at),
                    "subject": event.subject,
                    "about": event.about,
                    "data_sha256": hashlib.sha256(canonical(event.data)).hexdigest(),
                }
            ),
        )
