"""Two workers, and a merchant who answers at the deadline: one decision, booked once (D11)."""

import threading
from datetime import date, timedelta

import pytest
from django.db import connection

from ledger.audit import verify_books
from ledger.errors import Refusal
from ledger.money import Money
from payouts.claims import deciding, opening
from payouts.models import Claim, Commission
from tests.factories.world import make_world

pytestmark = pytest.mark.django_db(transaction=True)


def together(*steps):
    """All steps at once, each in a thread with a connection of its own; what each gave or refused."""
    found, barrier = [], threading.Barrier(len(steps))

    def run(step):
        barrier.wait()
        try:
            found.append(step())
        except Refusal as refusal:
            found.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.fixture
def claim(at):
    world = make_world(at)
    draft = opening.ClaimDraft("1042", date(2026, 3, 8), Money.parse("62.00", "USD"))
    return opening.claim_order(world.enrolment, draft, by=world.partner, at=at)


def test_two_workers_accept_an_overdue_claim_once(claim):
    late = claim.deadline_at + timedelta(minutes=1)

    together(*(lambda: deciding.decide_overdue_claims(at=late) for _ in range(4)))

    assert Commission.objects.count() == 1
    assert claim.refreshed().status == Claim.Status.ACCEPTED
    assert claim.notes.filter(step="accepted").count() == 1
    assert list(verify_books()) == []


def test_the_merchants_no_and_silences_yes_are_one_decision(claim):
    late = claim.deadline_at + timedelta(minutes=1)
    owner = claim.opened_by

    together(
        lambda: deciding.decide_overdue_claims(at=late),
        lambda: deciding.decline_claim(claim, "order_unknown", by=owner, at=late).status,
    )

    fresh = claim.refreshed()
    assert Commission.objects.count() == (1 if fresh.status == "accepted" else 0)
    assert claim.notes.filter(step__in=["accepted", "declined"]).count() == 1
    assert list(verify_books()) == []
