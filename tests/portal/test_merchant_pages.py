"""The merchant's workspace: who may open what, whose it is, and that lists cost a fixed number of queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from affiliates import enrolments, keys, teams
from affiliates.models import RoleGrant, ShopConnection
from affiliates.shops import connect_shop
from portal.intake.uploads import take_file
from portal.policy import URLS, Audience
from tests.factories.world import make_click, make_sale, make_user, make_world
from tests.portal.shop import Shop, open_shop, order
from tracking import links
from tracking.models import Conversion, InboxRequest, OrderUpload, ReplayJob

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return open_shop()


def sign_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def owner(shop):
    return sign_in(shop.world.owner)


def member(shop: Shop, role: str) -> Client:
    user = make_user("member")
    teams.grant_role(user, role, merchant=shop.world.merchant, at=shop.at)
    return sign_in(user)


def address(shop: Shop, name: str, *args: str) -> str:
    return reverse(f"merchant:{name}", args=[shop.world.merchant.slug, *args])


def _job(shop: Shop) -> ReplayJob:
    """A bulk replay of this shop's."""
    return ReplayJob.objects.get_or_create(
        merchant=shop.world.merchant, question={"text": "none"}, defaults={"started_at": shop.at}
    )[0]


def _upload(shop: Shop) -> OrderUpload:
    """A file of this shop's whose rows have been tried."""
    received = take_file(
        shop.world.merchant, name="orders.csv", content=b"order_id,amount,currency\nf-1,5.00,USD\n",
        content_type="text/csv", path="/", ip=None, by=shop.world.owner, at=shop.at,
    )  # fmt: skip
    OrderUpload.objects.filter(pk=received.upload.pk).update(status="tried")
    return received.upload


def _everything(shop: Shop) -> dict[str, str]:
    """One address for each page that is read, with objects of this shop."""
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=4))
    sold = shop.post(order("page-1", click_id=click.public_id)).json()
    return {
        "overview": address(shop, "overview"),
        "conversions": address(shop, "conversions"),
        "conversions-export": address(shop, "conversions-export"),
        "conversion": address(shop, "conversion", sold["id"]),
        "commission": address(shop, "commission", sold["commissions"][0]["id"]),
        "partners": address(shop, "partners"),
        "applications": address(shop, "applications"),
        "rules": address(shop, "rules"),
        "rule": address(shop, "rule", shop.world.program.rule_versions.get().public_id),
        "rule-new": address(shop, "rule-new", shop.world.program.slug),
        "events": address(shop, "events"),
        "event": address(shop, "event", InboxRequest.objects.filter(merchant=shop.world.merchant).last().public_id),
        "events-export": address(shop, "events-export"),
        "events-job": address(shop, "events-job", _job(shop).public_id),
        "uploads": address(shop, "uploads"),
        "upload": address(shop, "upload", _upload(shop).public_id),
        "upload-export": address(shop, "upload-export", _upload(shop).public_id),
        "upload-template": address(shop, "upload-template"),
        "keys": address(shop, "keys"),
        "billing": address(shop, "billing"),
        "setup": address(shop, "setup"),
        "setup-tag": address(shop, "setup-tag"),
        "setup-waiting": address(shop, "setup-waiting"),
        "setup-postback": address(shop, "setup-postback"),
        "setup-translator": address(shop, "setup-translator"),
        "shops": address(shop, "shops"),
        "shop": address(shop, "shop", _connected(shop)),
    }


def _connected(shop: Shop) -> str:
    """A connected shop of this merchant's."""
    known = ShopConnection.objects.filter(merchant=shop.world.merchant).first()
    if known is None:
        known, _made = connect_shop(shop.world.merchant, "woocommerce", label="Blog shop", by=None, at=shop.at)
    return known.public_id


def _writes(shop: Shop) -> dict[str, str]:
    key, _secret = keys.issue_key("sk_live", name="k", merchant=shop.world.merchant, at=shop.at)
    conversion = Conversion.objects.filter(merchant=shop.world.merchant).first()
    place = shop.world.enrolment.public_id
    return {
        "conversion-refund": address(shop, "conversion-refund", conversion.public_id),
        "conversion-amend": address(shop, "conversion-amend", conversion.public_id),
        "shop-connect": address(shop, "shop-connect"),
        "shop-rotate": address(shop, "shop-rotate", _connected(shop)),
        "shop-turn": address(shop, "shop-turn", _connected(shop)),
        "shop-change": address(shop, "shop-change", _connected(shop)),
        "enrolment-approve": address(shop, "enrolment-approve", place),
        "enrolment-decline": address(shop, "enrolment-decline", place),
        "enrolment-suspend": address(shop, "enrolment-suspend", place),
        "event-replay": address(
            shop, "event-replay", InboxRequest.objects.filter(merchant=shop.world.merchant).last().public_id
        ),
        "events-replay": address(shop, "events-replay"),
        "events-job-cancel": address(shop, "events-job-cancel", _job(shop).public_id),
        "upload-send": address(shop, "upload-send"),
        "upload-columns": address(shop, "upload-columns", _upload(shop).public_id),
        "upload-record": address(shop, "upload-record", _upload(shop).public_id),
        "upload-discard": address(shop, "upload-discard", _upload(shop).public_id),
        "key-issue": address(shop, "key-issue"),
        "setup-tag-orders": address(shop, "setup-tag-orders"),
        "setup-confirm": address(shop, "setup-confirm", conversion.public_id),
        "setup-test": address(shop, "setup-test"),
        "key-revoke": address(shop, "key-revoke", key.public_id),
    }


