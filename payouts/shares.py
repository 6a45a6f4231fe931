"""From weights to money: what of an order's commission is each partner's, to the last cent."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Sum

from affiliates.models import Enrolment
from ledger.money import Money
from payouts.models import Commission
from payouts.rules.prices import Price
from tracking.models import AttributionShare, Conversion

_R = AttributionShare.Role


def shares_of(conversion: Conversion) -> list[AttributionShare]:
    """The parts of an order, the lead first."""
    return list(
        AttributionShare.objects.filter(attribution__conversion=conversion)
        .select_related("enrolment__program", "enrolment__affiliate", "terms")
        .order_by("position")
    )


def parts_of(shares: Sequence[AttributionShare], priced: Price | None, *, currency: str) -> dict[UUID, Money]:
    """What each place has of an order that is priced as a whole; nothing for everybody where no rule fits.

    Winner and split: largest remainder over their weights, so that the parts add up to the price. Assist: its
    rate of the base, on top, rounded half up.
    """
    if priced is None:
        return {share.enrolment_id: Money.zero(currency) for share in shares}
    winners = [share for share in shares if share.role != _R.ASSIST]
    parts = priced.amount.split([share.weight for share in winners]) if winners else []
    found = {share.enrolment_id: part for share, part in zip(winners, parts, strict=True)}
    base = Money.parse(priced.trace["base"], currency, negative=True)
    for share in shares:
        if share.role == _R.ASSIST:
            found[share.enrolment_id] = max(base.share(share.weight), Money.zero(currency))
    return found


def capped_assist(
    share: AttributionShare, conversion: Conversion, wanted: Money, *, unwritten: Iterable[Commission] = ()
) -> Money:
    """An assist within the program's daily limit for one partner; the day is the order's, in UTC.

    Holds the place's row, so that two assists of one moment share the limit and do not both take it.
    `unwritten` are commissions of the same transaction that are still to be written.
    """
    terms = share.enrolment.program.terms_at(conversion.occurred_at)
    if terms is None or not terms.assist_daily_cap_minor:
        return wanted
    Enrolment.objects.select_for_update(of=("self",), no_key=True).get(pk=share.enrolment_id)
    start = _midnight(conversion.occurred_at)
    had = Commission.objects.filter(
        enrolment=share.enrolment_id,
        role=Commission.Role.ASSIST,
        conversion__occurred_at__gte=start,
        conversion__occurred_at__lt=start + timedelta(days=1),
    ).aggregate(minor=Sum(F("amount_minor") - F("reversed_minor")))["minor"]
    beside = sum(
        one.amount_minor
        for one in unwritten
        if one.enrolment_id == share.enrolment_id
        and one.role == Commission.Role.ASSIST
        and _midnight(one.conversion.occurred_at) == start
    )
    left = Money(max(terms.assist_daily_cap_minor - (had or 0) - beside, 0), wanted.currency)
    return min(wanted, left)


def share_trace(share: AttributionShare, priced: Price) -> dict[str, str]:
    """How a part came of the whole, for the commission's trace."""
    return {
        "role": share.role,
        "weight": f"{share.weight.normalize():f}",
        "whole": priced.amount.major,
        "share_reason": share.reason,
    }


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
