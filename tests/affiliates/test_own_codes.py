"""A code for every partner, made by itself (B7): at approval, for those who have none, and once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from affiliates import enrolments, members, own_codes
from affiliates.coupons import issue_coupon
from affiliates.errors import CouponRefused
from affiliates.models import Affiliate, Coupon
from tests.factories.world import make_user, make_world
from tests.portal.partner import client_of, text_of


def _join(world, name, at):
    affiliate = members.sign_up_affiliate(make_user("somebody"), name=name, country="US", at=at)
    return enrolments.join_program(affiliate, world.program.refreshed(), at=at)


def _codes(world):
    return list(
        Coupon.objects.filter(program=world.program).order_by("created_at", "pk").values_list("code", flat=True)
    )


@pytest.mark.django_db
def test_whoever_gets_a_place_gets_a_code_of_the_pattern():
    at = timezone.now()
    world = make_world(at)
    own_codes.set_code_pattern(world.program, "{name}10", by=world.owner, at=at)

    places = [_join(world, name, at) for name in ("Maya's Garden", "Mayas Garden", "瑪雅")]

    assert _codes(world) == ["MAYASGARDEN10", "MAYASGARDEN210", f"{places[2].affiliate.public_id[-10:].upper()}10"]
    assert [Coupon.objects.get(enrolment=place).is_exclusive for place in places] == [False] * 3
    assert enrolments.suspend_enrolment(places[0], by=world.owner, at=at).status == "suspended"
    enrolments.approve_enrolment(places[0], by=world.owner, at=at)
    assert len(_codes(world)) == 3


@pytest.mark.django_db
def test_a_code_that_is_taken_takes_the_next_number():
    at = timezone.now()
    world = make_world(at)
    own_codes.set_code_pattern(world.program, "GO-{name}", by=None, at=at)
    issue_coupon(world.program, "go-ann", at=at)

    _join(world, "Ann", at)

    assert _codes(world) == ["go-ann", "GO-ANN2"]


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", ["SUMMER", "{name} 10", "{name}{name}", "{sub1}", "<b>{name}", "x" * 21 + "{name}"])
def test_a_pattern_that_makes_no_codes_is_refused(pattern):
    at = timezone.now()
    world = make_world(at)

    with pytest.raises(CouponRefused) as refused:
        own_codes.set_code_pattern(world.program, pattern, by=None, at=at)

    assert (refused.value.code, refused.value.field) == ("coupon_pattern_unreadable", "pattern")
    assert world.program.refreshed().code_pattern == ""


@given(st.text(min_size=1, max_size=60))
def test_every_name_has_a_code_that_can_be_made(name):
    affiliate = Affiliate(name=name)

    codes = list(own_codes._codes_for(affiliate, "{name}10"))

    assert len(codes) == len(set(codes))
    assert all(code.isascii() and code.endswith("10") and 2 < len(code) <= 64 for code in codes)
    assert all(sign.isalnum() for code in codes for sign in code)


@pytest.mark.django_db(transaction=True)
def test_two_people_who_press_the_button_at_once_make_one_code():
    at = timezone.now()
    world = make_world(at)
    own_codes.set_code_pattern(world.program, "{name}10", by=None, at=at)
    barrier = threading.Barrier(3)

    def press(_number):
        try:
            barrier.wait()
            return own_codes.issue_missing_codes(world.program, at=at)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(press, range(3)))

    assert len(_codes(world)) == 1


@pytest.mark.django_db
def test_the_merchant_sets_the_pattern_and_makes_the_missing_codes_on_one_page():
    world = make_world(timezone.now())
    client, path = client_of(world.owner), reverse("merchant:coupons-own", args=[world.merchant.slug])

    shown = client.get(path)
    refused = client.post(path, {"program": world.program.slug, "pattern": "SUMMER", "is_for_all": "on"})
    saved = client.post(path, {"program": world.program.slug, "pattern": "{name}10", "is_for_all": "on"}, follow=True)

    assert "Partners without a code" in text_of(shown)
    assert refused.status_code == 400
    assert "A pattern is {name}" in text_of(refused)
    assert "Saved. 1 code was made." in text_of(saved)
    [code] = _codes(world)
    assert code in text_of(saved)
    assert code in text_of(client_of(world.partner).get("/partner/codes/"))
