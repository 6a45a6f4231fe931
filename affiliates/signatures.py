"""Signed requests: proof of a key without sending it.

A key's signing secret is worked out from the installation's secret and the key's id, so nothing
more is stored, it ends with the key, and its owner can read it again at any time.
"""

import hashlib
import hmac
import re
from datetime import datetime, timedelta

from django.conf import settings

from affiliates.errors import KeyRefused
from affiliates.models import ApiKey

#: A signature is good for this long before and after its time.
SIGNED_WITHIN = timedelta(minutes=5)

_PREFIX = re.compile(r"(sk_live|sk_test|pk)_[0-9a-f]{8}", re.ASCII)


class SignatureRefused(KeyRefused):
    """The signature does not fit, or its time is over."""

    code = "signature_wrong"


def signing_secret_of(key: ApiKey) -> str:
    """The secret a key's owner signs with: `sign_` and 64 hex digits."""
    text = f"signing-secret:{key.public_id}"
    return f"sign_{hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()}"


def sign(secret: str, *parts: str) -> str:
    """HMAC-SHA256 of the parts joined by dots, in hex."""
    return hmac.new(secret.encode(), ".".join(parts).encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def key_of_signature(prefix: str, *parts: str, signed_at: datetime, signature: str, at: datetime) -> ApiKey:
    """The key whose owner signed `parts` at `signed_at`; `prefix` is the key's public part.

    Raises SignatureRefused, which names the field.
    """
    if abs(at - signed_at) > SIGNED_WITHIN:
        raise SignatureRefused("ts is more than five minutes away. Sign each request when you send it.", field="ts")
    key = (
        ApiKey.objects.select_related("merchant", "affiliate").filter(prefix=prefix, revoked_at=None).first()
        if _PREFIX.fullmatch(prefix)
        else None
    )
    expected = sign(signing_secret_of(key), *parts) if key else "0" * 64
    given = signature.lower().encode("utf-8", "replace")
    if not hmac.compare_digest(expected.encode(), given) or key is None:
        raise SignatureRefused(
            "sig does not fit. Sign ts.click_id.order_id.amount.currency with the key's signing secret.", field="sig"
        )
    return key
