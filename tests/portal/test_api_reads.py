"""What a key may read: its own, by cursor, and the whole decision as data."""

import csv
import io
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from affiliates import enrolments
from payouts.sales import record_sale, refund_sale
from payouts.tasks import retry_held_sales
from tests.factories.standin import earn, make_desk, prepare
from tests.factories.statistics import touch
from tests.factories.world import facts, make_click, make_sale
from tests.portal.partner import client_of
from tests.portal.shop import CONVERSIONS, open_shop, order
from tracking import links
from tracking.drain import connect, drain_all
from tracking.models import Click, Conversion, Link
from tracking.spool import SpoolWriter
from tracking.spool import make_click as spooled
from tracking.statistics.metrics import METRICS

pytestmark = pytest.mark.django_db

PERFORMANCE = "/api/v1/reports/performance"
LISTS = ("links", "affiliates", "commissions", "payouts", "reports/performance")


@pytest.fixture
def shop():
    return open_shop()


def test_lists_go_on_from_their_cursor_without_a_gap_or_a_double(shop):
    for number in range(5):
        links.create_link(shop.world.enrolment, label=f"n{number}", at=shop.at)
    seen, path = [], "/api/v1/links?limit=2"

    while path:
        page = shop.get(path).json()
        seen += [link["id"] for link in page["data"]]
        path = page["next"]

    assert seen == [link.public_id for link in Link.objects.order_by("-id")]
    assert len(seen) == 6


def test_the_cursor_may_be_sent_alone_or_as_the_whole_address(shop):
    for number in range(3):
        links.create_link(shop.world.enrolment, label=f"n{number}", at=shop.at)
    following = shop.get("/api/v1/links?limit=2").json()["next"]
    cursor = following.split("cursor=")[1].split("&")[0]

    by_cursor = shop.get(f"/api/v1/links?limit=2&cursor={cursor}").json()
    by_address = shop.get(f"/api/v1/links?limit=2&cursor={quote(following, safe='')}").json()

    assert by_cursor == by_address == shop.get(following).json()


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "cursor=%00", "cursor=abc", "cursor=" + "x" * 30, "cursor=%F0"]
)
@pytest.mark.parametrize("name", LISTS)
def test_a_bad_page_is_refused_by_its_parameter(shop, name, query):
    response = shop.get(f"/api/v1/{name}?{query}")

    assert (response.status_code, response.json()["field"]) == (400, query.split("=")[0])
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", [*LISTS, "clicks/x", "conversions/x", "conversions/x/explain"])
def test_nothing_is_read_without_a_key(shop, name):
    for key in ("", "wrong"):
        response = shop.get(f"/api/v1/{name}", key=key)

        assert (response.status_code, response.json()["field"]) == (401, "Authorization")


def test_a_merchant_and_a_partner_read_their_own_only(shop):
    other = open_shop()
    for one in (shop, other):
        make_sale(one.world, "62.00", at=timezone.now() - timedelta(hours=1))

    for key in (shop.live, shop.partner):
        assert [row["affiliate"] for row in shop.get("/api/v1/commissions", key=key).json()["data"]] == [
            shop.world.affiliate.public_id
        ]
        assert [row["affiliate"] for row in shop.get("/api/v1/links", key=key).json()["data"]] == [
            shop.world.affiliate.public_id
        ]
    assert [row["id"] for row in shop.get("/api/v1/affiliates").json()["data"]] == [shop.world.affiliate.public_id]
    assert shop.get("/api/v1/affiliates", key=shop.partner).status_code == 403
    assert shop.get("/api/v1/commissions", key=shop.test).json() == {"data": [], "next": None}


def test_a_commission_says_its_order_to_the_merchant_and_not_to_the_partner(shop):
    sale = make_sale(shop.world, "62.00", at=timezone.now() - timedelta(hours=1), order_ref="1042")

    [to_merchant] = shop.get("/api/v1/commissions").json()["data"]
    [to_partner] = shop.get("/api/v1/commissions", key=shop.partner).json()["data"]

    assert to_merchant["order_id"] == "1042"
    assert to_partner == to_merchant | {"order_id": None}
    assert (to_partner["amount"], to_partner["status"], to_partner["state"], to_partner["payout"]) == (
        "12.40",
        "pending",
        "pending",
        None,
    )
    assert to_partner["conversion"] == sale.conversion.public_id
    assert shop.get("/api/v1/commissions?status=approved").json()["data"] == []


