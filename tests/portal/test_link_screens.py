"""The screens of links: bulk, codes, rules, pages, hosts; for partners and for merchants (B1–B17)."""

import csv
import io

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.factories.world import make_world
from tests.portal.partner import client_of, text_of
from tests.portal.shop import open_shop
from tracking import domains, links, program_settings
from tracking.models import LandingPage, Link, TrackingDomain

pytestmark = pytest.mark.django_db

BULK = "/partner/links/bulk/"


@pytest.fixture
def now(at):
    with time_machine.travel(at):
        yield at


def test_a_pasted_list_gives_a_report_a_csv_and_the_same_links_again(now):
    world = make_world(now)
    client = client_of(world.partner)
    rows = "https://shop.example/a\nshop.example/b\nhttps://evil.example/\n"

    page = client.post(BULK, {"rows": rows})
    report = client.post(BULK, {"rows": rows, "csv": "1"}).getvalue().decode("utf-8-sig")

    assert "2 new, 0 known, 1 refused" in text_of(page)
    found = list(csv.DictReader(io.StringIO(report)))
    assert [row["result"] for row in found] == ["known", "known", "refused"]
    assert found[0]["link"].endswith(f"/r/{found[0]['code']}")
    assert "pays only for pages on shop.example" in found[2]["problem"]
    assert Link.objects.filter(enrolment=world.enrolment).count() == 3


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_a_table_with_a_head_is_read_whatever_a_spreadsheet_saved_it_as(now, encoding):
    world = make_world(now)
    table = "URL;Label;Code;clickref\nhttps://shop.example/zelt;Zelte für Maya;maya-zelt;video\n"

    client_of(world.partner).post(BULK, {"file": SimpleUploadedFile("links.csv", table.encode(encoding))})

    link = Link.objects.get(code="maya-zelt")
    assert (link.label, link.presets) == ("Zelte für Maya", {"sub1": "video"})


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"rows": ""}, "Paste addresses, or choose a file."),
        ({"rows": "https://shop.example/a\n" * 201}, "These are more than 200 pages."),
        ({"rows": "url,label\n"}, "There is no page in it."),
    ],
)
def test_a_list_that_cannot_be_read_says_so(now, said, words):
    answer = client_of(make_world(now).partner).post(BULK, said)

    assert answer.status_code == 422
    assert words in text_of(answer)


def test_a_link_gets_another_code_a_page_rules_and_a_picture(now):
    world = make_world(now)
    client, old = client_of(world.partner), world.link.code

    client.post(f"/partner/links/{old}/codes/", {"code": "maya", "is_main": "on"})
    client.post("/partner/links/maya/codes/", {"code": "tents"})
    client.post("/partner/links/maya/edit/", {"destination": "https://shop.example/t", "sub1": "tube", "utm_term": "-"})
    client.post(
        "/partner/links/maya/routing/",
        {"rows": "1", "rule0-do": "redirect", "rule0-url": "shop.example/de", "rule0-countries": "de, at"},
    )

    link = world.link.refreshed()
    assert (link.code, link.destination, link.presets, link.utm) == (
        "maya", "https://shop.example/t", {"sub1": "tube"}, {"utm_term": ""},
    )  # fmt: skip
    assert link.routing == [{"when": {"country": ["AT", "DE"]}, "do": "redirect", "url": "https://shop.example/de"}]
    page = client.get(f"/partner/links/{old}/", follow=True)
    assert page.redirect_chain == [("/partner/links/maya/", 302)]
    assert "/r/tents?sub1=tube" in page.content.decode()
    assert client.get("/partner/links/maya/routing/").status_code == 200
    assert client.get("/partner/links/maya/edit/").status_code == 200
    assert client.get("/partner/links/maya/qr.png").content.startswith(b"\x89PNG")


def test_a_rule_that_is_refused_says_so_at_its_field_and_changes_nothing(now):
    world = make_world(now)

    answer = client_of(world.partner).post(
        f"/partner/links/{world.link.code}/routing/",
        {"rows": "2", "rule1-do": "redirect", "rule1-url": "https://evil.example/"},
    )

    assert answer.status_code == 422
    assert "This page cannot be led to" in text_of(answer)
    assert world.link.refreshed().routing == []


