"""What a visitor gets, and what is recorded of it: through a real door and a real drain."""

import re
import subprocess
import sys
import time
from urllib.parse import quote
from uuid import UUID

import pytest

from ledger.base32 import decode
from tests.factories.doors import ROOT, ClickDatabase, RunningDoor, cookie, new_key


def recorded(door: RunningDoor, clicks: ClickDatabase, click_id: str) -> dict:
    """The click as the database has it after a drain."""
    clicks.drain(door.spool_dir)
    return clicks.click(click_id)


def test_a_click_is_redirected_with_its_id_and_recorded_once(door, clicks):
    link = clicks.add_link(destination="https://shop.example/shoes?size=42#reviews")

    answer = door.get(f"/r/{link.code}?sub1=blog", referer="https://blog.example/a", accept_language="en-GB,en;q=0.9")

    assert answer.status == 302
    assert answer.location == f"https://shop.example/shoes?size=42&click_id={answer.click_id}#reviews"
    assert re.fullmatch(r"clk_[0-7][0-9a-hjkmnp-tv-z]{25}", answer.click_id)
    click = recorded(door, clicks, answer.click_id)
    assert (click["link_id"], click["enrolment_id"]) == (link.id, link.enrolment_id)
    assert (click["program_id"], click["affiliate_id"]) == (link.program_id, link.affiliate_id)
    assert click["destination"] == "https://shop.example/shoes?size=42#reviews"
    assert click["referrer"] == "https://blog.example/a"
    assert click["language"] == "en-GB,en;q=0.9"
    assert str(click["ip"]) == "127.0.0.1"
    assert click["params"] == {"sub1": "blog"}
    assert (click["is_counted"], click["uncounted_reason"]) == (True, "")
    assert abs(click["clicked_at"].timestamp() - time.time()) < 60
    assert clicks.execute("SELECT clicks, counted FROM tracking_click_count WHERE link_id = %s", link.id) == [(1, 1)]


def test_a_click_sets_first_party_cookies_and_is_not_cached(door, clicks):
    link = clicks.add_link()

    answer = door.get(f"/r/{link.code}")

    assert answer.cookies["afc"] == answer.click_id
    assert decode(answer.cookies["afv"]).version == 7
    for line in answer.cookie_lines:
        assert line.endswith("; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"


def test_a_visitor_who_comes_back_is_the_same_visitor(door, clicks):
    link = clicks.add_link()
    visitor = new_key()

    answer = door.get(f"/r/{link.code}", cookie=cookie(visitor))

    assert decode(answer.cookies["afv"]) == visitor
    assert recorded(door, clicks, answer.click_id)["visitor_id"] == visitor


@pytest.mark.parametrize("value", ["", "nonsense", "8" * 26, "'; DROP TABLE", "u" * 26, "0" * 25, "0" * 27])
def test_a_forged_visitor_cookie_is_replaced(door, clicks, value):
    link = clicks.add_link()

    answer = door.get(f"/r/{link.code}", cookie=f"afv={value}")

    assert answer.status == 302
    assert answer.cookies["afv"] != value
    assert isinstance(recorded(door, clicks, answer.click_id)["visitor_id"], UUID)


def test_foreign_parameter_names_become_our_own(door, clicks):
    link = clicks.add_link()

    answer = door.get(f"/r/{link.code}?aff_sub=from+tune&s2=%E4%BD%A0&sub3=own&aff_sub3=lost&gclid=G1&utm_x=1")

    assert recorded(door, clicks, answer.click_id)["params"] == {
        "sub1": "from tune",
        "sub2": "你",
        "sub3": "own",
        "foreign": {"aff_sub": "from tune", "s2": "你", "aff_sub3": "lost", "gclid": "G1"},
    }


def test_a_value_that_cannot_be_kept_is_left_out_and_named(door, clicks):
    link = clicks.add_link()

    answer = door.get(f"/r/{link.code}?sub1={'x' * 256}&sub2=%FF%FE&sub3=a%00b&sub4={'y' * 255}")

    assert answer.status == 302
    assert recorded(door, clicks, answer.click_id)["params"] == {
        "sub4": "y" * 255,
        "problems": ["sub1:too_long", "sub2:not_utf8", "sub3:control_character"],
    }


def test_an_oversized_query_is_answered_and_noted(door, clicks):
    link = clicks.add_link()

    answer = door.get(f"/r/{link.code}?sub1=a&junk={'j' * 20_000}")

    assert answer.status == 302
    assert recorded(door, clicks, answer.click_id)["params"] == {"problems": ["query:too_long"]}


def test_oversized_headers_are_cut_and_the_cut_is_noted(door, clicks):
    link = clicks.add_link()

    answer = door.get(f"/r/{link.code}", agent="Mozilla/5.0 " + "a" * 5_000, referer="https://b.example/" + "r" * 9_000)

    click = recorded(door, clicks, answer.click_id)
    assert (len(click["user_agent"]), len(click["referrer"])) == (1_000, 2_000)
    assert click["params"]["problems"] == ["user_agent:cut", "referrer:cut"]


def test_a_deep_link_inside_the_programs_hosts_is_followed(door, clicks):
    link = clicks.add_link()

    answer = door.get(f"/r/{link.code}?sub1=a&url={quote('https://www.shop.example/p?id=7&c=red#top', safe='')}")

    assert answer.location == f"https://www.shop.example/p?id=7&c=red&click_id={answer.click_id}#top"
    assert recorded(door, clicks, answer.click_id)["destination"] == "https://www.shop.example/p?id=7&c=red#top"


def test_a_deep_link_under_another_networks_name_is_followed(door, clicks):
    link = clicks.add_link()

    answer = door.get(f"/r/{link.code}?clickref=x&ued={quote('https://shop.example/bags', safe='')}")

    assert answer.location == f"https://shop.example/bags?click_id={answer.click_id}"


def test_a_deep_link_to_a_foreign_host_leads_to_the_links_own_page(door, clicks):
    link = clicks.add_link(destination="https://shop.example/own")

    answer = door.get(f"/r/{link.code}?url=https%3A%2F%2Fevil.example%2Fshop.example")

    assert answer.location == f"https://shop.example/own?click_id={answer.click_id}"
    click = recorded(door, clicks, answer.click_id)
    assert click["destination"] == "https://shop.example/own"
    assert click["params"]["problems"] == ["url:destination_host_not_allowed"]


def test_a_link_whose_page_is_no_longer_allowed_leads_to_the_programs_home(door, clicks):
    link = clicks.add_link(destination="https://sold.example/", landing="https://shop.example/home")

    answer = door.get(f"/r/{link.code}")

    assert answer.location == f"https://shop.example/home?click_id={answer.click_id}"
    click = recorded(door, clicks, answer.click_id)
    assert click["params"]["problems"] == ["link:destination_host_not_allowed"]
    assert click["is_counted"]


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        ({"program_status": "closed"}, "program_closed"),
        ({"program_status": "paused"}, "program_paused"),
        ({"enrolment_status": "suspended"}, "enrolment_suspended"),
        ({"enrolment_status": "applied"}, "enrolment_applied"),
        ({"affiliate_status": "closed"}, "affiliate_closed"),
    ],
)
def test_traffic_that_earns_nothing_still_reaches_the_merchant(door, clicks, states, reason):
    link = clicks.add_link(landing="https://shop.example/home", **states)

    answer = door.get(f"/r/{link.code}?url=https%3A%2F%2Fshop.example%2Fdeep")

    assert answer.location == f"https://shop.example/home?click_id={answer.click_id}"
    click = recorded(door, clicks, answer.click_id)
    assert (click["is_counted"], click["uncounted_reason"]) == (False, reason)


