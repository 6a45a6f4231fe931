"""A shop's order is brought to the state that all of its events together describe.

The state is a pure fold of the set of known events (tracking/shops/), so it does not matter in which
order they came or how often. Here the difference between it and what is booked is booked: the order
is recorded or amended, refunds grow or are void, disputes hold, take and give back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from affiliates.models import Merchant, ShopConnection
from ledger.money import Money
from payouts.sales import (
    Sale,
    amend_sale,
    confirm_sale,
    is_servers_word,
    record_sale,
    refund_sale,
    sale_of,
    void_refund_of_sale,
)
from tracking.amendments import close_dispute, completed, differences, open_dispute
from tracking.conversions import OrderFacts
from tracking.errors import OrderConflict
from tracking.models import Conversion, Dispute, Refund
from tracking.refunds import is_told
from tracking.shops import shopify_events, stripe_events, woocommerce_events
from tracking.shops.orders import Notice, ShopOrder
from tracking.shops.reading import readable_click
from tracking.shops.store import events_in_context, events_of_order, keys_since, orders_beside, remember

#: Which part of an order a program's terms call its amount: the setting `basis` of a connection.
BASES = ("net", "gross")


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one event: whether it is new, and the order as it now stands (None while there is none)."""

    is_new: bool
    sale: Sale | None
    is_waiting: bool = False


def hear(connection: ShopConnection, notice: Notice, *, at: datetime) -> Heard:
    """Keep an event, then bring its order to the state that all known events describe.

    What was kept stays kept when booking it is refused or this process dies: the same event again, or
    any later one of its order, books it. Events of one connection are booked one after the other.
    While the connection is paused nothing is booked; `catch_up` does it.
    """
    with transaction.atomic():
        _event, is_new = remember(connection.merchant, connection.kind, notice, at=at)
        if is_new:
            ShopConnection.objects.filter(pk=connection.pk).update(last_event_at=at)
    with transaction.atomic():
        locked = _locked(connection)
        if locked.status == ShopConnection.Status.PAUSED:
            return Heard(is_new, None, is_waiting=True)
        sale = converge(locked, notice.keys, at=at) if notice.keys else None
        if is_new:
            for keys in orders_beside(locked.merchant, locked.kind, notice):
                if not set(keys) & set(notice.keys):
                    converge(locked, keys, at=at)
    return Heard(is_new, sale)


@transaction.atomic
def catch_up(connection: ShopConnection, *, since: datetime, at: datetime) -> int:
    """Book what was kept since an instant, after a pause; how many orders were looked at."""
    locked = _locked(connection)
    told = keys_since(locked.merchant, locked.kind, since)
    for keys in told:
        converge(locked, keys, at=at)
    return len(told)


def _locked(connection: ShopConnection) -> ShopConnection:
    locked: ShopConnection = (
        ShopConnection.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant")
        .defer("secret", "previous_secret")
        .get(pk=connection.pk)
    )
    return locked


def converge(connection: ShopConnection, keys: Sequence[str], *, at: datetime) -> Sale | None:
    """Bring the order that one of the keys names to what its events describe; None while it is not paid.

    Call it in a transaction, with the connection's row locked.
    """
    merchant, shop = connection.merchant, connection.kind
    notices = events_of_order(merchant, shop, keys)
    order = _FOLDS[shop](notices, events_in_context(merchant, shop, notices), connection.settings)
    if order is None:
        return None
    order = replace(order, occurred_at=min(order.occurred_at, at))
    facts = facts_of_order(order, shop=shop, basis=str(connection.settings.get("basis", "net")))
    conversion = _booked(merchant, facts, order, at=at)
    _take(conversion, order, shop, at=at)
    for contest in order.contests:
        _contest(
            conversion, f"{shop}:{contest.name}", contest.status, _share(conversion, contest.part, contest.whole), at=at
        )
    return sale_of(Conversion.objects.select_related("merchant").get(pk=conversion.pk))


def facts_of_order(order: ShopOrder, *, shop: str, basis: str) -> OrderFacts:
    """The report of a shop's order. On a net basis its amount is the goods; on a gross one everything before discounts."""
    currency, click = order.currency, readable_click(order.click)
    amount = order.goods if basis == "net" else order.goods + order.tax + order.shipping + order.discount
    return OrderFacts(
        order_ref=order.refs[0],
        amount=Money(amount, currency),
        occurred_at=order.occurred_at,
        tax=Money(order.tax, currency),
        shipping=Money(order.shipping, currency),
        discount=Money(order.discount, currency),
        click_id=UUID(click) if click else None,
        coupon=order.coupon,
        customer_ref=order.customer or order.email,
        customer_email_key=order.email,
        customer_signs=order.email_signs,
        customer_status=order.customer_status,
        country=order.country,
        items=[dict(item) for item in order.items],
        metadata={"click_unreadable": order.click[:100]} if order.click and not click else {},
        source=shop,
        subscription_ref=order.subscription,
        is_renewal=order.is_renewal,
        is_test=order.is_test,
    )