def test_the_merchant_saves_each_card_and_reads_its_own_page(now):
    world = make_world(now)
    client = client_of(world.owner)
    base = f"/merchant/{world.merchant.slug}/tracking/{world.program.slug}/"

    client.post(f"{base}save/", {
        "part": "links", "landing_url": "https://shop.example/", "allowed_hosts": "shop.example\nbooks.example",
        "traffic_back_url": "https://elsewhere.example/", "consent": "required", "unique_window_hours": "12",
    })  # fmt: skip
    client.post(f"{base}save/", {"part": "parameters", "template": "utm_source={affiliate}\nsource=aw"})
    client.post(f"{base}save/", {
        "part": "pages", "name": "Spring", "url": "https://shop.example/s", "partner": world.affiliate.name,
    })  # fmt: skip
    client.post(f"{base}routing/", {"rows": "1", "rule0-do": "block", "rule0-referrers": "coupons.example"})

    found = program_settings.tracking_of(world.program)
    assert (found.deep_links, found.consent, found.unique_window_hours) == (False, "required", 12)
    assert found.utm_template == {"utm_source": "{affiliate}", "source": "aw"}
    assert found.routing == [{"when": {"referrer": ["coupons.example"]}, "do": "block"}]
    assert world.program.refreshed().allowed_hosts == ["shop.example", "books.example"]
    assert LandingPage.objects.get().enrolment == world.enrolment
    page = text_of(client.get(base))
    assert "Spring" in page
    assert world.affiliate.name in page
    assert "Spring" in text_of(client_of(world.partner).get("/partner/links/new/"))


def test_a_wrong_card_keeps_what_was_typed_and_saves_nothing(now):
    world = make_world(now)
    base = f"/merchant/{world.merchant.slug}/tracking/{world.program.slug}/"

    answer = client_of(world.owner).post(f"{base}save/", {"part": "parameters", "template": "utm_source={nobody}"})

    assert answer.status_code == 422
    assert "utm_source={nobody}" in answer.content.decode()
    assert program_settings.tracking_of(world.program).utm_template == {}


def test_a_host_waits_with_its_records_and_belongs_to_one_merchant(now):
    world, other = make_world(now), make_world(now)
    client = client_of(world.owner)
    base = f"/merchant/{world.merchant.slug}"

    client.post(f"{base}/domains/add/", {"host": "go.tents.example"})
    domain = TrackingDomain.objects.get()
    page = text_of(client.get(f"{base}/tracking/", follow=True))
    foreign = client_of(other.owner).post(f"/merchant/{other.merchant.slug}/domains/{domain.public_id}/remove/")
    taken = client_of(other.owner).post(f"/merchant/{other.merchant.slug}/domains/add/", {"host": "go.tents.example"})

    assert "_affiliate-links.go.tents.example" in page
    assert f"affiliate-links={domain.token}" in page
    assert foreign.status_code == 404
    assert "This host is in use here already." in text_of(taken)
    client.post(f"{base}/domains/{domain.public_id}/remove/")
    assert not TrackingDomain.objects.exists()


def test_links_are_shown_with_a_verified_host(now):
    world = make_world(now)
    domain = domains.add_domain(world.merchant, "go.tents.example", by=None, at=now)
    page = f"/partner/links/{world.link.code}/"
    client = client_of(world.partner)

    before = client.get(page).content.decode()
    TrackingDomain.objects.filter(pk=domain.pk).update(status="verified", verified_at=now)

    assert "go.tents.example" not in before
    assert f"https://go.tents.example/{world.link.code}" in client.get(page).content.decode()


def test_the_api_makes_many_reads_one_and_changes_it():
    shop = open_shop()
    body = {
        "links": [{"destination": "https://shop.example/a", "sub1": "x"}, {"destination": "https://evil.example/"}, 7]
    }

    made = shop.post(body, "/api/v1/links/batch", key=shop.partner)
    code = made.json()["data"][0]["link"]["code"]
    again = shop.post(body, "/api/v1/links/batch", key=shop.partner)
    read = shop.get(f"/api/v1/links/{code}", key=shop.partner).json()

    assert made.status_code == 200
    assert [one["result"] for one in made.json()["data"]] == ["new", "refused", "refused"]
    assert [one["result"] for one in again.json()["data"]] == ["known", "refused", "refused"]
    assert read["parameters"] == {"sub1": "x"}
    assert shop.get(f"/api/v1/links/{read['id']}").json()["code"] == code
    rival = open_shop()
    assert rival.get(f"/api/v1/links/{code}").status_code == 404
    links.add_alias(Link.objects.get(code=code), "kept-for-ever", at=shop.at)
    assert shop.get("/api/v1/links/kept-for-ever").json()["aliases"] == ["kept-for-ever"]
