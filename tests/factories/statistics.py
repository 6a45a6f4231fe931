"""Clicks with everything a report groups by, counted by the hour as the drain counts them."""

import json
from datetime import datetime
from uuid import UUID

from django.db import connection

from ledger.ids import new_uuid7
from tracking.models import Click, Link


def touch(
    link: Link,
    *,
    at: datetime,
    kind: str = "click",
    is_counted: bool = True,
    is_unique: bool = False,
    country: str = "",
    device: str = "",
    browser: str = "",
    referrer: str = "",
    visitor: UUID | None = None,
    **params: str,
) -> Click:
    """One click or view, and its hour's counts."""
    key = new_uuid7(at)
    sub1 = params.get("sub1", "")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tracking_click (id, link_id, enrolment_id, program_id, affiliate_id, clicked_at, visitor_id,"
            " destination, referrer, country, device, browser, params, kind, is_counted, is_unique, uncounted_reason)"
            " VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
            [key, link.pk, link.enrolment_id, link.program_id, link.affiliate_id, at, visitor, link.destination, referrer,
             country, device, browser, json.dumps(params), kind, is_counted, is_unique, "" if is_counted else "bot"],
        )  # fmt: skip
        is_click = kind == "click"
        cursor.execute(
            "INSERT INTO tracking_click_hour AS known (hour, program_id, affiliate_id, link_id, sub1, country, device,"
            " clicks, counted, uniques, views) VALUES (date_trunc('hour', %s::timestamptz, 'UTC'),%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)"
            " ON CONFLICT (hour, link_id, sub1, country, device) DO UPDATE SET clicks = known.clicks + excluded.clicks,"
            " counted = known.counted + excluded.counted, uniques = known.uniques + excluded.uniques,"
            " views = known.views + excluded.views",
            [at, link.program_id, link.affiliate_id, link.pk, sub1, country, device, int(is_click),
             int(is_click and is_counted), int(is_unique), int(not is_click and is_counted)],
        )  # fmt: skip
    return Click.objects.get(pk=key)
