"""Creatives (B4) and deals (B6): from the merchant's form to the partner's page, feed and figures."""

import csv
import io
import json
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from affiliates import enrolments, keys, members
from affiliates.errors import NotVisible
from tests.factories.pictures import make_png
from tests.factories.world import make_user, make_world
from tests.portal.partner import client_of, text_of
from tracking import links
from tracking.creatives import CreativeDraft, add_creative, end_creative
from tracking.deals import DealDraft, add_deal, end_deal
from tracking.models import Creative, Deal, Link
from tracking.parameters import read_parameters
from tracking.program_settings import change_tracking
from tracking.queries.assets import creatives_for, deals_for, open_creative_for
from tracking.statistics.names import creative_names
from tracking.statistics.questions import Scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(at):
    with time_machine.travel(at):
        yield at


def _file(content, name="banner.png", kind="image/png"):
    return SimpleUploadedFile(name, content, content_type=kind)


def _banner(world, *, at, name="Autumn", **more):
    draft = CreativeDraft(name=name, kind="image", text="A tent", picture=make_png(), starts_at=at, **more)
    return add_creative(world.program, draft, by=world.owner, at=at)


def _send(world, **said):
    form = {"program": world.program.slug, "kind": "image", "name": "Autumn", "text": "A tent", **said}
    return client_of(world.owner).post(f"/merchant/{world.merchant.slug}/assets/new/", form)


