"""Columns whose text is sealed at rest: what must be had back in clear, such as a shop's webhook secret.

Keys come from FIELD_ENCRYPTION_KEYS, the newest first: the first seals, every one of them opens,
so a key is retired by putting a new one before it, sealing every row again and taking the old one
out. Without any (development only) one is derived from SECRET_KEY.
"""

import base64
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.errors import Refusal

if TYPE_CHECKING:
    from django.db.models.expressions import Expression

#: What a sealed text begins with, so that clear text in the column is noticed and never handed out as a secret.
_MARK = "sealed:"


class SealBroken(Refusal):
    """A sealed text opens with none of the keys there are: FIELD_ENCRYPTION_KEYS lost one, or the row was changed."""

    code = "seal_broken"

    def __init__(self) -> None:
        super().__init__("A secret cannot be opened with any of FIELD_ENCRYPTION_KEYS. Put the key back, or rotate it.")


def seal(text: str) -> str:
    """The text sealed with the newest key."""
    return _MARK + _fernet(*_keys()).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text behind a seal. Raises SealBroken."""
    if not sealed.startswith(_MARK):
        raise SealBroken
    try:
        return _fernet(*_keys()).decrypt(sealed.removeprefix(_MARK).encode()).decode()
    except (InvalidToken, ValueError):
        raise SealBroken from None


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not generic when it runs
    """A text that the database holds sealed. It can be read and written, not searched: no lookup finds it.

    Reading a row whose seal is broken raises SealBroken; lists that need no secret defer the column.
    """

    def get_prep_value(self, value: Any) -> Any:
        """Sealed, unless there is nothing to seal."""
        text = super().get_prep_value(value)
        return seal(text) if isinstance(text, str) and text else text

    def from_db_value(self, value: str | None, expression: "Expression", connection: BaseDatabaseWrapper) -> str | None:
        """In clear."""
        del expression, connection
        return unseal(value) if value else value


def _keys() -> tuple[str, ...]:
    return tuple(settings.FIELD_ENCRYPTION_KEYS) or (settings.SECRET_KEY,)


@lru_cache(maxsize=8)
def _fernet(*keys: str) -> MultiFernet:
    # Operators make keys with openssl, whose base64 is not Fernet's alphabet: the digest makes any text a key.
    digests = (hashlib.sha256(f"sealed-field:{key}".encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
