"""The network office: health, partners, merchants, people; freezing and unfreezing a member."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from affiliates.models import RoleGrant
from affiliates.teams import grant_role
from ledger.journal import events_about, record_event
from payouts.models import StripeEvent
from tests.factories.standin import make_desk
from tests.factories.world import make_user, make_world
from tests.portal.finance import sign_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def staff(at):
    person = make_user("nia")
    grant_role(person, RoleGrant.Role.NETWORK_STAFF, at=at)
    return sign_in(person)


def page(name, *args):
    return reverse(f"network:{name}", args=[getattr(one, "public_id", one) for one in args])


def test_freezing_a_partner_takes_a_reason_and_shows_in_the_log(at, staff):
    """S002; fault 23."""
    world = make_world(at)

    answer = staff.post(page("partner-freeze", world.affiliate), {"reason": ""})
    assert answer.status_code == 400
    assert "Reason" in text_of(answer)
    assert world.affiliate.refreshed().status == "active"
    shown = text_of(staff.post(page("partner-freeze", world.affiliate), {"reason": "own orders"}, follow=True))

    assert world.affiliate.refreshed().status == "frozen"
    assert "own orders" in shown
    assert "Nia" in shown
    again = text_of(staff.post(page("partner-freeze", world.affiliate), {"reason": "again"}, follow=True))
    assert "Somebody was quicker" in again
    assert events_about(world.affiliate.public_id).filter(name="affiliate.frozen").count() == 1


def test_unfreezing_lets_payouts_go_out_again(at, staff):
    world = make_world(at)
    staff.post(page("partner-freeze", world.affiliate), {"reason": "own orders"})

    shown = text_of(staff.post(page("partner-unfreeze", world.affiliate), follow=True))

    assert world.affiliate.refreshed().status == "active"
    assert "active again" in shown


def test_nobody_else_gets_into_the_office(at):
    """Fault 38."""
    world = make_world(at)
    targets = [page(name) for name in ("home", "partners", "merchants", "people")] + [page("partner", world.affiliate)]

    for person in (make_user(), world.partner, world.owner, *make_desk(at)):
        client = sign_in(person)
        assert {client.get(target).status_code for target in targets} == {404}
        assert client.post(page("partner-freeze", world.affiliate), {"reason": "x"}).status_code == 404

    assert world.affiliate.refreshed().status == "active"


def test_freezing_is_a_post(at, staff):
    world = make_world(at)

    assert staff.get(page("partner-freeze", world.affiliate)).status_code == 405
    assert staff.get(page("partner", "aff_nobody")).status_code == 404


def test_partners_are_found_by_name_address_and_state(at, staff):
    one, other = make_world(at), make_world(at)
    staff.post(page("partner-freeze", one.affiliate), {"reason": "x"})

    frozen = text_of(staff.get(page("partners") + "?status=frozen"))
    named = text_of(staff.get(page("partners") + f"?q={other.affiliate.contact_email}"))

    assert (one.affiliate.name in frozen, f">{other.affiliate.name}<" in frozen) == (True, False)
    assert (other.affiliate.name in named, f">{one.affiliate.name}<" in named) == (True, False)
    assert "No partner fits" in text_of(staff.get(page("partners") + "?q=nobody-here"))
    assert "is ignored" in text_of(staff.get(page("partners") + "?odd=1&status=nonsense"))


def test_people_show_what_each_may_do_where(at, staff):
    world = make_world(at)

    shown = text_of(staff.get(page("people") + "?role=merchant_owner"))

    assert world.owner.email in shown
    assert "merchant owner" in shown
    assert world.merchant.name in shown
    assert world.partner.email not in shown
    assert world.merchant.name in text_of(staff.get(page("merchants")))


def test_health_says_when_all_is_well_and_when_not(at, staff):
    record_event("books.verified", "house", at=at, data={"differences": []})
    assert "All is well" in text_of(staff.get(page("home")))

    StripeEvent.objects.create(stripe_id="evt_1", type="x", payload={}, received_at=at - timedelta(hours=1), attempts=2)
    record_event("books.disagree", "house", at=at, data={"differences": ["trial balance: USD: expected 1, found 2"]})
    shown = text_of(staff.get(page("home")))

    assert "Something needs a look" in shown
    assert "they disagree" in shown
    assert "trial balance: USD" in shown
    assert "2 were tried" not in shown
    assert "1 was tried in vain" in shown


def test_a_check_that_did_not_run_is_late(at, staff):
    record_event("books.verified", "house", at=at - timedelta(days=3), data={"differences": []})

    assert "The nightly check did not run" in text_of(staff.get(page("home")))


@pytest.mark.parametrize("name", ["home", "partners", "merchants", "people", "partner"])
def test_a_page_asks_as_often_for_three_rows_as_for_one(at, staff, name):
    counts = []
    world = make_world(at)
    target = page(name, *([world.affiliate] if name == "partner" else []))
    for _ in range(2):
        staff.get(target)
        with CaptureQueriesContext(connection) as captured:
            assert staff.get(target).status_code == 200
        counts.append(len(captured))
        for _more in range(2):
            make_world(at)

    assert counts[0] == counts[1]
    assert counts[0] <= 25
