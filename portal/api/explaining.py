"""GET /conversions/{id}/explain: the whole decision as data, for the merchant, and with the others hidden for a partner."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.http import JsonResponse

from affiliates.errors import NotVisible
from payouts.access import open_order_of
from payouts.queries.api import decision_on
from payouts.queries.explain import Explanation, explanations_of_order
from payouts.queries.merchant import commissions_of
from payouts.sales import sale_of
from portal.api.answers import commission_of_order, conversion_detail, stamp
from portal.api.conversions import open_by_key
from portal.intake.keys import merchant_of
from portal.reasons import reason_of
from tracking.queries.merchant import requests_about

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Affiliate, ApiKey
    from payouts.models import Commission
    from payouts.queries.explanations import Candidate, Change
    from tracking.models import Attribution


def explain_conversion(key: "ApiKey", conversion_id: str) -> JsonResponse:
    """The whole decision over an order: the merchant's, or one of which a partner has a part."""
    if key.affiliate is not None:
        return JsonResponse(_for_partner(key.affiliate, conversion_id))
    merchant = merchant_of(key)
    conversion = open_by_key(merchant, conversion_id, is_test_key=key.is_test)
    sale = sale_of(conversion)
    told = explanations_of_order(conversion, viewer="merchant")
    return JsonResponse(
        {
            "conversion": conversion_detail(sale, merchant),
            "attribution": _attribution(sale.attribution) if sale.attribution else None,
            "decisions": _decisions(list(commissions_of(conversion)), told),
            "requests": [
                {
                    "id": one.public_id,
                    "door": one.door,
                    "received_at": stamp(one.received_at),
                    "verdict": one.verdict,
                    "reason": one.reason or None,
                    "status": one.status_code,
                }
                for one in requests_about(conversion).defer("body")[:100]
            ],
        }
    )


def _attribution(found: "Attribution") -> dict[str, Any]:
    return {
        "model": found.model,
        "reason": found.reason,
        "note": found.note or None,
        "engine": found.engine,
        "decided_at": stamp(found.decided_at),
        "touches": [{**touch, "detail": reason_of(touch["reason"]).developer} for touch in found.candidates],
        "inputs": found.inputs,
        "outcome": found.outcome,
    }


def _for_partner(affiliate: "Affiliate", conversion_id: str) -> dict[str, Any]:
    """Own commissions and touches whole; of the others' touches only when and why. Raises NotVisible."""
    conversion = open_order_of(affiliate, conversion_id)
    own = [one for one in commissions_of(conversion) if one.affiliate_id == affiliate.pk]
    keys = {one.public_id for one in own}
    told = [one for one in explanations_of_order(conversion, viewer="partner") if one.id in keys]
    if not told:
        raise NotVisible("conversion")
    credit = told[0].credit
    return {
        "conversion": {
            "id": conversion.public_id,
            "event": conversion.event,
            "amount": conversion.amount.major,
            "refunded": conversion.refunded.major,
            "currency": conversion.currency,
            "occurred_at": stamp(conversion.occurred_at),
            "commissions": [commission_of_order(one) for one in own],
        },
        "attribution": {
            "model": credit.model,
            "reason": credit.reason,
            "note": credit.note or None,
            "engine": credit.engine,
            "decided_at": stamp(credit.decided_at),
            "touches": [_touch(one) for one in credit.candidates],
        },
        "decisions": _decisions(own, told),
        "requests": [],
    }


def _touch(one: "Candidate") -> dict[str, Any]:
    shown: dict[str, Any] = {
        "number": one.number,
        "kind": one.kind,
        "at": stamp(one.at),
        "own": one.is_own,
        "won": one.won,
        "reason": one.reason,
        "detail": reason_of(one.reason).developer,
    }
    if one.is_own:
        shown |= {
            "touch": one.touch,
            "weight": None if one.weight is None else f"{one.weight:f}",
            "window_days": one.window_days,
            "seconds_before": one.seconds_before,
            "credit_class": one.credit_class,
            "found_by": list(one.found_by),
            "assist": one.assist,
            "code": one.code,
        }
    return shown


def _decisions(commissions: "Sequence[Commission]", told: Sequence[Explanation]) -> list[dict[str, Any]]:
    by_id = {one.id: one for one in told}
    return [{**decision_on(one), **_more(by_id[one.public_id])} for one in commissions if one.public_id in by_id]


def _more(one: Explanation) -> dict[str, Any]:
    whole = one.credit.whole
    return {
        "share": {
            "role": one.credit.role,
            "weight": f"{one.credit.weight.normalize():f}",
            "whole": whole.major if whole is not None else None,
            "amount": one.remaining.major,
        },
        "history": [_change(change) for change in one.changes],
    }


def _change(one: "Change") -> dict[str, Any]:
    return {
        "at": stamp(one.at),
        "what": one.what,
        "reason": one.reason or None,
        "order": one.order.major if one.order is not None else None,
        "commission": one.effect.major if one.effect is not None else None,
        "left": one.left.major if one.left is not None else None,
    }
