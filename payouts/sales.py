"""Sales: an order enters the house here, whatever door it came through; and goes out again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from affiliates.models import Merchant
from ledger.money import Money
from payouts.adjustments import Cause, adjust_commissions
from payouts.commissions import price_of
from payouts.models import Commission
from payouts.settling import Sale as Sale
from payouts.settling import settle, settle_new
from tracking.amendments import DECIDES, amend_conversion, close_dispute, completed, open_dispute
from tracking.attribution.lookups import offers_of
from tracking.conversions import OrderFacts, OrderKey, known_orders, new_conversion, order_key, same_content
from tracking.errors import OrderConflict
from tracking.models import Attribution, Conversion, ConversionRevision, Dispute, Refund
from tracking.queries.merchant import unknown_clicks
from tracking.refunds import record_refund, tell_apart, void_refund

_V = Conversion.Verdict

#: The doors at which shoppers' browsers report orders: nothing proves what they say.
BROWSERS = frozenset({"tag", "pixel"})

#: Why an order from a browser is held, where its merchant waits for the word of its server.
UNCONFIRMED = "browser_unconfirmed"


@dataclass(frozen=True, slots=True)
class Report:
    """An order as it was reported, and whose it is."""

    merchant: Merchant
    facts: OrderFacts


@transaction.atomic
def record_sale(merchant: Merchant, facts: OrderFacts, *, at: datetime) -> Sale:
    """Take an order in: record it, find whose it is, work out what it earns, book that. All or nothing.

    The same order again returns the first sale. So does its report by another way (the page's tag and
    the shop's server) that agrees about the amount; what only this one knows is added to the order.
    Raises OrderConflict when its content differs.
    """
    key = order_key(merchant, facts)
    known = known_orders([key]).get(key)
    if known is None:
        conversion = new_conversion(merchant, facts, at=at)
        sales = settle_new([conversion], at=at)
        if sales:
            return sales[conversion.pk]
        # Somebody else wrote it at this moment.
        known = known_orders([key])[key]
    try:
        same_content(known, facts)
    except OrderConflict:
        if is_servers_word(known, facts):
            return confirm_sale(known, facts, at=at)
        if not _is_other_way(known, facts):
            raise
        return complete_sale(known, facts, at=at)
    return confirm_sale(known, facts, at=at) if is_servers_word(known, facts) else sale_of(known)


@transaction.atomic
def record_sales(reports: Sequence[Report], *, at: datetime) -> list[Sale | None]:
    """Take many orders in at once, in one transaction: those that nobody knows yet, and exact repeats.

    None for an order that has to be taken in by itself, with `record_sale`: it came before with other
    content or by another way, or somebody else wrote it at this moment. Orders that look at each
    other do not belong in one call (`waves`). Everything is as if each had been recorded by itself.
    """
    keys = [order_key(one.merchant, one.facts) for one in reports]
    known = known_orders(keys)
    fresh = {
        key: new_conversion(one.merchant, one.facts, at=at)
        for key, one in zip(keys, reports, strict=True)
        if key not in known
    }
    new = settle_new(list(fresh.values()), at=at) if fresh else {}
    repeats = {
        known[key].pk: known[key]
        for key, one in zip(keys, reports, strict=True)
        if key in known and _says_the_same(known[key], one.facts)
    }
    old = sales_of(list(repeats.values()))
    return [new.get(fresh[key].pk) if key in fresh else old.get(known[key].pk) for key in keys]


def waves(reports: Sequence[Report]) -> list[list[int]]:
    """Which orders may be taken in at once: their numbers, wave after wave, each order after all it looks at.

    The same order comes in one wave once; so does the same customer, where a merchant's terms bind
    customers or know them on other devices.
    """
    if len(reports) == 1:
        return [[0]]
    knows_customers = {
        merchant: offer.knows_customers for merchant, offer in offers_of({one.merchant.pk for one in reports}).items()
    }
    latest: dict[object, int] = {}
    said_of: dict[OrderKey, set[object]] = {}
    found: list[list[int]] = []
    for number, one in enumerate(reports):
        order = order_key(one.merchant, one.facts)
        # What an earlier report said of the order counts for this one too.
        keys = said_of.setdefault(order, {order})
        if knows_customers[one.merchant.pk]:
            named = (("customer", one.facts.customer_ref), ("email", one.facts.customer_email_key))
            keys |= {(one.merchant.pk, kind, key) for kind, key in named if key}
        wave = 1 + max(latest.get(key, -1) for key in keys)
        latest.update(dict.fromkeys(keys, wave))
        if wave == len(found):
            found.append([])
        found[wave].append(number)
    return found


@transaction.atomic
def retry_held_sale(conversion: Conversion, *, at: datetime) -> Sale:
    """Decide again over a sale whose click had not arrived yet."""
    locked = Conversion.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=conversion.pk)
    if locked.verdict != _V.HELD or locked.reason == UNCONFIRMED:
        return sale_of(locked)
    return settle(locked, at=at)


def retry_held_sales(*, at: datetime, limit: int = 500) -> int:
    """Decide again over every held sale; how many are held no more."""
    return _decide_again(_waiting_for_clicks()[:limit], at=at)


def decide_arrived_sales(*, at: datetime, limit: int = 500) -> int:
    """Decide over the held sales whose click has come in since; how many are held no more.

    For whoever stores clicks: cheap when there is nothing to decide, however many wait.
    """
    held = list(_waiting_for_clicks()[:limit])
    unknown = unknown_clicks(one.click_id for one in held if one.click_id is not None)
    return _decide_again((one for one in held if one.click_id is not None and one.click_id not in unknown), at=at)


@transaction.atomic
def refund_sale(
    conversion: Conversion,
    *,
    amount: Money | None = None,
    reference: str,
    reason: str = "",
    origin: str = "",
    way: str = "",
    items: list[dict[str, Any]] | None = None,
    at: datetime,
) -> tuple[Refund, bool]:
    """Take back all or a part of an order, and of what it earned; idempotent by reference.

    Give an amount, or items ([{"sku", "quantity"}]), or neither for all that is left. A refund
    that another `way` told of before is kept and takes nothing (`is_told_twice`). Returns the refund and
    whether it is new. Raises RefundTooLarge, InputRefused.
    """
    refund, is_new = record_refund(
        conversion, amount=amount, reference=reference, reason=reason, origin=origin, way=way, items=items, at=at
    )
    if is_new:
        adjust_commissions(conversion, Cause(refund.public_id, reason, at))
    return refund, is_new


@transaction.atomic
def void_refund_of_sale(refund: Refund, *, reason: str, at: datetime) -> bool:
    """Let a refund count no more, and what it took back come back; whether it counted until now."""
    if not void_refund(refund, reason=reason, at=at):
        return False
    conversion = Conversion.objects.get(pk=refund.conversion_id)
    adjust_commissions(conversion, Cause(f"{refund.public_id}:void", reason, at))
    return True


@transaction.atomic
def tell_refunds_apart(refund: Refund, *, by: str = "", at: datetime) -> bool:
    """Two refunds that were taken for one are two: the second counts too. Whether that was news.

    Raises RefundTooLarge when not so much of the order is left.
    """
    if not tell_apart(refund, actor=by, at=at):
        return False
    conversion = Conversion.objects.get(pk=refund.conversion_id)
    adjust_commissions(conversion, Cause(f"{refund.public_id}:apart", refund.reason, at))
    return True


@transaction.atomic
def amend_sale(
    conversion: Conversion,
    facts: OrderFacts,
    *,
    at: datetime,
    reason: str = "",
    reference: str,
    door: str = "",
    actor: str = "",
) -> tuple[ConversionRevision | None, bool]:
    """Give an order new content; what it earns follows, before and after approval and payment. Idempotent.

    Returns the revision (None when nothing differs) and whether it is new. An order of nobody's whose
    click or coupon became known is decided again. Raises AmendmentRefused.
    """
    revision, is_new = amend_conversion(
        conversion, facts, reference=reference, reason=reason, door=door, actor=actor, at=at
    )
    if revision is None or not is_new:
        return revision, False
    if revision.changes.keys() & {*DECIDES, "customer", "customer_email"}:
        redecide_sale(conversion, at=at)
    adjust_commissions(conversion, Cause(revision.public_id, reason, at))
    return revision, True


@transaction.atomic
def complete_sale(conversion: Conversion, facts: OrderFacts, *, at: datetime) -> Sale:
    """Add to an order what another report of it knows beyond; nothing that is known changes."""
    more = completed(conversion, facts)
    reference = f"{facts.source}:{facts.content_hash()[:16]}"
    amend_sale(conversion, more, at=at, reason="reported_again", reference=reference, door=facts.source)
    return sale_of(conversion.refreshed())


def is_servers_word(conversion: Conversion, facts: OrderFacts) -> bool:
    """Whether a shop's server speaks about an order that only a shopper's browser reported until now."""
    return conversion.source in BROWSERS and facts.source not in BROWSERS


@transaction.atomic
def confirm_sale(conversion: Conversion, facts: OrderFacts, *, at: datetime) -> Sale:
    """The server's word on an order from a browser: what it says stands, and an order that waited for it is decided.

    The click that only the browser knew stays. Raises AmendmentRefused, for example for another currency.
    """
    locked = Conversion.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=conversion.pk)
    said = {
        name: value
        for name in ("tax", "shipping", "discount", "items", "customer_ref", "customer_status", "country")
        if (value := getattr(facts, name))
    }
    if locked.verdict == _V.HELD:
        said |= {name: value for name in sorted(DECIDES) if (value := getattr(facts, name))}
    more = replace(completed(locked, facts), amount=facts.amount, **said)
    reference = f"{facts.source}:{facts.content_hash()[:16]}"
    amend_sale(locked, more, at=at, reason="reported_again", reference=reference, door=facts.source)
    Conversion.objects.filter(pk=locked.pk).update(source=facts.source or "api")
    fresh = Conversion.objects.select_related("merchant").get(pk=locked.pk)
    if fresh.verdict == _V.HELD and fresh.reason == UNCONFIRMED:
        return replace(settle(fresh, at=at), is_new=False)
    return sale_of(fresh)


@transaction.atomic
def redecide_sale(conversion: Conversion, *, at: datetime) -> bool:
    """Decide again over an order that is nobody's, now that more of it is known; whether it is somebody's now."""
    if conversion.verdict != _V.UNATTRIBUTED or Commission.objects.filter(conversion=conversion).exists():
        return False
    Attribution.objects.filter(conversion=conversion, enrolment=None).delete()
    return settle(conversion, at=at).conversion.verdict == _V.ACCEPTED


@transaction.atomic
def dispute_opened(
    conversion: Conversion, *, reference: str, amount: Money | None = None, at: datetime
) -> tuple[Dispute, bool]:
    """A customer's bank asks for the money back: what the order earns stays on hold. Idempotent by reference."""
    return open_dispute(conversion, reference=reference, amount=amount, at=at)


@transaction.atomic
def dispute_lost(
    conversion: Conversion, *, reference: str, amount: Money | None = None, at: datetime
) -> tuple[Dispute, bool]:
    """The bank took the money: the disputed part is refunded with the reason `chargeback`. Idempotent by reference.

    More than is left of the order takes what is left. Returns the dispute and whether it was news.
    """
    dispute, _is_new = open_dispute(conversion, reference=reference, amount=amount, at=at)
    if dispute.status == Dispute.Status.LOST:
        return dispute, False
    fresh = Conversion.objects.get(pk=conversion.pk)
    left = fresh.amount - fresh.refunded
    wanted = min(dispute.amount or left, left)
    if wanted:
        times = fresh.refunds.filter(origin=f"dispute:{reference}").count()
        dispute.refund, _new = refund_sale(
            fresh,
            amount=wanted,
            reference=f"dispute:{reference}" + (f"#{times + 1}" if times else ""),
            reason="chargeback",
            origin=f"dispute:{reference}",
            at=at,
        )
    return dispute, close_dispute(dispute, Dispute.Status.LOST, at=at)


@transaction.atomic
def dispute_won(
    conversion: Conversion, *, reference: str, amount: Money | None = None, at: datetime
) -> tuple[Dispute, bool]:
    """The shop kept the money: what the dispute took back comes back, and the hold ends. Idempotent by reference."""
    dispute, _is_new = open_dispute(conversion, reference=reference, amount=amount, at=at)
    if dispute.status == Dispute.Status.WON:
        return dispute, False
    if dispute.refund is not None:
        void_refund_of_sale(dispute.refund, reason="dispute_won", at=at)
        dispute.refund = None
    return dispute, close_dispute(dispute, Dispute.Status.WON, at=at)


def void_sale(conversion: Conversion, *, reference: str, reason: str = "cancelled", at: datetime) -> bool:
    """Take back all that is left of an order; whether anything was left. Idempotent by reference."""
    fresh = Conversion.objects.get(pk=conversion.pk)
    if not fresh.amount - fresh.refunded:
        return False
    return refund_sale(fresh, reference=reference, reason=reason, origin="void", at=at)[1]


def sale_of(conversion: Conversion) -> Sale:
    """The sale as it stands."""
    return sales_of([conversion])[conversion.pk]


def sales_of(conversions: Sequence[Conversion]) -> dict[UUID, Sale]:
    """The sales as they stand, by the orders' keys."""
    if not conversions:
        return {}
    attributions = {
        one.conversion_id: one
        for one in Attribution.objects.filter(conversion__in=conversions).select_related("enrolment", "terms")
    }
    commissions: dict[UUID, list[Commission]] = {}
    for row in (
        Commission.objects.filter(conversion__in=conversions)
        .select_related("affiliate", "rule_line__rule_version")
        .order_by("pk")
    ):
        commissions.setdefault(row.conversion_id, []).append(row)
    return {
        one.pk: Sale(
            one,
            False,
            attributions.get(one.pk),
            commissions.get(one.pk, []),
            price_of(one, attributions[one.pk]) if one.is_test and one.pk in attributions else None,
        )
        for one in conversions
    }


def _waiting_for_clicks() -> QuerySet[Conversion]:
    """Held sales, those that wait for the word of a server left out, the longest held first."""
    return Conversion.objects.filter(verdict=_V.HELD).exclude(reason=UNCONFIRMED).order_by("recorded_at")


def _decide_again(held: Iterable[Conversion], *, at: datetime) -> int:
    return sum(retry_held_sale(conversion, at=at).conversion.verdict != _V.HELD for conversion in held)


def _says_the_same(known: Conversion, facts: OrderFacts) -> bool:
    """Whether a report is an exact repeat, which changes nothing."""
    return known.content_hash == facts.content_hash() and not is_servers_word(known, facts)


def _is_other_way(known: Conversion, facts: OrderFacts) -> bool:
    """Whether a differing report is another door's word on the same order, and not the same door's contradiction."""
    return bool(known.source and facts.source and known.source != facts.source and known.amount == facts.amount)