def test_a_click_says_why_it_does_not_count_to_its_owners_only(shop):
    click = make_click(shop.world.link, at=shop.at, is_counted=False)
    other = open_shop()

    for key in (shop.live, shop.test, shop.partner):
        answer = shop.get(f"/api/v1/clicks/{click.public_id}", key=key).json()
        assert (answer["counted"], answer["uncounted_reason"], answer["link"]) == (
            False,
            "bot",
            shop.world.link.public_id,
        )
        assert {"ip", "user_agent"}.isdisjoint(answer)
    for key in (other.live, other.partner):
        assert shop.get(f"/api/v1/clicks/{click.public_id}", key=key).status_code == 404
    assert shop.get("/api/v1/clicks/nonsense").status_code == 404


def test_explain_is_the_whole_decision_as_data(shop):
    rival = open_shop()
    place = enrolments.join_program(rival.world.affiliate, shop.world.program, at=shop.at)
    rival_link = links.create_link(place, at=shop.at)
    visitor = shop.world.enrolment.pk
    make_click(rival_link, at=shop.at - timedelta(hours=4), visitor=visitor)
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=4), visitor=visitor)
    sold = shop.post(order(click_id=click.public_id)).json()
    refund_sale(Conversion.objects.get(), reference="rf-1", at=timezone.now())

    answer = shop.get(f"{CONVERSIONS}/{sold['id']}/explain").json()

    assert [(touch["won"], touch["reason"]) for touch in answer["attribution"]["touches"]] == [
        (True, "last_click"), (False, "older_than_the_last"),
    ]  # fmt: skip
    [decision] = answer["decisions"]
    assert decision["rule"]["conditions"] == [
        {"line": 1, "name": "Every sale", "applied": True, "why": "first_that_fits"}
    ]
    assert decision["base"] == {"steps": [{"what": "amount", "amount": "62.00"}], "amount": "62.00", "currency": "USD"}
    assert decision["price"] == {"kind": "percent", "rate": "0.2", "amount": "12.40", "rounding": "half_up"}
    assert decision["fx"] is None
    assert [entry["kind"] for entry in decision["entries"]] == ["commission.accrual", "commission.reversal"]
    assert decision["entries"][0]["moves"] == [
        {
            "debit": f"merchant/{shop.world.merchant.slug}:receivable",
            "credit": f"affiliate/{shop.world.affiliate.public_id}:pending",
            "amount": "12.40",
            "currency": "USD",
        }
    ]
    assert (answer["conversion"]["refunded"], answer["conversion"]["commissions"][0]["reversed"]) == ("62.00", "12.40")
    assert [(one["door"], one["verdict"]) for one in answer["requests"]] == [("api", "accepted")]


def test_payouts_show_the_whole_to_the_partner_and_its_part_to_the_merchant(shop):
    at = timezone.now()
    elsewhere = open_shop().world
    place = enrolments.join_program(shop.world.affiliate, elsewhere.program, at=at)
    earn(shop.world, "500.00", at=at)
    elsewhere.link = links.create_link(place, at=at)
    earn(elsewhere, "300.00", at=at)
    run = prepare(make_desk(at)[0], at=at)

    [whole] = shop.get("/api/v1/payouts", key=shop.partner).json()["data"]
    [part] = shop.get("/api/v1/payouts").json()["data"]

    assert (whole["amount"], whole["state"], whole["run"]) == ("160.00", "ready", run.label)
    assert part == whole | {"amount": "100.00"}
    [commission] = shop.get("/api/v1/commissions").json()["data"]
    assert (commission["payout"], commission["state"]) == (whole["id"], "in_run")
    assert shop.get("/api/v1/payouts?state=paid").json()["data"] == []


# ── A click and its order within a second ────────────────────────────────────────────────
@pytest.fixture
def spool(tmp_path, settings):
    settings.CLICK_SPOOL_DIR = tmp_path
    with closing(SpoolWriter.claim(tmp_path)) as writer:
        yield writer


def _follow(shop, spool, *, at):
    link = shop.world.link
    click = spooled(
        at=at, link_id=link.pk, enrolment_id=link.enrolment_id, program_id=link.program_id,
        affiliate_id=link.affiliate_id, destination=link.destination,
    )  # fmt: skip
    spool.append_many([click])
    return click.id


