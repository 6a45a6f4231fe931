"""No address makes the door send a visitor outside the program's hosts (fault 34)."""

from urllib.parse import quote

import pytest

#: What people have tried on redirectors; each would leave shop.example if it were believed.
ESCAPES = [
    "https://evil.example",
    "http://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example/%2e%2e",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https:\\\\evil.example",
    "https:/\\evil.example",
    "https://shop.example@evil.example",
    "https://shop.example:x@evil.example",
    "https://shop.example%40evil.example",
    "https://evil.example#@shop.example",
    "https://evil.example?@shop.example",
    "https://evil.example/@shop.example",
    "https://evil.example\\@shop.example",
    "https://evil.example\\.shop.example",
    "https://evil.example%2f.shop.example",
    "https://evil.example%23.shop.example",
    "https://evil.example%00.shop.example",
    "https://evil.example%09.shop.example",
    "https://shop.example.evil.example",
    "https://shop.example%2eevil.example",
    "https://evilshop.example",
    "https://xshop.example",
    "https://shop.examplex",
    "https://shop-example.evil.example",
    "https://example",
    "https://.example",
    "https://shop.example:8443/",
    "https://shop.example:443@evil.example/",
    "https://shop.example:evil.example/",
    "https://shop。example。evil.example",
    "https://ｅvil.example",
    "https://evil.example／.shop.example",
    "https://evil.example℀.shop.example",
    "https://evil.example？.shop.example",
    "https://evil.example＃.shop.example",
    "https://evil.example＠shop.example",
    "https://shop.example\t.evil.example",
    "https://shop.example\n.evil.example",
    "ht\ntps://evil.example",
    "\thttps://evil.example",
    " https://evil.example",
    "https://evil.example\x00.shop.example",
    "https://[::1]/",
    "https://[::ffff:203.0.113.1]/",
    "https://203.0.113.1/",
    "https://0x7f.1/",
    "https://2130706433/",
    "https://127.0.0.1/",
    "http://localhost:8000/",
    "javascript:alert(1)",
    "JaVaScRiPt://shop.example/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "ftp://shop.example/",
    "http://shop.example/",
    "https://shop.example/a//b",
    "https://shop.example//evil.example",
    "https://shop.example/\\evil.example",
    "https://shop.example/%5c%5cevil".replace("%5c", "\\"),
    "https://shop.example/\r\nLocation: https://evil.example",
    "https://shop.example/\r\n\r\n<script>",
    "https://xn--shop-.example/",
    "https://-shop.example/",
    "https://shop..example/",
    "https://" + "a" * 64 + ".shop.example/",
    "https://shop.example/" + "a" * 2_000,
    "https://",
    "https",
    "?",
    "#",
    "",
    "%",
    "%68%74%74%70%73://evil.example",
    "https://shop.example\u202eevil.example",
    "https://shop.example\u200b.evil.example",
    "https://ѕhop.example",
    "https://shop.exam\u0440le",
]


@pytest.fixture(scope="module")
def code(clicks) -> str:
    """A link of a program that allows shop.example only."""
    return clicks.add_link(destination="https://shop.example/own").code


@pytest.mark.parametrize("address", ESCAPES)
def test_an_escape_leads_to_the_links_own_page(door, code, address):
    answer = door.get(f"/r/{code}?url={quote(address, safe='')}")

    assert answer.status == 302
    assert answer.location == f"https://shop.example/own?click_id={answer.click_id}"


@pytest.mark.parametrize("address", ESCAPES)
def test_an_escape_that_is_encoded_twice_or_not_at_all_stays_home_too(door, code, address):
    twice = door.get(f"/r/{code}?url={quote(quote(address, safe=''), safe='')}")
    bare = door.get(f"/r/{code}?u={quote(address, safe=':/?@[]')}&url={quote(address, safe=':/?@[]')}")

    for answer in (twice, bare):
        assert answer.status == 302
        assert answer.location.startswith("https://shop.example/own?click_id=clk_")


@pytest.mark.parametrize(
    ("address", "location"),
    [
        ("https://shop.example", "https://shop.example/?click_id="),
        ("HTTPS://SHOP.EXAMPLE/A", "https://shop.example/A?click_id="),
        ("https://www.shop.example./x", "https://www.shop.example/x?click_id="),
        ("https://shop.example:443/x", "https://shop.example/x?click_id="),
        ("https://shop.example/a b?q=c d", "https://shop.example/a%20b?q=c%20d&click_id="),
        ("https://shop.example/鞋?色=红", "https://shop.example/%E9%9E%8B?%E8%89%B2=%E7%BA%A2&click_id="),
        ("https://shop.example/?click_id=forged&a=1", "https://shop.example/?a=1&click_id="),
        (
            "https://shop.example/?next=https://evil.example//",
            "https://shop.example/?next=https://evil.example//&click_id=",
        ),
    ],
)
def test_an_honest_deep_link_is_followed(door, code, address, location):
    answer = door.get(f"/r/{code}?url={quote(address, safe='')}")

    assert answer.location == location + answer.click_id
