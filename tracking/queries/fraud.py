"""Of a finding's page: how long after the click a partner's orders came, beside the program's other partners."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

#: Upper ends of the classes of time, in seconds; the last is open.
EDGES = (10, 30, 120, 600, 3_600, 21_600, 86_400, 259_200, 604_800)

_TIMES = """
SELECT share.enrolment_id = %(place)s,
       width_bucket(extract(epoch FROM conversion.occurred_at - click.clicked_at)::float8, %(edges)s::float8[]),
       count(*)
FROM tracking_conversion conversion
JOIN tracking_attribution attribution ON attribution.conversion_id = conversion.id
JOIN tracking_attributionshare share ON share.attribution_id = attribution.id AND share.role <> 'assist'
JOIN tracking_click click ON click.id = share.click_id
WHERE conversion.program_id = %(program)s AND NOT conversion.is_test
      AND conversion.occurred_at > %(starts)s AND conversion.occurred_at <= %(ends)s
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Times:
    """How many orders came within each class of time after their click: the partner's, and everybody else's."""

    own: tuple[int, ...]
    others: tuple[int, ...]

    def shares(self, counts: tuple[int, ...]) -> list[float]:
        """Each class as a share of all."""
        whole = sum(counts)
        return [count / whole if whole else 0.0 for count in counts]


def times_of(program: UUID, place: UUID, *, starts_at: datetime, ends_at: datetime) -> Times:
    """The times from click to order in a window, by class. One query."""
    counts = {True: [0] * (len(EDGES) + 1), False: [0] * (len(EDGES) + 1)}
    with connection.cursor() as cursor:
        cursor.execute(
            _TIMES,
            {
                "place": place,
                "program": program,
                "edges": [float(edge) for edge in EDGES],
                "starts": starts_at,
                "ends": ends_at,
            },
        )
        for is_own, bucket, count in cursor.fetchall():
            counts[is_own][bucket] += count
    return Times(tuple(counts[True]), tuple(counts[False]))
