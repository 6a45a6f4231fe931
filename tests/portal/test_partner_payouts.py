"""Payouts and statements: what comes, what came, and the paper (UX §2.1; bars B1, B3, C7, E5)."""

from datetime import timedelta

import pytest
import time_machine

from ledger.money import Money
from payouts import commissions, sales
from payouts.models import Payout, Statement
from payouts.statements import lines_of_payout
from portal.papers import fonts, statements
from tests.factories import paying
from tests.factories.world import make_sale, make_world
from tests.portal.partner import client_of, links_in, plain_figures, text_of

pytestmark = pytest.mark.django_db

PAYOUTS = "/partner/payouts/"


@pytest.fixture(autouse=True)
def _now(at):
    with time_machine.travel(at):
        yield


def _paid_world(at, **more):
    """A world whose 100-dollar and 400-dollar sales were paid eight days ago."""
    world = make_world(at, **more)
    for amount in ("100.00", "400.00"):
        make_sale(world, amount, at=at - timedelta(days=40))
    commissions.approve_due_commissions(at=at - timedelta(days=9))
    paying.pay(at - timedelta(days=8), label="FEB-2026")
    return world


def test_coming_payouts_have_dates_and_lead_to_their_sales(at):
    world = make_world(at)
    make_sale(world, "300.00", at=at - timedelta(days=31))
    commissions.approve_due_commissions(at=at)
    make_sale(world, "62.00", at=at - timedelta(days=1))
    client = client_of(world.partner)

    page = client.get(PAYOUTS)

    text = text_of(page)
    assert "Apr 5, 2026 1 $60.00 $0.00 $60.00" in text
    assert "May 5, 2026 1 $0.00 $12.40 $12.40" in text
    assert plain_figures(page) == []
    assert "Sum of the filter $12.40" in text_of(client.get("/partner/earnings/?pays=2026-05-05"))


def test_a_past_payout_shows_how_its_amount_was_made(at, books_agree):
    world = _paid_world(at)
    client = client_of(world.partner)

    listed = client.get(f"{PAYOUTS}?year=2026")
    [address] = links_in(listed, f"{PAYOUTS}pay_")
    page = client.get(address)

    assert "Paid in 2026 $100.00" in text_of(listed)
    text = text_of(page)
    assert "Commissions $100.00 Paid $100.00" in text
    assert "2 commissions" in text
    assert Payout.objects.get().transfer_id[-6:] in text
    assert plain_figures(page) == []
    for explanation in links_in(page, "/partner/earnings/comm_"):
        assert client.get(explanation).status_code == 200


def test_what_was_taken_back_is_netted_and_adds_up(at, books_agree):
    world = _paid_world(at)
    sale = world.program.conversions.order_by("amount_minor").first()
    sales.refund_sale(sale, reference="late", reason="item_returned", at=at - timedelta(days=7))
    client = client_of(world.partner)

    before = text_of(client.get(PAYOUTS))
    assert "Refund of an order that was paid $20.00" in before

    make_sale(world, "500.00", at=at - timedelta(days=34))
    commissions.approve_due_commissions(at=at - timedelta(days=2))
    paying.pay(at - timedelta(days=1), label="MAR-2026")

    after = client.get(PAYOUTS)
    assert "Netted from a payout −$20.00" in text_of(after)
    page = client.get(links_in(after, f"{PAYOUTS}pay_")[0])
    assert "Commissions $100.00 Taken back for refunded orders −$20.00 Paid $80.00" in text_of(page)


def test_a_payout_on_its_way_and_a_stopped_one_say_so(at):
    world = make_world(at)
    make_sale(world, "300.00", at=at - timedelta(days=40))
    commissions.approve_due_commissions(at=at - timedelta(days=9))
    run = paying.start(paying.prepare(at - timedelta(days=8), label="FEB-2026"), at=at - timedelta(days=8))
    client = client_of(world.partner)

    assert "In payout run · FEB-2026" in text_of(client.get(PAYOUTS))
    paying.send(run, paying.Bank(refuses="approval_required"), at=at - timedelta(days=8))

    page = client.get(links_in(client.get(PAYOUTS), f"{PAYOUTS}pay_")[0])
    assert "Held" in text_of(page)
    assert page.status_code == 200


