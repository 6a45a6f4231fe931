"""Links: made for pages the program pays for, copied, retired, never broken (UX §5.2; bars A5, C7)."""

from datetime import timedelta

import pytest
import time_machine

from affiliates import enrolments
from ledger.money import Money
from payouts.queries.partner import EarningsFilter, earnings_of, results_by_link, totals_of
from tests.factories.clicks import make_clicks
from tests.factories.world import make_sale, make_world
from tests.portal.partner import client_of, plain_figures, text_of
from tracking import links
from tracking.models import Link

pytestmark = pytest.mark.django_db

NEW = "/partner/links/new/"


@pytest.fixture(autouse=True)
def _now(at):
    with time_machine.travel(at):
        yield


def test_a_pasted_page_of_the_program_becomes_a_link_to_copy(at, settings):
    """A5: from home, one field and one press."""
    settings.CLICK_BASE_URL = "https://go.network.example"
    world = make_world(at)
    client = client_of(world.partner)

    answer = client.post(NEW, {"destination": "shop.example/tents?colour=red"}, follow=True)

    link = Link.objects.get(destination="https://shop.example/tents?colour=red")
    assert answer.redirect_chain == [(f"/partner/links/{link.code}/", 302)]
    assert f'value="https://go.network.example/r/{link.code}"' in answer.content.decode()


def test_the_same_page_twice_is_the_same_link(at):
    world = make_world(at)
    client = client_of(world.partner)

    for _ in range(2):
        client.post(NEW, {"destination": "https://shop.example/a"})

    assert Link.objects.filter(destination="https://shop.example/a").count() == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            {"destination": "https://evil.example/x"},
            "pays only for pages on shop.example. Paste a page from one of these sites.",
        ),
        ({"destination": "http://shop.example/x"}, "The address must begin with https://."),
        ({"destination": "https://me@shop.example/x"}, "The address carries a user name before the @."),
        ({"destination": "https://shop.example\\@evil.example"}, "This is no address of a page."),
        ({"destination": "https://shop.example/" + "x" * 1990}, "shorten it to 2000 characters"),
        ({"destination": "https://shop.example/" + "x" * 1970}, "The address is too long for a link."),
        ({"code": "a b"}, "A code has 3 to 40 letters, digits, - or _."),
        ({"code": "new"}, "This short code is a word of our own. Choose another."),
    ],
)
def test_a_link_that_cannot_be_is_refused_at_its_field_and_keeps_what_was_typed(at, said, words):
    world = make_world(at)

    answer = client_of(world.partner).post(NEW, said)

    assert answer.status_code == 422
    assert words in text_of(answer)
    assert next(iter(said.values())).replace("&", "&amp;") in answer.content.decode()
    assert Link.objects.count() == 1


def test_a_code_of_ones_own_and_a_taken_one(at):
    world, other = make_world(at), make_world(at)
    client = client_of(world.partner)

    client.post(NEW, {"code": "Trail-Tents", "label": "video"})
    taken = client.post(NEW, {"code": other.link.code})
    twice = client.post(NEW, {"code": "another", "label": "video"})

    assert Link.objects.get(code="trail-tents").affiliate == world.affiliate
    assert "This short code is taken. Choose another." in text_of(taken)
    assert "You have a link to this page under this label." in text_of(twice)


def test_with_several_programs_the_page_decides_which_one(at):
    world, other = make_world(at), make_world(at)
    place = enrolments.join_program(world.affiliate, other.program, at=at - timedelta(days=9))
    other.program.allowed_hosts = ["books.example"]
    other.program.save()
    client = client_of(world.partner)

    client.post(NEW, {"destination": "https://books.example/x"})
    nowhere = client.post(NEW, {"destination": "https://elsewhere.example/x"})
    nothing = client.post(NEW, {"destination": ""})

    assert Link.objects.get(destination="https://books.example/x").enrolment == place
    assert f"{other.merchant.name} pays only for pages on books.example." in text_of(nowhere)
    assert "Choose a program, or paste a page." in text_of(nothing)


