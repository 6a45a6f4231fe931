"""Touches recorded at once, for doors that are no click door, through the drain's own SQL."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection

from tracking.addresses import short_address
from tracking.agents import Agents
from tracking.click_ids import click_key
from tracking.consent import allows_cookies
from tracking.enrichment import Enrichment, Sources
from tracking.models import Click, Link
from tracking.partitions import ensure_partitions
from tracking.reading import Retention, read_batches
from tracking.spool import Batch, encode_rows, make_click
from tracking.standing import reason_of_standing
from tracking.storing import insert_rows


def record_click(
    link: Link,
    *,
    at: datetime,
    url: str = "",
    referrer: str = "",
    user_agent: str = "",
    language: str = "",
    ip: str | None = None,
    visitor: UUID | None = None,
    params: Mapping[str, str] | None = None,
    kind: str = Click.Kind.CLICK,
    consent: str = Click.Consent.NOT_NEEDED,
    uncounted_reason: str = "",
) -> Click:
    """A touch on a link, stored with its marks and hourly counts; judged like the click door's.

    `url` is the page it led to (the link's own by default), `params` our parameters by name (sub1 …).
    Without consent the visitor is not kept and the address only shortened. Inside a transaction of
    the caller's, other recordings wait until that ends, so keep it short.
    """
    reason = uncounted_reason or reason_of_standing(
        program=link.program.status, enrolment=link.enrolment.status, affiliate=link.affiliate.status
    )
    if not reason and user_agent:
        reason = Agents().reason_not_to_count("GET", user_agent)
    is_kept = allows_cookies(consent)
    click = make_click(
        at=at,
        link_id=link.pk,
        enrolment_id=link.enrolment_id,
        program_id=link.program_id,
        affiliate_id=link.affiliate_id,
        destination=url or link.destination,
        visitor_id=visitor if is_kept else None,
        referrer=referrer,
        user_agent=user_agent,
        language=language,
        ip=ip if is_kept or ip is None else short_address(ip),
        query=urlencode(dict(params or {})),
        uncounted_reason=reason,
        kind=kind,
        consent=consent,
    )
    load = read_batches([Batch(0, encode_rows([click]))], enrichment(), retention(at=datetime.now(UTC)))
    if load.refused:
        raise ValueError(load.refused[0][1])
    raw = raw_connection()
    ensure_partitions(raw, load.months, at=datetime.now(UTC))
    insert_rows(raw, load.rows)
    return Click.objects.get(pk=click_key(click.id))


def enrichment() -> Enrichment:
    """This process's enrichment, with the operator's files as they are now."""
    return _enrichment().refreshed()


def sources() -> Sources:
    """The operator's files and limits."""
    return Sources(
        geoip=settings.GEOIP_PATH,
        datacenters=settings.DATACENTERS_PATH,
        crawlers=settings.CRAWLERS_PATH,
        activity_limit=settings.CLICK_ACTIVITY_LIMIT,
    )


def retention(*, at: datetime) -> Retention | None:
    """What is too old at an instant for a whole address; None when addresses are kept for ever."""
    if not settings.CLICK_IP_DAYS:
        return None
    return Retention(int((at - timedelta(days=settings.CLICK_IP_DAYS)).timestamp()))


def raw_connection() -> psycopg.Connection[Any]:
    """Django's connection as psycopg knows it, so that what is stored joins the caller's transaction."""
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    return raw


@cache
def _enrichment() -> Enrichment:
    return Enrichment(sources())
