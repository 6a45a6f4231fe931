"""Are the pages that links lead to still there? Looked at once a day, oftener while one is missing.

One row a page, however many links lead to it. A page counts as failing when it was missing twice
in a row; then each affiliate with an active link to it is told once, until it has come back.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import MD5

from affiliates.models import Enrolment
from ledger.journal import record_event
from tracking.models import Link, LinkTarget
from tracking.models.link import key_of_url
from tracking.outside import NO_ANSWER, NO_SUCH_HOST, Look, look_at

logger = logging.getLogger(__name__)

_DAILY = timedelta(days=1)
_SOON = timedelta(hours=1)
_LATER = timedelta(hours=6)
_MOST_AT_ONCE = 200
_MOST_A_HOST = 20
#: Between two requests to one host.
_PAUSE_SECONDS = 1.0
_MOST_CODES_NAMED = 20
#: So many hosts do not fall silent together by chance.
_HOSTS_OF_AN_OUTAGE = 3


def check_targets(*, at: datetime, most: int = _MOST_AT_ONCE, pause_seconds: float = _PAUSE_SECONDS) -> int:
    """Look at the pages that are due; how many were. At most 20 of one host at a time, a second apart."""
    looks: list[tuple[LinkTarget, Look]] = []
    last_host = ""
    for target in _claim(at=at, most=most):
        host = urlsplit(target.url).netloc
        if host == last_host:
            time.sleep(pause_seconds)
        last_host = host
        looks.append((target, look_at(target.url, allow_local=settings.ALLOW_LOCAL_DESTINATIONS)))
    if _is_our_own_outage(looks):
        logger.warning("none of %d pages answered; the trouble is taken for our own", len(looks))
        return 0
    for target, look in looks:
        check_target(target, look, at=at)
    return len(looks)


def check_now(url: str, *, at: datetime) -> LinkTarget:
    """Look at one page at once, because somebody asks."""
    target, _is_new = LinkTarget.objects.get_or_create(
        url_key=key_of_url(url), defaults={"url": url, "next_check_at": at}
    )
    return check_target(target, look_at(url, allow_local=settings.ALLOW_LOCAL_DESTINATIONS), at=at)


@transaction.atomic
def check_target(target: LinkTarget, look: Look, *, at: datetime) -> LinkTarget:
    """Write down how a page answered, and tell those whom it concerns when that is news."""
    row = LinkTarget.objects.select_for_update().get(pk=target.pk)
    # Looked at twice at once: the second look is no second failure.
    is_echo = row.checked_at is not None and at - row.checked_at < timedelta(minutes=1)
    row.status_code, row.checked_at = look.status, at
    if not look.reason:
        row.reason, row.failures, row.failing_since = "", 0, None
        row.next_check_at = at + _DAILY
        if row.told_at is not None:
            row.told_at = None
            _tell("link.target_back", row, at=at)
    else:
        row.reason = look.reason
        row.failing_since = row.failing_since or at
        row.failures += 0 if is_echo and row.failures else 1
        row.next_check_at = at + (_SOON if row.failures == 1 else _LATER)
        if row.is_failing and row.told_at is None:
            row.told_at = at
            _tell("link.target_failing", row, at=at)
    row.save()
    return row


def targets_of(urls: Iterable[str]) -> dict[str, LinkTarget]:
    """How pages answered, by address; pages never looked at are left out."""
    keys = {key_of_url(url) for url in urls}
    return {row.url: row for row in LinkTarget.objects.filter(url_key__in=keys).exclude(checked_at=None)}


def _claim(*, at: datetime, most: int) -> Sequence[LinkTarget]:
    """The due pages that links still lead to, taken so that no other worker looks at them too."""
    with transaction.atomic():
        rows = list(
            LinkTarget.objects.select_for_update(skip_locked=True)
            .filter(next_check_at__lte=at)
            .order_by("next_check_at")[:most]
        )
        led_to = set(_links_to(*(row.url_key for row in rows)).values_list("destination", flat=True))
        LinkTarget.objects.filter(pk__in=[row.pk for row in rows if row.url not in led_to]).update(
            next_check_at=at + _DAILY
        )
        hosts: dict[str, list[LinkTarget]] = {}
        for row in rows:
            of_host = hosts.setdefault(urlsplit(row.url).netloc, [])
            if row.url in led_to and len(of_host) < _MOST_A_HOST:
                of_host.append(row)
        claimed = [row for of_host in hosts.values() for row in of_host]
        LinkTarget.objects.filter(pk__in=[row.pk for row in claimed]).update(next_check_at=at + _SOON)
    return claimed


def _is_our_own_outage(looks: Sequence[tuple[LinkTarget, Look]]) -> bool:
    """Whether nobody at all answered, which says more about our line than about their pages."""
    hosts = {urlsplit(target.url).netloc for target, _look in looks}
    return len(hosts) >= _HOSTS_OF_AN_OUTAGE and all(
        look.reason in {NO_ANSWER, NO_SUCH_HOST} for _target, look in looks
    )


def _links_to(*keys: str) -> QuerySet[Link]:
    active = Link.objects.filter(status=Link.Status.ACTIVE, enrolment__status=Enrolment.Status.APPROVED)
    found: QuerySet[Link] = active.alias(key=MD5("destination")).filter(key__in=keys)
    return found


def _tell(event: str, row: LinkTarget, *, at: datetime) -> None:
    """One event for each affiliate with links to the page, about the oldest of them."""
    found: dict[object, list[Link]] = {}
    links = _links_to(row.url_key).filter(destination=row.url).select_related("affiliate", "program")
    for link in links.order_by("created_at", "pk"):
        found.setdefault(link.affiliate_id, []).append(link)
    for of_one in found.values():
        first = of_one[0]
        record_event(
            event,
            first.public_id,
            at=at,
            about=[first.affiliate.public_id, first.program.public_id],
            data={
                "url": row.url,
                "reason": row.reason,
                "status": row.status_code,
                "links": [link.code for link in of_one[:_MOST_CODES_NAMED]],
                "count": len(of_one),
            },
        )