def test_every_address_that_is_tried_here_is_one_of_the_workspace(shop):
    """The sweep (tests/portal/test_sweep.py) opens the others too."""
    named = {name.removeprefix("merchant:") for name, row in URLS.items() if row.audience == Audience.MERCHANT}

    assert {*_everything(shop), *_writes(shop)} <= named


def test_pages_open_for_the_owner_and_are_stored_nowhere(shop, owner):
    for name, url in _everything(shop).items():
        response = owner.get(url)
        assert response.status_code == (302 if name == "commission" else 200), name
        assert "no-store" in response["Cache-Control"], name


def test_nobody_opens_a_page_without_signing_in(shop):
    for name, url in (_everything(shop) | _writes(shop)).items():
        response = Client().get(url)
        assert (response.status_code, response["Location"].split("?")[0]) == (302, "/accounts/login/"), name


def test_another_merchants_people_find_nothing_here(shop):
    stranger = sign_in(open_shop().world.owner)
    partner = sign_in(shop.world.partner)

    for name, url in (_everything(shop) | _writes(shop)).items():
        for client in (stranger, partner):
            assert client.get(url).status_code == 404, name
            assert client.post(url).status_code == 404, name


def test_another_merchants_objects_are_not_found_in_ones_own_workspace(shop, owner):
    other = open_shop()
    theirs = _everything(other) | _writes(other)
    slug, own = other.world.merchant.slug, shop.world.merchant.slug

    for name in ("conversion", "commission", "rule", "event", "rule-new", "shop"):
        assert owner.get(theirs[name].replace(slug, own)).status_code == 404, name
    for name in ("conversion-amend", "shop-rotate", "shop-turn", "shop-change"):
        assert owner.post(theirs[name].replace(slug, own)).status_code == 404, name
    for name in ("conversion-refund", "enrolment-approve", "enrolment-decline", "enrolment-suspend", "key-revoke"):
        assert owner.post(theirs[name].replace(slug, own)).status_code == 404, name


@pytest.mark.parametrize(
    ("role", "refused"),
    [
        (RoleGrant.Role.MERCHANT_OWNER, set()),
        (
            RoleGrant.Role.MERCHANT_MANAGER,
            {"keys", "key-issue", "key-revoke", "shop-connect", "shop-rotate", "shop-turn", "shop-change"},
        ),
        (
            RoleGrant.Role.MERCHANT_ANALYST,
            {
                "keys",
                "setup-tag-orders",
                "setup-confirm",
                "setup-test",
                "key-issue",
                "key-revoke",
                "rule-new",
                "conversion-refund",
                "conversion-amend",
                "shop-connect",
                "shop-rotate",
                "shop-turn",
                "shop-change",
                "enrolment-approve",
                "enrolment-decline",
                "enrolment-suspend",
                "event-replay",
                "events-replay",
                "events-job-cancel",
                "upload-send",
                "upload-columns",
                "upload-record",
                "upload-discard",
            },
        ),
    ],
)
def test_a_role_opens_what_it_may_and_403_says_the_rest(shop, role, refused):
    client = member(shop, role)

    for name, url in (_everything(shop) | _writes(shop)).items():
        response = client.post(url) if name in _writes(shop) else client.get(url)
        assert (response.status_code == 403) == (name in refused), name


def test_what_a_role_may_not_do_is_not_offered(shop):
    pages = _everything(shop)
    analyst = member(shop, RoleGrant.Role.MERCHANT_ANALYST)

    assert address(shop, "keys") not in analyst.get(pages["overview"]).text
    assert "enrolment-suspend" not in analyst.get(pages["partners"]).text
    assert "/refund/" not in analyst.get(pages["conversion"]).text
    assert "/rules/new/" not in analyst.get(pages["rules"]).text


@pytest.mark.parametrize(
    "name", ["overview", "conversions", "partners", "applications", "rules", "events", "keys", "billing", "setup"]
)
def test_an_empty_workspace_says_what_will_appear(shop, owner, name):
    bare = make_world(shop.at)
    bare.merchant.programs.all()
    client = sign_in(bare.owner)

    response = client.get(reverse(f"merchant:{name}", args=[bare.merchant.slug]))

    assert response.status_code == 200


@pytest.mark.parametrize("name", ["overview", "conversions", "conversions-export", "partners", "events", "billing"])
def test_a_list_costs_the_same_queries_with_one_row_and_with_three(shop, owner, name):
    def sell(number: int) -> None:
        seller = shop if number == 0 else open_shop()
        place = shop.world
        if number:
            enrolment = enrolments.join_program(seller.world.affiliate, shop.world.program, at=shop.at)
            link = links.create_link(enrolment, at=shop.at)
        else:
            link = place.link
        click = make_click(link, at=timezone.now() - timedelta(minutes=4))
        assert shop.post(order(f"q-{number}", click_id=click.public_id)).status_code == 201

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            response = owner.get(address(shop, name))
            b"".join(response.streaming_content) if response.streaming else response.content
        return len(captured)

    sell(0)
    owner.get(address(shop, name))
    one = queries()
    sell(1)
    sell(2)

    assert queries() == one
    assert one <= 25


def test_a_conversion_with_its_whole_explanation_costs_a_bounded_number_of_queries(
    shop, owner, django_assert_max_num_queries
):
    url = _everything(shop)["conversion"]
    owner.get(url)

    with django_assert_max_num_queries(25):
        owner.get(url)


def test_unknown_parts_of_an_address_are_ignored_and_named(shop, owner):
    make_sale(shop.world, at=shop.at)

    response = owner.get(address(shop, "conversions") + "?verdict=moon&zzz=1&page=x&period=28d")

    assert response.status_code == 200
    assert "<code>zzz</code>" in response.text
    assert "<code>verdict</code>" in response.text
