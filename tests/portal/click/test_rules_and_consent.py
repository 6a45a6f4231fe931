"""Routing, traffic-back, parameters on the way, consent and merchants' own hosts: through a real door."""

from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from ledger.base32 import decode
from tests.factories.doors import BROWSER, ClickDatabase, RunningDoor, cookie, new_key, running_door
from tests.factories.geoip import write_countries
from tests.portal.click.test_following import recorded
from tests.portal.click.test_fresh_links import wait_for

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile/15E148 Safari/604.1"


def to(page: str, **when: object) -> dict[str, object]:
    """A rule that redirects to a page of the shop."""
    return {"when": when, "do": "redirect", "url": f"https://shop.example/{page}"}


@pytest.fixture(scope="module")
def far_door(clicks: ClickDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDoor]:
    """A door behind a proxy, with a file of countries."""
    directory = tmp_path_factory.mktemp("far")
    geoip = write_countries(directory / "geo.mmdb", {"203.0.113.0/24": "DE", "198.51.100.0/24": "FR"})
    with running_door(clicks.url, directory / "spool", TRUSTED_PROXY_COUNT="1", GEOIP_PATH=str(geoip)) as running:
        yield running


def page_of(answer) -> str:
    """Where an answer leads, without the shop and the parameters."""
    return answer.location.partition("?")[0].removeprefix("https://shop.example/")


def test_visitors_go_where_the_rules_send_their_country(far_door, clicks):
    """B12: the program's rules first, then the link's, then the link's own page."""
    link = clicks.add_link(
        program_routing=[to("de", country=["DE"])], routing=[to("fr", country=["FR"]), to("de-too", country=["DE"])]
    )

    pages = [
        page_of(far_door.get(f"/r/{link.code}", x_forwarded_for=ip))
        for ip in ("203.0.113.1", "198.51.100.1", "192.0.2.1")
    ]

    assert pages == ["de", "fr", "landing"]
    answer = far_door.get(f"/r/{link.code}", x_forwarded_for="203.0.113.1")
    click = recorded(far_door, clicks, answer.click_id)
    assert (click["country"], click["destination"]) == ("DE", "https://shop.example/de")


def test_telephones_and_desktops_can_go_different_ways(door, clicks):
    link = clicks.add_link(routing=[to("app", device=["mobile"])])

    assert page_of(door.get(f"/r/{link.code}", agent=PHONE)) == "app"
    answer = door.get(f"/r/{link.code}", agent=BROWSER)
    assert page_of(answer) == "landing"
    assert recorded(door, clicks, answer.click_id)["device"] == "desktop"


def test_a_visitor_keeps_the_share_that_was_drawn(door, clicks):
    link = clicks.add_link(routing=[to("a", share=50), to("b", share=50)])

    drawn = [door.get(f"/r/{link.code}") for _ in range(24)]

    assert {page_of(answer) for answer in drawn} == {"a", "b"}
    again = [door.get(f"/r/{link.code}", cookie=cookie(decode(answer.cookies["afv"]))) for answer in drawn]
    assert [page_of(answer) for answer in again] == [page_of(answer) for answer in drawn]


def test_a_blocked_visitor_sees_a_page_and_is_recorded(door, clicks):
    link = clicks.add_link(routing=[{"when": {"device": ["mobile"]}, "do": "block"}])

    answer = door.get(f"/r/{link.code}", agent=PHONE, accept_language="zh-CN")

    assert answer.status == 403
    assert "您无法使用此优惠" in answer.body
    clicks.drain(door.spool_dir)
    assert clicks.execute("SELECT is_counted, uncounted_reason FROM tracking_click WHERE link_id = %s", link.id) == [
        (False, "blocked")
    ]


def test_rules_that_make_no_sense_break_no_click(door, clicks):
    link = clicks.add_link(routing=[{"nonsense": 1}, 7, to("ok"), {"do": "redirect", "url": "https://evil.example/"}])

    assert page_of(door.get(f"/r/{link.code}")) == "ok"


def test_a_closed_programs_traffic_goes_where_the_merchant_sends_it(door, clicks):
    """B13."""
    link = clicks.add_link(program_status="closed", traffic_back_url="https://other.example/offers?x=1")

    answer = door.get(f"/r/{link.code}")

    assert answer.location == f"https://other.example/offers?x=1&click_id={answer.click_id}"
    click = recorded(door, clicks, answer.click_id)
    assert (click["is_counted"], click["uncounted_reason"]) == (False, "program_closed")


def test_parameters_are_added_on_the_way(door, clicks):
    """B14: the program's template, the link's own values, and what the click brings."""
    link = clicks.add_link(
        destination="https://shop.example/landing?utm_campaign=kept",
        utm={"utm_content": "{sub1}"},
        utm_template={"utm_source": "{affiliate}", "utm_medium": "affiliate", "utm_campaign": "lost", "source": "net"},
    )

    answer = door.get(f"/r/{link.code}?sub1=blog%20a")

    found = parse_qs(urlsplit(answer.location).query)
    assert found.pop("utm_source")[0].startswith("aff_")
    assert found == {
        "utm_campaign": ["kept"],
        "utm_medium": ["affiliate"],
        "source": ["net"],
        "utm_content": ["blog a"],
        "click_id": [answer.click_id],
    }


