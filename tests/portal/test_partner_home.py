"""The partner's home: what can be paid and when, the link, what happened (UX §5.1; bars A5, B1, B3, C7)."""

from datetime import timedelta

import pytest
import time_machine

from affiliates import enrolments, lifecycle
from affiliates.enrolments import decline_enrolment
from ledger.accounts import balance_of
from ledger.money import Money
from payouts import chart, commissions, sales
from payouts.models import PayoutMethod
from payouts.queries.partner import EarningsFilter, earnings_of, totals_of
from payouts.queries.standing import coming_of, standings_of
from tests.factories import paying
from tests.factories.clicks import make_clicks
from tests.factories.world import make_sale, make_user, make_world
from tests.portal.partner import client_of, links_in, plain_figures, text_of
from tracking import links

pytestmark = pytest.mark.django_db

USD = "USD"


@pytest.fixture(autouse=True)
def _now(at):
    with time_machine.travel(at):
        yield


def test_home_shows_available_pending_and_paid_and_each_leads_to_its_lines(at, books_agree):
    world = make_world(at)
    make_sale(world, "500.00", at=at - timedelta(days=70))
    commissions.approve_due_commissions(at=at - timedelta(days=39))
    paying.pay(at - timedelta(days=38), label="JAN-2026")
    make_sale(world, "300.00", at=at - timedelta(days=35))
    commissions.approve_due_commissions(at=at - timedelta(days=1))
    make_sale(world, "62.00", at=at - timedelta(days=2))

    page = client_of(world.partner).get("/partner/")

    text = text_of(page)
    assert "Available to be paid $60.00 Next payout about Apr 5, 2026, covers 1 sale" in text
    assert "Pending $12.40 $12.40 clears on Apr 7" in text
    assert "Paid this year $100.00 1 payout" in text
    assert plain_figures(page) == []
    assert {"/partner/payouts/#available", "/partner/earnings/?state=pending", "/partner/payouts/?year=2026"} <= set(
        links_in(page, "/partner/")
    )


def test_the_figures_are_the_books_balances_and_the_lists_sums(at, books_agree):
    """B3"""
    world = make_world(at)
    back = make_sale(world, "100.00", at=at - timedelta(days=70))
    commissions.approve_due_commissions(at=at - timedelta(days=39))
    paying.pay(at - timedelta(days=38))
    sales.refund_sale(back.conversion, reference="back", at=at - timedelta(days=20))
    make_sale(world, "400.00", at=at - timedelta(days=33))
    commissions.approve_due_commissions(at=at - timedelta(days=1))
    make_sale(world, "62.00", at=at - timedelta(days=2))
    part = make_sale(world, "50.00", at=at - timedelta(days=1))
    sales.refund_sale(part.conversion, amount=Money(1000, USD), reference="part", at=at)

    [told] = standings_of(world.affiliate, at=at)

    assert told.approved + told.carried - told.recoverable == told.available == Money(6000, USD)
    assert told.pending == balance_of(chart.pending(world.affiliate), USD) == Money(2040, USD)
    assert totals_of(earnings_of(world.affiliate, EarningsFilter(state="pending"))) == [told.pending]
    assert totals_of(earnings_of(world.affiliate, EarningsFilter(state="approved"))) == [told.approved]
    for coming in coming_of([told]):
        question = EarningsFilter(pays=coming.at.date())
        assert totals_of(earnings_of(world.affiliate, question, at=at)) == [coming.expected]


def test_what_is_below_the_smallest_payout_waits_for_more(at):
    world = make_world(at)
    make_sale(world, "20.00", at=at - timedelta(days=32))
    commissions.approve_due_commissions(at=at)

    assert "Available to be paid $4.00 Paid once it reaches $10.00" in text_of(
        client_of(world.partner).get("/partner/")
    )

    make_sale(world, "40.00", at=at - timedelta(days=1))
    [told] = standings_of(world.affiliate, at=at)
    assert [(one.is_enough, one.covers) for one in told.coming] == [(False, 1), (True, 2)]


def test_the_link_is_on_the_page_with_its_full_address(at, settings):
    settings.CLICK_BASE_URL = "https://go.network.example"
    world = make_world(at)
    make_sale(world, at=at)

    page = client_of(world.partner).get("/partner/")

    assert f'value="https://go.network.example/r/{world.link.code}"' in page.content.decode()


