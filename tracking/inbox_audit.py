"""Does the inbox add up? count(received) = accepted + rejected + duplicate + test + quarantined, and what hangs on it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, F, OuterRef, Subquery

from ledger.audit import Difference
from tracking.models import InboxReplay, InboxRequest, OrderUpload
from tracking.queries.inbox import count_by_verdict

#: The sweep runs every minute; what it has not labelled by then was forgotten.
_LABELLED_WITHIN = timedelta(minutes=15)

_DOORS = """
SELECT door, count(*),
       count(*) FILTER (WHERE verdict = 'accepted') + count(*) FILTER (WHERE verdict = 'rejected')
       + count(*) FILTER (WHERE verdict = 'duplicate') + count(*) FILTER (WHERE verdict = 'test')
       + count(*) FILTER (WHERE verdict = 'quarantined')
FROM tracking_inboxrequest GROUP BY door ORDER BY door
"""


def verify_inbox(*, at: datetime) -> Iterator[Difference]:
    """Every difference found: the equation as a whole and by door, requests without an end, files and histories."""
    whole = count_by_verdict(InboxRequest.objects.all())
    if not whole.adds_up:
        yield Difference("inbox", "all doors", f"{whole.received} received", str(whole))
    with connection.cursor() as cursor:
        cursor.execute(_DOORS)
        for door, received, verdicts in cursor.fetchall():
            if received != verdicts:
                yield Difference("inbox", door, f"{received} received", f"{verdicts} with a verdict")
    forgotten = InboxRequest.objects.filter(reason="being_read", received_at__lt=at - _LABELLED_WITHIN)
    for row in forgotten.order_by("received_at")[:100]:
        yield Difference(
            "inbox sweep", row.public_id, "read, replayed or labelled", f"being read since {row.received_at}"
        )
    yield from _histories()
    yield from _files()


def _histories() -> Iterator[Difference]:
    """A request stands where its last replay left it."""
    last = InboxReplay.objects.filter(request=OuterRef("pk")).order_by("-at", "-id").values("verdict_after")[:1]
    replayed = InboxRequest.objects.filter(replays__isnull=False).distinct().annotate(last=Subquery(last))
    for row in replayed.exclude(verdict=F("last"))[:100]:
        yield Difference("inbox history", row.public_id, str(row.last), row.verdict)


def _files() -> Iterator[Difference]:
    """A file that is done has a request for every row."""
    done = OrderUpload.objects.filter(status=OrderUpload.Status.DONE).defer("content")
    for upload in done.annotate(parts=Count("request__parts")).exclude(parts=F("row_count")):
        yield Difference("inbox file", upload.public_id, f"{upload.row_count} rows", f"{upload.parts} requests")
