"""The journal: facts survive, subscribers hear at least once, a failing one holds up nobody (fault 6)."""

from datetime import timedelta

import pytest
from django.db import transaction

from ledger import journal
from ledger.models import Delivery, Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard(monkeypatch):
    """Two subscribers of `thing.done`, one of which fails until it is mended."""
    monkeypatch.setattr(journal, "_SUBSCRIBERS", {})
    monkeypatch.setattr(journal, "_HINTS", [])
    got = {"calm": [], "sore": [], "is_broken": True}

    @journal.subscribe("calm", "thing.done")
    def calm(event: Event) -> None:
        got["calm"].append(event.subject)

    @journal.subscribe("sore", "thing.done")
    def sore(event: Event) -> None:
        if got["is_broken"]:
            raise RuntimeError("not today")
        got["sore"].append(event.subject)

    return got


def test_an_event_reaches_every_subscriber_of_its_name_and_no_other(at, heard):
    journal.record_event("thing.done", "x_1", at=at)
    journal.record_event("other.thing", "x_2", at=at)

    journal.deliver_waiting_events(at=at + timedelta(days=9999))

    assert heard["calm"] == ["x_1"]


def test_a_failing_subscriber_is_tried_again_and_the_others_are_not_told_twice(at, heard):
    journal.record_event("thing.done", "x_1", at=at)
    later = at + timedelta(days=9999)
    journal.deliver_waiting_events(at=later)
    assert Delivery.objects.get(subscriber="sore").last_error == "RuntimeError('not today')"

    heard["is_broken"] = False
    journal.deliver_waiting_events(at=later)
    assert heard["sore"] == []
    journal.deliver_waiting_events(at=later + timedelta(minutes=1))

    assert (heard["calm"], heard["sore"]) == (["x_1"], ["x_1"])
    assert journal.waiting_deliveries() == 0


def test_an_event_of_a_transaction_that_fails_never_was(at, heard):
    with transaction.atomic():
        journal.record_event("thing.done", "x_1", at=at)
        transaction.set_rollback(True)

    assert Event.objects.count() == 0
    assert journal.waiting_deliveries() == 0


def test_history_can_be_heard_again(at, heard):
    journal.record_event("thing.done", "x_1", at=at)
    heard["is_broken"] = False
    later = at + timedelta(days=9999)
    journal.deliver_waiting_events(at=later)

    assert journal.replay_events("calm", since=at - timedelta(days=9999), at=later) == 1
    journal.deliver_waiting_events(at=later)

    assert heard["calm"] == ["x_1", "x_1"]