@pytest.mark.django_db(transaction=True)
def test_a_click_that_still_lies_in_the_spool_is_brought_in_for_its_order(shop, spool):
    click_id = _follow(shop, spool, at=timezone.now())

    answer = shop.post(order(click_id=click_id)).json()

    assert (answer["verdict"], answer["attribution"]["click"]) == ("accepted", click_id)
    assert Click.objects.filter(pk=Click.key_of(click_id)).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_batch_brings_its_clicks_in_once(shop, spool):
    clicks = [_follow(shop, spool, at=timezone.now()) for _ in range(3)]

    answer = shop.post([order(str(n), click_id=click) for n, click in enumerate(clicks)], f"{CONVERSIONS}/batch").json()

    assert [one["verdict"] for one in answer["data"]] == ["accepted"] * 3


@pytest.mark.django_db(transaction=True)
def test_an_older_click_is_left_to_the_drain_and_its_sale_held_until_then(shop, spool):
    click_id = _follow(shop, spool, at=timezone.now() - timedelta(minutes=2))

    answer = shop.post(order(click_id=click_id)).json()
    assert (answer["verdict"], answer["reason"]) == ("held", "click_pending")

    with connect(connection_info()) as other:
        drain_all(other, spool.path.parent)
    retry_held_sales()

    answer = shop.get(f"{CONVERSIONS}/{answer['id']}").json()
    assert (answer["verdict"], answer["commissions"][0]["amount"]) == ("accepted", "12.40")


def connection_info() -> str:
    parameters = connection.get_connection_params()
    return make_conninfo("", **{name: parameters[name] for name in ("dbname", "user", "host") if parameters.get(name)})


# ── Performance ──────────────────────────────────────────────────────────────────────────
def _count(link, hour, clicks, counted):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tracking_click_hour (hour, link_id, program_id, affiliate_id, clicks, counted)"
            " VALUES (%s,%s,%s,%s,%s,%s)",
            [hour, link.pk, link.program_id, link.affiliate_id, clicks, counted],
        )


@pytest.mark.parametrize("group_by", ["day", "affiliate", "program", "link"])
def test_performance_counts_clicks_orders_and_money_by_whatever_group(shop, group_by):
    hour = (timezone.now() - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    _count(shop.world.link, hour, 12, 10)
    make_sale(shop.world, "62.00", at=hour + timedelta(minutes=30))
    make_sale(open_shop().world, "99.00", at=hour)

    for key in (shop.live, shop.partner):
        answer = shop.get(f"/api/v1/reports/performance?group_by={group_by}", key=key).json()

        [row] = answer["data"]
        assert (row["clicks"], row["counted_clicks"], row["conversion_rate"]) == (12, 10, "0.1000")
        assert row["totals"] == [{"currency": "USD", "orders": 1, "revenue": "62.00", "commission": "12.40"}]
        expected = {
            "day": f"{hour:%Y-%m-%d}", "affiliate": shop.world.affiliate.public_id,
            "program": shop.world.program.public_id, "link": shop.world.link.public_id,
        }  # fmt: skip
        assert row["key"] == expected[group_by]


def test_a_report_is_paged_too(shop):
    for day in range(3):
        make_sale(shop.world, at=timezone.now() - timedelta(days=day, hours=1))
    seen, path = [], "/api/v1/reports/performance?limit=2"

    while path:
        page = shop.get(path).json()
        seen += [row["key"] for row in page["data"]]
        path = page["next"]

    assert seen == sorted(set(seen))
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [("from=2026-02-30", "from"), ("from=2026-03-02&to=2026-03-01", "from"), ("from=2020-01-01", "from"),
     ("to=0001-01-01", "to"), ("to=9999-12-31", "to"), ("group_by=moon", "group_by")],
)  # fmt: skip
def test_a_report_of_no_days_is_refused_by_its_parameter(shop, query, field):
    response = shop.get(f"/api/v1/reports/performance?{query}")

    assert (response.status_code, response.json()["field"]) == (400, field)