def _booked(merchant: Merchant, facts: OrderFacts, order: ShopOrder, *, at: datetime) -> Conversion:
    """The conversion of the order, with the order's content; made when there is none."""
    known = _known(merchant, facts, order.refs)
    if known is None:
        try:
            return record_sale(merchant, facts, at=at).conversion
        except OrderConflict as conflict:
            # Another door recorded it at this moment.
            if not isinstance(conflict.conversion, Conversion):
                raise
            known = conflict.conversion
    conversion: Conversion = (
        Conversion.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=known.pk)
    )
    if is_servers_word(conversion, facts):
        confirm_sale(conversion, facts, at=at)
        conversion.refresh_from_db()
    wanted = replace(
        completed(conversion, facts),
        amount=facts.amount,
        tax=facts.tax,
        shipping=facts.shipping,
        discount=facts.discount,
        items=facts.items or conversion.items,
        is_renewal=facts.is_renewal or conversion.is_renewal,
    )
    if not differences(conversion, wanted):
        return conversion
    if wanted.amount < conversion.refunded:
        for refund in _live(conversion, facts.source):
            void_refund_of_sale(refund, reason="order_amended", at=at)
    amend_sale(
        conversion,
        wanted,
        reference=f"{facts.source}:v{conversion.version + 1}",
        reason="shop_event",
        door=facts.source,
        at=at,
    )
    return conversion


def _known(merchant: Merchant, facts: OrderFacts, refs: Sequence[str]) -> Conversion | None:
    """The order under the best of its numbers. One that was booked twice, before its numbers were tied, counts once."""
    found = {
        one.order_ref: one
        for one in Conversion.objects.filter(
            merchant=merchant, order_ref__in=refs, event=facts.event, is_test=facts.is_test
        )
    }
    ordered = [found[ref] for ref in refs if ref in found]
    for extra in ordered[1:]:
        left = extra.amount - extra.refunded
        if extra.source == facts.source and left:
            refund_sale(
                extra,
                reference=f"duplicate:{extra.refunds.count() + 1}",
                reason="duplicate",
                at=facts.occurred_at,
            )
    return ordered[0] if ordered else None


def _take(conversion: Conversion, order: ShopOrder, shop: str, *, at: datetime) -> None:
    """Bring what was taken back of the order to what the shop's refunds, cancellations and lost disputes say."""
    targets: dict[str, tuple[Money, str]] = {
        f"{shop}:{one.name}": (_share(conversion, one.part, one.whole), one.reason) for one in order.takings
    }
    for lost in order.contests:
        if lost.status == "lost":
            targets[f"{shop}:dispute:{lost.name}"] = (_share(conversion, lost.part, lost.whole), "chargeback")
    taken: dict[str, Money] = {}
    for refund in _live(conversion, shop):
        target = targets.get(refund.origin, (Money.zero(conversion.currency), ""))[0]
        sum_so_far = taken.get(refund.origin, Money.zero(conversion.currency)) + Money(
            refund.amount_minor, conversion.currency
        )
        if target < sum_so_far:
            void_refund_of_sale(refund, reason=_why_void(refund), at=at)
        else:
            taken[refund.origin] = sum_so_far
    for origin, (target, reason) in sorted(targets.items()):
        fresh = Conversion.objects.get(pk=conversion.pk)
        missing = target - taken.get(origin, Money.zero(target.currency))
        if missing.minor > 0 and not is_told(fresh, missing, origin=origin, at=at):
            missing = min(missing, fresh.amount - fresh.refunded)
        if missing.minor > 0:
            number = fresh.refunds.filter(origin=origin).count() + 1
            refund_sale(
                fresh, amount=missing, reference=f"{origin}#{number}"[:128], reason=reason, origin=origin, at=at
            )


def _contest(conversion: Conversion, reference: str, status: str, amount: Money, *, at: datetime) -> None:
    dispute, _is_new = open_dispute(conversion, reference=reference, amount=amount or None, at=at)
    close_dispute(dispute, Dispute.Status(status), at=at)


def _live(conversion: Conversion, shop: str) -> list[Refund]:
    return list(
        Refund.objects.filter(conversion=conversion, origin__startswith=f"{shop}:", voided_at=None).order_by("pk")
    )


def _why_void(refund: Refund) -> str:
    return "dispute_won" if ":dispute:" in refund.origin else "refund_undone"


def _share(conversion: Conversion, part: int, whole: int) -> Money:
    """The part of the order's amount that a part of what its customer paid stands for, rounded half up."""
    amount = Conversion.objects.get(pk=conversion.pk).amount
    return amount.share(Decimal(min(part, whole)) / Decimal(whole)) if whole > 0 else Money.zero(amount.currency)


type _Fold = Callable[[Sequence[Notice], Sequence[Notice], Mapping[str, object]], ShopOrder | None]

_FOLDS: dict[str, _Fold] = {
    "stripe": lambda notices, context, _settings: stripe_events.fold(notices, context),
    "shopify": lambda notices, _context, settings: shopify_events.fold(
        notices, number=str(settings.get("order_number", "id"))
    ),
    "woocommerce": lambda notices, _context, settings: woocommerce_events.fold(
        notices, number=str(settings.get("order_number", "id"))
    ),
}
