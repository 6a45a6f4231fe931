"""Who gets what: another tenant's object is not there, a small role is told so (faults 38, 41)."""

import pytest

from affiliates import access, keys, teams
from affiliates.errors import KeyRefused, NotAllowed, NotVisible
from affiliates.models import RoleGrant
from payouts import access as payout_access
from tests.factories.world import make_sale, make_user, make_world
from tracking import access as tracking_access

pytestmark = pytest.mark.django_db


def test_a_merchants_people_see_their_merchant_and_nobody_elses(at):
    mine, other = make_world(at), make_world(at)

    assert access.open_merchant(mine.owner, mine.merchant.slug, action="merchant.view") == mine.merchant
    with pytest.raises(NotVisible):
        access.open_merchant(mine.owner, other.merchant.slug, action="merchant.view")
    with pytest.raises(NotVisible):
        access.open_merchant(mine.owner, "no-such-shop", action="merchant.view")


def test_an_analyst_may_look_and_not_publish(at):
    world = make_world(at)
    analyst = make_user("analyst")
    teams.grant_role(analyst, RoleGrant.Role.MERCHANT_ANALYST, merchant=world.merchant, at=at)

    access.open_merchant(analyst, world.merchant.slug, action="merchant.view")
    with pytest.raises(NotAllowed):
        access.open_merchant(analyst, world.merchant.slug, action="merchant.rules")


def test_an_action_nobody_listed_is_allowed_to_nobody(at):
    world = make_world(at)

    with pytest.raises(NotAllowed):
        access.open_merchant(world.owner, world.merchant.slug, action="merchant.sell_the_company")


def test_a_partner_never_gets_another_partners_commission(at):
    mine, other = make_world(at), make_world(at)
    [commission] = make_sale(other, at=at).commissions

    with pytest.raises(NotVisible):
        payout_access.open_commission_of(mine.affiliate, commission.public_id)
    with pytest.raises(NotVisible):
        payout_access.open_commission_in(mine.merchant, commission.public_id)
    with pytest.raises(NotVisible):
        tracking_access.open_conversion_in(mine.merchant, commission.conversion.public_id)
    assert payout_access.open_commission_of(other.affiliate, commission.public_id) == commission


@pytest.mark.parametrize(
    "text", ["", "comm_", "comm_zzz", "pay_00000000000000000000000000", "../x", "comm_" + "\x00" * 26]
)
def test_nonsense_ids_are_just_not_there(at, text):
    world = make_world(at)

    with pytest.raises(NotVisible):
        payout_access.open_commission_of(world.affiliate, text)


def test_finance_is_closed_to_everybody_else(at):
    world = make_world(at)

    for person in (world.owner, world.partner):
        with pytest.raises(NotVisible):
            access.require(person, "finance.view")


def test_the_maker_cannot_do_the_checkers_part(at):
    maker = make_user("maker")
    teams.grant_role(maker, RoleGrant.Role.FINANCE_MAKER, at=at)

    access.require(maker, "finance.prepare")
    with pytest.raises(NotAllowed):
        access.require(maker, "finance.approve")


def test_a_key_opens_its_own_merchant_until_it_is_revoked(at):
    world = make_world(at)
    key, secret = keys.issue_key("sk_live", name="Server", merchant=world.merchant, at=at, by=world.owner)

    assert keys.owner_of_key(secret, at=at).merchant == world.merchant
    assert secret not in str(vars(key))
    keys.revoke_key(key, by=world.owner, at=at)
    with pytest.raises(KeyRefused):
        keys.owner_of_key(secret, at=at)


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1], lambda s: s + "x", lambda s: "", lambda s: s.rpartition("_")[0], lambda s: "sk_live"]
)
def test_a_key_that_is_nearly_right_is_wrong(at, change):
    world = make_world(at)
    _key, secret = keys.issue_key("sk_live", name="Server", merchant=world.merchant, at=at)

    with pytest.raises(KeyRefused):
        keys.owner_of_key(change(secret), at=at)
