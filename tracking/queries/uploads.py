"""What is asked of uploads: lists, reports by row, counts, and the orders that are known already."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet
from django.db.models.functions import Coalesce

from affiliates.models import Merchant
from tracking.models import Conversion, OrderUpload, OrderUploadRow

type OrderKey = tuple[str, str, bool]

VERDICTS = ("accepted", "test", "duplicate", "rejected", "quarantined")


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """As much of an order as a trial needs: its amount and what is left of it, in minor units."""

    amount_minor: int
    left_minor: int
    currency: str


def uploads_of(merchant: Merchant) -> QuerySet[OrderUpload]:
    """A merchant's uploads, latest first, without the files themselves."""
    return merchant.uploads.select_related("by").defer("content").order_by("-received_at", "-id")


def known_orders(merchant: Merchant, refs: Collection[str]) -> dict[OrderKey, KnownOrder]:
    """The merchant's orders of these numbers, by number, event and test or live. One query."""
    # No order has a NUL in its number, and the database takes none in a question.
    plain = [ref for ref in refs if "\x00" not in ref]
    rows = Conversion.objects.filter(merchant=merchant, order_ref__in=plain).values_list(
        "order_ref", "event", "is_test", "amount_minor", "refunded_minor", "currency"
    )
    return {
        (ref, event, is_test): KnownOrder(amount, amount - refunded, currency)
        for ref, event, is_test, amount, refunded, currency in rows
    }


def rows_of(upload: OrderUpload, *, verdict: str = "") -> QuerySet[OrderUploadRow]:
    """The rows by number, each with `final` verdict, reason, field and detail: its request's once there is one."""
    rows = upload.rows.select_related("request__conversion").defer("request__body", "request__headers")
    rows = rows.annotate(
        final=Coalesce("request__verdict", "verdict"),
        final_reason=Coalesce("request__reason", "reason"),
        final_field=Coalesce("request__field", "field"),
        final_detail=Coalesce("request__detail", "detail"),
    )
    return (rows.filter(final=verdict) if verdict else rows).order_by("number")


def counts_of(upload: OrderUpload) -> dict[str, int]:
    """How many rows have each verdict, tried or final. One query."""
    counted = upload.rows.annotate(final=Coalesce("request__verdict", "verdict")).order_by()
    found = dict(counted.values_list("final").annotate(count=Count("pk")))
    return {name: found.get(name, 0) for name in VERDICTS}


def reasons_of(upload: OrderUpload, *, most: int = 8) -> list[tuple[str, int]]:
    """Why rows were refused, the commonest first."""
    final = Coalesce("request__verdict", "verdict")
    counted = upload.rows.annotate(final=final, why=Coalesce("request__reason", "reason")).filter(
        final__in=["rejected", "quarantined"]
    )
    return list(counted.order_by().values_list("why").annotate(count=Count("pk")).order_by("-count", "why")[:most])


def seconds_left(upload: OrderUpload, *, at: datetime) -> int | None:
    """How long recording will go on at the pace so far; None before it has one."""
    if upload.recording_since is None or not upload.recorded:
        return None
    passed = (at - upload.recording_since).total_seconds()
    return round(passed / upload.recorded * (upload.row_count - upload.recorded))
