"""Keys: time-ordered UUIDv7 inside, `prefix_base32` outside."""

import secrets
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from uuid_utils.compat import uuid7

from ledger.base32 import decode, encode


def new_uuid7(at: datetime | None = None) -> UUID:
    """A UUIDv7: the millisecond of `at` (now when None), then 74 random bits (RFC 9562 §5.7)."""
    if at is None:
        return uuid7()
    milliseconds = int(at.timestamp() * 1000)
    random = secrets.randbits(74)
    value = (
        (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | (random & (1 << 62) - 1)
    )
    return UUID(int=value)


def time_of_uuid7(key: UUID) -> datetime:
    """The instant a UUIDv7 carries, to the millisecond."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, tz=UTC)


def public_id_of(prefix: str, key: UUID) -> str:
    """`prefix_` and 26 Crockford base32 signs."""
    return f"{prefix}_{encode(key)}"


def uuid_from_public_id(public_id: str, prefix: str) -> UUID:
    """The key behind a public id. Raises ValueError when it is none of this prefix."""
    head, _, tail = public_id.rpartition("_")
    if head != prefix:
        raise ValueError(f"{public_id!r} is no {prefix}_… id")
    return decode(tail)


class RecordManager[M: "Record"](models.Manager[M]):
    """Finds rows by the id people see."""

    def by_public_id(self, public_id: str) -> M:
        """The row; raises the model's DoesNotExist for any other text."""
        try:
            key = uuid_from_public_id(public_id, self.model.ID_PREFIX)
        except ValueError:
            raise self.model.DoesNotExist(public_id) from None
        return self.get(pk=key)


class Record(models.Model):
    """A row with a UUIDv7 key and a public id."""

    ID_PREFIX: ClassVar[str]

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    objects: ClassVar[RecordManager[Any]] = RecordManager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """The id that people, URLs and the book see."""
        return public_id_of(self.ID_PREFIX, self.pk)

    @classmethod
    def key_of(cls, public_id: str) -> UUID:
        """The key behind this model's public id. Raises ValueError."""
        return uuid_from_public_id(public_id, cls.ID_PREFIX)

    def refreshed(self) -> Self:
        """The row as the database has it now."""
        self.refresh_from_db()
        return self
