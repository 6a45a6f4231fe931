"""The baseline of the reports: the clicks of a question, counted from the click table with its indexes."""

import time
from typing import Any
from uuid import UUID

from django.db import connection

from tracking.statistics.questions import Question

_RAW = """
SELECT {keys}, count(*) FILTER (WHERE k.kind = 'click'), count(*) FILTER (WHERE k.kind = 'click' AND k.is_counted),
    count(*) FILTER (WHERE k.is_unique), count(*) FILTER (WHERE k.kind = 'view' AND k.is_counted)
FROM tracking_click k
WHERE k.link_id = ANY (ARRAY(SELECT id FROM tracking_link WHERE affiliate_id = %(affiliate)s))
    AND k.clicked_at >= %(start)s AND k.clicked_at < %(end)s
GROUP BY {places}
"""
_RAW_KEYS = {
    "day": "date_trunc('day', k.clicked_at, %(zone)s)", "sub1": "k.params ->> 'sub1'", "link": "k.link_id",
    "country": "k.country",
}  # fmt: skip


def count_raw_clicks(affiliate: UUID, question: Question) -> tuple[float, int]:
    """How long the click table takes over the question's clicks, its second time; and how many it counts."""
    keys = [_RAW_KEYS[key] for key in question.groups]
    statement = _RAW.format(keys=", ".join(keys), places=", ".join(str(one + 1) for one in range(len(keys))))
    values: dict[str, Any] = {
        "affiliate": affiliate,
        "start": question.start,
        "end": question.end,
        "zone": question.zone,
    }
    found: list[Any] = []

    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            found[:] = cursor.fetchall()

    ask()
    since = time.perf_counter()
    ask()
    return (time.perf_counter() - since) * 1000, sum(row[len(keys)] for row in found)
