"""What Dub's browser script sends: clicks by key, from the shop's own pages only."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from affiliates.keys import issue_key
from tests.factories.world import World, make_world
from tracking.models import Click


@pytest.fixture
def world(db) -> World:
    return make_world(timezone.now())


def post(path: str, body: dict, **headers: str):
    return Client().post(f"/compat/dub{path}", json.dumps(body), content_type="application/json", headers=headers)


def test_a_click_by_a_links_key_is_recorded_for_its_partner(world):
    answer = post(
        "/track/click",
        {"domain": "go.shop.example", "key": world.link.code, "url": "https://shop.example/?via=x", "referrer": ""},
        referer="https://shop.example/",
        user_agent="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36",
    )

    said = answer.json()
    assert said["partner"]["id"] == world.affiliate.public_id
    assert Click.objects.get().public_id == said["clickId"]
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_the_id_of_a_redirected_click_is_good_as_it_is(world):
    answer = post(
        "/track/click", {"domain": "x", "key": "clk_01kjss3gg0fvpr494hs15pfqp2"}, referer="https://shop.example/"
    )

    assert answer.json() == {"clickId": "clk_01kjss3gg0fvpr494hs15pfqp2"}
    assert not Click.objects.exists()


@pytest.mark.parametrize(
    ("body", "referer", "status"),
    [
        ({"domain": "x", "key": "nobody"}, "https://shop.example/", 404),
        ({"domain": "x"}, "https://shop.example/", 400),
        ({"domain": "x", "key": "LINK"}, "https://evil.example/", 403),
        ({"domain": "x", "key": "LINK"}, "", 403),
    ],
)
def test_what_does_not_fit_is_refused_in_dubs_words_with_leave_to_read_it(world, body, referer, status):
    body = {**body, **({"key": world.link.code} if body.get("key") == "LINK" else {})}
    answer = post("/track/click", body, referer=referer)

    assert answer.status_code == status
    assert answer.json()["error"]["code"]
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert not Click.objects.exists()


def test_a_browser_may_ask_first(world):
    answer = Client().options("/compat/dub/track/click")

    assert (answer.status_code, answer["Access-Control-Allow-Methods"]) == (204, "POST, OPTIONS")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"clickId": 5}', b'{"clickId": "x", "eventName": ["a"]}', b"1e999"]
)
@pytest.mark.parametrize(
    "path", ["/track/lead", "/track/sale", "/links", "/partners", "/commissions", "/track/click", "/track/visit"]
)
def test_no_body_makes_an_error_of_ours(world, path, body):
    _key, token = issue_key("sk_live", name="x", merchant=world.merchant, by=world.owner, at=timezone.now())
    answer = Client().post(
        f"/compat/dub{path}", body, content_type="application/json", headers={"Authorization": f"Bearer {token}"}
    )

    assert answer.status_code < 500, answer.content
