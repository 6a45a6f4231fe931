"""The tag in a real Chromium, on pages of a shop on an origin of its own (C4, C5, B16).

The shop is a web server of this test's under *.localhost, which browsers take for this machine. It
knows nothing but the snippet of Setup → Tag; web, click door and drain are processes of their own.
"""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.stories.browser import AGENT, chromium, person
from tests.stories.town import Town
from tracking.spool import Hold, spool_files

pytestmark = [pytest.mark.django_db, pytest.mark.stories, pytest.mark.browser]

#: On a busy machine a click may still be on its way from the spool when its order comes: the order is
#: held then, and the drain decides over it as soon as it has brought the click in.
TAKEN = {"accepted", "held"}

QUEUE = "<script>window.aff=window.aff||function(){(aff.q=aff.q||[]).push(arguments)}</script>"
OPENED = """
import json
from django.utils import timezone
from affiliates import keys, programs
from tests.factories.world import make_world
from tracking import links
at = timezone.now()
world = make_world(at)
programs.change_pages(world.program, landing_url={page!r}, allowed_hosts=[{host!r}], at=at)
link = links.create_link(world.enrolment, label="blog", at=at)
key = keys.issue_key("sk_live", name="shop", merchant=world.merchant, at=at)[1]
print(json.dumps(dict(merchant=world.merchant.slug, code=link.code, key=key)))
"""
TOLD = """(([order, id]) => new Promise((told) => {
  aff('order', Object.assign({order_id: id, amount: '62.00', currency: 'USD'}, order), told);
}))"""
#: A consent banner that speaks TCF, answered when the story says so.
BANNER = """<script>
window.__tcfapi = function (what, version, tell) { window.agree = function (yes) {
  tell({eventStatus: 'useractioncomplete', gdprApplies: true, purpose: {consents: {1: yes}}}, true);
}; };
</script>"""


