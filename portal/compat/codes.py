"""Dub's discount codes over our coupons."""

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse

from affiliates.coupons import coupons_of, end_coupon, issue_coupon
from ledger.errors import Refusal
from payouts.queries.dub import links_in_program
from portal.compat import links
from portal.compat.wire import Call, DubRefused, answer, refused_of, stamp
from portal.errors import status_of

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Coupon


def codes_of(call: Call) -> HttpResponse:
    """GET /discount-codes."""
    start, size = call.page()
    found = coupons_of(call.program).exclude(enrolment=None)
    if call.query.get("partnerId"):
        found = found.filter(enrolment=links.place_of(call, call.query))
    if call.query.get("code"):
        found = found.filter(code__iexact=call.query["code"])
    return answer([_shown(call, one) for one in found[start : start + size]])


def issue_code(call: Call) -> HttpResponse:
    """POST /discount-codes."""
    said: dict[str, Any] = call.body if isinstance(call.body, dict) else {}
    place = links.place_of(call, said)
    code = str(said.get("code") or "") or f"{place.affiliate.slug[:12].upper()}-{place.public_id[-4:].upper()}"
    try:
        coupon = issue_coupon(call.program, code, enrolment=place, at=call.at)
    except Refusal as refusal:
        status = 409 if refusal.code == "coupon_taken" else int(status_of(refusal))
        raise refused_of(refusal, status=status) from refusal
    return answer(_shown(call, coupon))


def end_code(call: Call, id_or_code: str) -> HttpResponse:
    """DELETE /discount-codes/{idOrCode}."""
    found = next((one for one in coupons_of(call.program) if id_or_code in {one.public_id, one.code}), None)
    if found is None:
        raise DubRefused(404, "Discount code not found.")
    end_coupon(found, at=call.at)
    return answer({"id": found.public_id})


def _shown(call: Call, coupon: "Coupon") -> dict[str, Any]:
    place = coupon.enrolment
    assert place is not None
    link = links_in_program(call.program).filter(enrolment=place).first()
    is_ended = coupon.ends_at is not None and coupon.ends_at <= call.at
    return {
        "id": coupon.public_id, "code": coupon.code, "discountId": None, "partnerId": place.affiliate.public_id,
        "linkId": link.public_id if link else "", "disabledAt": stamp(coupon.ends_at) if is_ended else None,
    }  # fmt: skip
