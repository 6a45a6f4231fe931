"""How an order was credited, as partner and merchant read it (X1, D12): every model, and nobody's name where none may be."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from ledger.money import Money
from payouts import sales
from payouts.models import Commission
from payouts.queries.explain import explanation_of, explanations_of_order
from portal.explain import Places, explain_context
from tests.factories.attribution import make_scene
from tests.factories.world import facts
from tests.portal.partner import client_of, text_of

pytestmark = pytest.mark.django_db


def _own(scene, sale, name):
    return Commission.objects.get(conversion=sale.conversion, enrolment=scene.places[name])


@pytest.mark.parametrize(
    "model", ["last_click", "first_click", "linear", "position", "time_decay", "markov", "shapley"]
)
def test_the_explanation_shows_the_numbers_of_the_stored_decision(model):
    at = timezone.now()
    scene = make_scene(at, "Annabel", "Bobby", "Coralie", attribution_model=model)
    scene.click("Annabel", days=14)
    scene.click("Bobby", days=40)
    sale = scene.order(click=scene.click("Coralie"))

    for told in explanations_of_order(sale.conversion, viewer="merchant", at=at):
        stored = sale.attribution.candidates
        assert [(one.touch, one.reason, str(one.weight)) for one in told.credit.candidates] == [
            (row["touch"], row["reason"], row["weight"]) for row in stored
        ]
        assert sum(part.amount.minor for part in told.credit.parts) == 2000
        words = str(explain_context(told, places=Places(here="/x/")))
        assert "40.1 of 30 days of the window" in words
        assert "Annabel" in words


def test_a_partner_reads_its_part_and_nobody_elses_name_id_click_or_part():
    at = timezone.now()
    scene = make_scene(at, "Annabel", "Bobby", "Coralie", attribution_model="position")
    clicks = [scene.click("Annabel", days=14), scene.click("Bobby", days=7)]
    sale = scene.order(click=scene.click("Coralie"), ref="order-77")
    own = _own(scene, sale, "Bobby")
    place = scene.places["Bobby"]

    response = client_of(place.affiliate.grants.first().user).get(reverse("partner:earning", args=[own.public_id]))

    html, text = response.content.decode(), text_of(response)
    assert "$4.00 = 20% of $20.00" in text
    assert "20% of it is yours: you were number 2 of 3 partners." in text
    assert "Another partner" in text
    assert clicks[1].public_id in html
    others = [scene.places[name].affiliate for name in ("Annabel", "Coralie")]
    hidden = [clicks[0].public_id, "Annabel", "Coralie", "$8.00", *(one.public_id for one in others)]
    hidden += [scene.links[name].code for name in ("Annabel", "Coralie")]
    assert [one for one in hidden if one in html] == []


def test_the_history_says_what_each_event_changed_of_the_commission():
    at = timezone.now()
    scene = make_scene(at, "Annabel", attribution_model="last_click")
    click = scene.click("Annabel")
    sale = scene.order("100.00", click=click, ref="x")
    sales.amend_sale(
        sale.conversion, facts("x", "150.00", at=at, click=click), at=at + timedelta(hours=1), reference="v2"
    )
    refund, _new = sales.refund_sale(
        sale.conversion, amount=Money(5000, "USD"), reference="r", reason="item_returned", at=at + timedelta(hours=2)
    )
    sales.void_refund_of_sale(refund, reason="refund_undone", at=at + timedelta(hours=3))

    told = explanation_of(_own(scene, sale, "Annabel"), viewer="partner", at=at)

    assert [(one.what, one.effect.minor, one.left.minor) for one in told.changes] == [
        ("booked", 2000, 2000), ("amended", 1000, 3000), ("refunded", -1000, 2000), ("refund_void", 1000, 3000),
    ]  # fmt: skip
    assert told.remaining == told.changes[-1].left
    assert told.base.share(told.rule.rate) == told.remaining


def test_three_parts_on_the_merchants_page_cost_no_more_queries_than_one(django_assert_max_num_queries):
    at = timezone.now()
    scene = make_scene(at, "Annabel", "Bobby", "Coralie", attribution_model="linear")
    scene.click("Annabel", days=14)
    scene.click("Bobby", days=7)
    sale = scene.order(click=scene.click("Coralie"))
    client = client_of(scene.world.owner)
    url = reverse("merchant:conversion", args=[scene.world.merchant.slug, sale.conversion.public_id])
    client.get(url)

    with django_assert_max_num_queries(25):
        response = client.get(url)

    assert all(name in text_of(response) for name in ("Annabel", "Bobby", "Coralie"))


def test_an_assist_and_a_code_are_worded():
    at = timezone.now()
    scene = make_scene(at, "Annabel", "Coralie", assist_rate=Decimal("0.01"))
    scene.coupon("CORA10", "Coralie", is_exclusive=True)
    sale = scene.order(click=scene.click("Annabel"), coupon="CORA10")

    code = explain_context(
        explanation_of(_own(scene, sale, "Coralie"), viewer="partner", at=at), places=Places(here="/x/")
    )
    assist = explain_context(
        explanation_of(_own(scene, sale, "Annabel"), viewer="partner", at=at), places=Places(here="/x/")
    )

    assert "The order was placed with your exclusive code." in code["why"]
    assert "an assist of 1%" in assist["sentence"]
    assert "CORA10" not in str(assist)


def test_a_code_of_nobodys_beats_no_touch():
    at = timezone.now()
    scene = make_scene(at, "Annabel")
    sale = scene.order(click=scene.click("Annabel"), coupon="LEAK20")

    told = explanation_of(_own(scene, sale, "Annabel"), viewer="merchant", at=at)

    assert [(one.kind, one.won, one.beaten_by) for one in told.credit.candidates] == [
        ("coupon", False, None), ("click", True, None),
    ]  # fmt: skip
