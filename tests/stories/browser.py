"""A real headless Chromium for journeys."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
PASSWORD = "meridian-demo-2026"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser that ./run found; without one the journey is skipped, counted and told."""
    path = os.environ.get("CHROMIUM_PATH", "/usr/bin/chromium")
    if not Path(path).exists():
        pytest.skip("no Chromium here: set CHROMIUM_PATH")
    # Playwright's own loop would forbid Django's synchronous queries in this thread.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def person(
    browser: Browser, base: str, email: str = "", *, width: int = 1280, language: str = "en", may_inject: bool = False
) -> Iterator[Page]:
    """A browser window of one person, signed in by password when an address is given. Script errors fail the story.

    `may_inject`: the test may put scripts of its own into the pages, past their policy.
    """
    context: BrowserContext = browser.new_context(
        base_url=base,
        viewport={"width": width, "height": 900},
        locale={"en": "en-US", "zh-hans": "zh-CN"}[language],
        # A browser that calls itself headless is a crawler to the click door, and not counted.
        user_agent=AGENT,
        bypass_csp=may_inject,
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda line: (
            errors.append(line.text) if line.type == "error" and "Content Security Policy" in line.text else None
        ),
    )
    try:
        if email:
            sign_in(page, email)
        yield page
        assert errors == []
    finally:
        context.close()


def sign_in(page: Page, email: str) -> None:
    """By password."""
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(lambda url: "/accounts/login" not in url)
