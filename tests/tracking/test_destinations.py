"""Which addresses a click may lead to."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.destinations import (
    LONGEST_ADDRESS,
    DestinationRefused,
    ascii_host,
    is_host_allowed,
    read_destination,
)

HOSTS = ("shop.example", "bücher.example", "cdn.shop-two.example:8443", "127.0.0.1")


def refusal(url: str, *, allow_local: bool = False) -> str:
    """The code with which an address is refused."""
    with pytest.raises(DestinationRefused) as caught:
        read_destination(url, allowed_hosts=HOSTS, allow_local=allow_local)
    return caught.value.code


def browsers_host(location: str) -> str:
    """The host a browser would go to, read as the WHATWG URL standard reads special schemes.

    A second, forgiving reading: strips what browsers strip, takes backslashes for slashes and
    any number of them, and believes in user-info.
    """
    text = re.sub(r"[\t\n\r]", "", location.strip("".join(map(chr, range(33)))))
    scheme, _, rest = text.partition(":")
    assert scheme.lower() in {"http", "https"}, location
    authority = re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0]
    return authority.rpartition("@")[2].partition(":")[0].lower()


EVIL_PIECES = st.sampled_from(
    ["https://", "http://", "//", "/", "\\", "@", ":", "?", "#", ".", "%2f", "%40", "%5c", "\t", "\n", "\x00", " ",
     "shop.example", "evil.example", "127.0.0.1", "localhost", "。", "／", "＠", "ｅ", "bücher.example", "xn--", "&", "=", "443",
     "click_id=", "\u200b", "\u202e", "\ud800", "a"]
)  # fmt: skip


@given(st.lists(st.one_of(EVIL_PIECES, st.text(max_size=4)), max_size=14).map("".join), st.booleans())
def test_whatever_is_asked_for_a_browser_stays_in_the_programs_hosts(tail, starts_honestly):
    """Fault 34, by property."""
    url = ("https://shop.example" if starts_honestly else "https://") + tail
    try:
        destination = read_destination(url, allowed_hosts=("shop.example",))
    except DestinationRefused:
        return

    location = destination.with_click_id("clk_" + "0" * 26)

    host = browsers_host(location)
    assert host == "shop.example" or host.endswith(".shop.example")
    assert urlsplit(location).hostname == host
    assert urlsplit(location).scheme == "https"
    assert re.fullmatch(r"[!-~]+", location)
    assert len(location) <= LONGEST_ADDRESS
    assert [value for name, value in parse_qsl(urlsplit(location).query) if name == "click_id"] == ["clk_" + "0" * 26]


PATHS = st.from_regex(r"/[a-z0-9/._~-]{0,20}", fullmatch=True).filter(lambda path: "//" not in path)
FIELDS = st.lists(st.from_regex(r"[a-z]{1,5}=[a-z0-9+]{0,6}", fullmatch=True), max_size=4)
FRAGMENTS = st.from_regex(r"[a-z0-9]{0,5}", fullmatch=True)


@given(PATHS, FIELDS, FRAGMENTS)
def test_a_plain_address_keeps_path_query_and_fragment(path, fields, fragment):
    query = "&".join(fields)
    url = f"https://shop.example{path}{'?' + query if query else ''}{'#' + fragment if fragment else ''}"

    location = read_destination(url, allowed_hosts=HOSTS).with_click_id("ID")

    parts = urlsplit(location)
    assert (parts.path, parts.fragment) == (path, fragment)
    assert parts.query == "&".join([*fields, "click_id=ID"])


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://shop.example/", "destination_not_https"),
        ("https://evil.example/", "destination_host_not_allowed"),
        ("https://evilshop.example/", "destination_host_not_allowed"),
        ("https://shop.example.evil.example/", "destination_host_not_allowed"),
        ("https://shop.example:8443/", "destination_host_not_allowed"),
        ("https://cdn.shop-two.example/", "destination_host_not_allowed"),
        ("https://user@shop.example/", "destination_has_userinfo"),
        ("https://shop.example:x/", "destination_host_unreadable"),
        ("https://shop.example:0/", "destination_host_unreadable"),
        ("https://shop.example:99999/", "destination_host_unreadable"),
        ("https://shop.example/a//b", "destination_unreadable"),
        ("https://shop.example/\\", "destination_unreadable"),
        ("https://shop.example/\x7f", "destination_unreadable"),
        ("//shop.example/", "destination_unreadable"),
        ("javascript:alert(1)", "destination_unreadable"),
        ("", "destination_unreadable"),
        ("https://shop.example/" + "a" * 1_960, "destination_too_long"),
        ("https://shop.example/" + "a" * 3_000, "destination_too_long"),
        ("http://127.0.0.1:8000/", "destination_not_https"),
        ("https://127.0.0.1:8000/", "destination_host_not_allowed"),
    ],
)
def test_an_address_is_refused_by_name(url, code):
    assert refusal(url) == code


def test_a_refusal_names_its_field():
    with pytest.raises(DestinationRefused) as caught:
        read_destination("https://evil.example/", allowed_hosts=HOSTS)

    assert caught.value.field == "destination"
    assert str(caught.value) == "evil.example is not among the program's hosts."


def test_this_machine_is_a_destination_only_on_a_workbench():
    local = read_destination("http://127.0.0.1:8000/shop?a=1", allowed_hosts=HOSTS, allow_local=True)

    assert local.with_click_id("X") == "http://127.0.0.1:8000/shop?a=1&click_id=X"
    assert refusal("http://localhost:8000/", allow_local=True) == "destination_host_not_allowed"
    assert refusal("http://shop.example/", allow_local=True) == "destination_not_https"


def test_names_under_localhost_are_this_machine_too():
    """RFC 6761 §6.3: so that a shop with a domain of its own can be tried on a workbench."""
    hosts = ["shop.localhost:8123"]

    assert (
        read_destination("http://www.shop.localhost:8123/a", allowed_hosts=hosts, allow_local=True).host
        == "www.shop.localhost"
    )
    assert not is_host_allowed("shop.localhost", hosts, port="9", allow_local=True)
    assert not is_host_allowed("other.localhost", hosts, port="8123", allow_local=True)
    assert not is_host_allowed("shop.localhost", hosts, port="8123")
    with pytest.raises(DestinationRefused):
        read_destination("https://shop.localhost/", allowed_hosts=None)


def test_international_hosts_are_compared_and_sent_in_ascii():
    for spelling in ("bücher.example", "BÜCHER.example", "xn--bcher-kva.example", "bücher。example"):
        destination = read_destination(f"https://{spelling}/", allowed_hosts=HOSTS)
        assert destination.url == "https://xn--bcher-kva.example/"


def test_a_port_in_the_list_is_allowed_as_written():
    destination = read_destination("https://cdn.shop-two.example:8443/x", allowed_hosts=HOSTS)

    assert destination.url == "https://cdn.shop-two.example:8443/x"


def test_an_entry_without_a_dot_allows_nothing():
    assert not is_host_allowed("shop.example", ["example", "", ".", "*", "*."])
    assert is_host_allowed("shop.example", ["*.shop.example"])


def test_a_click_id_of_somebody_elses_is_replaced():
    destination = read_destination("https://shop.example/?click_id=a&x=1&click%5Fid=b#f", allowed_hosts=HOSTS)

    assert destination.with_click_id("ours") == "https://shop.example/?x=1&click_id=ours#f"


def test_a_landing_page_may_be_on_any_public_host():
    assert read_destination("https://anything.example/a", allowed_hosts=None).host == "anything.example"
    with pytest.raises(DestinationRefused):
        read_destination("https://localhost/a", allowed_hosts=None)


@given(st.text(max_size=60))
def test_a_host_is_normalised_to_a_dns_name_or_refused(text):
    try:
        host = ascii_host(text)
    except DestinationRefused:
        return
    assert re.fullmatch(r"[a-z0-9_.-]{1,253}", host)
    assert ascii_host(host) == host