def test_parameters_are_added_to_deep_links_too(door, clicks):
    link = clicks.add_link(utm_template={"utm_medium": "affiliate"})

    answer = door.get(f"/r/{link.code}?url={quote('https://shop.example/bags?c=1', safe='')}")

    assert answer.location == f"https://shop.example/bags?c=1&utm_medium=affiliate&click_id={answer.click_id}"


def test_a_program_may_refuse_deep_links(door, clicks):
    link = clicks.add_link(deep_links=False)

    answer = door.get(f"/r/{link.code}?url={quote('https://shop.example/bags', safe='')}")

    assert page_of(answer) == "landing"
    assert recorded(door, clicks, answer.click_id)["params"]["problems"] == ["url:deep_links_off"]


@pytest.mark.parametrize(
    ("mode", "query", "headers", "state", "has_cookies"),
    [
        ("required", "", {}, "unknown", False),
        ("required", "cons=1", {}, "granted", True),
        ("required", "gdpr=0", {}, "not_needed", True),
        ("not_required", "", {}, "not_needed", True),
        ("not_required", "cons=0", {}, "denied", False),
        ("not_required", "gdpr=1", {}, "unknown", False),
        ("not_required", "cons=1", {"sec_gpc": "1"}, "denied", False),
    ],
)
def test_without_consent_nothing_is_kept_on_the_device(far_door, clicks, mode, query, headers, state, has_cookies):
    """C15: the click id travels all the same; no cookie is set or read, the address is shortened."""
    link = clicks.add_link(consent=mode)
    visitor = new_key()

    answer = far_door.get(f"/r/{link.code}?{query}", cookie=cookie(visitor), x_forwarded_for="203.0.113.77", **headers)

    assert answer.status == 302
    assert set(answer.cookies) == ({"afv", "afc"} if has_cookies else set())
    click = recorded(far_door, clicks, answer.click_id)
    assert click["consent"] == state
    assert click["visitor_id"] == (visitor if has_cookies else None)
    assert str(click["ip"]) == ("203.0.113.77" if has_cookies else "203.0.113.0")
    assert (click["is_counted"], click["is_unique"]) == (True, True)


def test_a_program_without_settings_asks_for_consent(door, clicks):
    link = clicks.add_link()
    clicks.execute("DELETE FROM tracking_program_settings WHERE program_id = %s", link.program_id)

    answer = door.get(f"/r/{link.code}")

    assert answer.cookies == {}
    assert recorded(door, clicks, answer.click_id)["consent"] == "unknown"


def test_on_a_merchants_own_host_a_code_stands_alone(door, clicks):
    """C5."""
    link, foreign = clicks.add_link(), clicks.add_link()
    ((merchant,),) = clicks.execute("SELECT merchant_id FROM affiliates_program WHERE id = %s", link.program_id)
    assert door.get(f"/{link.code}", host="go.shop.example").status == 404

    clicks.execute("INSERT INTO tracking_domain (host, merchant_id) VALUES ('go.shop.example', %s)", merchant)

    assert wait_for(lambda: door.get(f"/{link.code}", host="GO.shop.example:443").status == 302, seconds=3)
    assert door.get(f"/r/{link.code}", host="go.shop.example").status == 302
    assert door.get(f"/{foreign.code}", host="go.shop.example").status == 404
    assert door.get("/healthz", host="go.shop.example").body == "ok\n"
    assert door.get("/", host="go.shop.example").status == 404


def test_a_click_is_unique_once_through_the_whole_way(door, clicks):
    """C20."""
    link = clicks.add_link()
    first = door.get(f"/r/{link.code}")
    door.get(f"/r/{link.code}", cookie=cookie(decode(first.cookies["afv"])))

    clicks.drain(door.spool_dir)

    assert clicks.execute("SELECT clicks, counted, uniques FROM tracking_click_count WHERE link_id = %s", link.id) == [
        (2, 2, 1)
    ]


def test_a_bare_code_brings_the_links_own_parameters_and_the_address_goes_before(door, clicks):
    """B3: what a link was given belongs to the link, not to the address it was shared as."""
    link = clicks.add_link(
        presets={"sub1": "spring mail", "sub2": "b&c"}, utm=[["utm_term", "{sub1}"], ["utm_id", "9"]]
    )

    bare = door.get(f"/r/{link.code}")
    own = door.get(f"/r/{link.code}?sub1=autumn")

    assert recorded(door, clicks, bare.click_id)["params"] == {"sub1": "spring mail", "sub2": "b&c"}
    assert recorded(door, clicks, own.click_id)["params"] == {"sub1": "autumn", "sub2": "b&c"}
    # The order in which the parameters were written is the order in the shop's address.
    query = urlsplit(bare.location).query
    assert query.index("utm_term=spring%20mail") < query.index("utm_id=9")
    assert parse_qs(urlsplit(own.location).query)["utm_term"] == ["autumn"]


def test_the_shop_hears_of_the_partners_page_unless_the_program_hides_it(door, clicks):
    """B15: one hop with a policy that browsers obey, instead of two pages that refresh themselves."""
    told, hidden = clicks.add_link(), clicks.add_link(hide_referrer=True)

    policies = [door.get(f"/r/{link.code}").headers["referrer-policy"] for link in (told, hidden)]

    assert policies == ["strict-origin-when-cross-origin", "no-referrer"]
    answer = door.get(f"/r/{hidden.code}", referer="https://blog.example/review")
    assert recorded(door, clicks, answer.click_id)["referrer"] == "https://blog.example/review"
