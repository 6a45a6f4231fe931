"""Tracking's tasks."""

from contextlib import closing
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from tracking import domains, feeds, retention, targets
from tracking.attribution.paths import fit_due_programs
from tracking.drain import connect
from tracking.idempotency import forget_old_keys
from tracking.partitions import ensure_partitions, month_of
from tracking.receipts.roots import root_log
from tracking.statistics.condensing import condense_clicks

# What is left waits for the next day.
_SECONDS_OF_FORGETTING = 1_800.0


@shared_task(name="tracking.make_partitions")
def make_partitions() -> None:
    """Make this month's and next month's click partitions before they are needed."""
    now = timezone.now()
    year, month = month_of(now)
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    with closing(connect(settings.DATABASE_URL)) as connection:
        ensure_partitions(connection, [(year, month), following], at=now)


@shared_task(name="tracking.forget_old_idempotency_keys")
def forget_old_idempotency_keys() -> None:
    """Drop the answers that nobody can ask for again."""
    forget_old_keys(at=timezone.now())


@shared_task(name="tracking.condense_clicks")
def condense_past_clicks() -> None:
    """Condense busy owners' past days, so that long reports stay fast."""
    condense_clicks(at=timezone.now())


@shared_task(name="tracking.root_log")
def root_the_log(hours: int = 6) -> None:
    """Root what arrived in the last hours and is under no root yet; the nightly run looks further back."""
    now = timezone.now()
    root_log(at=now, since=now - timedelta(hours=hours))


@shared_task(name="tracking.check_link_targets")
def check_link_targets() -> None:
    """Look at the pages that links lead to."""
    targets.check_targets(at=timezone.now())


@shared_task(name="tracking.verify_domains")
def verify_domains() -> None:
    """Look up the records of merchants' own link hosts."""
    domains.verify_domains(at=timezone.now())


@shared_task(name="tracking.fetch_feeds")
def fetch_feeds() -> int:
    """Fetch the product feeds that are due; how many."""
    return feeds.fetch_due_feeds(at=timezone.now(), clock=timezone.now)


@shared_task(name="tracking.fetch_feed", acks_late=True)
def fetch_feed(feed_id: str) -> bool:
    """Fetch one product feed, by its key, when somebody asked for it; whether it was due."""
    return feeds.fetch_feed(feed_id, at=timezone.now())


@shared_task(name="tracking.fit_models")
def fit_models() -> None:
    """Fit the models of programs that pay by a fitted one and have no fit of this month."""
    fit_due_programs(at=timezone.now())


@shared_task(name="tracking.forget_addresses")
def forget_addresses() -> int:
    """Shorten, hash or forget the addresses of clicks older than CLICK_IP_DAYS; how many it changed."""
    if not settings.CLICK_IP_DAYS:
        return 0
    now = timezone.now()
    with closing(connect(settings.DATABASE_URL)) as connection:
        return retention.forget_addresses(
            connection,
            before=now - timedelta(days=settings.CLICK_IP_DAYS),
            afterwards=settings.CLICK_IP_AFTERWARDS,
            secret=settings.SECRET_KEY,
            seconds=_SECONDS_OF_FORGETTING,
        )
