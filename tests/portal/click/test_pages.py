"""The pages for people whose link leads nowhere."""

import base64
import hashlib
import re

import pytest

from portal.click.pages import BLOCKED, LANGUAGES, RESTING, UNKNOWN, WORDS, language_for


@pytest.mark.parametrize(
    ("header", "language", "title"),
    [
        (None, "en", "This link leads nowhere"),
        ("de-DE,de;q=0.9", "en", "This link leads nowhere"),
        ("zh-CN,zh;q=0.9,en;q=0.5", "zh-Hans", "此链接不存在"),
        ("zh-TW,zh;q=0.9,en;q=0.5", "zh-Hant", "此連結不存在"),
    ],
)
def test_an_unknown_code_gets_a_friendly_page_in_the_visitors_language(door, header, language, title):
    answer = door.get("/r/nosuchcode", **({} if header is None else {"accept_language": header}))

    assert answer.status == 404
    assert f'<html lang="{language}">' in answer.body
    assert f"<h1>{title}</h1>" in answer.body
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


def test_the_page_is_self_contained_under_a_strict_policy(door):
    answer = door.get("/r/nosuchcode")

    style = re.search(r"<style>(.*)</style>", answer.body, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script|style=|src=|@import|url\(", answer.body)
    assert "prefers-color-scheme:dark" in style[1]


@pytest.mark.parametrize(
    "path", ["/", "/r", "/r/", "/r//", "/nothing", "/r/a/b", "/r/" + "c" * 65, "/r/%00", "/r/%FF", "/r/..%2F.."]
)
def test_every_other_path_gets_the_same_page(door, path):
    answer = door.get(path)

    assert (answer.status, "<h1>This link leads nowhere</h1>" in answer.body) == (404, True)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("en;q=0.4, zh-Hans;q=0.8", "zh-Hans"),
        ("zh;q=0, en", "en"),
        ("zh;q=0", "en"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh-Hans-TW", "zh-Hans"),
        ("en;q=nan,zh-HK", "zh-Hant"),
        ("\x00;;;q===,,,-", "en"),
        ("fr", "en"),
    ],
)
def test_the_best_language_is_chosen(header, language):
    assert language_for(header) == language


def test_every_page_has_every_language():
    assert set(WORDS) == {(kind, language) for kind in (UNKNOWN, RESTING, BLOCKED) for language in LANGUAGES}