def test_the_statement_reads_like_the_payout(at):
    world = _paid_world(at)
    statement = Statement.objects.get()

    page = client_of(world.partner).get(f"/partner/statements/{statement.public_id}/")

    text = text_of(page)
    assert f"Paid to {world.affiliate.name} Statement number {statement.number}" in text
    assert "Sum of the commissions $100.00" in text
    assert plain_figures(page) == []


@pytest.mark.parametrize("language", ["en", "zh-hans", "zh-hant"])
def test_the_statement_is_a_tagged_pdf_in_the_readers_language(at, language):
    """E5"""
    world = _paid_world(at)
    client = client_of(world.partner)
    client.cookies["language"] = language

    answer = client.get(f"/partner/statements/{Statement.objects.get().public_id}/statement.pdf")

    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-1.7")
    assert b"/StructTreeRoot" in answer.content
    assert b"<pdfuaid:part>1</pdfuaid:part>" in answer.content
    tag = (
        {"en": b"en-US", "zh-hans": b"zh-CN", "zh-hant": b"zh-TW"}[language]
        if fonts.chinese_family(language)
        else b"en-US"
    )
    assert tag in answer.content


def test_without_chinese_letters_the_paper_has_english_labels_and_is_made_all_the_same(at, monkeypatch):
    world = _paid_world(at)
    world.affiliate.name = "陈美雅"
    statement = Statement.objects.get()
    statement.figures["payee"]["name"] = "陈美雅"
    monkeypatch.setattr(statements, "chinese_family", lambda language: "")
    monkeypatch.setattr(statements, "latin_families", lambda: ["Libertinus Serif"])

    made = statements.statement_pdf(
        statement, lines_of_payout(statement.payout), language="zh-hans", url="https://n.example/"
    )

    assert made.startswith(b"%PDF-")
    assert b"en-US" in made


def test_the_same_statement_is_the_same_file(at):
    world = _paid_world(at)
    client = client_of(world.partner)
    address = f"/partner/statements/{Statement.objects.get().public_id}/statement.pdf"

    assert client.get(address).content == client.get(address).content


def test_another_partners_payout_and_statement_are_not_there(at):
    _paid_world(at)
    rival = make_world(at)
    payout, statement = Payout.objects.get(), Statement.objects.get()
    client = client_of(rival.partner)

    for address in (
        f"{PAYOUTS}{payout.public_id}/",
        f"/partner/statements/{statement.public_id}/",
        f"/partner/statements/{statement.public_id}/statement.pdf",
    ):
        assert client.get(address).status_code == 404
    assert "No payouts yet" in text_of(client.get(PAYOUTS))


def test_the_pages_cost_the_same_with_one_line_and_with_three(
    at, django_assert_max_num_queries, django_assert_num_queries
):
    """C7"""
    world = _paid_world(at)
    client = client_of(world.partner)
    address = f"{PAYOUTS}{Payout.objects.get().public_id}/"
    for page in (PAYOUTS, address):
        client.get(page)
        with django_assert_max_num_queries(25):
            client.get(page)
    with django_assert_max_num_queries(25) as first:
        client.get(PAYOUTS)
    for month in (1, 2):
        make_sale(world, "500.00", at=at - timedelta(days=34))
        commissions.approve_due_commissions(at=at - timedelta(days=3))
        paying.pay(at - timedelta(days=2), label=f"EXTRA-{month}")
    with django_assert_num_queries(len(first)):
        client.get(PAYOUTS)
    assert Money(30000, "USD") == sum((payout.amount for payout in Payout.objects.all()), Money.zero("USD"))
