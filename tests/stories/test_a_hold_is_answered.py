"""One story in a browser: orders look unusual, the commission is kept back, the partner appeals, the network lets it go, and it is paid."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page

from affiliates.models import OutgoingMail, RoleGrant, User
from affiliates.teams import grant_role
from ledger.audit import verify_books
from ledger.journal import deliver_waiting_events
from payouts.commissions import approve_due_commissions
from payouts.models import Commission
from payouts.queries.states import state_of
from tests.factories.fraud import find
from tests.factories.paying import pay
from tests.factories.world import make_sale, make_user, make_world
from tests.stories.browser import chromium

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@contextmanager
def window_of(browser: Browser, base: str, user: User) -> Iterator[Page]:
    """A browser window in which the person is signed in; script errors fail the story."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    context = browser.new_context(base_url=base, viewport={"width": 1280, "height": 900}, locale="en-US")
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": base}])
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        yield page
        assert errors == []
    finally:
        context.close()


def test_held_appealed_released_approved_paid(live_server):
    now = timezone.now()
    world, staff = make_world(now, hold_days=5), make_user("staff")
    grant_role(staff, RoleGrant.Role.NETWORK_STAFF, at=now)
    orders = [make_sale(world, at=now - timedelta(days=20)).conversion for _ in range(3)]
    finding = find(world, *orders, at=now)
    approve_due_commissions(at=now)
    assert {row.status for row in Commission.objects.all()} == {"pending"}

    with chromium() as browser:
        with window_of(browser, live_server.url, world.partner) as partner:
            partner.goto("/partner/earnings/?state=held")
            assert partner.get_by_text("Held, review by").count() == 3
            partner.locator("tbody a[data-open-row]").first.click()
            partner.get_by_role("link", name="Look at it").click()
            assert "$60.00 is kept back" in partner.locator("main").inner_text()
            partner.get_by_label("How these orders came about").fill("My newsletter opens the basket at once.")
            partner.get_by_role("button", name="Appeal to the network").click()
            partner.get_by_text("You said how it came about").wait_for()

        with window_of(browser, live_server.url, world.owner) as merchant:
            merchant.goto(f"/merchant/{world.merchant.slug}/fraud/")
            merchant.get_by_role("link", name=world.affiliate.name).click()
            said = merchant.locator("main").inner_text()
            assert "My newsletter opens the basket at once." in said
            assert "1 in 3.3 million" in said

        with window_of(browser, live_server.url, staff) as network:
            network.goto("/network/fraud/?view=asked")
            network.get_by_role("link", name=world.affiliate.name).click()
            network.get_by_label("Why it is not fraud").fill("We saw the newsletter.")
            network.get_by_role("button", name="Release").click()
            network.get_by_text("Released. The partner and the merchant were told.").wait_for()

        approve_due_commissions(at=timezone.now())
        pay(timezone.now() + timedelta(minutes=1))
        with window_of(browser, live_server.url, world.partner) as partner:
            partner.goto(f"/partner/holds/{finding.public_id}/")
            assert "$60.00 goes on as before" in partner.locator("main").inner_text()
            partner.goto("/partner/earnings/")
            assert partner.get_by_text("Paid").count() >= 3

    deliver_waiting_events(at=timezone.now() + timedelta(days=1))
    assert OutgoingMail.objects.filter(kind="fraud.appeal_granted.partner", recipient=world.partner.email).exists()
    assert {state_of(row).name for row in Commission.objects.all()} == {"paid"}
    assert list(verify_books()) == []
