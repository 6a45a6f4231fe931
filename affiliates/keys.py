"""API keys: shown once, kept as a digest, found by their prefix."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from affiliates.errors import KeyRefused
from affiliates.models import Affiliate, ApiKey, Merchant, User
from ledger.journal import record_event

#: How stale "last used" may get before it is written again: a write a minute, not one a call.
_LAST_USED_EVERY = timedelta(minutes=1)


@transaction.atomic
def issue_key(
    kind: str,
    *,
    name: str,
    at: datetime,
    by: User | None = None,
    merchant: Merchant | None = None,
    affiliate: Affiliate | None = None,
) -> tuple[ApiKey, str]:
    """A new key and the secret itself, which is never to be had again.

    The secret is `<kind>_<8 signs>_<43 signs>`; the part before the last underscore finds the row.
    """
    prefix = f"{kind}_{secrets.token_hex(4)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32).replace('_', 'x')}"
    key = ApiKey.objects.create(
        kind=kind,
        merchant=merchant,
        affiliate=affiliate,
        name=name,
        prefix=prefix,
        digest=_digest(secret),
        created_at=at,
        created_by=by,
    )
    owner = merchant or affiliate
    record_event(
        "key.issued",
        key.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[owner.public_id] if owner else [],
        data={"kind": kind, "name": name, "prefix": prefix},
    )
    return key, secret


@transaction.atomic
def revoke_key(key: ApiKey, *, by: User, at: datetime) -> ApiKey:
    """End a key at once; a second call changes nothing."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
        owner = key.merchant or key.affiliate
        record_event(
            "key.revoked",
            key.public_id,
            at=at,
            actor=by.public_id,
            about=[owner.public_id] if owner else [],
            data={"prefix": key.prefix},
        )
    return key.refreshed()


def owner_of_key(secret: str, *, at: datetime) -> ApiKey:
    """The key behind a secret. Raises KeyRefused, in the same words and time for every cause."""
    prefix, _, _tail = secret.rpartition("_")
    key = ApiKey.objects.select_related("merchant", "affiliate").filter(prefix=prefix[:24], revoked_at=None).first()
    known = key.digest if key else _digest("")
    if not hmac.compare_digest(known, _digest(secret)) or key is None:
        raise KeyRefused("The API key is not known. Send a key of this merchant as Authorization: Bearer sk_….")
    if key.last_used_at is None or at - key.last_used_at > _LAST_USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)
    return key


def key_of_digest(digest: str, *, at: datetime) -> ApiKey | None:
    """The key whose secret has this digest, unless it was revoked before `at`; proof for a request that was kept."""
    key = ApiKey.objects.select_related("merchant", "affiliate").filter(digest=digest).first() if digest else None
    return None if key is None or (key.revoked_at is not None and key.revoked_at <= at) else key


def digest_of(secret: str) -> str:
    """The keyed digest under which a secret is known; empty for none."""
    return _digest(secret) if secret else ""


def _digest(secret: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), secret.encode(), hashlib.sha256).hexdigest()
