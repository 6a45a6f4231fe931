"""Shops' events as they are kept, and which of them are of one order."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from affiliates.models import Merchant
from tracking.models import ShopEvent
from tracking.shops.orders import Notice

#: No order has more events than this; what is beyond is no order but an attack.
MOST_EVENTS = 2_000

#: An event that many orders learn from (a customer's click) is carried to at most so many of them.
MOST_ORDERS = 100


def remember(merchant: Merchant, shop: str, notice: Notice, *, at: datetime) -> tuple[ShopEvent, bool]:
    """Keep what an event says, once by the shop's own id for it; whether it is new."""
    event, is_new = ShopEvent.objects.get_or_create(
        merchant=merchant,
        shop=shop,
        event_id=notice.event_id[:128],
        defaults={
            "topic": notice.topic,
            "is_test": notice.is_test,
            "keys": list(notice.keys),
            "context": list(notice.context),
            "facts": dict(notice.facts),
            "happened_at": notice.happened_at,
            "recorded_at": at,
        },
    )
    return event, is_new


def events_of_order(merchant: Merchant, shop: str, keys: Iterable[str]) -> list[Notice]:
    """Every event of the order that one of these keys names: those that share a key, and those that share one with them."""
    wanted: set[str] = set(keys)
    found: dict[str, Notice] = {}
    while wanted:
        rows = list(
            ShopEvent.objects.filter(merchant=merchant, shop=shop, keys__overlap=sorted(wanted)).order_by("pk")[
                :MOST_EVENTS
            ]
        )
        found.update((row.event_id, notice_of(row)) for row in rows)
        more = {key for row in rows for key in row.keys} - wanted
        if not more or len(found) >= MOST_EVENTS:
            break
        wanted |= more
    return list(found.values())


def events_in_context(merchant: Merchant, shop: str, notices: Sequence[Notice]) -> list[Notice]:
    """The events that share a subscription or a customer with these."""
    shared = sorted({name for one in notices for name in one.context})
    if not shared:
        return []
    rows = ShopEvent.objects.filter(merchant=merchant, shop=shop, context__overlap=shared).order_by("-pk")
    return [notice_of(row) for row in rows[:MOST_EVENTS]]


def orders_beside(merchant: Merchant, shop: str, notice: Notice) -> list[tuple[str, ...]]:
    """The keys of other orders that may learn something from this event: of the same subscription or customer."""
    if not notice.context:
        return []
    rows = (
        ShopEvent.objects.filter(merchant=merchant, shop=shop, context__overlap=list(notice.context))
        .exclude(event_id=notice.event_id)
        .exclude(keys=[])
        .order_by("-pk")
    )
    return list(dict.fromkeys(tuple(row.keys) for row in rows[:MOST_ORDERS]))


def keys_since(merchant: Merchant, shop: str, since: datetime) -> list[tuple[str, ...]]:
    """The keys of what was told since an instant, oldest first."""
    rows = ShopEvent.objects.filter(merchant=merchant, shop=shop, recorded_at__gte=since).exclude(keys=[])
    return list(dict.fromkeys(tuple(row.keys) for row in rows.order_by("pk")))


def notice_of(row: ShopEvent) -> Notice:
    """A kept event as it was read."""
    return Notice(row.event_id, row.topic, row.happened_at, tuple(row.keys), tuple(row.context), row.is_test, row.facts)
