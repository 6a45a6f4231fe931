"""A year of the demo in a real browser: every screen that links lead to, and an order from click to the partner's page.

On every screen, as each of the four roles, in light and dark, on a phone and on a desk, axe finds
nothing and nothing leaves its box (bars D1, D2, D4).
"""

import re
from collections.abc import Iterator
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.stories.browser import chromium, person
from tests.stories.screens import screens_from
from tests.stories.town import Town

pytestmark = [pytest.mark.django_db, pytest.mark.stories, pytest.mark.browser, pytest.mark.slow]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: axe cannot see through SVG to what a chart's letters stand on; tests/portal/test_kit.py measures those tokens.
REVIEWED = {"color-contrast"}

OUTSIDE = """() => {
  const main = document.querySelector("main").getBoundingClientRect();
  return [...document.querySelectorAll("main *")]
    .filter((one) => one.checkVisibility() && !one.closest(".table-wrap, .tabs, pre, .visually-hidden"))
    .filter((one) => { const box = one.getBoundingClientRect(); return box.width && (box.left < main.left - 1 || box.right > main.right + 1); })
    .map((one) => "outside: " + one.outerHTML.slice(0, 100));
}"""
CLIPPED = """() => [...document.querySelectorAll("main :is(button, a, th, td, h1, h2, p, label)")]
  .filter((one) => one.checkVisibility() && getComputedStyle(one).display !== "inline")
  .filter((one) => !one.closest(".visually-hidden, .ref") && one.scrollWidth > one.clientWidth + 1)
  .map((one) => "clipped: " + one.outerHTML.slice(0, 100))"""
SMALL = """() => [...document.querySelectorAll("main :is(a[href], button, input:not([type=hidden]), select, textarea, summary)")]
  .filter((one) => one.checkVisibility() && getComputedStyle(one).display !== "inline")
  .filter((one) => { const box = one.getBoundingClientRect(); return box.width && (box.width < 24 || box.height < 24); })
  .map((one) => "small: " + one.outerHTML.slice(0, 100))"""
SCROLLS = (
    "() => document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['scrolls sideways'] : []"
)

#: Who looks, where from, and screens that have to be among those found.
ROLES = {
    "partner@demo.example": ("/partner/", {"partner:links-bulk", "partner:receipts", "partner:endpoints"}),
    "merchant@demo.example": ("/merchant/acme/", {"merchant:setup-tag", "merchant:upload", "merchant:endpoint"}),
    "finance@demo.example": ("/finance/", {"finance:commission"}),
    "network@demo.example": ("/network/", {"network:event", "network:reports-cohorts"}),
}


@pytest.fixture(scope="module")
def year(town_of_a_year: Town) -> Town:
    """A town with a year of the demo in it."""
    return town_of_a_year


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all."""
    with chromium() as one:
        yield one


@pytest.mark.parametrize("email", ROLES)
def test_axe_finds_nothing_and_nothing_leaves_its_box(year: Town, browser: Browser, email: str):
    start, expected = ROLES[email]
    with person(browser, year.base, email, may_inject=True) as page:
        screens = dict(screens_from(page, start))
        assert expected <= screens.keys()

        wrong: dict[str, list[str]] = {}
        for theme, width in product(("light", "dark"), (375, 1280)):
            page.set_viewport_size({"width": width, "height": 900})
            page.context.add_cookies([{"name": "theme", "value": theme, "url": year.base}])
            for name, address in screens.items():
                page.goto(address)
                found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}}).response
                said = [f"{one['id']}: {one['nodes'][0]['html'][:100]}" for one in found["violations"]]
                said += [one["id"] for one in found["incomplete"] if one["id"] not in REVIEWED]
                for check in (SCROLLS, OUTSIDE, CLIPPED, SMALL):
                    said += page.evaluate(check)
                if said:
                    wrong[f"{name} {theme} {width} {address}"] = said[:4]

    assert wrong == {}


def test_a_click_an_order_at_the_demo_shop_and_the_tag_brings_it_to_the_partner(year: Town, browser: Browser):
    """C4, C5: as somebody tries who has just started the demo."""
    year.start("click", "drain")
    [(code,)] = year.rows("SELECT code FROM tracking_link WHERE label = 'Newsletter'")

    with person(browser, year.base) as shopper:
        shopper.goto(f"{year.click_base}/r/{code}")
        shopper.wait_for_function("document.cookie.includes('aff_click=clk_')")
        shopper.get_by_role("button", name="Place the order").click()
        shopper.wait_for_selector("[data-verdict]")
        placed = re.search(r"WEB-[0-9A-F]{8}", shopper.locator("main").inner_text())

    with person(browser, year.base, "partner@demo.example") as partner:
        assert placed
        partner.goto("/partner/earnings/")
        row = partner.locator("tbody tr", has_text=placed[0])
        assert "12%" in row.inner_text()
        row.get_by_role("link").first.click()
        assert "last click" in partner.locator("article.explain").inner_text().lower()
