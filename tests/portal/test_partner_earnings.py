"""Earnings: every line with its reason, every sum with its lines (UX §1.3; bars B1, B2, B3, B5, B8, C7, F1)."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from affiliates import enrolments
from ledger.money import Money
from payouts import commissions, sales
from tests.factories import paying
from tests.factories.world import facts, make_click, make_sale, make_world
from tests.portal.partner import client_of, links_in, plain_figures, text_of
from tracking import links

pytestmark = pytest.mark.django_db

EARNINGS = "/partner/earnings/"


@pytest.fixture(autouse=True)
def _now(at):
    with time_machine.travel(at):
        yield


def test_each_line_says_state_and_arithmetic_and_the_footer_adds_them_up(at):
    world = make_world(at)
    make_sale(world, "62.00", at=at - timedelta(hours=2), order_ref="1042")
    make_sale(world, "20.00", at=at - timedelta(hours=1), order_ref="1043")

    page = client_of(world.partner).get(EARNINGS)

    text = text_of(page)
    assert f"Sale, {world.program.name} Order 1042 Pending until Apr 9 20% of $62.00 $12.40" in text
    assert "Sum $16.40" in text
    assert plain_figures(page) == []


def test_the_filters_narrow_the_lines_and_the_sum_together(at):
    world = make_world(at)
    make_sale(world, "62.00", at=at - timedelta(days=40), order_ref="old")
    commissions.approve_due_commissions(at=at)
    make_sale(world, "20.00", at=at - timedelta(days=1), order_ref="fresh")
    client = client_of(world.partner)

    pending = text_of(client.get(f"{EARNINGS}?state=pending"))
    assert ("fresh" in pending, "Order old" in pending, "Sum of the filter $4.00" in pending) == (True, False, True)
    day = (at - timedelta(days=40)).date()
    of_day = text_of(client.get(f"{EARNINGS}?since={day}&until={day}"))
    assert ("Order old" in of_day, "fresh" in of_day, "Sum of the filter $12.40" in of_day) == (True, False, True)
    of_program = text_of(client.get(f"{EARNINGS}?program={world.program.slug}&sort=amount"))
    assert of_program.index("Order fresh") < of_program.index("Order old")


def test_what_the_address_does_not_mean_is_ignored_aloud(at):
    """F1"""
    world = make_world(at)
    make_sale(world, at=at)

    page = client_of(world.partner).get(f"{EARNINGS}?state=rich&since=yesterday&colour=red")

    assert page.status_code == 200
    assert "ignored: colour, state, since" in text_of(page)
    assert "Sum $20.00" in text_of(page)


def test_a_line_of_nothing_stays_in_the_list_with_its_reason(at):
    """B5"""
    world = make_world(at, rate="0")
    make_sale(world, "62.00", at=at)

    text = text_of(client_of(world.partner).get(EARNINGS))

    assert "Not paid · Rate of zero" in text
    assert "0% of $62.00 $0.00" in text


def test_an_order_that_no_rule_was_for_is_shown_with_its_reason(at):
    """B5"""
    world = make_world(at)
    make_sale(world, "62.00", at=at, order_ref="a-lead", event="lead")
    client = client_of(world.partner)

    text = text_of(client.get(f"{EARNINGS}?state=not_paid"))

    assert (
        f"{world.program.name} Order a-lead Not paid · No rule fits The program pays nothing for this kind of order."
        in text
    )
    assert "a-lead" not in text_of(client.get(f"{EARNINGS}?state=pending"))


def test_the_explanation_gives_the_whole_decision(at):
    """B2"""
    world, rival = make_world(at), make_world(at)
    place = enrolments.join_program(rival.affiliate, world.program, at=at - timedelta(days=300))
    visitor = world.enrolment.pk
    make_click(links.create_link(place, at=at - timedelta(days=300)), at=at - timedelta(hours=4), visitor=visitor)
    last = make_click(world.link, at=at - timedelta(minutes=4), visitor=visitor)
    [commission] = sales.record_sale(world.merchant, facts("1042", "62.00", at=at, click=last), at=at).commissions

    page = client_of(world.partner).get(f"{EARNINGS}{commission.public_id}/")

    text = text_of(page)
    assert "$12.40 = 20% of $62.00" in text
    assert "Order 1042 $62.00 Commissionable $62.00" in text
    assert f"{world.program.name}, rules v1, line 1: Every sale in force since Mar 10, 2025" in text
    assert (
        f"Click of Mar 10, 2026, 11:56 on /r/{world.link.code}, 4 minutes before the order; the window is 30 days."
        in text
    )
    assert "Another partner · Click · Mar 10, 2026, 08:00 Lost Older click 4 hours before the order" in text
    assert "Hold ends Apr 9, 2026" in text
    assert "Paid (to come) May 5, 2026" in text
    assert f"merchant/{world.merchant.slug}:receivable" in text
    assert rival.affiliate.name not in text
    assert plain_figures(page) == []


def test_a_refund_is_on_the_page_with_what_it_took(at):
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at - timedelta(days=2))
    sales.refund_sale(
        sale.conversion, amount=Money(2500, "USD"), reference="r", reason="item_returned", at=at - timedelta(days=1)
    )

    page = client_of(world.partner).get(f"{EARNINGS}{sale.commissions[0].public_id}/")

    text = text_of(page)
    assert "$15.00 = 20% of $75.00" in text
    assert "It was $20.00 before refunds took $5.00 back." in text
    assert "Refunded −$25.00 Commissionable $75.00" in text
    assert "Refund Mar 9, 2026, 12:00 · Goods returned" in text


def test_a_paid_line_leads_to_its_payout_and_statement(at):
    world = make_world(at)
    [commission] = make_sale(world, "100.00", at=at - timedelta(days=40)).commissions
    commissions.approve_due_commissions(at=at - timedelta(days=9))
    paying.pay(at - timedelta(days=8), label="FEB-2026")

    page = client_of(world.partner).get(f"{EARNINGS}{commission.public_id}/")

    assert "Paid Mar 2" in text_of(page)
    assert "$20.00 of this commission is in payout FEB-2026." in text_of(page)
    for address in [*links_in(page, "/partner/payouts/pay_"), *links_in(page, "/partner/statements/")]:
        assert page.client.get(address).status_code == 200


def test_another_partners_commission_is_not_there(at):
    world, rival = make_world(at), make_world(at)
    [commission] = make_sale(rival, at=at).commissions

    client = client_of(world.partner)

    assert client.get(f"{EARNINGS}{commission.public_id}/").status_code == 404
    assert client.get(f"{EARNINGS}comm_nonsense/").status_code == 404
    assert commission.public_id not in text_of(client.get(EARNINGS))


def test_the_export_has_the_rows_of_the_screen_and_runs_no_formula(at):
    """B8"""
    world = make_world(at)
    make_sale(world, "62.00", at=at - timedelta(days=1), order_ref="=cmd|' /C calc'!A0")
    gone = make_sale(world, "10.00", at=at, order_ref="second")
    sales.refund_sale(gone.conversion, reference="r", at=at)
    client = client_of(world.partner)

    answer = client.get(f"{EARNINGS}export.csv?state=pending")

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeff")
    [row] = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert row["Order"] == "'=cmd|' /C calc'!A0"
    assert (Decimal(row["Amount"]), row["Currency"], row["State"], row["Rate"]) == (
        Decimal("12.40"),
        "USD",
        "Pending",
        "0.2",
    )
    every = b"".join(client.get(f"{EARNINGS}export.csv").streaming_content).decode()
    assert sum(Decimal(row["Amount"]) for row in csv.DictReader(io.StringIO(every.removeprefix("\ufeff")))) == Decimal(
        "12.40"
    )


def test_an_empty_list_says_what_will_appear(at):
    world = make_world(at)
    client = client_of(world.partner)

    assert "Sales appear here within seconds of the order." in text_of(client.get(EARNINGS))
    assert "Clear the filter" in text_of(client.get(f"{EARNINGS}?state=paid"))


def test_list_and_explanation_cost_the_same_however_much_there_is(
    at, django_assert_max_num_queries, django_assert_num_queries
):
    """C7"""
    world = make_world(at)
    client = client_of(world.partner)
    [commission] = make_sale(world, at=at).commissions
    client.get(EARNINGS)
    with django_assert_max_num_queries(25) as first:
        client.get(EARNINGS)
    make_sale(world, at=at)
    make_sale(world, at=at)
    with django_assert_num_queries(len(first)):
        client.get(EARNINGS)
    with django_assert_max_num_queries(25):
        client.get(f"{EARNINGS}{commission.public_id}/")
