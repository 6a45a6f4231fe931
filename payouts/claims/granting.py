"""What an accepted claim books, through the verbs by which every order is booked; once, whoever accepts it.

An order nobody reported is recorded (source "manual") and given to the partner. An order of nobody's
becomes the partner's. An order of somebody else's stays theirs: what this partner would have earned
is granted beside it, at the merchant's cost. A wrong order amount is amended, and every commission
follows. What stands beside an order, or makes up a wrong commission, is a conversion of its own that
moves no revenue; refunds of the order leave it alone.
"""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from affiliates.models import Terms
from ledger.money import Money
from payouts.commissions import accrue_commission, figures_of
from payouts.errors import ClaimNotGrantable
from payouts.models import Claim, Commission, RuleLine
from payouts.rules.prices import OrderFigures, Price, price
from payouts.rules.versions import version_at
from payouts.sales import amend_sale, record_sale
from tracking.conversions import OrderFacts, decide, facts_of, record_conversion
from tracking.errors import AmendmentRefused, OrderConflict
from tracking.grants import GRANTED, assign_conversion
from tracking.models import Attribution, Conversion

_K = Claim.Kind

#: The event of a conversion that stands for nothing but a difference.
ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True)
class Granted:
    """What was booked: the commission, and how much of it is new."""

    commission: Commission | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Way:
    """How a claim can be granted: `name` is sale, assign, beside, amend, difference or nothing."""

    name: str
    amount: Money
    conversion: Conversion | None = None
    priced: Price | None = None
    order_amount: Money | None = None


def way_of(claim: Claim, *, amount: Money | None = None, extra: Money | None = None, at: datetime) -> Way:
    """What granting the claim now would book; nothing is written.

    `amount` is the order's where the merchant knows it better, `extra` a commission to add whatever the
    rules say. Raises ClaimNotGrantable when no amount can be worked out.
    """
    amount = amount or claim.amount
    if extra is not None:
        return Way("difference", _positive(extra))
    if claim.kind == _K.AMOUNT:
        return _difference(claim)
    order = _order_of(claim)
    if claim.kind == _K.INCORRECT:
        return _amended(claim, order, amount)
    if order is None:
        return _new_sale(claim, amount, at=at)
    own = list(Commission.objects.filter(conversion=order, affiliate=claim.affiliate_id))
    if any(one.remaining for one in own):
        live = next(one for one in own if one.remaining)
        return Way("nothing", Money.zero(live.currency), order)
    if own:
        raise ClaimNotGrantable("What the order earned was taken back. Say how much to add.")
    priced = _priced(claim, figures_of(order), occurred_at=order.occurred_at)
    attribution = Attribution.objects.filter(conversion=order).first()
    is_nobodys = attribution is None or attribution.enrolment_id in {None, claim.enrolment_id}
    return Way("assign" if is_nobodys else "beside", _positive(priced.amount), order, priced)


def worth_of(claim: Claim, *, at: datetime) -> Money:
    """The commission that granting the claim as it stands would add. Raises ClaimNotGrantable."""
    return way_of(claim, at=at).amount


def grant(
    claim: Claim, *, amount: Money | None = None, extra: Money | None = None, actor: str = "", at: datetime
) -> Granted:
    """Book what the claim is worth; the caller holds the claim's row and has found it undecided.

    Raises ClaimNotGrantable.
    """
    way = way_of(claim, amount=amount, extra=extra, at=at)
    if way.name == "nothing":
        commission = Commission.objects.filter(conversion=way.conversion, affiliate=claim.affiliate_id).first()
    elif way.name == "sale":
        assert way.order_amount is not None
        commission = _sell(claim, way.order_amount, at=at)
    elif way.name in {"difference", "beside"}:
        commission = _make_up(claim, way.amount, at=at)
    elif way.name == "amend":
        assert way.conversion is not None
        commission = _amend(claim, way, actor=actor, at=at)
    else:
        assert way.conversion is not None
        commission = _give(claim, way.conversion, at=at)
    if claim.conversion_id is None and commission is not None:
        claim.conversion = commission.conversion
    return Granted(commission, way.amount)


def _sell(claim: Claim, amount: Money, *, at: datetime) -> Commission:
    """Record the order that nobody reported, and give it to the partner."""
    facts = OrderFacts(
        order_ref=claim.order_ref,
        amount=amount,
        occurred_at=_occurred_at(claim, at=at),
        source="manual",
        metadata={"claim": claim.public_id},
    )
    try:
        sale = record_sale(claim.merchant, facts, at=at)
    except OrderConflict as conflict:
        raise ClaimNotGrantable("The order was reported at this moment. Look at the claim again.") from conflict
    own = next((one for one in sale.commissions if one.affiliate_id == claim.affiliate_id), None)
    if own is None and sale.commissions:
        raise ClaimNotGrantable("By the terms this order goes to another partner. Say how much to add.")
    return own or _give(claim, sale.conversion, at=at)


def _give(claim: Claim, order: Conversion, *, at: datetime) -> Commission:
    """Give nobody's order to the partner."""
    priced = _priced(claim, figures_of(order), occurred_at=order.occurred_at)
    attribution = assign_conversion(order, claim.enrolment, reference=claim.public_id, at=at)
    decide(order, Conversion.Verdict.ACCEPTED, reason=GRANTED, program_id=claim.program_id)
    told = replace(priced, trace={**priced.trace, "claim": claim.public_id})
    return accrue_commission(order, attribution, told, at=at)


