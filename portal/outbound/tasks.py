"""The post's tasks: they read the clock, call one verb, and decide nothing."""

import logging

from celery import shared_task
from django.utils import timezone

from affiliates.mails import send_waiting_mails
from portal.outbound.letters import send_letter

log = logging.getLogger(__name__)


@shared_task(name="portal.send_waiting_mails")
def send_mails() -> None:
    """Send what waits in the post."""
    send_waiting_mails(send_letter, at=timezone.now())


def hint_mails(mail_id: str) -> None:
    """Have the post looked at now; the poll would do it within seconds anyway."""
    try:
        send_mails.delay()
    except Exception:  # noqa: BLE001 - a broker that is down costs a poll, never a mail
        log.warning("no broker: mail %s waits for the next poll", mail_id)
