"""The kit in a real browser: no accessibility violations, nothing outside its box, keys and copies that work."""

import shutil
from collections.abc import Iterator
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import translation
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine"),
]

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: axe cannot see through SVG to what a chart's letters stand on; test_kit measures those tokens.
REVIEWED = {"color-contrast"}

OUTSIDE = """() => {
  const main = document.querySelector("main").getBoundingClientRect();
  const scrolls = (element) => element.closest(".table-wrap, .tabs, pre, .visually-hidden");
  return [...document.querySelectorAll("main *")]
    .filter((element) => element.checkVisibility() && !scrolls(element))
    .filter((element) => { const box = element.getBoundingClientRect(); return box.width && (box.left < main.left - 1 || box.right > main.right + 1); })
    .map((element) => element.outerHTML.slice(0, 80));
}"""
CLIPPED = """() => [...document.querySelectorAll("button, a, th, td, h1, h2, p, label")]
  .filter((element) => element.checkVisibility() && getComputedStyle(element).display !== "inline")
  .filter((element) => !element.closest(".visually-hidden") && element.scrollWidth > element.clientWidth + 1)
  .map((element) => element.outerHTML.slice(0, 80))"""
SMALL = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
  .filter((element) => element.checkVisibility() && !element.matches(".skip"))
  .filter((element) => { const box = element.getBoundingClientRect(); return box.width && (box.width < 24 || box.height < 24); })
  .map((element) => element.outerHTML.slice(0, 80))"""


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_kit(browser, live_server, settings):
    settings.DEBUG = True

    def open_page(width=1280, theme="light", language="en", **options) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True, **options)
        context.add_cookies(
            [
                {"name": name, "value": value, "url": live_server.url}
                for name, value in (("theme", theme), (settings.LANGUAGE_COOKIE_NAME, language))
            ]
        )
        page = context.new_page()
        page.goto(f"{live_server.url}/network/kit/")
        return page

    with translation.override("en"):
        yield open_page


def test_axe_finds_nothing(open_kit):
    for theme, width in product(("light", "dark"), (375, 1280)):
        page = open_kit(width=width, theme=theme)
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": AXE_TAGS}}).response
        problems = [(problem["id"], problem["nodes"][0]["html"]) for problem in found["violations"]]

        assert (theme, width, problems) == (theme, width, [])
        assert {problem["id"] for problem in found["incomplete"]} <= REVIEWED


def test_nothing_leaves_its_box_is_clipped_or_too_small_to_touch(open_kit):
    for language, width in product(("en", "zh-hans", "zh-hant"), (320, 375, 800, 1280)):
        page = open_kit(width=width, language=language)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found = [page.evaluate(check) for check in (OUTSIDE, CLIPPED, SMALL)]

        assert (language, width, overflow, found) == (language, width, 0, [[], [], []])


def test_the_page_is_whole_without_script(open_kit):
    page = open_kit(java_script_enabled=False)

    assert page.get_by_role("button", name="Copy link").count() == 0
    assert page.locator("#my-link").input_value() == "https://go.acme.example/maya"
    assert page.locator(".palette-open").is_hidden()


def test_ctrl_k_goes_where_the_letters_say(open_kit):
    page = open_kit()
    page.keyboard.press("Control+k")
    page.keyboard.type("payo")

    assert page.locator("#palette li").all_text_contents() == ["Payouts"]

    page.keyboard.press("Enter")

    assert page.url.endswith("#payouts")


def test_keys_walk_through_the_rows_and_can_be_switched_off(open_kit):
    page = open_kit()
    page.keyboard.press("j")
    page.keyboard.press("j")

    assert page.locator("tr.is-current .title a").text_content() == "Starter"

    page.keyboard.press("?")
    page.get_by_label("Single-letter shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")

    assert page.locator("tr.is-current .title a").text_content() == "Starter"


def test_the_copy_button_copies_and_says_so(open_kit):
    page = open_kit(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.locator(".toast").wait_for()

    assert page.evaluate("navigator.clipboard.readText()") == "https://go.acme.example/maya"
    assert page.locator(".toast").text_content() == "Copied"


def test_a_dialog_opens_and_gives_the_focus_back(open_kit):
    page = open_kit()
    page.get_by_role("button", name="Open a dialog").click()

    assert page.get_by_role("dialog", name="Send 1,182 payouts?").is_visible()

    page.keyboard.press("Escape")

    assert page.evaluate("document.activeElement.textContent") == "Open a dialog"