def _make_up(claim: Claim, extra: Money, *, at: datetime) -> Commission:
    """Add a difference by a conversion of its own that moves no revenue."""
    facts = OrderFacts(
        order_ref=claim.public_id,
        amount=Money.zero(extra.currency),
        occurred_at=at,
        event=ADJUSTMENT,
        source="manual",
        metadata={"claim": claim.public_id, "order_ref": claim.order_ref},
    )
    conversion, _is_new = record_conversion(claim.merchant, facts, at=at)
    attribution = assign_conversion(conversion, claim.enrolment, reference=claim.public_id, at=at)
    decide(conversion, Conversion.Verdict.ACCEPTED, reason=GRANTED, program_id=claim.program_id)
    trace: dict[str, Any] = {
        "currency": extra.currency,
        "basis": "net",
        "base_steps": [{"what": "amount", "amount": "0"}],
        "base": Money.zero(extra.currency).major,
        "kind": "flat",
        "rate": "0",
        "amount": extra.major,
        "rounding": "half_up",
        "did_not_apply": [],
        "claim": claim.public_id,
        "difference": True,
        "of_order": claim.order_ref,
    }
    return accrue_commission(conversion, attribution, Price(_line(claim, at=at), extra, trace), at=at)


def _amend(claim: Claim, way: Way, *, actor: str, at: datetime) -> Commission | None:
    """Give the order its right amount; what it earns follows."""
    assert way.conversion is not None
    assert way.order_amount is not None
    facts = replace(facts_of(way.conversion), amount=way.order_amount)
    try:
        amend_sale(way.conversion, facts, at=at, reason=GRANTED, reference=claim.public_id, door="claim", actor=actor)
    except AmendmentRefused as refusal:
        raise ClaimNotGrantable(refusal.message) from refusal
    found: Commission | None = (
        Commission.objects.filter(conversion=way.conversion, affiliate=claim.affiliate_id).order_by("-number").first()
    )
    return found


def _difference(claim: Claim) -> Way:
    if claim.expected is None or claim.commission is None:
        raise ClaimNotGrantable("The partner named no amount. Say how much to add.")
    now = Money(
        sum(
            one.remaining.minor
            for one in Commission.objects.filter(
                conversion=claim.commission.conversion_id, enrolment=claim.commission.enrolment_id
            )
        ),
        claim.currency,
    )
    return Way("difference", _positive(claim.expected - now))


def _amended(claim: Claim, order: Conversion | None, amount: Money | None) -> Way:
    if order is None or amount is None or claim.commission is None:
        raise ClaimNotGrantable("Say what the order's right amount is.")
    figures, line = figures_of(order), claim.commission.rule_line
    terms = _terms(claim, order.occurred_at)
    now = price([line], figures, basis=terms.basis)
    then = price([line], replace(figures, amount=amount), basis=terms.basis)
    if now is None or then is None:
        raise ClaimNotGrantable("No rule prices this order. Say how much to add.")
    return Way("amend", _positive(then.amount - now.amount), order, then, amount)


def _new_sale(claim: Claim, amount: Money | None, *, at: datetime) -> Way:
    if amount is None:
        raise ClaimNotGrantable("Say what the order's amount is.")
    zero = Money.zero(amount.currency)
    figures = OrderFigures("sale", amount, zero, zero, zero, zero)
    priced = _priced(claim, figures, occurred_at=_occurred_at(claim, at=at))
    return Way("sale", _positive(priced.amount), None, priced, amount)


def _order_of(claim: Claim) -> Conversion | None:
    """The live order: the one the claim is about, or the one that was reported since."""
    if claim.conversion_id is not None:
        return Conversion.objects.get(pk=claim.conversion_id)
    found: Conversion | None = (
        Conversion.objects.filter(merchant=claim.merchant_id, order_ref=claim.order_ref, is_test=False)
        .order_by("recorded_at")
        .first()
    )
    return found


def _priced(claim: Claim, figures: OrderFigures, *, occurred_at: datetime) -> Price:
    if figures.amount.currency != claim.currency:
        raise ClaimNotGrantable(f"The order is in {figures.amount.currency}. Say how much to add.")
    version = version_at(claim.program, occurred_at)
    basis = _terms(claim, occurred_at).basis
    priced = price(list(version.lines.all()), figures, basis=basis) if version else None
    if priced is None:
        raise ClaimNotGrantable("No rule pays for this order. Say how much to add.")
    return priced


def _line(claim: Claim, *, at: datetime) -> RuleLine:
    """Under which rule line a difference stands: that of the commission in question, else the program's first."""
    if claim.commission is not None:
        return claim.commission.rule_line
    version = version_at(claim.program, at)
    line = next(iter(sorted(version.lines.all(), key=lambda one: one.position)), None) if version else None
    if line is None:
        raise ClaimNotGrantable("The program has no rules.")
    return line


def _terms(claim: Claim, at: datetime) -> Terms:
    return claim.program.terms_at(at) or claim.enrolment.terms


def _occurred_at(claim: Claim, *, at: datetime) -> datetime:
    """Noon of the order's day where the merchant is, never later than now."""
    noon = datetime.combine(claim.ordered_on, time(12), tzinfo=ZoneInfo(claim.merchant.time_zone))
    return min(noon, at - timedelta(seconds=1))


def _positive(amount: Money) -> Money:
    if amount.minor <= 0:
        raise ClaimNotGrantable("There is nothing to add: what stands is as much or more.")
    return amount
