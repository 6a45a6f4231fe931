"""A browser signed in as a partner, and reading what a page shows."""

import re
from html import unescape

from django.test import Client

from affiliates.models import User


def client_of(user: User) -> Client:
    """A browser in which the person is signed in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(response) -> str:
    """What a person reads: the page without tags, one space between words."""
    html = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    words = " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
    return re.sub(r" ([,.;:])", r"\1", words)


def links_in(response, beginning: str) -> list[str]:
    """The addresses on a page that begin so, in order, each once."""
    found = [unescape(address) for address in re.findall(r'href="([^"]+)"', response.content.decode())]
    return list(dict.fromkeys(address for address in found if address.startswith(beginning)))


def plain_figures(response) -> list[str]:
    """Amounts of dollars that lead nowhere (bar B1)."""
    html = re.sub(r"<a\b[^>]*data-money[^>]*>.*?</a>", " ", response.content.decode(), flags=re.DOTALL)
    html = re.sub(r"<(script|style|svg|title)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.findall(r"[$€¥]\s?\d[\d.,]*", re.sub(r"<[^>]+>", " ", html))
