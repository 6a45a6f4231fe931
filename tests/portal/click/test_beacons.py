"""Impressions and visits reported by a script, through a real door (feature C11, direct linking)."""

import http.client
import json
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.base32 import decode
from tests.factories.doors import BROWSER, RunningDoor
from tests.portal.click.test_following import recorded


def send(door: RunningDoor, body: Any, *, method: str = "POST", **headers: str) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of a reported visit."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", door.port, timeout=20)) as connection:
        connection.request(
            method,
            "/t/visit",
            data,
            {"user-agent": BROWSER, "content-type": "text/plain", "origin": "https://shop.example", **headers},
        )
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, json.loads(text or b"null")


def test_an_impression_is_a_view_and_no_click(door, clicks):
    link = clicks.add_link()

    answer = door.get(f"/i/{link.code}.gif?sub1=banner", sec_fetch_dest="image")

    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.content[:6] == b"GIF89a"
    assert len(answer.content) == 43
    assert set(answer.cookies) == {"afv", "afw"}
    click = recorded(door, clicks, answer.cookies["afw"])
    assert (click["kind"], click["is_counted"], click["is_unique"]) == ("view", True, False)
    assert click["params"] == {"sub1": "banner"}
    assert clicks.execute("SELECT clicks, views FROM tracking_click_count WHERE link_id = %s", link.id) == [(0, 1)]


def test_an_impression_without_consent_sets_no_cookie(door, clicks):
    link = clicks.add_link(consent="required")

    assert door.get(f"/i/{link.code}.gif").cookies == {}


@pytest.mark.parametrize("path", ["/i/unknown-code.gif", "/i/.gif", "/i/", "/i/%00.gif"])
def test_an_unknown_impression_is_still_an_image(door, path):
    answer = door.get(path)

    assert (answer.status, answer.headers["content-type"]) == (404, "image/gif")


def test_a_crawlers_impression_does_not_count(door, clicks):
    link = clicks.add_link()

    answer = door.get(f"/i/{link.code}.gif", agent="Googlebot-Image/1.0")

    assert recorded(door, clicks, answer.cookies["afw"])["uncounted_reason"] == "bot"


def test_a_script_reports_a_visit_and_gets_its_click_id(door, clicks):
    link = clicks.add_link()

    status, headers, answer = send(
        door,
        {
            "code": link.code,
            "url": "https://shop.example/p?sub1=direct",
            "referrer": "https://blog.example/",
            "consent": True,
        },
    )

    assert (status, headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-credentials" not in headers
    assert "set-cookie" not in headers
    click = recorded(door, clicks, answer["click_id"])
    assert (click["link_id"], click["destination"]) == (link.id, "https://shop.example/p?sub1=direct")
    assert (click["referrer"], click["consent"]) == ("https://blog.example/", "granted")
    assert (click["params"], click["is_counted"], click["is_unique"]) == ({"sub1": "direct"}, True, True)
    assert click["visitor_id"] == decode(answer["visitor_id"])


def test_a_visitor_who_is_sent_back_is_the_same_visitor(door, clicks):
    link = clicks.add_link()
    _, _, first = send(door, {"code": link.code})

    _, _, second = send(door, {"code": link.code, "visitor_id": first["visitor_id"]})

    click = recorded(door, clicks, second["click_id"])
    assert second["visitor_id"] == first["visitor_id"]
    assert (click["is_counted"], click["is_unique"]) == (True, False)


@pytest.mark.parametrize(
    ("said", "headers"), [({"consent": False}, {}), ({"consent": True}, {"sec-gpc": "1"}), ({}, {})]
)
def test_a_visit_without_consent_has_no_visitor(door, clicks, said, headers):
    link = clicks.add_link(consent="required")

    _, _, answer = send(door, {"code": link.code, **said}, **headers)

    assert set(answer) == {"click_id"}
    assert recorded(door, clicks, answer["click_id"])["visitor_id"] is None


def test_a_script_of_another_origin_may_ask_first(door):
    status, headers, _ = send(door, b"", method="OPTIONS")

    assert status == 204
    assert headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert headers["access-control-allow-headers"] == "content-type"


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (b"", 400, "not_json", ""),
        (b"{", 400, "not_json", ""),
        (b'{"code": "\xff"}', 400, "not_json", ""),
        (b"[]", 400, "not_an_object", ""),
        ({}, 422, "code_missing", "code"),
        ({"code": 7}, 422, "not_a_text", "code"),
        ({"code": "x", "url": ["a"]}, 422, "not_a_text", "url"),
        ({"code": "x", "consent": []}, 422, "not_a_consent", "consent"),
        ({"code": "x", "consent": "yes"}, 422, "not_a_consent", "consent"),
        ({"code": "x", "visitor_id": "nobody"}, 422, "not_a_visitor_id", "visitor_id"),
        ({"code": "never-made"}, 404, "unknown_code", "code"),
        ({"code": "a b/c"}, 404, "unknown_code", "code"),
        ({"code": "x" * 5_000}, 413, "body_too_large", ""),
    ],
)
def test_bad_visits_are_refused_by_name(door, body, status, code, field):
    found, headers, answer = send(door, body)

    assert (found, answer["error"], answer["field"]) == (status, code, field)
    assert headers["access-control-allow-origin"] == "*"


def test_a_page_of_another_shop_is_refused(door, clicks):
    link = clicks.add_link()

    status, _, answer = send(door, {"code": link.code, "url": "https://evil.example/"})

    assert (status, answer["error"], answer["field"]) == (422, "destination_host_not_allowed", "url")


def test_only_posts_are_visits(door):
    assert send(door, b"", method="GET")[0] == 405
    assert send(door, b"{}", method="PUT")[0] == 405


def test_a_body_without_end_is_cut_off(door):
    """Ten megabytes, sent without saying how much is to come."""
    with closing(http.client.HTTPConnection("127.0.0.1", door.port, timeout=20)) as connection:
        try:
            connection.request("POST", "/t/visit", (b"x" * 65_536 for _ in range(160)), {"user-agent": BROWSER})
            assert connection.getresponse().status == 413
        except (BrokenPipeError, ConnectionResetError):
            # Hung up on in the middle of it: refused as well.
            pass
    assert door.get("/healthz").status == 200


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=200),
        st.dictionaries(
            st.sampled_from(["code", "url", "referrer", "consent", "visitor_id", "x"]),
            st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=30), st.lists, max_leaves=4),
            max_size=6,
        ),
    )
)
def test_nothing_sent_is_a_server_error(door, body):
    status, _, answer = send(door, body)

    assert 400 <= status < 500
    assert set(answer) == {"error", "field", "message"}