def test_a_frozen_affiliates_clicks_count(door, clicks):
    link = clicks.add_link(affiliate_status="frozen")

    answer = door.get(f"/r/{link.code}")

    assert recorded(door, clicks, answer.click_id)["is_counted"]


def test_a_link_that_leads_nowhere_shows_a_page_and_is_recorded(door, clicks):
    link = clicks.add_link(destination="https://gone.example/", landing="nonsense")

    answer = door.get(f"/r/{link.code}")

    assert answer.status == 404
    clicks.drain(door.spool_dir)
    assert clicks.execute("SELECT is_counted FROM tracking_click WHERE link_id = %s", link.id) == [(False,)]


@pytest.mark.parametrize(
    ("method", "agent", "headers", "reason"),
    [
        ("HEAD", "Mozilla/5.0", {}, "head_request"),
        ("GET", "Mozilla/5.0", {"sec_purpose": "prefetch;prerender"}, "prefetch"),
        ("GET", "Mozilla/5.0", {"purpose": "prefetch"}, "prefetch"),
        ("GET", "Mozilla/5.0", {"x_moz": "prefetch"}, "prefetch"),
        ("GET", "Mozilla/5.0", {"sec_fetch_dest": "image"}, "not_a_page"),
        ("GET", "Mozilla/5.0", {"sec_fetch_dest": "iframe"}, "not_a_page"),
        ("GET", None, {}, "no_user_agent"),
        ("GET", "Googlebot/2.1 (+http://www.google.com/bot.html)", {}, "bot"),
    ],
)
def test_what_no_person_followed_is_redirected_and_does_not_count(door, clicks, method, agent, headers, reason):
    """Fault 33."""
    link = clicks.add_link()

    answer = door.get(f"/r/{link.code}", method=method, agent=agent, **headers)

    assert answer.status == 302
    click = recorded(door, clicks, answer.click_id)
    assert (click["is_counted"], click["uncounted_reason"]) == (False, reason)
    assert clicks.execute("SELECT clicks, counted FROM tracking_click_count WHERE link_id = %s", link.id) == [(1, 0)]


def test_a_forwarded_address_is_not_believed_without_a_proxy_of_ours(door, clicks):
    link = clicks.add_link()

    answer = door.get(f"/r/{link.code}", x_forwarded_for="203.0.113.9")

    assert str(recorded(door, clicks, answer.click_id)["ip"]) == "127.0.0.1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(door, clicks, method):
    link = clicks.add_link()

    answer = door.get(f"/r/{link.code}", method=method)

    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_code_with_a_final_slash_is_followed(door, clicks):
    link = clicks.add_link()

    assert door.get(f"/r/{link.code}/").status == 302


def test_the_door_answers_health_and_metrics(door, clicks):
    link = clicks.add_link()
    before = door.metrics()["clicks_recorded_total"]

    door.get(f"/r/{link.code}")

    figures = door.metrics()
    assert door.get("/healthz").body == "ok\n"
    assert door.get("/readyz").status == 200
    assert figures["clicks_recorded_total"] == before + 1
    assert figures["clicks_unrecorded_total"] == 0
    assert figures["click_database_up"] == 1
    assert figures["click_commit_seconds_count"] == figures['click_commit_seconds_bucket{le="+Inf"}']


def test_metrics_are_not_shown_through_a_proxy(door):
    assert door.get("/metrics", x_forwarded_for="203.0.113.9").status == 404


def test_the_door_runs_without_django():
    program = "import sys, portal.click.server; print([m for m in sys.modules if m.split('.')[0] == 'django'])"

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