@pytest.mark.parametrize(
    "group_by", ["day", "week", "month", "program", "affiliate", "link", "sub1", "country", "device", "event", "coupon"]
)
def test_performance_gives_the_figures_of_the_report_screens_file(shop, group_by):
    """C15, K1: the API, the screen and its file answer one question alike, for merchant and partner."""
    world = shop.world
    for number, (sub1, device) in enumerate([("news", "mobile"), ("", "desktop"), ("news", "desktop")]):
        at = shop.at - timedelta(days=9 * number, hours=2)
        click = touch(world.link, at=at - timedelta(hours=1), sub1=sub1, device=device, country="DE", is_unique=True)
        touch(world.link, at=at - timedelta(hours=1), is_counted=False, sub1=sub1, device=device, country="DE")
        record_sale(world.merchant, facts(f"c{number}", f"{10 + number}.50", at=at, click=click), at=at)
    places = {
        shop.partner: (world.partner, reverse("partner:reports-export")),
        shop.live: (world.owner, reverse("merchant:reports-export", args=[world.merchant.slug])),
    }
    metrics = ["gross_clicks", "clicks", "unique_clicks", "conversions", "revenue", "commission", "cr", "epc", "aov"]
    if group_by in {"event", "coupon"}:
        metrics = ["conversions", "revenue", "commission", "aov"]
    last = timezone.now().date()
    for key, (user, address) in places.items():
        if group_by == "affiliate" and key == shop.partner:
            continue
        by = {"affiliate": "partner"}.get(group_by, group_by)
        query = {"by": by, "columns": metrics, "zone": "UTC", "since": last - timedelta(days=27), "until": last}
        file = b"".join(client_of(user).get(address, query).streaming_content).decode("utf-8-sig")
        header, *lines = csv.reader(io.StringIO(file))
        order = [one for one in METRICS if one in metrics]

        answer = shop.get(f"{PERFORMANCE}?group_by={group_by}&metrics={','.join(order)}", key=key).json()["data"]

        assert len(header) == len(order) + 1
        told = [
            [Decimal(str(value["USD"] if isinstance(value, dict) else value)) for value in row["metrics"].values()]
            for row in answer
        ]
        assert sorted(told) == sorted([Decimal(cell) for cell in line[1:]] for line in lines)
        assert sum(row["metrics"]["conversions"] for row in answer) == 3
        for row in answer:
            assert row["totals"][0]["revenue"] == row["metrics"]["revenue"]["USD"]
            assert (row["clicks"] is None) == (group_by in {"event", "coupon"})


def test_a_figure_without_meaning_is_null_and_not_nought(shop):
    make_sale(shop.world, "20.00", at=shop.at - timedelta(hours=1))

    [row] = shop.get(f"{PERFORMANCE}?group_by=event&metrics=epc,cr,refund_rate").json()["data"]

    assert row["metrics"] == {
        "epc": {"USD": None}, "cr": None, "refund_rate": {"USD": "0.000000"},
    }  # fmt: skip
    assert (row["clicks"], row["counted_clicks"], row["conversion_rate"]) == (None, None, None)


@pytest.mark.parametrize(
    ("query", "field", "known"),
    [("group_by=moon", "group_by", "coupon"), ("metrics=clicks,luck", "metrics", "reversal_rate")],
)
def test_an_unknown_group_or_figure_is_refused_with_those_that_there_are(shop, query, field, known):
    for key in (shop.live, shop.partner):
        response = shop.get(f"{PERFORMANCE}?{query}", key=key)

        assert (response.status_code, response.json()["field"]) == (400, field)
        assert known in response.json()["detail"]


def test_a_test_key_sees_no_figures(shop):
    make_sale(shop.world, "20.00", at=shop.at - timedelta(hours=1))

    assert shop.get(f"{PERFORMANCE}?metrics=sales", key=shop.test).json() == {"data": [], "next": None}


# ── Links ────────────────────────────────────────────────────────────────────────────────
def test_a_partner_makes_a_link_for_itself_and_a_merchant_for_its_partner(shop):
    mine = shop.post({"destination": "https://shop.example/a", "label": "news"}, "/api/v1/links", key=shop.partner)
    theirs = shop.post(
        {"affiliate": shop.world.affiliate.public_id, "destination": "https://shop.example/a", "label": "news"},
        "/api/v1/links",
    )

    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] == theirs.json()["id"]
    assert mine.json()["url"].endswith(f"/r/{mine.json()['code']}")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"destination": "https://evil.example/"}, 400, "destination"),
        ({"destination": "javascript:alert(1)"}, 400, "destination"),
        ({"destination": 5}, 400, "destination"),
        ({"code": "a b"}, 400, "code"),
        ({"program": "none"}, 404, None),
        ({"program": "prog_x"}, 404, None),
        ({"affiliate": "aff_00000000000000000000000000"}, 403, "affiliate"),
    ],
)
def test_a_bad_link_is_refused_by_its_field(shop, body, status, field):
    response = shop.post(body, "/api/v1/links", key=shop.partner)

    assert (response.status_code, response.json()["field"]) == (status, field)


def test_a_merchant_cannot_make_links_for_a_stranger(shop):
    other = open_shop()

    response = shop.post({"affiliate": other.world.affiliate.public_id}, "/api/v1/links")

    assert response.status_code == 404
    assert shop.post({}, "/api/v1/links").json()["field"] == "affiliate"
