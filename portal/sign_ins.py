"""Tells fraud detection from where partners' people sign in (feature F8)."""

from typing import Any
from uuid import UUID

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from ledger.base32 import decode
from portal.click.visitors import visitor_of
from portal.intake.door import address_of
from tracking.fraud.sign_ins import note_sign_in


@receiver(user_logged_in, dispatch_uid="portal.sign_ins")
def note_who_signed_in(sender: object, request: HttpRequest | None = None, user: Any = None, **_more: Any) -> None:
    """Keep the network, and the click door's cookie where the browser shows it here. A sign-in never fails for it."""
    if request is None or user is None:
        return
    note_sign_in(user, address=address_of(request) or "", visitor=_visitor(request), at=timezone.now())


def _visitor(request: HttpRequest) -> UUID | None:
    known = visitor_of(request.META.get("HTTP_COOKIE"))
    try:
        return decode(known) if known else None
    except ValueError:
        return None
