"""Codes that went about (B8): what customers type and no program knows, with what it cost, and whose it shall be."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from payouts.queries.coupons import codes_of_nobody
from tests.factories.attribution import make_scene
from tests.factories.world import make_world
from tests.portal.partner import client_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    """Two orders with a code of nobody's, one by a partner's click; one with a partner's code; one without; one old."""
    scene = make_scene(timezone.now(), "Annabel", coupon_policy="always")
    scene.coupon("ANN10", "Annabel")
    scene.order("100.00", click=scene.click("Annabel"), coupon="leak20")
    scene.order("50.00", coupon="LEAK20", click=scene.click("Annabel"))
    scene.order("10.00", coupon="ann10")
    scene.order("10.00", click=scene.click("Annabel"))
    return scene


def test_codes_are_counted_without_regard_to_case_with_what_was_paid_for_them(scene, django_assert_num_queries):
    since = scene.at - timedelta(days=90)

    with django_assert_num_queries(3):
        [found] = codes_of_nobody(scene.world.merchant, since=since)

    assert (found.code, found.orders, found.revenue.minor, found.commission.minor) == ("LEAK20", 2, 15000, 3000)
    assert codes_of_nobody(scene.world.merchant, since=scene.at + timedelta(days=1)) == []
    assert codes_of_nobody(make_world(scene.at).merchant, since=since) == []


def test_the_page_and_its_file_lead_to_saying_whose_it_is(scene):
    client, slug = client_of(scene.world.owner), scene.world.merchant.slug
    page = client.get(reverse("merchant:coupons-unknown", args=[slug]))
    file = b"".join(client.get(reverse("merchant:coupons-unknown-export", args=[slug])).streaming_content).decode()
    new = f"{reverse('merchant:coupon-new', args=[slug])}?code=LEAK20&program={scene.world.program.slug}"

    assert "LEAK20" in text_of(page)
    assert f'href="{new.replace("&", "&amp;")}"' in page.content.decode()
    assert file.splitlines()[1].startswith(f"LEAK20,{scene.world.program.slug},2,150.00,30.00,USD,")
    assert b'value="LEAK20"' in client.get(new).content


def test_a_merchant_without_such_codes_reads_so():
    world = make_world(timezone.now())

    page = client_of(world.owner).get(reverse("merchant:coupons-unknown", args=[world.merchant.slug]))

    assert "Every code that customers typed is in your list." in text_of(page)
