"""Whose key a request came with."""

import re
from datetime import datetime
from typing import TYPE_CHECKING

from django.http import HttpRequest

from affiliates.errors import KeyRefused
from affiliates.keys import owner_of_key
from ledger.errors import Refusal

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Affiliate, ApiKey, Merchant

_SECRET = re.compile(r"(sk_live|sk_test|pk)_[0-9a-f]{8}_[A-Za-z0-9-]{20,120}", re.ASCII)

_REMEDY = "Send a key of this network as Authorization: Bearer sk_live_…"


class KeyOfAnotherKind(Refusal):
    """A partner's key at a merchant's door, or the other way round."""

    code = "key_kind_wrong"

    def __init__(self, wanted: str) -> None:
        super().__init__(f"This call needs a {wanted}.", field="Authorization")


def key_of_secret(secret: str, *, at: datetime) -> "ApiKey":
    """The key behind a secret. Raises KeyRefused."""
    if not _SECRET.fullmatch(secret):
        raise KeyRefused(f"The API key is not known. {_REMEDY}", field="Authorization")
    try:
        return owner_of_key(secret, at=at)
    except KeyRefused:
        raise KeyRefused(f"The API key is not known, or was revoked. {_REMEDY}", field="Authorization") from None


def bearer_key(request: HttpRequest, *, at: datetime) -> "ApiKey":
    """The key in the Authorization header. Raises KeyRefused."""
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if not secret:
        raise KeyRefused(f"The API key is missing. {_REMEDY}", field="Authorization", code="key_missing")
    if scheme.lower() != "bearer":
        raise KeyRefused(f"Authorization is {scheme[:20]!r}. {_REMEDY}", field="Authorization")
    return key_of_secret(secret.strip(), at=at)


def merchant_of(key: "ApiKey") -> "Merchant":
    """The merchant a key belongs to. Raises KeyOfAnotherKind for a partner's key."""
    if key.merchant is None:
        raise KeyOfAnotherKind("merchant's key, sk_live_… or sk_test_…")
    return key.merchant


def affiliate_of(key: "ApiKey") -> "Affiliate":
    """The affiliate a key belongs to. Raises KeyOfAnotherKind for a merchant's key."""
    if key.affiliate is None:
        raise KeyOfAnotherKind("partner's key, pk_…")
    return key.affiliate
