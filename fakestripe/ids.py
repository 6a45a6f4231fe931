"""Ids that look like Stripe's: a prefix and letters nobody can guess."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """An id such as tr_4fK…"""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(length))}"