def test_a_banner_that_is_uploaded_is_served_to_any_site_and_runs_nowhere(now):
    world = make_world(now)
    picture = make_png(300, 250)

    # The name and the kind that the sender gives are lies; the content decides.
    _send(world, picture=_file(picture, "x.html", "text/html"), target_url="https://shop.example/tents")

    creative = Creative.objects.get(program=world.program)
    assert (creative.width, creative.height, creative.content_type) == (300, 250, "image/png")
    answer = Client().get(f"/creatives/{creative.public_id}")
    assert answer.content == picture
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Cookie" not in answer.get("Vary", "")
    assert (
        Client().get(f"/creatives/{creative.public_id}", headers={"if-none-match": answer["ETag"]}).status_code == 304
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"picture": b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'}, "This is no picture"),
        ({"picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 1024 * 1024}, "larger than 1 MB"),
        ({"picture": make_png(1, 1).replace(b"\0\0\0\1\0\0\0\1", b"\0\0\xff\xff\0\0\0\1")}, "1 to 4,000 pixels"),
        ({}, "A banner needs a picture"),
        ({"kind": "text", "target_url": "https://evil.example/"}, "has to be on shop.example"),
        ({"kind": "html", "text": '<a href="{link}">x</a><script>1</script>'}, "may not stand in a partner's page"),
        ({"kind": "html", "text": '<a href="{link}" onclick="x()">x</a>'}, "may not stand in a partner's page"),
        ({"kind": "html", "text": '<a href="javascript:x">x</a>'}, "may not stand in a partner's page"),
        (
            {"kind": "html", "text": '<a href="{link}"><img src="http://x.example/a"></a>'},
            "may not stand in a partner's",
        ),
        ({"kind": "html", "text": "<b>No way out</b>"}, "The HTML has no link"),
        ({"kind": "text", "starts_on": "2026-05-02", "ends_on": "2026-04-01"}, "The last day lies before the first"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_field_and_kept_nowhere(now, said, words):
    world = make_world(now)
    if "picture" in said:
        said = {**said, "picture": _file(said["picture"])}

    answer = _send(world, **said)

    assert answer.status_code == 422
    assert words in text_of(answer)
    assert not Creative.objects.exists()


def test_a_name_is_given_once_and_an_ended_banner_leaves_the_library_but_not_the_sites(now):
    world = make_world(now)
    _send(world, picture=_file(make_png()))

    again = _send(world, picture=_file(make_png()))
    creative = Creative.objects.get(program=world.program)
    client_of(world.owner).post(f"/merchant/{world.merchant.slug}/assets/{creative.public_id}/end/")

    assert again.status_code == 422
    assert "a creative of this name" in text_of(again)
    assert list(creatives_for(world.affiliate, at=now)) == []
    assert Client().get(f"/creatives/{creative.public_id}").status_code == 200
    with pytest.raises(NotVisible):
        open_creative_for(world.affiliate, creative.public_id, at=now)


def test_each_kind_has_code_with_the_partners_link_and_the_creative_inside(now):
    world = make_world(now)
    banner = _banner(world, at=now, target_url="https://shop.example/tents")
    words = CreativeDraft("Words", "text", 'Tents & "more"', starts_at=now)
    piece = CreativeDraft("Piece", "html", '<p><a href="{link}">See</a></p>', starts_at=now)
    add_creative(world.program, words, by=None, at=now)
    html = add_creative(world.program, piece, by=None, at=now)
    client = client_of(world.partner)

    page = client.get("/partner/assets/")
    one = client.get(f"/partner/assets/{banner.public_id}/")

    # The partner's link leads to the shop's own page; the banner's page is named in its address.
    link = f"/r/{world.link.code}?url=https%3A%2F%2Fshop.example%2Ftents&creative={banner.public_id}"
    code = unescape(unescape(one.content.decode()))
    assert f'{link}" rel="sponsored noopener"><img src=' in code
    assert f'/creatives/{banner.public_id}" width="300" height="250" alt="A tent">' in code
    assert f"/i/{world.link.code}.gif?creative={banner.public_id}" in code
    library = unescape(unescape(page.content.decode()))
    assert f'<p><a href="http://127.0.0.1:8001/r/{world.link.code}?creative={html.public_id}">See</a></p>' in library
    assert 'Tents & "more"' in library
    assert read_parameters(link.partition("?")[2])["creative"] == banner.public_id


def test_a_link_is_made_where_there_is_none_even_when_other_pages_are_not_allowed(now):
    world = make_world(now)
    change_tracking(world.program, deep_links=False, by=world.owner, at=now)
    banner = _banner(world, at=now, target_url="https://shop.example/tents")
    client = client_of(world.partner)

    before = text_of(client.get(f"/partner/assets/{banner.public_id}/"))
    for _ in range(2):
        client.post(f"/partner/assets/{banner.public_id}/link/")
    after = unescape(client.get(f"/partner/assets/{banner.public_id}/").content.decode())

    assert "You have no link to this page yet" in before
    made = Link.objects.get(affiliate=world.affiliate, destination="https://shop.example/tents")
    assert f"/r/{made.code}?creative={banner.public_id}" in after


def test_the_library_is_filtered_by_kind_size_language_and_words(now):
    world = make_world(now)
    _banner(world, at=now, name="Big one", language="de")
    add_creative(world.program, CreativeDraft("Words", "text", "Tents", language="en", starts_at=now), by=None, at=now)
    client = client_of(world.partner)

    def names(query):
        text = text_of(client.get(f"/partner/assets/?{query}"))
        return [name for name in ("Big one", "Words · ", "Tents") if name in text]

    assert names("kind=image") == names("size=300x250") == names("language=de") == names("q=big") == ["Big one"]
    assert "Tents" in names("kind=text")
    assert "Big one" not in names("q=nothing-like-it")


def test_nobody_else_sees_a_programs_creatives_and_deals(now):
    world, other = make_world(now), make_world(now)
    banner = _banner(world, at=now)
    deal = add_deal(world.program, DealDraft("Ten off", now), by=None, at=now)
    stranger, rival = client_of(other.partner), client_of(other.owner)

    for path in (f"/partner/assets/{banner.public_id}/", "/partner/assets/crea_nonsense/"):
        assert stranger.get(path).status_code == 404
    for path in (f"/partner/assets/{banner.public_id}/link/", f"/partner/deals/{deal.public_id}/link/"):
        assert stranger.post(path).status_code == 404
    for path in (f"assets/{banner.public_id}/", f"deals/{deal.public_id}/"):
        assert rival.get(f"/merchant/{other.merchant.slug}/{path}").status_code == 404
        assert rival.post(f"/merchant/{other.merchant.slug}/{path}end/").status_code == 404
    scope = Scope(affiliate_id=other.affiliate.pk)
    assert creative_names([banner.public_id, deal.public_id], scope) == {}
    mine = creative_names([banner.public_id, deal.public_id, "nonsense"], Scope(affiliate_id=world.affiliate.pk))
    assert {name for _id, name in mine.values()} == {"Autumn", "Ten off"}


def test_deals_come_and_go_by_date_and_exclusive_ones_are_for_some(now):
    world = make_world(now)
    rival = members.sign_up_affiliate(make_user("rival"), name="Rival", country="US", at=now)
    enrolments.join_program(rival, world.program, at=now)
    drafts = (
        DealDraft("For all", now - timedelta(days=1), now + timedelta(days=1)),
        DealDraft("For one", now, None, places=[world.enrolment]),
        DealDraft("Yet to come", now + timedelta(days=1)),
        DealDraft("Over", now - timedelta(days=2), now),
    )
    made = {draft.title: add_deal(world.program, draft, by=None, at=now) for draft in drafts}

    assert [one.title for one in deals_for(world.affiliate, at=now)] == ["For all", "For one"]
    assert [one.title for one in deals_for(rival, at=now)] == ["For all"]
    assert [one.title for one in deals_for(rival, at=now + timedelta(days=1))] == ["Yet to come"]
    end_deal(made["For one"], by=None, at=now)
    assert [one.title for one in deals_for(world.affiliate, at=now)] == ["For all"]


def test_a_merchant_writes_a_deal_once_and_names_its_partners(now):
    world = make_world(now)
    client, path = client_of(world.owner), f"/merchant/{world.merchant.slug}/deals/"
    form = {
        "program": world.program.slug, "title": "Ten off", "code": "TEN", "terms": "From 50 on",
        "ends_on": (now + timedelta(days=3)).date().isoformat(), "places": [world.enrolment.public_id],
    }  # fmt: skip

    first, second = (client.post(f"{path}new/", form) for _ in range(2))
    deal = Deal.objects.get(program=world.program)
    changed = client.post(f"{path}{deal.public_id}/", {**form, "title": "Twelve off", "places": []})

    assert (first.status_code, second.status_code, changed.status_code) == (302, 422, 302)
    assert deal.is_exclusive
    deal.refresh_from_db()
    assert (deal.title, deal.is_exclusive, deal.places.count()) == ("Twelve off", False, 0)
    assert "Twelve off" in text_of(client.get(path))
    assert "From 50 on" in text_of(client_of(world.partner).get("/partner/deals/"))


def test_a_partners_key_reads_its_feed_as_json_and_csv(now):
    world = make_world(now)
    _key, secret = keys.issue_key("pk", name="feed", affiliate=world.affiliate, at=now)
    banner = _banner(world, at=now)
    deal = add_deal(world.program, DealDraft("=Ten off", now, code="TEN"), by=None, at=now)
    add_deal(world.program, DealDraft("Over", now - timedelta(days=2), now), by=None, at=now)
    client = Client(headers={"authorization": f"Bearer {secret}"})

    deals = json.loads(client.get("/api/v1/deals").content)["data"]
    creatives = json.loads(client.get("/api/v1/creatives").content)["data"]
    rows = list(csv.DictReader(io.StringIO(client.get("/api/v1/deals.csv").content.decode())))
    screen = client_of(world.partner).get("/partner/deals/export.csv").getvalue().decode("utf-8-sig")

    link = f"http://127.0.0.1:8001/r/{world.link.code}?creative={deal.public_id}"
    assert [(one["title"], one["code"], one["link"]) for one in deals] == [("=Ten off", "TEN", link)]
    assert [(row["title"], row["link"]) for row in rows] == [("'=Ten off", link)]
    assert [row["link"] for row in csv.DictReader(io.StringIO(screen))] == [link]
    assert creatives[0]["picture"].endswith(f"/creatives/{banner.public_id}")
    assert f"?creative={banner.public_id}" in creatives[0]["html"]
    assert Client().get("/api/v1/deals").status_code == 401


def test_lists_ask_a_fixed_number_of_questions(now, django_assert_max_num_queries):
    world = make_world(now)
    for number in range(4):
        _banner(world, at=now, name=f"Banner {number}")
        add_deal(world.program, DealDraft(f"Deal {number}", now, places=[world.enrolment]), by=None, at=now)
    partner, owner = client_of(world.partner), client_of(world.owner)

    for client, path in (
        (partner, "/partner/assets/"), (partner, "/partner/deals/"),
        (owner, f"/merchant/{world.merchant.slug}/assets/"), (owner, f"/merchant/{world.merchant.slug}/deals/"),
    ):  # fmt: skip
        with django_assert_max_num_queries(25):
            assert client.get(path).status_code == 200


def test_ending_twice_is_ending_once_and_a_retired_link_is_not_offered(now):
    world = make_world(now)
    banner = _banner(world, at=now)
    links.retire_link(world.link, at=now)

    page = text_of(client_of(world.partner).get(f"/partner/assets/{banner.public_id}/"))
    first = end_creative(banner, by=None, at=now + timedelta(hours=1))
    second = end_creative(banner, by=None, at=now + timedelta(hours=2))

    assert "You have no link to this page yet" in page
    assert first.ends_at == second.ends_at == now + timedelta(hours=1)
