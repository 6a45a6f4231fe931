"""Making a tracking link by API: a partner for itself, a merchant for one of its partners."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

from affiliates.access import find_enrolment
from portal.api.lists import link_answer
from portal.api.once import answered_once
from portal.intake.bodies import read_json_object
from portal.intake.door import ACCEPTED, Intake, Outcome, take
from portal.intake.fields import read_text, refuse
from portal.intake.keys import bearer_key
from portal.intake.orders import ignored_in
from tracking.links import create_link

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey, Enrolment

_FIELDS = frozenset({"program", "affiliate", "destination", "label", "code"})


def make_link(request: HttpRequest) -> HttpResponse:
    """POST /links: the same page under the same label gives the same link again."""
    return take(request, door="api.links", handle=_make_link)


def _make_link(intake: Intake) -> Outcome:
    intake.key = key = bearer_key(intake.request, at=intake.at)

    def handle() -> Outcome:
        source = read_json_object(intake.readable_body())
        link = create_link(
            _enrolment(key, source),
            destination=read_text(source, "destination", longest=2000, example="https://shop.example/page"),
            label=read_text(source, "label", longest=120, example="Newsletter"),
            code=read_text(source, "code", longest=40, example="maya-shoes"),
            at=intake.at,
        )
        answer: dict[str, Any] = {**link_answer(link), "ignored": list(ignored_in(source, _FIELDS))}
        return Outcome(HTTPStatus.CREATED, answer, ACCEPTED)

    return answered_once(intake, handle)


def _enrolment(key: "ApiKey", source: Mapping[str, Any]) -> "Enrolment":
    """The place a link is for. Raises InputRefused when several would fit, NotVisible when none does."""
    affiliate = read_text(source, "affiliate", longest=60, example="aff_06f3…", is_required=key.merchant is not None)
    if key.affiliate is not None and affiliate not in {"", key.affiliate.public_id}:
        raise refuse("affiliate", "affiliate is another one than the key's. Leave it out.", code="not_allowed")
    found = find_enrolment(
        merchant=key.merchant,
        affiliate=affiliate or (key.affiliate.public_id if key.affiliate else ""),
        program=read_text(source, "program", longest=60, example="prog_06f3…"),
    )
    if found is None:
        raise refuse("program", "program is missing, and there is more than one. Send its id.", code="field_missing")
    return found
