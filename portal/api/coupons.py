"""Coupon codes by API: a merchant lists and makes its own, a partner reads those it was given."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from affiliates import coupons as verbs
from affiliates.access import find_enrolment, open_program_of
from affiliates.coupon_queries import coupons_in, coupons_of
from affiliates.errors import NotVisible
from affiliates.queries import programs_of
from portal.api.answers import stamp
from portal.api.cursors import page_of
from portal.api.once import answered_once
from portal.intake.bodies import read_json_object
from portal.intake.door import ACCEPTED, Intake, Outcome, take
from portal.intake.fields import read_choice, read_flag, read_instant, read_text, refuse
from portal.intake.keys import bearer_key
from portal.intake.orders import ignored_in

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey, Coupon, Enrolment, Merchant, Program

#: How far ahead, and back, a code's dates may lie.
_AHEAD = timedelta(days=3650)

_FIELDS = frozenset({"code", "program", "affiliate", "exclusive", "policy", "starts_at", "ends_at"})


def list_coupons(request: HttpRequest, key: "ApiKey", *, limit: int, cursor: str) -> JsonResponse:
    """A merchant's codes, or a partner's own; newest first."""
    if key.merchant is not None:
        rows = coupons_in(key.merchant, at=timezone.now())
    elif key.affiliate is not None:
        rows = coupons_of(key.affiliate)
    else:
        raise NotVisible("coupons")
    at = timezone.now()
    return page_of(
        request, rows.order_by("-pk"), limit=limit, cursor=cursor,
        show=lambda found: [coupon_answer(one, state=one.state_at(at)) for one in found],
    )  # fmt: skip


def make_coupon(request: HttpRequest) -> HttpResponse:
    """POST /coupons: a code for a partner, or without one a code of the shop."""
    return take(request, door="api.coupons", handle=_make_coupon)


def coupon_answer(one: "Coupon", *, state: str) -> dict[str, Any]:
    """A code."""
    return {
        "id": one.public_id,
        "code": one.code,
        "program": one.program.public_id,
        "affiliate": one.enrolment.affiliate.public_id if one.enrolment else None,
        "exclusive": one.is_exclusive,
        "policy": one.policy or None,
        "starts_at": stamp(one.starts_at),
        "ends_at": stamp(one.ends_at),
        "state": state,
    }


def _make_coupon(intake: Intake) -> Outcome:
    intake.key = key = bearer_key(intake.request, at=intake.at)

    def handle() -> Outcome:
        if key.merchant is None:
            raise refuse("Authorization", "A partner cannot make codes. Use a merchant's key.", code="key_kind_wrong")
        source = read_json_object(intake.readable_body())
        affiliate = read_text(source, "affiliate", longest=60, example="aff_06f3…")
        program = read_text(source, "program", longest=60, example="prog_06f3…")
        enrolment = _place(key.merchant, affiliate, program) if affiliate else None
        coupon = verbs.issue_coupon(
            enrolment.program if enrolment else _program(key.merchant, program),
            read_text(source, "code", longest=64, example="MAYA10", is_required=True),
            enrolment=enrolment,
            is_exclusive=read_flag(source, "exclusive"),
            policy=read_choice(source, "policy", ("always", "involved", "winner")),
            starts_at=_instant(source, "starts_at", intake),
            ends_at=_instant(source, "ends_at", intake),
            at=intake.at,
        )
        answer = {
            **coupon_answer(coupon, state=coupon.state_at(intake.at)),
            "ignored": list(ignored_in(source, _FIELDS)),
        }
        return Outcome(HTTPStatus.CREATED, answer, ACCEPTED)

    return answered_once(intake, handle)


def _place(merchant: "Merchant", affiliate: str, program: str) -> "Enrolment":
    found = find_enrolment(merchant=merchant, affiliate=affiliate, program=program)
    if found is None:
        raise refuse("program", "program is missing, and there is more than one. Send its id.", code="field_missing")
    return found


def _program(merchant: "Merchant", program: str) -> "Program":
    found = list(programs_of(merchant))
    if not program and len(found) == 1:
        return found[0]
    if not program:
        raise refuse("program", "program is missing, and there is more than one. Send its id.", code="field_missing")
    by_id = next((one for one in found if one.public_id == program), None)
    return by_id or open_program_of(merchant, program)


def _instant(source: Mapping[str, Any], name: str, intake: Intake) -> datetime | None:
    """An instant that may lie ahead, with its time zone; None when it is left out."""
    return read_instant(source, name, at=intake.at + _AHEAD, oldest=_AHEAD * 2)