@dataclass
class Shop:
    """A shop's web server, what stands on its pages, and what it was given by the network."""

    town: Town
    port: int
    pages: dict[str, str] = field(default_factory=dict)
    merchant: str = ""
    code: str = ""
    key: str = ""

    @property
    def host(self) -> str:
        """What the program's hosts say."""
        return f"shop.localhost:{self.port}"

    def at(self, path: str, *, name: str = "shop") -> str:
        """A page's address; `name` is the host's."""
        return f"http://{name}.localhost:{self.port}{path}"

    def page(self, path: str, body: str = "", *, consent: str = "granted", more: str = "", before: str = "") -> str:
        """Put a page with the snippet on the server; its address. `{click_id}` is what its address says, as shops' templates do."""
        self.pages[path] = (
            f"<!doctype html><html><head><title>Shop</title>{before}{QUEUE}"
            f'<script async src="{self.town.base}/t.js" data-merchant="{self.merchant}" data-consent="{consent}" {more}></script>'
            f"</head><body><h1>Shop</h1>{body}</body></html>"
        )
        return self.at(path)

    def server_reports(self, order_id: str, **more: object) -> tuple[int, dict]:
        """The shop's server reports an order; status and answer."""
        body = {"order_id": order_id, "amount": "62.00", "currency": "USD"} | more
        call = urllib.request.Request(
            f"{self.town.base}/api/v1/conversions",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(call, timeout=30) as answer:
            return answer.status, json.load(answer)

    def booked(self, order_id: str) -> list[tuple]:
        """What stands in the books once it is decided: verdict, source, the click's link, the commission in cents."""
        end = time.monotonic() + 10
        while (found := self._in_books(order_id)) and found[0][0] == "held" and time.monotonic() < end:
            time.sleep(0.1)
        return found

    def _in_books(self, order_id: str) -> list[tuple]:
        return self.town.rows(
            "SELECT c.verdict, c.source, l.code, m.amount_minor FROM tracking_conversion c"
            " LEFT JOIN tracking_click k ON k.id = c.click_id LEFT JOIN tracking_link l ON l.id = k.link_id"
            " LEFT JOIN payouts_commission m ON m.conversion_id = c.id WHERE c.order_ref = %s",
            order_id,
        )


@pytest.fixture(scope="module")
def shop(quiet_town: Town) -> Iterator[Shop]:
    """A shop with a program, a partner and a link to its first page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """A page as the shop's template fills it."""
            parts = urlsplit(self.path)
            found = one.pages.get(parts.path)
            click_id = (parse_qs(parts.query).get("click_id") or [""])[0]
            body = (found or "").replace("{click_id}", click_id).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    one = Shop(quiet_town, server.server_port)
    said = json.loads(
        quiet_town.manage("shell", "-v0", "-c", OPENED.format(page=one.at("/"), host=one.host)).splitlines()[-1]
    )
    one.merchant, one.code, one.key = said["merchant"], said["code"], said["key"]
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all; every visitor has a profile of their own."""
    with chromium() as one:
        yield one


def arrive(page: Page, shop: Shop) -> str:
    """Follow the partner's link to the shop's first page; the click's id."""
    page.goto(f"{shop.town.click_base}/r/{shop.code}")
    found = re.fullmatch(re.escape(shop.at("/")) + r"\?click_id=(clk_[0-9a-z]{26})", page.url)
    assert found, page.url
    return found[1]


def order(page: Page, order_id: str, **more: object) -> dict:
    """What the page is told about an order that it reports by the tag."""
    return page.evaluate(TOLD, [more, order_id])


def order_fails(page: Page, order_id: str) -> None:
    """An order of this visitor's while the network cannot be reached."""
    page.route("**/t/order", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.evaluate("id => aff('order', {order_id: id, amount: '62.00', currency: 'USD'})", order_id)


def stored(page: Page) -> tuple[str, int, int]:
    """The page's cookies, and how much lies in both of its storages."""
    return tuple(page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]"))


def cookies(page: Page, shop: Shop) -> dict[str, dict]:
    """What the browser keeps for the shop's domain."""
    return {one["name"]: one for one in page.context.cookies(shop.at("/"))}


def test_a_visitor_lands_and_buys_two_pages_later_and_the_order_counts_once(shop, browser):
    shop.page("/")
    shop.page("/tent")
    shop.page(
        "/thanks",
        "<script>aff('order',{order_id:'two-later',amount:'62.00',currency:'USD'},function(a){told=a})</script>",
    )
    with person(browser, shop.at("")) as visitor:
        click_id = arrive(visitor, shop)
        visitor.wait_for_function("document.cookie")

        # One cookie, of the shop's own domain, so that its checkout below it knows the click too.
        kept = cookies(visitor, shop)
        assert list(kept) == ["aff_click"]
        assert (kept["aff_click"]["value"], kept["aff_click"]["domain"]) == (click_id, ".shop.localhost")
        assert kept["aff_click"]["sameSite"] == "Lax"
        assert 360 < (kept["aff_click"]["expires"] - time.time()) / 86_400 < 366

        visitor.goto(shop.at("/tent"))
        visitor.goto(shop.at("/thanks", name="checkout.shop"))
        told = visitor.wait_for_function("window.told").json_value()
        assert (told["verdict"] in TAKEN, told["order_id"]) == (True, "two-later")

        # The shopper looks at the page again, and the shop's server reports the order as well.
        visitor.reload()
        assert visitor.wait_for_function("window.told").json_value()["verdict"] == "duplicate"
    status, answer = shop.server_reports("two-later")

    assert (status, answer["verdict"]) == (200, "duplicate")
    assert shop.booked("two-later") == [("accepted", "api", shop.code, 1240)]
    assert shop.town.trial_balance() == []


def test_the_servers_word_may_come_first(shop, browser):
    shop.page("/")
    shop.server_reports("server-first")
    assert shop.booked("server-first") == [("unattributed", "api", None, None)]

    with person(browser, shop.at("")) as visitor:
        arrive(visitor, shop)
        assert order(visitor, "server-first")["verdict"] == "duplicate"

    # Only the page knew the click.
    assert shop.booked("server-first") == [("accepted", "api", shop.code, 1240)]


def test_an_order_queued_before_the_tag_has_loaded_waits_for_the_click_of_a_direct_link(shop, browser):
    """B16: the first page is the last one too, and the partner linked to it without our door."""
    shop.page(
        "/quick", "<script>aff('order',{order_id:'early',amount:'62.00',currency:'USD'},function(a){told=a})</script>"
    )
    sent: list[str] = []

    def late(route: Route) -> None:
        time.sleep(0.4)
        route.continue_()

    with person(browser, shop.at("")) as visitor:
        visitor.on("request", lambda one: sent.append(urlsplit(one.url).path))
        visitor.route("**/t.js", late)
        visitor.route("**/t/visit", late)
        visitor.goto(f"{shop.at('/quick')}?via={shop.code}")
        told = visitor.wait_for_function("window.told").json_value()
        kept = cookies(visitor, shop)["aff_click"]["value"]

    assert [path for path in sent if path.startswith("/t/")] == ["/t/visit", "/t/order"]
    assert told["verdict"] in TAKEN
    assert shop.booked("early") == [("accepted", "tag", shop.code, 1240)]
    assert kept.startswith("clk_")


@pytest.mark.parametrize("consent", ["denied", "auto"])
def test_without_consent_nothing_is_stored_and_the_order_still_counts(shop, browser, consent):
    shop.page("/", '<a href="/next">Next</a>', consent=consent, more='data-links="1"')
    shop.page("/next", consent=consent)
    with person(browser, shop.at("")) as visitor:
        click_id = arrive(visitor, shop)
        visitor.wait_for_function("window.aff.v")
        assert order(visitor, f"here-{consent}")["verdict"] in TAKEN
        assert stored(visitor) == ("", 0, 0)
        # The shop's own links carry it, since the shop wants that.
        visitor.get_by_role("link", name="Next").click()
        visitor.wait_for_url(f"**/next?click_id={click_id}")
        visitor.wait_for_function("window.aff.v")
        assert order(visitor, f"next-{consent}")["verdict"] in TAKEN
        assert stored(visitor) == ("", 0, 0)

        visitor.evaluate("aff('consent', true)")
        assert cookies(visitor, shop)["aff_click"]["value"] == click_id
        visitor.evaluate("aff('consent', false)")
        assert stored(visitor) == ("", 0, 0)

    for name in ("here", "next"):
        assert shop.booked(f"{name}-{consent}") == [("accepted", "tag", shop.code, 1240)]


def test_an_order_that_could_not_be_sent_goes_as_the_page_closes(shop, browser):
    shop.page("/")
    with person(browser, shop.at("")) as visitor:
        arrive(visitor, shop)
        order_fails(visitor, "closing")
        visitor.goto("about:blank")
        end = time.monotonic() + 10
        while not shop.booked("closing") and time.monotonic() < end:
            time.sleep(0.1)

    assert shop.booked("closing") == [("accepted", "tag", shop.code, 1240)]


def test_what_a_page_could_not_send_goes_from_the_next_one_once_its_banner_is_answered(shop, browser):
    """The banner speaks after the tag has loaded: what the last page kept must still be there."""
    shop.page("/", before=BANNER, consent="auto")
    shop.page("/later", before=BANNER, consent="auto")
    with person(browser, shop.at("")) as visitor:
        click_id = arrive(visitor, shop)
        visitor.wait_for_function("!!window.agree")
        assert stored(visitor) == ("", 0, 0)
        visitor.evaluate("agree(true)")
        assert cookies(visitor, shop)["aff_click"]["value"] == click_id

        visitor.evaluate("navigator.sendBeacon = () => false")
        order_fails(visitor, "offline")
        visitor.goto(shop.at("/later"))
        visitor.wait_for_function("!!window.agree")
        assert shop.booked("offline") == []
        visitor.unroute("**/t/order")
        with visitor.expect_response("**/t/order") as answered:
            visitor.evaluate("agree(true)")
        assert answered.value.status == 201
        visitor.wait_for_function("sessionStorage.aff_orders == '[]'")

    assert shop.booked("offline") == [("accepted", "tag", shop.code, 1240)]


def test_with_javascript_off_the_picture_reports_the_order(shop, browser):
    picture = (
        f'<noscript><img src="{shop.town.base}/t/p.gif?merchant={shop.merchant}&amp;order_id=no-script&amp;amount=62.00'
        '&amp;currency=USD&amp;click_id={click_id}" width="1" height="1" alt=""></noscript>'
    )
    shop.pages["/"] = f"<!doctype html><title>Thanks</title>{QUEUE}<h1>Thanks</h1>{picture}"
    context = browser.new_context(java_script_enabled=False, user_agent=AGENT)
    try:
        visitor = context.new_page()
        with visitor.expect_response("**/t/p.gif?*") as drawn:
            arrive(visitor, shop)
    finally:
        context.close()

    assert drawn.value.status == 200
    assert drawn.value.headers["x-verdict"] in TAKEN
    assert shop.booked("no-script") == [("accepted", "pixel", shop.code, 1240)]


def test_an_order_that_came_before_its_click_is_decided_as_soon_as_the_click_is_in(shop, browser):
    """Nothing but the drain runs here: no timetable helps it."""
    shop.page("/")
    with person(browser, shop.at("")) as visitor, ExitStack() as held:
        visitor.goto(f"{shop.town.click_base}/r/{shop.code}")
        for path in spool_files(shop.town.home / "spool"):
            while not held.enter_context(Hold(path)):
                time.sleep(0.01)
        arrive(visitor, shop)
        assert order(visitor, "too-soon")["verdict"] == "held"
        let_go = time.monotonic()
        held.close()

        assert shop.booked("too-soon") == [("accepted", "tag", shop.code, 1240)]
        assert time.monotonic() - let_go < 8


def test_a_page_of_another_host_is_refused_by_name_and_the_merchant_can_see_it(shop, browser):
    shop.page("/copied")
    with person(browser, shop.at("")) as visitor:
        visitor.goto(shop.at("/copied", name="elsewhere"))
        visitor.wait_for_function("window.aff.v")
        told = order(visitor, "elsewhere")

    assert (told["code"], told["field"]) == ("origin_not_allowed", "Origin")
    assert "elsewhere.localhost" in told["detail"]
    assert shop.booked("elsewhere") == []
    assert shop.town.rows(
        "SELECT r.door, r.verdict, r.reason, m.slug FROM tracking_inboxrequest r"
        " JOIN affiliates_merchant m ON m.id = r.merchant_id WHERE r.reason = 'origin_not_allowed'"
    ) == [("tag", "rejected", "origin_not_allowed", shop.merchant)]
