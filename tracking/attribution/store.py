"""Writing a decision down, once, with all that it saw; and asking the engine again later."""

from datetime import datetime, timedelta
from uuid import UUID

from affiliates.models import Enrolment, Terms
from ledger.ids import uuid_from_public_id
from ledger.journal import record_event
from tracking.attribution.decide import decide
from tracking.attribution.decisions import Decision
from tracking.attribution.gather import customer_keys, gather
from tracking.attribution.touches import ENGINE, Inputs
from tracking.models import Attribution, AttributionShare, Click, Conversion, CustomerBinding


def decide_conversion(conversion: Conversion, *, at: datetime) -> tuple[Inputs, Decision]:
    """Look at the touches and decide; nothing is written. Not final: a click may still be on its way."""
    inputs = gather(conversion, at=at)
    return inputs, decide(inputs)


def attribute_conversion(conversion: Conversion, inputs: Inputs, decision: Decision, *, at: datetime) -> Attribution:
    """Write a decision and its shares down, once; a second call returns the first. Call it in a transaction."""
    places, terms = _loaded(decision)
    lead = decision.lead
    attribution, is_new = Attribution.objects.get_or_create(
        conversion=conversion,
        defaults={
            "model": decision.model,
            "enrolment": places[lead.enrolment] if lead else None,
            "terms": terms[lead.terms] if lead else None,
            "click_id": _click_key(decision.click),
            "reason": decision.reason,
            "note": decision.note,
            "candidates": decision.to_json()["candidates"],
            "engine": decision.engine,
            "inputs": inputs.to_json(),
            "outcome": decision.outcome(),
            "decided_at": at,
        },
    )
    if not is_new:
        return attribution
    AttributionShare.objects.bulk_create(
        AttributionShare(
            attribution=attribution,
            enrolment=places[share.enrolment],
            terms=terms[share.terms],
            click_id=_click_key(share.click),
            coupon_code=share.code,
            role=share.role,
            weight=share.weight,
            reason=share.reason,
            position=number,
        )
        for number, share in enumerate(decision.shares, start=1)
    )
    if lead is not None:
        _bind(conversion, places[lead.enrolment])
        _tell(conversion, decision, places, at=at)
    return attribution


def decide_again(attribution: Attribution) -> Decision | None:
    """The decision as the engine gives it now for the stored inputs; None when another engine decided."""
    if attribution.engine != ENGINE:
        return None
    return decide(Inputs.from_json(attribution.inputs))


def _loaded(decision: Decision) -> tuple[dict[str, Enrolment], dict[str, Terms]]:
    """The places and terms of a decision's shares, by public id."""
    if not decision.shares:
        return {}, {}
    places = Enrolment.objects.filter(pk__in={Enrolment.key_of(share.enrolment) for share in decision.shares})
    terms = Terms.objects.filter(pk__in={Terms.key_of(share.terms) for share in decision.shares})
    return {place.public_id: place for place in places}, {one.public_id: one for one in terms}


def _click_key(click: str) -> UUID | None:
    return uuid_from_public_id(click, Click.ID_PREFIX) if click else None


def _bind(conversion: Conversion, place: Enrolment) -> None:
    """Bind the customer to its first partner, where the program's terms at the order say so; the first bind stays."""
    keys = customer_keys(conversion)
    if not keys:
        return
    terms = place.program.terms_at(conversion.occurred_at)
    if terms is None or not terms.lifetime_days:
        return
    ends_at = conversion.occurred_at + timedelta(days=terms.lifetime_days)
    bound = {
        "enrolment": place,
        "conversion": conversion,
        "bound_at": conversion.occurred_at,
        "ends_at": ends_at,
    }
    for kind, key in keys:
        is_new = CustomerBinding.objects.get_or_create(program=place.program, kind=kind, key=key, defaults=bound)[1]
        if not is_new:
            # A binding that has ended makes room for the next.
            CustomerBinding.objects.filter(
                program=place.program, kind=kind, key=key, ends_at__lte=conversion.occurred_at
            ).update(**bound)


def _tell(conversion: Conversion, decision: Decision, places: dict[str, Enrolment], *, at: datetime) -> None:
    record_event(
        "conversion.attributed",
        conversion.public_id,
        at=at,
        about=[
            *(place.affiliate.public_id for place in places.values()),
            decision.program,
            conversion.merchant.public_id,
        ],
        data={"reason": decision.reason, "model": decision.model, "partners": len(decision.shares)},
    )
