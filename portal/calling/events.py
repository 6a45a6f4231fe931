"""The events that can be told, and what is said about each: JSON for webhooks, a filled-in address for postbacks."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from affiliates.calls import Said, make_call, queue_call
from payouts.queries.calls import CallFacts
from portal.calling.postbacks import fill

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Call, Endpoint

#: What a merchant's webhook can hear of, in words.
MERCHANT_EVENTS: dict[str, str | Promise] = {
    "conversion.recorded": _("An order was recorded"),
    "conversion.attributed": _("It was decided whose order it is"),
    "conversion.refunded": _("Money of an order was given back"),
    "commission.accrued": _("An order earned a commission"),
    "commission.approved": _("A commission's hold is over"),
    "commission.reversed": _("A commission was taken back, wholly or in part"),
    "fraud.found": _("Something looks unusual about a partner"),
    "fraud.appealed": _("A partner says that a finding is wrong"),
    "fraud.released": _("A finding was released, by a person or because nobody answered in time"),
    "fraud.confirmed": _("The network confirmed a finding"),
    "enrolment.applied": _("A partner applied for a program"),
    "enrolment.approved": _("A partner got a place"),
    "enrolment.left": _("A partner left"),
}
#: What a partner's webhook can hear of.
PARTNER_EVENTS: dict[str, str | Promise] = {
    "commission.accrued": _("You earned a commission"),
    "commission.approved": _("A commission's hold is over"),
    "commission.reversed": _("A commission was taken back, wholly or in part"),
    "payout.sent": _("A payout left"),
    "payout.paid": _("A payout arrived"),
    "enrolment.approved": _("You got a place in a program"),
    "enrolment.declined": _("An application was declined"),
    "enrolment.suspended": _("A place was suspended"),
}
#: What a postback can hear of: what has macros.
POSTBACK_EVENTS = {name: words for name, words in PARTNER_EVENTS.items() if name.startswith("commission.")}


def events_of(*, is_merchant: bool, kind: str) -> dict[str, str | Promise]:
    """What an endpoint of this owner and kind can hear of, in words."""
    if is_merchant:
        return MERCHANT_EVENTS
    return POSTBACK_EVENTS if kind == "postback" else PARTNER_EVENTS


def said_of(
    endpoint: "Endpoint", name: str, event_id: str, subject: str, happened_at: datetime, facts: CallFacts
) -> Said:
    """What an endpoint is told about an event, fixed at this moment."""
    if endpoint.kind == "postback":
        return Said(event_id, name, subject, happened_at, fill(endpoint.url, facts.macros), endpoint.method)
    body: dict[str, Any] = {
        "type": name,
        "id": event_id,
        "timestamp": happened_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "test": facts.is_test,
        "data": facts.data,
    }
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Said(event_id, name, subject, happened_at, endpoint.url, "POST", text)


def make_test_call(endpoint: "Endpoint", *, at: datetime) -> "Call":
    """Call an endpoint with an example now; the call, with what came back."""
    facts = CallFacts({"note": "This is a test. Nothing happened."}, {"status": "test", "amount": "0.00"}, is_test=True)
    mark = f"test_{at.astimezone(UTC):%Y%m%dT%H%M%S%f}"
    call = queue_call(endpoint, said_of(endpoint, endpoint.events[0], mark, mark, at, facts), at=at)
    assert call is not None
    make_call(call.pk, at=at)
    return call.refreshed()
