"""The post's tasks: they read the clock, call one verb, and decide nothing."""

import logging

from celery import shared_task
from django.utils import timezone

from affiliates.calls import make_call, make_waiting_calls
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


@shared_task(name="portal.make_waiting_calls")
def make_calls() -> None:
    """Make the calls to merchants' and partners' programs whose time has come."""
    make_waiting_calls(at=timezone.now())


@shared_task(name="portal.make_call")
def make_one_call(key: str) -> None:
    """Make one call now; the poll would do it within seconds anyway."""
    make_call(key, at=timezone.now())


def hint_calls(key: str) -> None:
    """Have a call made at once."""
    try:
        make_one_call.delay(key)
    except Exception:  # noqa: BLE001 - a broker that is down costs a poll, never a call
        log.warning("no broker: call %s waits for the next poll", key)
