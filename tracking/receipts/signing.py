"""The log's signature: Ed25519 (RFC 8032), with a key that the operator holds."""

import base64
import binascii
import hashlib
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_DERIVED = b"affiliate-network log key v1"


def sign(text: str) -> bytes:
    """The signature of a text, 64 bytes. Raises ImproperlyConfigured when LOG_SIGNING_KEY is no key."""
    return _private_key(settings.LOG_SIGNING_KEY, settings.SECRET_KEY).sign(text.encode())


def is_signed(text: str, signature: bytes, public_key: bytes) -> bool:
    """Whether this key signed this text."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key() -> bytes:
    """The 32 bytes everybody may know."""
    key = _private_key(settings.LOG_SIGNING_KEY, settings.SECRET_KEY)
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_id_of(key: bytes) -> str:
    """A short name of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(key).hexdigest()[:16]


@cache
def _private_key(configured: str, secret: str) -> Ed25519PrivateKey:
    """The operator's key; with none set, one derived from SECRET_KEY."""
    if not configured:
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(_DERIVED + secret.encode()).digest())
    try:
        seed = base64.b64decode(configured, validate=True)
        return Ed25519PrivateKey.from_private_bytes(seed)
    except (binascii.Error, ValueError) as error:
        raise ImproperlyConfigured(
            "LOG_SIGNING_KEY is no Ed25519 seed. Make one with: openssl rand -base64 32"
        ) from error
