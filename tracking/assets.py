"""What creatives and deals have in common: a page of the program's, and days from and until."""

from datetime import datetime

from django.conf import settings

from affiliates.models import Program
from ledger.errors import Refusal
from tracking.destinations import DestinationRefused, read_destination


def read_target(program: Program, url: str) -> str:
    """The page as links have it; the program's own page when none is given. Raises DestinationRefused."""
    try:
        return read_destination(
            url.strip() or program.landing_url,
            allowed_hosts=program.allowed_hosts,
            allow_local=settings.ALLOW_LOCAL_DESTINATIONS,
        ).url
    except DestinationRefused as refusal:
        raise DestinationRefused(
            refusal.code, f"The page has to be on {', '.join(program.allowed_hosts)}, where links may lead."
        ) from refusal


def check_dates(starts_at: datetime, ends_at: datetime | None, *, refusal: type[Refusal]) -> None:
    """Nothing ends before it begins. Raises the refusal, code dates_reversed."""
    if ends_at is not None and ends_at < starts_at:
        raise refusal("It ends before it begins.", code="dates_reversed", field="ends_at")