def test_without_a_program_there_is_a_way_to_one(at):
    world = make_world(at)
    enrolments.leave_program(world.enrolment, by=None, at=at)
    client = client_of(world.partner)

    assert "Join a program first" in text_of(client.get(NEW))
    assert "Join a program first" in text_of(client.post(NEW, {"destination": "https://shop.example/x"}))
    assert Link.objects.count() == 1


def test_the_list_says_what_each_link_brought_and_leads_to_the_same_sum(at):
    """B3"""
    world = make_world(at)
    other = links.create_link(world.enrolment, label="video", at=at)
    make_clicks(world.link, 4, at=at - timedelta(days=1), left_out=2)
    make_sale(world, "62.00", at=at)
    make_sale(world, "38.00", at=at)

    page = client_of(world.partner).get("/partner/links/")

    assert "video" in text_of(page)
    assert f"{world.program.name} 4 2 $20.00" in text_of(page)
    assert plain_figures(page) == []
    results = results_by_link(world.affiliate, [world.link, other])
    assert (results[world.link.pk].orders, results[world.link.pk].earned) == (2, (Money(2000, "USD"),))
    assert other.pk not in results
    assert totals_of(earnings_of(world.affiliate, EarningsFilter(link=world.link.code))) == [Money(2000, "USD")]


def test_a_retired_link_leaves_the_list_and_keeps_its_page(at):
    world = make_world(at)
    client = client_of(world.partner)

    client.post(f"/partner/links/{world.link.code}/retire/")

    assert world.link.code not in text_of(client.get("/partner/links/"))
    assert world.link.code in text_of(client.get("/partner/links/?view=retired"))
    assert "Retired" in text_of(client.get(f"/partner/links/{world.link.code}/"))
    assert client.get(f"/partner/links/{world.link.code}/retire/").status_code == 405


def test_the_qr_code_is_a_drawing_of_the_full_address(at):
    world = make_world(at)
    client = client_of(world.partner)

    shown = client.get(f"/partner/links/{world.link.code}/qr.svg")
    taken = client.get(f"/partner/links/{world.link.code}/qr.svg?download=1")

    assert shown["Content-Type"] == "image/svg+xml"
    assert shown.content.startswith(b"<svg")
    assert taken["Content-Disposition"] == f'attachment; filename="{world.link.code}.svg"'


def test_another_partners_link_is_not_there(at):
    world, rival = make_world(at), make_world(at)
    client = client_of(world.partner)

    for path in ("", "qr.svg"):
        assert client.get(f"/partner/links/{rival.link.code}/{path}").status_code == 404
    assert client.post(f"/partner/links/{rival.link.code}/retire/").status_code == 404
    assert Link.objects.get(pk=rival.link.pk).status == "active"


def test_the_list_is_searched_and_says_what_it_ignores(at):
    world = make_world(at)
    links.create_link(world.enrolment, label="winter video", at=at)
    client = client_of(world.partner)

    found = text_of(client.get("/partner/links/?q=winter&colour=blue"))

    assert "winter video" in found
    assert world.link.code not in found
    assert "is ignored: colour" in found
    assert "No link fits" in text_of(client.get("/partner/links/?q=nothing"))


def test_the_list_costs_the_same_with_one_link_and_with_three(
    at, django_assert_max_num_queries, django_assert_num_queries
):
    """C7"""
    world = make_world(at)
    client = client_of(world.partner)
    client.get("/partner/links/")
    with django_assert_max_num_queries(25) as first:
        client.get("/partner/links/")
    for label in ("a", "b"):
        make_clicks(links.create_link(world.enrolment, label=label, at=at), 1, at=at)
    make_sale(world, at=at)
    with django_assert_num_queries(len(first)):
        client.get("/partner/links/")
