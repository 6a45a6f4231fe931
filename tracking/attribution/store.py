"""Writing a decision down, once, with all that it saw; and asking the engine again later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ledger.ids import uuid_from_public_id
from ledger.journal import Fact
from ledger.rows import insert_rows
from tracking.attribution.decide import decide
from tracking.attribution.decisions import Decision
from tracking.attribution.gather import Gathered, customer_keys, gather_all
from tracking.attribution.touches import ENGINE, Inputs
from tracking.models import Attribution, AttributionShare, Click, Conversion, CustomerBinding


@dataclass(slots=True)
class Decided:
    """A decision over an order, and the rows that will say so; `attribution` is None while it is not final."""

    conversion: Conversion
    decision: Decision
    attribution: Attribution | None
    #: The parts, the lead first.
    shares: list[AttributionShare]
    #: How long the customer is bound to the lead's partner, by the program's terms at the order; 0: not at all.
    lifetime_days: int = 0


def decide_conversions(conversions: Sequence[Conversion], *, at: datetime) -> list[Decided]:
    """Look at the touches and decide; nothing is written. Not final: a click may still be on its way.

    None of the orders sees another; they need not be written yet.
    """
    gathered = gather_all(conversions, at=at)
    return [
        _decided(conversion, inputs, gathered, at=at)
        for conversion, inputs in zip(conversions, gathered.inputs, strict=True)
    ]


def write_decisions(decided: Sequence[Decided]) -> None:
    """Write final decisions and their parts down, and bind customers. The orders are written; call it in a transaction."""
    insert_rows([one.attribution for one in decided if one.attribution is not None])
    insert_rows([share for one in decided for share in one.shares])
    _bind(decided)


def attributed(decided: Decided) -> list[Fact]:
    """The event of an order that is somebody's."""
    decision, attribution = decided.decision, decided.attribution
    if attribution is None or decision.lead is None:
        return []
    return [
        Fact(
            "conversion.attributed",
            decided.conversion.public_id,
            attribution.decided_at,
            about=[
                *(share.enrolment.affiliate.public_id for share in decided.shares),
                decision.program,
                decided.conversion.merchant.public_id,
            ],
            data={"reason": decision.reason, "model": decision.model, "partners": len(decision.shares)},
        )
    ]


def decide_again(attribution: Attribution) -> Decision | None:
    """The decision as the engine gives it now for the stored inputs; None when another engine decided."""
    if attribution.engine != ENGINE:
        return None
    return decide(Inputs.from_json(attribution.inputs))


def _decided(conversion: Conversion, inputs: Inputs, gathered: Gathered, *, at: datetime) -> Decided:
    decision = decide(inputs)
    if not decision.is_final:
        return Decided(conversion, decision, None, [])
    lead = decision.lead
    place = gathered.places[lead.enrolment] if lead else None
    told = decision.to_json()
    attribution = Attribution(
        conversion=conversion,
        model=decision.model,
        enrolment=place,
        terms=gathered.terms[lead.terms] if lead else None,
        click_id=_click_key(decision.click),
        reason=decision.reason,
        note=decision.note,
        candidates=told.pop("candidates"),
        engine=decision.engine,
        inputs=inputs.to_json(),
        outcome=told,
        decided_at=at,
    )
    shares = [
        AttributionShare(
            attribution=attribution,
            enrolment=gathered.places[share.enrolment],
            terms=gathered.terms[share.terms],
            click_id=_click_key(share.click),
            coupon_code=share.code,
            role=share.role,
            weight=share.weight,
            reason=share.reason,
            position=number,
        )
        for number, share in enumerate(decision.shares, start=1)
    ]
    decided = Decided(conversion, decision, attribution, shares)
    if place is not None:
        in_force = gathered.offers[conversion.merchant_id].terms_at(place.program_id, conversion.occurred_at)
        decided.lifetime_days = in_force.lifetime_days if in_force else 0
    return decided


def _click_key(click: str) -> UUID | None:
    return uuid_from_public_id(click, Click.ID_PREFIX) if click else None


def _bind(decided: Sequence[Decided]) -> None:
    """Bind customers to their first partner, where the program's terms at the order say so; the first bind stays."""
    wanted = [
        CustomerBinding(
            program=one.attribution.enrolment.program,
            kind=kind,
            key=key,
            enrolment=one.attribution.enrolment,
            conversion=one.conversion,
            bound_at=one.conversion.occurred_at,
            ends_at=one.conversion.occurred_at + timedelta(days=one.lifetime_days),
        )
        for one in decided
        if one.lifetime_days and one.attribution is not None and one.attribution.enrolment is not None
        for kind, key in customer_keys(one.conversion)
    ]
    if not wanted:
        return
    wanted.sort(key=lambda one: (one.program_id, one.kind, one.key))
    CustomerBinding.objects.bulk_create(wanted, ignore_conflicts=True)
    known = {
        (one.program_id, one.kind, one.key): one
        for one in CustomerBinding.objects.filter(
            program__in={one.program_id for one in wanted}, key__in={one.key for one in wanted}
        )
    }
    for one in wanted:
        # A binding that has ended makes room for the next.
        if known[one.program_id, one.kind, one.key].ends_at <= one.bound_at:
            CustomerBinding.objects.filter(
                program=one.program_id, kind=one.kind, key=one.key, ends_at__lte=one.bound_at
            ).update(
                enrolment=one.enrolment_id,
                conversion=one.conversion_id,
                bound_at=one.bound_at,
                ends_at=one.ends_at,
            )
