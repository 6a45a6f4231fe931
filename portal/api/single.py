"""Single orders that wait at the same moment: one leads, and all of them share the leader's transactions.

First their rows are written, then what became of them. The keys are looked up at every set, so a key that
was revoked ends at once. An order that cannot be taken in with the others is taken in by its own thread.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ledger.errors import Refusal
from portal.api.sets import Item, take_alone, take_set, waves_of
from portal.intake.arrivals import bring_clicks_in, on_their_way
from portal.intake.bodies import LARGEST_BODY, read_json_object
from portal.intake.door import Intake, arrival_of, as_json, bytes_of, unavailable
from portal.intake.keys import bearer_key, merchant_of
from portal.intake.orders import ReadOrder, read_order
from portal.intake.together import Together
from tracking import inbox

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey

log = logging.getLogger("portal.intake")

#: So many orders share a transaction at most; so many seconds an order waits for the set in front.
_MOST, _PATIENCE = 256, 1.0


@dataclass(frozen=True, slots=True)
class _Came:
    """A request before it has a row."""

    request: HttpRequest
    body: bytes
    trouble: Refusal | None
    arrival: inbox.Arrival
    started: float


def take_together(request: HttpRequest) -> HttpResponse:
    """Receive one order, take it in with those that wait too, answer. Never raises."""
    started = time.perf_counter()
    body, trouble = bytes_of(request)
    arrival = arrival_of(request, "api", body, at=timezone.now(), keep=LARGEST_BODY)
    try:
        item = _TOGETHER.do(_Came(request, body, trouble, arrival, started))
    except DatabaseError:
        log.exception("the inbox could not be written")
        return unavailable()
    if item.outcome is None:
        _take_alone(item)
    assert item.outcome is not None, "every order has an outcome"
    return as_json(item.intake, item.outcome)


def _take_set(came: Sequence[_Came]) -> list[Item]:
    rows = inbox.receive_many([one.arrival for one in came])
    intakes = [
        Intake(one.request, row, one.body, one.arrival.at, one.trouble, started=one.started)
        for one, row in zip(came, rows, strict=True)
    ]
    keys: dict[str, ApiKey | Refusal] = {}
    items = [Item(intake, _read(intake, keys)) for intake in intakes]
    try:
        first = _those_at_once(items)
    except Exception:
        log.exception("%d orders are taken in one by one", len(items))
        return items
    take_set([*first, *(item for item in items if isinstance(item.read, Exception))])
    return items


def _those_at_once(items: Sequence[Item]) -> list[Item]:
    """Those that were read, look at none of the others and wait for no click."""
    named = [
        item.read.facts.click_id for item in items if isinstance(item.read, ReadOrder) and item.read.facts.click_id
    ]
    waiting = on_their_way(named, at=timezone.now())
    ready = [item for item in items if isinstance(item.read, ReadOrder) and item.read.facts.click_id not in waiting]
    found = waves_of(ready)
    return found[0] if found else []


def _take_alone(item: Item) -> None:
    if isinstance(item.read, ReadOrder) and item.read.facts.click_id is not None:
        bring_clicks_in([item.read.facts.click_id], at=item.intake.at)
    take_alone(item)


def _read(intake: Intake, keys: "dict[str, ApiKey | Refusal]") -> ReadOrder | Exception:
    """The order, or why it cannot be taken; each key is looked up once a set."""
    try:
        intake.key = _key_of(intake, keys)
        merchant_of(intake.key)
        return read_order(read_json_object(intake.readable_body()), is_test=intake.key.is_test, at=intake.at)
    except Exception as error:  # noqa: BLE001 - raised again where the order has its row
        return error


def _key_of(intake: Intake, keys: "dict[str, ApiKey | Refusal]") -> "ApiKey":
    given = intake.request.META.get("HTTP_AUTHORIZATION", "")
    if given not in keys:
        try:
            keys[given] = bearer_key(intake.request, at=intake.at)
        except Refusal as refusal:
            keys[given] = refusal
    found = keys[given]
    if isinstance(found, Refusal):
        raise found
    return found


_TOGETHER: Together[_Came, Item] = Together(_take_set, most=_MOST, patience=_PATIENCE)
