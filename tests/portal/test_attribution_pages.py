"""The merchant's, the partner's and the network's attribution pages, and codes by API: B5, C8, D3, X6."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from affiliates import keys, teams
from affiliates.models import Coupon, Enrolment, RoleGrant, Terms
from tests.factories.attribution import Scene, make_scene
from tests.factories.world import make_user
from tests.portal.shop import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return make_scene(timezone.now(), "Ann", "Bob", attribution_model="linear")


def sign_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def owner(scene):
    return sign_in(scene.world.owner)


def address(scene, name, *args):
    return reverse(f"merchant:{name}", args=[scene.world.merchant.slug, *args])


CHOICES = {
    "attribution_model": "position", "half_life_days": "7", "window_days": "45", "view_window_days": "1",
    "lead_window_days": "10", "coupon_policy": "involved", "coupon_window_days": "14",
    "unassigned_code": "no_commission", "lifetime_days": "365", "cross_device": "on", "cart_freeze": "soft",
    "assist_percent": "1.5", "assist_cap": "20.00", "starts_at": "", "note": "",
}  # fmt: skip


def test_a_merchant_publishes_new_choices_and_reads_them_as_sentences(scene, owner):
    page = owner.post(address(scene, "attribution-new", scene.world.program.slug), CHOICES, follow=True)

    terms = Terms.objects.order_by("-version").first()
    assert (terms.attribution_model, terms.window_days, terms.event_windows) == (
        "position", 45, {"lead": {"click": 10}},
    )  # fmt: skip
    assert (f"{terms.assist_rate:f}", terms.assist_daily_cap_minor, terms.hold_days) == ("0.015000", 2000, 30)
    assert "The first and the last click have 40% each" in page.text
    assert "A customer stays with the partner of the first order for 365 days." in page.text


def test_a_draft_is_tried_on_past_orders_and_changes_nothing(scene, owner):
    scene.click("Ann", days=2)
    scene.order(click=scene.click("Bob"))
    before = Terms.objects.count()

    page = owner.post(
        address(scene, "attribution-new", scene.world.program.slug),
        {**CHOICES, "attribution_model": "last_click", "try": "1"},
    )

    assert page.status_code == 200
    assert "1 of 1 orders would have gone otherwise." in page.text
    assert "+$10.00" in page.text
    assert Terms.objects.count() == before


def test_nonsense_in_the_form_is_named_at_its_field(scene, owner):
    page = owner.post(
        address(scene, "attribution-new", scene.world.program.slug), {**CHOICES, "window_days": "0", "assist_cap": "x"}
    )

    assert page.status_code == 400
    assert "window_days" in page.context["form"].errors
    assert "assist_cap" in page.context["form"].errors


def test_models_stand_side_by_side_and_the_export_has_the_same_sums(scene, owner):
    scene.click("Ann", days=2)
    scene.order(click=scene.click("Bob"))
    url = address(scene, "attribution-compare", scene.world.program.slug)

    page = owner.get(url)
    rows = list(csv.reader(io.StringIO(b"".join(owner.get(url + "export.csv").streaming_content).decode("utf-8-sig"))))

    assert "Ann" in page.text
    assert "$20.00 under every model" in page.text
    assert {float(value) for value in rows[-1][1:-1]} == {20.0}
    assert rows[0][1:3] == ["Last click", "First click"]
    chosen = owner.get(f"{url}?partner={scene.places['Ann'].affiliate.public_id}&measure=revenue&period=year")
    assert "Ann would have the most under First click" in chosen.text


def test_the_pages_cost_a_fixed_number_of_queries(scene, owner):
    def cost(url):
        with CaptureQueriesContext(connection) as queries:
            assert owner.get(url).status_code == 200
        return len(queries)

    pages = [address(scene, "coupons"), address(scene, "attribution-compare", scene.world.program.slug)]
    scene.coupon("A", "Ann")
    scene.order(click=scene.click("Bob"))
    for page in pages:
        cost(page)  # the first look also fills what is kept between requests
    one = [cost(page) for page in pages]
    for number in range(4):
        scene.coupon(f"B{number}", "Bob")
        scene.order(coupon=f"B{number}")

    assert [cost(page) for page in pages] == one
    assert max(one) <= 25


def test_a_code_is_made_changed_ended_and_shown_to_its_partner(scene, owner):
    ann = scene.places["Ann"]
    owner.post(
        address(scene, "coupon-new"),
        {"program": scene.world.program.slug, "code": "ANN10", "partner": ann.public_id, "ends_on": "2030-12-31"},
    )
    coupon = Coupon.objects.get()
    scene.order(coupon="ann10", days_later=0.5)

    partner = sign_in(ann.affiliate.grants.first().user)
    page = partner.get(reverse("partner:codes"))
    assert "ANN10" in page.text
    assert "$20.00" in page.text

    url = address(scene, "coupon", coupon.public_id)
    assert owner.post(url, {"partner": "", "is_exclusive": "on", "policy": ""}).status_code == 400
    owner.post(url, {"partner": scene.places["Bob"].public_id, "is_exclusive": "on", "policy": ""})
    coupon.refresh_from_db()
    assert (coupon.enrolment, coupon.is_exclusive, coupon.ends_at) == (scene.places["Bob"], True, None)
    assert "ANN10" not in partner.get(reverse("partner:codes")).text

    owner.post(address(scene, "coupon-end", coupon.public_id))
    coupon.refresh_from_db()
    assert coupon.state_at(timezone.now()) == "ended"
    listed = owner.get(address(scene, "coupons") + "?state=ended&q=ann")
    assert "ANN10" in listed.text
    assert "ANN10" in b"".join(owner.get(address(scene, "coupons-export")).streaming_content).decode()


def test_a_list_of_codes_is_tried_and_then_read(scene, owner):
    def send(**more):
        file = SimpleUploadedFile("codes.csv", b"code,partner\nX1,Ann\nX2,nobody\n")
        return owner.post(address(scene, "coupon-import"), {"program": scene.world.program.slug, "file": file, **more})

    tried = send(is_rehearsal="on")
    assert ("1 rows are fine, 1 are refused." in tried.text, Coupon.objects.count()) == (True, 0)
    send()
    assert Coupon.objects.get().enrolment == scene.places["Ann"]
    bad = SimpleUploadedFile("codes.csv", b"\xff\xfe")
    page = owner.post(address(scene, "coupon-import"), {"program": scene.world.program.slug, "file": bad})
    assert page.status_code == 400


def test_a_partners_credit_class_is_set_from_the_list_and_an_analyst_may_not(scene, owner):
    ann = scene.places["Ann"]
    url = address(scene, "enrolment-credit-class", ann.public_id)

    owner.post(url, {"credit_class": "soft"})
    owner.post(url, {"credit_class": "nonsense"})
    analyst = make_user("analyst")
    teams.grant_role(analyst, RoleGrant.Role.MERCHANT_ANALYST, merchant=scene.world.merchant, at=scene.at)

    assert Enrolment.objects.get(pk=ann.pk).credit_class == "soft"
    assert sign_in(analyst).post(url, {"credit_class": "standard"}).status_code == 403
    assert "soft click" in owner.get(address(scene, "partners")).text


def test_the_network_compares_any_program(scene):
    staff = make_user("staff")
    teams.grant_role(staff, RoleGrant.Role.NETWORK_STAFF, at=scene.at)
    scene.order(click=scene.click("Ann"))

    page = sign_in(staff).get(reverse("network:attribution"), {"program": scene.world.program.slug})
    export = sign_in(staff).get(reverse("network:attribution-export"), {"program": scene.world.program.slug})

    assert "Ann" in page.text
    assert b"Ann" in b"".join(export.streaming_content)


def test_a_shop_makes_and_lists_codes_by_api_and_a_partner_reads_its_own(scene):
    at = scene.at
    live = keys.issue_key("sk_live", name="shop", merchant=scene.world.merchant, at=at)[1]
    own = keys.issue_key("pk", name="blog", affiliate=scene.places["Ann"].affiliate, at=at)[1]
    shop = Shop(scene.world, live=live, test="", partner=own, at=at)
    affiliate = scene.places["Ann"].affiliate.public_id

    made = shop.post({"code": "API10", "affiliate": affiliate, "ends_at": "2031-01-01T00:00:00Z"}, "/api/v1/coupons")
    again = shop.post({"code": "api10", "affiliate": affiliate}, "/api/v1/coupons")
    house = shop.post({"code": "HOUSE", "policy": "never"}, "/api/v1/coupons")
    refused = shop.post({"code": "MINE"}, "/api/v1/coupons", key=own)

    assert (made.status_code, made.json()["state"], made.json()["affiliate"]) == (201, "live", affiliate)
    assert (again.status_code, again.json()["code"]) == (400, "coupon_taken")
    assert house.json()["field"] == "policy"
    assert refused.json()["code"] == "key_kind_wrong"
    assert [row["code"] for row in shop.get("/api/v1/coupons", key=own).json()["data"]] == ["API10"]


def test_another_merchants_codes_and_programs_are_not_there(scene, owner):
    other = make_scene(scene.at, "Eve")
    foreign = other.coupon("EVE", "Eve")

    assert owner.get(address(scene, "coupon", foreign.public_id)).status_code == 404
    assert owner.get(address(scene, "attribution-compare", other.world.program.slug)).status_code == 404
    owner.post(
        address(scene, "coupon-new"),
        {"program": scene.world.program.slug, "code": "STOLEN", "partner": other.places["Eve"].public_id},
    )
    assert not Coupon.objects.filter(code="STOLEN").exists()
