"""Settings: the profile, the payout account at Stripe (the stand-in, over HTTP), several memberships."""

import pytest

from affiliates import members, teams
from affiliates.models import Affiliate, RoleGrant
from payouts.methods import method_of
from payouts.models import PayoutMethod
from tests.factories.standin import bank, change_account, standin_process  # noqa: F401 - fixtures
from tests.factories.world import make_user, make_world
from tests.portal.partner import client_of, text_of

pytestmark = pytest.mark.django_db

PAYOUT = "/partner/settings/payout/"


@pytest.fixture
def world(at):
    """A partner without a payout account."""
    world = make_world(at)
    PayoutMethod.objects.filter(affiliate=world.affiliate).delete()
    return world


def test_the_profile_is_saved_and_a_wrong_address_is_refused_at_its_field(world):
    client = client_of(world.partner)

    said = client.post(
        "/partner/settings/", {"name": "Trail Letters", "country": "DE", "contact_email": "a@b.example"}, follow=True
    )
    wrong = client.post("/partner/settings/", {"name": "X", "country": "DE", "contact_email": "nowhere"})

    affiliate = Affiliate.objects.get(pk=world.affiliate.pk)
    assert (affiliate.name, affiliate.country, affiliate.contact_email) == ("Trail Letters", "DE", "a@b.example")
    assert "Your profile is saved." in text_of(said)
    assert wrong.status_code == 422
    assert "Contact e-mail: write an address such as name@example.com." in text_of(wrong)


def test_setting_up_goes_to_stripe_and_back_to_a_ready_account(world, bank):  # noqa: F811
    client = client_of(world.partner)

    away = client.post(f"{PAYOUT}start/")
    method = method_of(world.affiliate)
    unfinished = client.get(f"{PAYOUT}return/", follow=True)
    change_account(bank, method, transfers="active", submitted=True, bank="4242")
    ready = client.get(f"{PAYOUT}return/", follow=True)

    assert away.status_code == 302
    assert away["Location"].startswith(bank.base)
    assert "Stripe is not finished yet." in text_of(unfinished)
    assert "Your payout account is ready." in text_of(ready)
    assert method_of(world.affiliate).status == "verified"


def test_the_page_lets_its_form_lead_to_stripe_and_nothing_else(world, settings):
    policy = client_of(world.partner).get(PAYOUT)["Content-Security-Policy"]

    [form_action] = [part for part in policy.split("; ") if part.startswith("form-action")]
    assert form_action.split()[:3] == ["form-action", "'self'", "https://connect.stripe.com"]
    assert "script-src 'self'" in policy


def test_when_stripe_is_silent_the_page_says_so_and_nothing_is_kept(world, settings):
    settings.STRIPE_SECRET_KEY = ""
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    client = client_of(world.partner)

    answer = client.post(f"{PAYOUT}start/", follow=True)

    assert "Stripe does not answer at the moment. Nothing was changed." in text_of(answer)
    assert method_of(world.affiliate) is None


def test_an_expired_way_to_stripe_is_worded(world):
    answer = client_of(world.partner).get(f"{PAYOUT}return/?expired=1", follow=True)

    assert "The way to Stripe had expired." in text_of(answer)


def test_without_a_country_it_is_asked_first(world, bank):  # noqa: F811
    Affiliate.objects.filter(pk=world.affiliate.pk).update(country="")
    client = client_of(world.partner)

    assert "Country of your bank account" in text_of(client.get(PAYOUT))
    assert client.post(f"{PAYOUT}start/").status_code == 422
    assert method_of(world.affiliate) is None

    client.post(f"{PAYOUT}start/", {"country": "FR"})
    assert Affiliate.objects.get(pk=world.affiliate.pk).country == "FR"
    assert method_of(world.affiliate).country == "FR"


def test_a_person_with_two_memberships_switches_between_them(at, world):
    second = members.sign_up_affiliate(make_user(), name="Second Site", at=at)
    teams.grant_role(world.partner, RoleGrant.Role.PARTNER, affiliate=second, at=at)
    client = client_of(world.partner)

    assert "Switch to Second Site" in text_of(client.get("/partner/settings/"))
    client.post("/partner/settings/switch/", {"affiliate": second.public_id})

    assert "Join a program" in text_of(client.get("/partner/"))
    assert "Second Site" in client.get("/partner/settings/").content.decode()


def test_nobody_switches_into_somebody_elses_membership(at, world):
    rival = make_world(at)
    client = client_of(world.partner)

    assert client.post("/partner/settings/switch/", {"affiliate": rival.affiliate.public_id}).status_code == 404
    assert client.post("/partner/settings/switch/", {}).status_code == 404
    assert world.affiliate.name in text_of(client.get("/partner/settings/"))
    assert client.get("/partner/settings/switch/").status_code == 405
