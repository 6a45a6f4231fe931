"""Every screen of the product, found as people find them: from each workspace's home, by its links."""

import html
import re
from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, resolve
from playwright.sync_api import Page

#: Downloads, and what other tests look at.
_NO_SCREENS = re.compile(
    r"export|pdf|qr|paper|template|openapi|account_|mfa_|usersessions|wagtail|log-ro|log-ke|log-ch"
)
_LINK = re.compile(r'<a\b[^>]*\bhref="([^"#]+)')
#: How many addresses of one screen are opened while looking for others.
_MOST_OF_ONE = 2


def screens_from(page: Page, start: str) -> Iterator[tuple[str, str]]:
    """The name and one address of each screen that links lead to from `start`, within the product."""
    base = f"{urlsplit(page.url).scheme}://{urlsplit(page.url).netloc}"
    waiting, seen = [start], {start}
    opened: dict[str, int] = defaultdict(int)
    while waiting:
        address = waiting.pop(0)
        name = _name_of(address)
        if not name or _NO_SCREENS.search(name) or opened[name] >= _MOST_OF_ONE:
            continue
        answer = page.request.get(address)
        assert answer.status == 200, (answer.status, address)
        if "html" not in answer.headers["content-type"]:
            continue
        if not opened[name]:
            yield name, address
        opened[name] += 1
        for found in _LINK.findall(answer.text()):
            whole = urljoin(f"{base}{address}", html.unescape(found))
            path = whole.removeprefix(base)
            if whole.startswith(f"{base}/") and path not in seen:
                seen.add(path)
                waiting.append(path)


def _name_of(address: str) -> str:
    try:
        return resolve(urlsplit(address).path).view_name or ""
    except Resolver404:
        return ""
