"""The published log's pages, and the partner's receipts (X5)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from affiliates.keys import issue_key
from tests.factories.clicks import make_clicks
from tests.factories.world import make_click, make_world
from tracking.receipts.proofs import check
from tracking.receipts.roots import root_log

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)


@pytest.fixture
def world(db):
    return make_world(NOON)


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_anybody_reads_the_roots_the_key_and_the_checker(world, client):
    for minute in range(3):
        make_click(world.link, at=NOON + timedelta(minutes=minute))
    root_log(at=LATER, since=NOON)

    page = client.get("/log/")
    listed = client.get("/log/roots.json").json()
    one = client.get("/log/1.json").json()
    key = client.get("/log/key.json").json()

    assert page.status_code == 200
    assert one["root"][:16] in page.content.decode()
    assert listed == {"data": [one], "next": None}
    assert (one["size"], one["public_key"]) == (3, key["public_key"])
    assert client.get("/log/check_receipt.py").content.startswith(b'"""Check a receipt')
    assert client.get("/log/2.json").status_code == 404
    assert client.get("/log/roots.json?after=x").json()["field"] == "after"
    assert client.get("/log/roots.json?after=1").json() == {"data": [], "next": None}


def test_a_partner_sees_each_click_and_keeps_its_receipt(world):
    click = make_click(world.link, at=NOON)
    bot = make_click(world.link, at=NOON + timedelta(minutes=1), is_counted=False)
    make_clicks(world.link, 1, at=NOON + timedelta(minutes=2))
    root_log(at=LATER, since=NOON)
    client = signed_in(world.partner)

    listed = client.get("/partner/clicks/").content.decode()
    page = client.get(f"/partner/clicks/{click.public_id}/").content.decode()
    file = client.get(f"/partner/clicks/{click.public_id}/?download=1")

    assert click.public_id in listed
    assert bot.public_id in listed
    assert "The visitor was a program" in listed
    assert "This click is in the published log" in page
    assert check(file.json()) == []


def test_a_click_of_the_running_hour_says_when_it_will_be_published(world):
    click = make_click(world.link, at=NOON)

    page = signed_in(world.partner).get(f"/partner/clicks/{click.public_id}/").content.decode()

    assert "Not published yet" in page


def test_another_partners_click_is_not_there(world):
    click = make_click(world.link, at=NOON)
    stranger = signed_in(make_world(NOON).partner)

    assert stranger.get(f"/partner/clicks/{click.public_id}/").status_code == 404
    assert (
        "No click on your links has this id"
        in stranger.get(f"/partner/clicks/?click={click.public_id}").content.decode()
    )
    assert click.public_id not in stranger.get("/partner/clicks/?day=2026-03-03").content.decode()


def test_a_merchants_key_gets_the_receipt_of_its_click_and_nobody_elses(world, client):
    click = make_click(world.link, at=NOON)
    root_log(at=LATER, since=NOON)
    _key, mine = issue_key("sk_live", name="shop", merchant=world.merchant, by=world.owner, at=NOON)
    other = make_world(NOON)
    _key, theirs = issue_key("sk_live", name="shop", merchant=other.merchant, by=other.owner, at=NOON)

    answer = client.get(f"/api/v1/clicks/{click.public_id}/receipt", headers={"Authorization": f"Bearer {mine}"})
    refused = client.get(f"/api/v1/clicks/{click.public_id}/receipt", headers={"Authorization": f"Bearer {theirs}"})

    assert check(answer.json()) == []
    assert refused.status_code == 404
