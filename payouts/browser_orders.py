"""Orders that shoppers' browsers report: counted like any other, and believed less.

Nothing proves what a browser says, so it never changes what a shop's server said, and a merchant
may let such orders wait until the server has spoken (payouts/sales.py `confirm_sale`).
"""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from affiliates.models import Merchant, User
from ledger.journal import record_event
from payouts.sales import UNCONFIRMED, Sale, amend_sale, retry_held_sale, sale_of
from tracking.conversions import OrderFacts, decide, facts_of, record_conversion
from tracking.errors import OrderConflict
from tracking.models import Conversion, TagSettings


@transaction.atomic
def record_browser_sale(merchant: Merchant, facts: OrderFacts, *, at: datetime) -> Sale:
    """Take in an order whose `source` is tag or pixel.

    An order that is known stays as it is; only a click that nobody told before is added to an order
    that is nobody's. Raises InputRefused and what `record_sale` raises, but no OrderConflict.
    """
    try:
        conversion, is_new = record_conversion(merchant, facts, at=at)
    except OrderConflict as conflict:
        known = conflict.conversion
        if not isinstance(known, Conversion):
            raise
        return _add_click(known, facts, at=at)
    if not is_new:
        return sale_of(conversion)
    if waits_for_server(merchant):
        decide(conversion, Conversion.Verdict.HELD, reason=UNCONFIRMED)
        return Sale(conversion, True, None, [])
    return replace(retry_held_sale(conversion, at=at), is_new=True)


def waits_for_server(merchant: Merchant) -> bool:
    """Whether a merchant's orders from browsers wait for the word of its server."""
    return TagSettings.objects.filter(merchant=merchant, orders=TagSettings.Orders.WAIT).exists()


@transaction.atomic
def set_tag_orders(merchant: Merchant, orders: str, *, by: User, at: datetime) -> TagSettings:
    """Say when orders from browsers count; those that wait already go on waiting."""
    settings, _is_new = TagSettings.objects.select_for_update().get_or_create(
        merchant=merchant, defaults={"updated_at": at}
    )
    choice = TagSettings.Orders(orders)
    if settings.orders == choice:
        return settings
    before, settings.orders, settings.updated_at = settings.orders, choice, at
    settings.save(update_fields=["orders", "updated_at"])
    record_event(
        "merchant.tag_orders_set",
        merchant.public_id,
        at=at,
        actor=by.public_id,
        data={"orders": str(choice), "was": before},
    )
    return settings


@transaction.atomic
def confirm_waiting_sale(conversion: Conversion, *, by: User, at: datetime) -> Sale:
    """A person's word in place of the server's: an order that waited is decided. A second call changes nothing."""
    locked = Conversion.objects.select_for_update(of=("self",)).get(pk=conversion.pk)
    if locked.verdict != Conversion.Verdict.HELD or locked.reason != UNCONFIRMED:
        return sale_of(locked)
    decide(locked, Conversion.Verdict.HELD, reason="not_decided_yet")
    record_event("conversion.confirmed", locked.public_id, at=at, actor=by.public_id, about=[locked.merchant.public_id])
    return retry_held_sale(locked, at=at)


def _add_click(known: Conversion, facts: OrderFacts, *, at: datetime) -> Sale:
    """The order as it is, with the click that only the browser knows where it has none and is nobody's yet."""
    is_open = known.verdict in {Conversion.Verdict.UNATTRIBUTED, Conversion.Verdict.HELD}
    if facts.click_id is not None and known.click_id is None and is_open:
        amend_sale(
            known,
            facts_of(known, click_id=facts.click_id),
            at=at,
            reason="reported_again",
            reference=f"{facts.source}:{facts.click_id}",
            door=facts.source,
        )
    return sale_of(known.refreshed())
