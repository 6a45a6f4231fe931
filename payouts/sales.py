"""Sales: an order enters the house here, whatever door it came through; and goes out again."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from affiliates.models import Merchant, Program
from ledger.money import Money
from payouts.adjustments import Cause, adjust_commissions
from payouts.commissions import accrue_commission, price_of
from payouts.models import Commission
from payouts.rules.prices import Price
from payouts.shares import capped_assist, parts_of, shares_of
from tracking.amendments import DECIDES, amend_conversion, close_dispute, completed, open_dispute
from tracking.attribution.store import attribute_conversion, decide_conversion
from tracking.conversions import OrderFacts, decide, record_conversion, record_refund, void_refund
from tracking.errors import OrderConflict
from tracking.models import Attribution, AttributionShare, Conversion, ConversionRevision, Dispute, Refund

_V = Conversion.Verdict

#: The doors at which shoppers' browsers report orders: nothing proves what they say.
BROWSERS = frozenset({"tag", "pixel"})

#: Why an order from a browser is held, where its merchant waits for the word of its server.
UNCONFIRMED = "browser_unconfirmed"


@dataclass(frozen=True, slots=True)
class Sale:
    """What became of a reported order."""

    conversion: Conversion
    is_new: bool
    attribution: Attribution | None
    commissions: list[Commission]
    #: What a test order would have earned; test orders are never booked.
    would_earn: Price | None = None


@transaction.atomic
def record_sale(merchant: Merchant, facts: OrderFacts, *, at: datetime) -> Sale:
    """Take an order in: record it, find whose it is, work out what it earns, book that. All or nothing.

    The same order again returns the first sale. So does its report by another way (the page's tag and
    the shop's server) that agrees about the amount; what only this one knows is added to the order.
    Raises OrderConflict when its content differs.
    """
    try:
        conversion, is_new = record_conversion(merchant, facts, at=at)
    except OrderConflict as conflict:
        known = conflict.conversion
        if isinstance(known, Conversion) and is_servers_word(known, facts):
            return confirm_sale(known, facts, at=at)
        if not isinstance(known, Conversion) or not _is_other_way(known, facts):
            raise
        return complete_sale(known, facts, at=at)
    if not is_new:
        return confirm_sale(conversion, facts, at=at) if is_servers_word(conversion, facts) else sale_of(conversion)
    return _settle_verdict(conversion, at=at)


@transaction.atomic
def retry_held_sale(conversion: Conversion, *, at: datetime) -> Sale:
    """Decide again over a sale whose click had not arrived yet."""
    locked = Conversion.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=conversion.pk)
    if locked.verdict != _V.HELD or locked.reason == UNCONFIRMED:
        return sale_of(locked)
    return _settle_verdict(locked, at=at)


def retry_held_sales(*, at: datetime, limit: int = 500) -> int:
    """Decide again over every held sale; how many are held no more."""
    held = list(Conversion.objects.filter(verdict=_V.HELD).exclude(reason=UNCONFIRMED).order_by("recorded_at")[:limit])
    return sum(retry_held_sale(conversion, at=at).conversion.verdict != _V.HELD for conversion in held)


@transaction.atomic
def refund_sale(
    conversion: Conversion,
    *,
    amount: Money | None = None,
    reference: str,
    reason: str = "",
    origin: str = "",
    items: list[dict[str, Any]] | None = None,
    at: datetime,
) -> tuple[Refund, bool]:
    """Take back all or a part of an order, and of what it earned; idempotent by reference.

    Give an amount, or items ([{"sku", "quantity"}]), or neither for all that is left. Returns the
    refund and whether it is new. Raises RefundTooLarge, InputRefused.
    """
    refund, is_new = record_refund(
        conversion, amount=amount, reference=reference, reason=reason, origin=origin, items=items, at=at
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
        return replace(_settle_verdict(fresh, at=at), is_new=False)
    return sale_of(fresh)


@transaction.atomic
def redecide_sale(conversion: Conversion, *, at: datetime) -> bool:
    """Decide again over an order that is nobody's, now that more of it is known; whether it is somebody's now."""
    if conversion.verdict != _V.UNATTRIBUTED or Commission.objects.filter(conversion=conversion).exists():
        return False
    Attribution.objects.filter(conversion=conversion, enrolment=None).delete()
    return _settle_verdict(conversion, at=at).conversion.verdict == _V.ACCEPTED


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
    attribution = Attribution.objects.filter(conversion=conversion).select_related("enrolment", "terms").first()
    commissions = list(
        Commission.objects.filter(conversion=conversion)
        .select_related("affiliate", "rule_line__rule_version")
        .order_by("pk")
    )
    would_earn = price_of(conversion, attribution) if conversion.is_test and attribution else None
    return Sale(conversion, False, attribution, commissions, would_earn)


def _settle_verdict(conversion: Conversion, *, at: datetime) -> Sale:
    inputs, decision = decide_conversion(conversion, at=at)
    if not decision.is_final:
        decide(conversion, _V.HELD, reason="click_pending")
        return Sale(conversion, True, None, [])
    if decision.shares and decision.currency != conversion.currency:
        decide(conversion, _V.REJECTED, reason="currency_mismatch")
        return Sale(conversion, True, None, [])
    attribution = attribute_conversion(conversion, inputs, decision, at=at)
    if attribution.enrolment is None:
        decide(conversion, _V.UNATTRIBUTED, reason=attribution.reason, program_id=_only_program(conversion))
        return Sale(conversion, True, attribution, [])
    program = attribution.enrolment.program
    priced = price_of(conversion, attribution)
    if priced is None:
        decide(conversion, _V.ACCEPTED, reason="no_rule_fits", program_id=program.pk)
        return Sale(conversion, True, attribution, [])
    decide(conversion, _V.ACCEPTED, reason="" if priced.amount else "rate_is_zero", program_id=program.pk)
    if conversion.is_test:
        return Sale(conversion, True, attribution, [], priced)
    return Sale(conversion, True, attribution, _accrue(conversion, attribution, priced, at=at))


def _accrue(conversion: Conversion, attribution: Attribution, priced: Price, *, at: datetime) -> list[Commission]:
    """One commission for each part of the order; the parts add up to the price, assists come on top."""
    shares = shares_of(conversion)
    parts = parts_of(shares, priced, currency=conversion.currency)
    booked = []
    for share in shares:
        part = parts[share.enrolment_id]
        if share.role == AttributionShare.Role.ASSIST:
            part = capped_assist(share, conversion, part)
            if not part:
                continue
        booked.append(accrue_commission(conversion, attribution, priced, share=share, amount=part, at=at))
    return booked


def _only_program(conversion: Conversion) -> UUID | None:
    """The merchant's program where there is just one: an order of nobody's still belongs to it."""
    keys = list(Program.objects.filter(merchant=conversion.merchant_id).values_list("pk", flat=True)[:2])
    return keys[0] if len(keys) == 1 else None


def _is_other_way(known: Conversion, facts: OrderFacts) -> bool:
    """Whether a differing report is another door's word on the same order, and not the same door's contradiction."""
    return bool(known.source and facts.source and known.source != facts.source and known.amount == facts.amount)
