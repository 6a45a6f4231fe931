"""Tracking links: made for an enrolment and a page, never broken afterwards."""

import secrets
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from affiliates.errors import NotInState
from affiliates.models import Enrolment, Program
from ledger.journal import record_event
from tracking.destinations import DestinationRefused, read_destination
from tracking.errors import CodeTaken, InputRefused
from tracking.models import Link

#: No 0 or O, 1, I or L, and one of each pair that is misread (2/Z, 4/A, 5/S, 6/G).
CODE_SIGNS = "3789bcdefhjkmnpqrtuvwxy"
_CODE_LENGTH = 7


def create_link(enrolment: Enrolment, *, destination: str = "", label: str = "", code: str = "", at: datetime) -> Link:
    """The enrolment's link to a page of the program; asking twice gives the same link.

    Without a destination it leads to the program's landing page. Raises DestinationRefused for a
    page outside the program's hosts, CodeTaken, and NotInState when the place is not approved.
    """
    if enrolment.status != Enrolment.Status.APPROVED:
        raise NotInState(enrolment.program, enrolment.get_status_display())
    program = enrolment.program
    destination = destination.strip() or program.landing_url
    destination = _checked(destination, program)
    if code:
        _check_code(code)
    known = Link.objects.filter(enrolment=enrolment, destination=destination, label=label).first()
    if known is not None and code in {"", known.code}:
        return known
    return _insert(enrolment, destination=destination, label=label, code=code.lower(), at=at)


@transaction.atomic
def retire_link(link: Link, *, at: datetime) -> Link:
    """Take a link out of the lists; it goes on working, so that no shared address ever breaks."""
    if Link.objects.filter(pk=link.pk, status=Link.Status.ACTIVE).update(status=Link.Status.RETIRED, updated_at=at):
        record_event("link.retired", link.public_id, at=at, about=[link.affiliate.public_id])
    return link.refreshed()


def _insert(enrolment: Enrolment, *, destination: str, label: str, code: str, at: datetime) -> Link:
    for _try in range(8):
        try:
            with transaction.atomic():
                link = Link.objects.create(
                    code=code or "".join(secrets.choice(CODE_SIGNS) for _ in range(_CODE_LENGTH)),
                    enrolment=enrolment,
                    program=enrolment.program,
                    affiliate=enrolment.affiliate,
                    destination=destination,
                    label=label,
                    created_at=at,
                )
                record_event(
                    "link.created",
                    link.public_id,
                    at=at,
                    about=[enrolment.affiliate.public_id, enrolment.program.public_id],
                    data={"code": link.code, "destination": destination},
                )
        except IntegrityError as error:
            if "link_once" in str(error):
                if code:
                    raise CodeTaken("You have a link to this page with this label already.", field="label") from error
                return Link.objects.get(enrolment=enrolment, destination=destination, label=label)
            if code:
                raise CodeTaken(f"{code} is taken. Choose another.", field="code") from error
        else:
            return link
    raise CodeTaken("No free code was found. Try again.", field="code")


def _checked(destination: str, program: Program) -> str:
    try:
        return read_destination(
            destination,
            allowed_hosts=program.allowed_hosts,
            allow_local=settings.ALLOW_LOCAL_DESTINATIONS,
        ).url
    except DestinationRefused as refusal:
        raise DestinationRefused(
            refusal.code,
            f"{program.merchant.name} pays only for pages on {', '.join(program.allowed_hosts)}. "
            "Paste a page from one of these sites.",
        ) from refusal


def _check_code(code: str) -> None:
    if not (3 <= len(code) <= 40) or not all(sign.isalnum() or sign in "-_" for sign in code) or not code.isascii():
        raise InputRefused("A code has 3 to 40 letters, digits, - or _.", field="code")
