"""ux.md bar A9: prepared situations, each with the right answer from the event log, and nobody else in it."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from payouts.claims import asking
from payouts.queries.why_not import SITUATIONS, why_not_me
from payouts.sales import record_sale, refund_sale
from portal.why_not import SITUATIONS as WORDS
from portal.why_not import told
from tests.factories.attribution import Scene
from tests.factories.world import facts, make_click, make_world
from tracking import inbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(at):
    found = Scene(make_world(at), at)
    found.join("Ann")
    found.join("Bob")
    return found


def answer(scene, ref="o1", name="Ann", **more):
    more.setdefault("ordered_on", scene.at.date())
    return why_not_me(scene.places[name], ref, at=scene.at + timedelta(hours=1), **more)


def received(scene, verdict, reason, order="o1"):
    row = inbox.receive(
        "api", method="POST", path="/api/v1/conversions", content_type="application/json", ip=None,
        body=json.dumps({"order_id": order}).encode(), at=scene.at, merchant=scene.world.merchant,
    )  # fmt: skip
    inbox.close(row, inbox.Verdict(verdict, 400, reason=reason), latency_ms=1)


def test_every_situation_has_its_words_and_no_other():
    assert set(WORDS) == set(SITUATIONS)
    for situation in SITUATIONS:
        assert told(situation, "bot", {"days": 31.0, "window_days": 30}).text


def test_not_reported(scene):
    assert answer(scene).situation == "not_reported"


def test_reported_and_rejected_with_the_inboxs_reason(scene):
    received(scene, "rejected", "amount_unreadable")
    found = answer(scene)
    assert (found.situation, found.reason) == ("reported_rejected", "amount_unreadable")


def test_a_number_that_only_begins_alike_is_another_order(scene):
    received(scene, "rejected", "amount_unreadable", order="o12")
    assert answer(scene).situation == "not_reported"


def test_reported_and_set_aside(scene):
    received(scene, "quarantined", "interrupted")
    assert answer(scene).situation == "reported_set_aside"


def test_reported_as_a_test(scene):
    scene.order(is_test=True)
    assert answer(scene).situation == "reported_test"


def test_already_yours(scene):
    sale = scene.order(click=scene.click("Ann"))
    found = answer(scene)
    assert (found.situation, found.commission) == ("already_yours", sale.commissions[0])
    assert answer(scene, "#o1", ordered_on=None).situation == "already_yours"


def test_refunded(scene):
    sale = scene.order(click=scene.click("Ann"))
    refund_sale(sale.conversion, reference="r", at=scene.at)
    assert answer(scene).situation == "refunded"


def test_earned_nothing(scene):
    scene.order(click=scene.click("Ann"), event="lead")
    assert answer(scene).situation == "earned_nothing"


def test_outside_the_window_with_its_days(scene):
    scene.order(click=scene.click("Ann", days=31))
    found = answer(scene)
    assert (found.situation, found.numbers["window_days"], int(found.numbers["days"])) == ("outside_window", 30, 31)
    assert "of 30 days" in told(found.situation, found.reason, found.numbers).text


def test_another_partners_later_click_won(scene):
    scene.click("Ann", days=2)
    scene.order(click=scene.click("Bob", days=1))
    found = answer(scene)
    assert found.situation == "later_click_won"
    assert scene.places["Bob"].affiliate.public_id not in json.dumps(found.touches)


def test_another_partners_code_won(scene):
    scene.coupon("BOB10", "Bob")
    scene.order(click=scene.click("Ann"), coupon="BOB10")
    assert answer(scene).situation == "coupon_won"


def test_a_click_of_a_program_does_not_count(scene):
    scene.order(click=scene.click("Ann", is_counted=False))
    found = answer(scene)
    assert (found.situation, found.reason) == ("click_not_counted", "bot")


def test_the_program_was_closed(scene):
    scene.order(click=scene.click("Ann", is_counted=False, uncounted_reason="program_paused"))
    assert answer(scene).situation == "program_closed"


def test_the_click_came_after_the_order(scene):
    scene.order(click=scene.click("Ann", days=-0.1))
    assert answer(scene).situation == "click_after_order"


def test_reported_without_a_click(scene):
    scene.order()
    assert answer(scene).situation == "no_click"


def test_the_click_is_on_its_way(scene):
    order = facts("o1", "100.00", at=scene.at)
    click = make_click(scene.links["Ann"], at=scene.at - timedelta(minutes=2))
    order = type(order)(**{**{name: getattr(order, name) for name in order.__slots__}, "click_id": uuid4()})
    record_sale(scene.world.merchant, order, at=scene.at)
    assert click.pk
    assert answer(scene).situation == "click_pending"


def test_in_another_currency(scene):
    click = scene.click("Ann")
    record_sale(scene.world.merchant, facts("o1", "100.00", at=scene.at, currency="EUR", click=click), at=scene.at)
    assert answer(scene).situation == "currency_mismatch"


def test_no_touch_of_yours_and_the_winner_is_not_named(scene):
    scene.order(click=scene.click("Bob"))
    found = answer(scene)
    assert (found.situation, found.numbers, found.touches) == ("no_touch_of_yours", {}, ())


def test_before_you_joined(scene):
    scene.order(click=scene.click("Bob"), ref="o1")
    place = scene.places["Ann"]
    place.applied_at = scene.at + timedelta(minutes=30)
    assert answer(scene).situation == "not_enrolled_then"


def test_reported_twice(scene):
    sale = scene.order(click=scene.click("Bob"))
    row = inbox.receive(
        "api", method="POST", path="/", content_type="", ip=None, body=b"{}", at=scene.at,
        merchant=scene.world.merchant,
    )  # fmt: skip
    inbox.close(row, inbox.Verdict("duplicate", 200, reason="same_order", conversion=sale.conversion), latency_ms=1)
    assert answer(scene).situation == "duplicate"


def test_without_the_day_a_number_opens_nothing_that_is_not_ones_own(scene):
    scene.order(click=scene.click("Bob"))
    assert answer(scene, ordered_on=None).situation == "not_reported"
    assert answer(scene, ordered_on=scene.at.date() - timedelta(days=9)).situation == "not_reported"


def test_another_merchants_orders_are_never_seen(scene, at):
    other = Scene(make_world(at), at)
    other.join("Cat")
    other.order(click=other.click("Cat"))
    assert answer(scene).situation == "not_reported"


def test_an_answer_takes_few_queries(scene, django_assert_max_num_queries):
    scene.click("Ann", days=2)
    scene.order(click=scene.click("Bob", days=1))
    with django_assert_max_num_queries(15):
        asking.ask_about_order(scene.places["Ann"], "o1", ordered_on=scene.at.date(), at=scene.at)
