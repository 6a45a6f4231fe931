"""Clicks of a day in tests: the rows and the hourly counts, as the drain writes them."""

from datetime import datetime

from django.db import connection

from tests.factories.world import make_click
from tracking.models import Link


def make_clicks(link: Link, number: int, *, at: datetime, left_out: int = 0) -> None:
    """`number` counted clicks and `left_out` uncounted ones within the hour of `at`."""
    for index in range(number + left_out):
        make_click(link, at=at, is_counted=index < number)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tracking_click_hour (hour, link_id, program_id, affiliate_id, clicks, counted)"
            " VALUES (date_trunc('hour', %s::timestamptz), %s, %s, %s, %s, %s)",
            [at, link.pk, link.program_id, link.affiliate_id, number + left_out, number],
        )
