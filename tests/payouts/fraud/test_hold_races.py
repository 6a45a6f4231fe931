"""Approval and a hold at once, and two answers at once: exactly one of the two (F1-F17)."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from ledger.audit import verify_books
from ledger.errors import Refusal
from payouts.commissions import approve_due_commissions
from payouts.fraud import answering
from payouts.models import Commission, FraudHold
from tests.factories.fraud import find, find_or_none
from tests.factories.world import make_sale, make_user, make_world

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


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


def test_a_hold_and_an_approval_at_once_give_exactly_one_of_the_two(at):
    world = make_world(at)
    orders = [make_sale(world, at=at).conversion for _ in range(12)]
    late = at + 31 * DAY

    together(
        lambda: approve_due_commissions(at=late),
        lambda: find(world, *orders, at=late),
        lambda: approve_due_commissions(at=late),
    )

    held = set(FraudHold.objects.filter(state="held").values_list("commission_id", flat=True))
    approved = set(Commission.objects.filter(status="approved").values_list("pk", flat=True))
    assert held | approved == set(Commission.objects.values_list("pk", flat=True))
    assert held & approved == set()
    assert set(FraudHold.objects.filter(state="watched").values_list("commission_id", flat=True)) == approved
    assert list(verify_books()) == []


def test_the_networks_yes_and_the_merchants_release_are_one_decision(at):
    world, staff = make_world(at), make_user("staff")
    finding = find(world, make_sale(world, at=at).conversion, at=at)

    found = together(
        lambda: answering.confirm_finding(finding, "Own orders.", by=staff, at=at + DAY).state,
        lambda: answering.release_finding(finding, side="merchant", by=world.owner, at=at + DAY).state,
        lambda: answering.release_overdue_findings(at=at + 14 * DAY),
    )

    fresh = finding.refreshed()
    decided = {"confirmed", "released"}
    assert fresh.state in decided
    assert finding.steps.filter(step__in=decided).count() == 1
    assert len([one for one in found if one in decided or one == 1]) == 1
    assert (Commission.objects.get().status == "reversed") is (fresh.state == "confirmed")
    assert list(verify_books()) == []


def test_two_looks_at_once_keep_one_finding(at):
    world = make_world(at)
    order = make_sale(world, at=at).conversion

    found = together(*(lambda: find_or_none(world, order, at=at) for _ in range(3)))

    assert len([one for one in found if one is not None]) == 1
    assert FraudHold.objects.count() == 1
