"""Mails: written down once a person and event, sent until they are gone.

Nothing here words or sends a letter; portal/outbound does. Only a machine that dies between the
mail server's yes and our commit sends one twice, and then under the same Message-ID.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from affiliates.models import OutgoingMail

#: Waits between tries; after the last the mail is given up, its error kept.
_WAITS = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440)]


def write_mail(
    event: str, recipient: str, *, kind: str, language: str, facts: dict[str, Any], at: datetime
) -> OutgoingMail | None:
    """Put a mail in the post; None when this person has one about this event already."""
    mail, is_new = OutgoingMail.objects.get_or_create(
        event=event,
        recipient=recipient.strip().lower(),
        defaults={"kind": kind, "language": language, "facts": facts, "created_at": at, "next_try_at": at},
    )
    return mail if is_new else None


def send_waiting_mails(send: Callable[[OutgoingMail], object], *, at: datetime, limit: int = 200) -> int:
    """Send every mail whose time has come, oldest first; how many went. A failure is kept and tried again."""
    due = OutgoingMail.objects.filter(sent_at=None, next_try_at__lte=at, attempts__lt=len(_WAITS)).order_by(
        "next_try_at"
    )
    return sum(_send(key, send, at=at) for key in list(due.values_list("pk", flat=True)[:limit]))


def waiting_mails() -> int:
    """How many mails have not gone out yet, those given up not counted."""
    return OutgoingMail.objects.filter(sent_at=None, attempts__lt=len(_WAITS)).count()


@transaction.atomic
def _send(key: object, send: Callable[[OutgoingMail], object], *, at: datetime) -> bool:
    mail = OutgoingMail.objects.select_for_update(skip_locked=True).filter(pk=key, sent_at=None).first()
    if mail is None:
        return False
    try:
        with transaction.atomic():
            send(mail)
    except Exception as error:  # noqa: BLE001 - whatever the mail server says is kept and tried again
        wait = _WAITS[min(mail.attempts, len(_WAITS) - 1)]
        OutgoingMail.objects.filter(pk=key).update(
            attempts=F("attempts") + 1, next_try_at=at + wait, last_error=repr(error)[:2000]
        )
        return False
    OutgoingMail.objects.filter(pk=key).update(attempts=F("attempts") + 1, sent_at=at, last_error="")
    return True
