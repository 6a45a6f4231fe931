"""An order given to a partner by hand: the merchant, the network, or silence accepted a claim."""

from datetime import datetime

from django.db import transaction

from affiliates.errors import NotInState
from affiliates.models import Enrolment
from ledger.journal import record_event
from tracking.models import Attribution, AttributionShare, Conversion

#: The reason code of an order that was given by hand.
GRANTED = "claim_accepted"


@transaction.atomic
def assign_conversion(conversion: Conversion, enrolment: Enrolment, *, reference: str, at: datetime) -> Attribution:
    """Make nobody's order a partner's; what was decided before stays readable in the candidates.

    `reference` is the claim. Doing it twice changes nothing. Raises NotInState when the order is another's.
    """
    locked = Conversion.objects.select_for_update().get(pk=conversion.pk)
    terms = enrolment.program.terms_at(locked.occurred_at) or enrolment.terms
    attribution, is_new = Attribution.objects.get_or_create(
        conversion=locked,
        defaults={
            "model": Attribution.Model.CLAIM,
            "enrolment": enrolment,
            "terms": terms,
            "reason": GRANTED,
            "outcome": {"claim": reference},
            "decided_at": at,
        },
    )
    if not is_new:
        if attribution.enrolment_id == enrolment.pk:
            return attribution
        if attribution.enrolment_id is not None:
            raise NotInState(locked, "another partner's")
        before = {"model": attribution.model, "reason": attribution.reason, "engine": attribution.engine}
        attribution.model = Attribution.Model.CLAIM
        attribution.enrolment = enrolment
        attribution.terms = terms
        attribution.reason = GRANTED
        # The engine did not decide this: what it said before is kept beside the claim.
        attribution.engine = 0
        attribution.outcome = {"claim": reference, "before": {**before, "outcome": attribution.outcome}}
        attribution.decided_at = at
        attribution.save(update_fields=["model", "enrolment", "terms", "reason", "engine", "outcome", "decided_at"])
    AttributionShare.objects.get_or_create(
        attribution=attribution,
        enrolment=enrolment,
        defaults={"terms": terms, "role": AttributionShare.Role.WINNER, "weight": 1, "reason": GRANTED},
    )
    record_event(
        "conversion.attributed",
        locked.public_id,
        at=at,
        about=[enrolment.affiliate.public_id, enrolment.program.public_id, locked.merchant.public_id],
        data={"reason": GRANTED, "claim": reference},
    )
    return attribution