def test_latest_shows_sales_one_by_one_and_clicks_by_day(at):
    world = make_world(at)
    make_clicks(world.link, 3, at=at - timedelta(days=1), left_out=1)
    make_clicks(links.create_link(world.enrolment, label="b", at=at), 0, at=at - timedelta(days=1), left_out=2)
    make_sale(world, "62.00", at=at - timedelta(hours=2))

    text = text_of(client_of(world.partner).get("/partner/"))

    assert f"Sale, {world.program.name} 20% of $62.00 Pending until Apr 9 $12.40" in text
    assert "3 clicks on 1 link 3 more not counted" in text


def test_before_the_first_click_there_is_a_link_a_code_and_a_test_click(at):
    world = make_world(at)
    client = client_of(world.partner)

    page = client.get("/partner/")

    assert "Send yourself a test click" in text_of(page)
    assert f"/partner/links/{world.link.code}/qr.svg" in page.content.decode()
    assert "Available to be paid" not in text_of(page)

    make_clicks(world.link, 1, at=at)
    assert "1 click on 1 link" in text_of(client.get("/partner/"))


def test_an_application_that_waits_is_shown_instead_of_a_link(at):
    rival = make_world(at)
    world = make_world(at, approval="manual")
    place = enrolments.join_program(rival.affiliate, world.program, at=at)
    enrolments.leave_program(rival.enrolment, by=None, at=at)

    text = text_of(client_of(rival.partner).get("/partner/"))

    assert f"Your applications {world.program.name} Applied" in text
    decline_enrolment(place, reason="content", by=None, at=at)
    text = text_of(client_of(rival.partner).get("/partner/programs/"))
    assert "Why you were declined The channel's content does not fit the program." in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "pending"}, "Stripe still needs some answers"),
        ({"status": "restricted"}, "Your payout account cannot be paid"),
        ({"usable_from": "later"}, "Your payout account was changed"),
        (None, "Add a payout account, about 3 minutes with Stripe."),
        ({}, None),
    ],
)
def test_a_step_is_shown_only_while_something_blocks_the_payment(at, change, words):
    world = make_world(at)
    make_sale(world, at=at)
    method = PayoutMethod.objects.filter(affiliate=world.affiliate)
    if change is None:
        method.delete()
    elif change:
        method.update(**{key: at + timedelta(days=3) if value == "later" else value for key, value in change.items()})

    text = text_of(client_of(world.partner).get("/partner/"))

    assert (words in text) if words else ("payout account" not in text)


def test_a_frozen_member_reads_that_nothing_is_paid(at):
    world = make_world(at)
    make_sale(world, at=at)
    lifecycle.freeze_affiliate(world.affiliate, reason="review", by=make_user(), at=at)

    assert "Your membership is frozen" in text_of(client_of(world.partner).get("/partner/"))


def test_several_currencies_are_named_and_never_added(at):
    world, euro = make_world(at), make_world(at, currency="EUR")
    place = enrolments.join_program(world.affiliate, euro.program, at=at - timedelta(days=300))
    make_sale(world, "62.00", at=at)
    make_sale(world, "10.00", at=at)
    euro.link = links.create_link(place, at=at - timedelta(days=299))
    make_sale(euro, "50.00", at=at)

    text = text_of(client_of(world.partner).get("/partner/"))

    assert "Pending $14.40 USD €10.00 EUR" in text


def test_home_costs_the_same_with_one_sale_and_with_three(at, django_assert_max_num_queries, django_assert_num_queries):
    """C7"""
    world = make_world(at)
    client = client_of(world.partner)
    make_sale(world, at=at)
    client.get("/partner/")
    with django_assert_max_num_queries(25) as first:
        client.get("/partner/")
    make_sale(world, at=at)
    make_sale(world, at=at)
    make_clicks(world.link, 2, at=at)
    with django_assert_num_queries(len(first)):
        client.get("/partner/")


def test_who_is_no_partner_gets_no_workspace(at):
    world = make_world(at)

    assert client_of(world.owner).get("/partner/").status_code == 404
    assert client_of(make_user()).get("/partner/earnings/").status_code == 404
