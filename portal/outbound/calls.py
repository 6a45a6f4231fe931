"""Which events are told to merchants' and partners' own programs.

A subscriber of the journal writes a call down for every endpoint that listens; affiliates/calls.py
makes it. What is said is fixed at that moment, so a replay says the same.
"""

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from affiliates.calls import queue_call
from affiliates.endpoints import listeners
from ledger.journal import subscribe
from payouts.queries.calls import CallFacts, facts_for_merchant, facts_for_partner
from portal.calling.events import MERCHANT_EVENTS, PARTNER_EVENTS, said_of
from portal.outbound.tasks import hint_calls

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Endpoint
    from ledger.models import Event

#: A year that is played back, or a file that is imported, is no news.
_STALE = timedelta(days=7)


@subscribe("outbound.calls", *{*MERCHANT_EVENTS, *PARTNER_EVENTS}, stale_after=_STALE)
def queue_calls(event: "Event") -> None:
    """Write down what each listening endpoint is to be told."""
    known: dict[bool, CallFacts | None] = {}
    for endpoint in listeners(event.name, event.about):
        is_merchant = endpoint.merchant_id is not None
        if is_merchant not in known:
            facts_for = facts_for_merchant if is_merchant else facts_for_partner
            known[is_merchant] = facts_for(event.name, event.subject)
        facts = known[is_merchant]
        if facts is None or not _is_meant(endpoint, facts):
            continue
        said = said_of(endpoint, event.name, event.public_id, event.subject, event.at, facts)
        call = queue_call(endpoint, said, at=timezone.now())
        if call is not None:
            transaction.on_commit(partial(hint_calls, str(call.pk)), robust=True)


def _is_meant(endpoint: "Endpoint", facts: CallFacts) -> bool:
    """Whether an endpoint of one program cares, and whether a partner hears of a merchant's test order (no)."""
    if endpoint.program is not None and facts.program_id and endpoint.program.public_id != facts.program_id:
        return False
    return not (facts.is_test and endpoint.merchant_id is None)
