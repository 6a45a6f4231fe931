"""The main job, lived in a real browser: public page → join → link → click → order → hold → run → transfer → statement.

The trial balance is zero after every step.
"""

import json
import re
import time
import urllib.request
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.stories.browser import chromium, person
from tests.stories.town import Town, code_in_mail

pytestmark = [pytest.mark.django_db, pytest.mark.stories, pytest.mark.browser]

JOINER = "nora@reader.example"


def order(town: Town, order_id: str, amount: str, click_id: str) -> dict:
    """The shop's server reports an order."""
    key = json.loads((town.home / "demo.json").read_text())["merchants"][0]["secret_key"]
    body = {"order_id": order_id, "event": "sale", "amount": amount, "currency": "USD", "click_id": click_id}
    request = urllib.request.Request(
        f"{town.base}/api/v1/conversions",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201
        return json.load(answer)


def wait_until(town: Town, statement: str, wanted: object, *, seconds: float = 90) -> None:
    """Wait until one figure of the database is what it should be."""
    end = time.monotonic() + seconds
    found = None
    while time.monotonic() < end:
        found = town.rows(statement)
        if found == [(wanted,)]:
            return
        time.sleep(0.3)
    raise AssertionError(f"{statement}: {found}, wanted {wanted}\n{town.log('worker')}")


def shorten_the_hold(town: Town) -> None:
    """The merchant publishes terms without a hold, since a story cannot wait thirty days."""
    town.manage(
        "shell",
        "-v0",
        "-c",
        "from django.utils import timezone; from affiliates import programs; from affiliates.access import open_public_program;"
        "at = timezone.now(); programs.revise_terms(open_public_program('acme'), starts_at=at, at=at, hold_days=0)",
    )


def hold_passes(town: Town) -> None:
    """The timetable's next round: what is due is approved."""
    town.manage("shell", "-v0", "-c", "from payouts.tasks import approve_due_commissions; approve_due_commissions()")


def test_from_the_public_page_to_a_paid_statement(town: Town):
    """A1, B1, C1, D1, E1, H1 in one line; bars A1 (≤ 3 clicks, ≤ 2 inputs) and A4."""
    shorten_the_hold(town)
    with chromium() as browser:
        with person(browser, town.base) as visitor:
            # A stranger on the public page reads a live rate, gives one address and one code.
            visitor.goto("/en/acme/")
            assert "10%" in visitor.locator("h1").inner_text()
            visitor.locator("#join-email").fill(JOINER)
            visitor.get_by_role("button", name="Get my link").click()
            visitor.locator("input[name=code]").fill(code_in_mail(town.home, JOINER))
            visitor.locator("input[name=code]").press("Enter")
            visitor.wait_for_url("**/partner/")
            link = visitor.locator("input[readonly]").first.input_value()
            assert link.startswith(f"{town.click_base}/r/")
            visitor.get_by_role("button", name="Copy link").first.click()
            assert visitor.evaluate("navigator.clipboard.readText()") == link
        assert town.trial_balance() == []

        with person(browser, town.base) as customer:
            # Somebody follows it and lands in the shop with a click id.
            customer.goto(link)
            assert customer.url.startswith(f"{town.base}/shop/acme/")
            click_id = re.search(r"click_id=(clk_[0-9a-z]{26})", customer.url)[1]

        # The shop reports the order at once; the click may still be on its way from the spool.
        answer = order(town, "1042", "160.00", click_id)
        assert (answer["verdict"], answer["reason"]) == ("accepted", None)
        assert answer["commissions"][0]["amount"] == "16.00"
        assert town.trial_balance() == []

        with person(browser, town.base) as partner:
            partner.goto("/accounts/login/")
            partner.locator("input[name=login]").fill(JOINER)
            before = time.time()
            partner.get_by_role("button", name=re.compile("code", re.IGNORECASE)).first.click()
            partner.locator("input[name=code]").fill(code_in_mail(town.home, JOINER, after=before))
            partner.locator("input[name=code]").press("Enter")
            partner.wait_for_url("**/partner/")
            assert "$16.00" in partner.locator("main").inner_text()
            # Every figure leads to its explanation.
            partner.goto("/partner/earnings/")
            partner.locator("tbody a[data-open-row]").first.click()
            explanation = partner.locator("main").inner_text()
            assert "$16.00" in explanation
            assert "10%" in explanation
            assert "$160.00" in explanation
            # Where to be paid: Stripe's own pages, by a link that works once.
            partner.goto("/partner/settings/payout/")
            partner.locator("select[name=country]").select_option("US")
            partner.get_by_role("button", name=re.compile("Stripe")).click()
            partner.wait_for_url(f"{town.stripe_base}/onboarding/**")
            partner.locator("button[type=submit]").first.click()
            partner.wait_for_url(f"{town.base}/partner/**")
            wait_until(town, "SELECT status FROM payouts_payoutmethod", "verified")

            hold_passes(town)
            assert town.trial_balance() == []
            wait_until(town, "SELECT status FROM payouts_commission", "approved")

            with person(browser, town.base, "finance@demo.example") as maker:
                run = prepare_and_submit(maker)
                assert town.trial_balance() == []
                # One person alone cannot: no button, and the address itself refuses.
                assert maker.get_by_role("button", name=re.compile("^Approve")).count() == 0
                token = maker.locator("input[name=csrfmiddlewaretoken]").first.input_value()
                refused = maker.request.post(
                    f"{town.base}{run}approve/", form={"csrfmiddlewaretoken": token}, headers={"Referer": town.base}
                )
                assert refused.status == 403

                with person(browser, town.base, "checker@demo.example") as checker:
                    checker.goto(run)
                    checker.get_by_role("button", name="Approve", exact=True).click()
                    checker.wait_for_load_state()
                wait_until(town, "SELECT status FROM payouts_payoutrun", "approved")
                fund_the_stand_in(town)
                maker.goto(run)
                maker.get_by_role("link", name="Send", exact=True).click()
                maker.get_by_role("button", name="Send the payouts").click()
                maker.wait_for_load_state()

            # The worker sends, Stripe's webhook settles, the run closes by itself.
            wait_until(town, "SELECT state FROM payouts_payout", "paid")
            assert town.trial_balance() == []
            wait_until(town, "SELECT status FROM payouts_payoutrun", "closed")

            partner.goto("/partner/payouts/")
            partner.locator("tbody a").first.click()
            assert "$16.00" in partner.locator("main").inner_text()
            pdf = partner.request.get(partner.get_by_role("link", name=re.compile("PDF")).first.get_attribute("href"))
            assert (pdf.status, pdf.headers["content-type"]) == (200, "application/pdf")
            assert pdf.body().startswith(b"%PDF-")

    assert town.trial_balance() == []
    assert "OK" in town.manage("verify_books").upper()
    assert town.rows("SELECT count(*) FROM payouts_statement") == [(1,)]


def prepare_and_submit(maker: Page) -> str:
    """Finance prepares a run of this month up to now and hands it over; the run's address."""
    today = datetime.now(UTC).date()
    maker.goto("/finance/runs/prepare/")
    maker.locator("input[name=first_day]").first.fill(today.replace(day=1).isoformat())
    maker.locator("input[name=last_day]").first.fill(today.isoformat())
    maker.get_by_role("button", name="Show what would be in it").click()
    assert "$16.00" in maker.locator("main").inner_text()
    maker.get_by_role("button", name="Prepare the run").click()
    maker.wait_for_url("**/finance/runs/run_*/")
    address = urlsplit(maker.url).path
    maker.get_by_role("button", name="Submit for approval").click()
    maker.wait_for_load_state()
    return address


def fund_the_stand_in(town: Town) -> None:
    """The operator's balance at Stripe is topped up."""
    request = urllib.request.Request(
        f"{town.stripe_base}/_control/topups",
        json.dumps({"amount": 100_000, "currency": "usd"}).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()
