"""What a merchant does in its workspace, through the real verbs, and what it leaves untouched."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from affiliates import enrolments, teams
from affiliates.keys import owner_of_key
from affiliates.models import ApiKey, Enrolment
from ledger.accounts import balance_of
from ledger.money import Money
from payouts import chart, deposits
from payouts.models import Commission, RuleVersion
from payouts.queries.merchant import ConversionFilter, Span, conversions_in, figures_in, totals_of
from payouts.queries.rule_history import history_of
from payouts.rules import versions
from tests.factories.world import make_click, make_sale, make_user, make_world
from tests.portal.shop import Shop, open_shop, order
from tests.portal.test_merchant_pages import address, sign_in
from tracking import links
from tracking.models import Conversion, InboxRequest, Refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return open_shop()


@pytest.fixture
def owner(shop):
    return sign_in(shop.world.owner)


def _sold(shop: Shop, ref: str = "1042", **more) -> Conversion:
    click = make_click(shop.world.link, at=timezone.now() - timedelta(minutes=4))
    shop.post(order(ref, click_id=click.public_id, **more))
    return Conversion.objects.get(order_ref=ref, merchant=shop.world.merchant)


# ── Overview ─────────────────────────────────────────────────────────────────────────────
def test_the_overviews_figures_are_those_of_the_list_it_leads_to(shop, owner):
    now = timezone.now()
    for number, amount in enumerate(("62.00", "38.00")):
        make_sale(shop.world, amount, at=now - timedelta(days=number, hours=1), customer_status="new" if number else "")
    make_sale(shop.world, "100.00", at=now - timedelta(days=40))
    make_sale(shop.world, "999.00", at=now - timedelta(hours=1), is_test=True)
    shop.post(order("nobodys"))

    span = Span(now - timedelta(days=27, hours=23), now)
    figures = figures_in(shop.world.merchant, span)
    [totals] = totals_of(conversions_in(shop.world.merchant, ConversionFilter(verdict="accepted", span=span)))
    page = owner.get(address(shop, "overview")).text

    assert (figures.revenue, figures.commission, figures.orders, figures.new_customers) == (
        Money(10000, "USD"), Money(2000, "USD"), 2, 1,
    )  # fmt: skip
    assert (totals.revenue, totals.commission, totals.orders) == (figures.revenue, figures.commission, figures.orders)
    assert "$100.00" in page
    assert "20%</span> of revenue" in page
    assert "verdict=accepted&amp;period=28d" in page


def test_the_overview_names_what_needs_somebody(shop, owner):
    manual = make_world(shop.at, approval="manual")
    enrolments.join_program(shop.world.affiliate, manual.program, at=shop.at)
    shop.post(order(amount="x"))
    shop.post(b"{")

    page = owner.get(address(shop, "overview")).text
    other = sign_in(manual.owner).get(f"/merchant/{manual.merchant.slug}/").text

    assert "1 request was rejected" in page
    assert "1 request could not be read" in page
    assert "application" not in page
    assert "1 application waits" in other


# ── Conversions ──────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"sold", "nobodys", "refunded", "lead"}),
        ("verdict=accepted", {"sold", "refunded", "lead"}),
        ("verdict=unattributed", {"nobodys"}),
        ("state=pending", {"sold"}),
        ("state=reversed", {"refunded"}),
        ("state=held", set()),
        ("state=paid", set()),
        ("state=approved", set()),
        ("view=refunded", {"refunded"}),
        ("view=zero", {"lead"}),
        ("view=test", {"trial"}),
        ("q=SOL", {"sold"}),
        ("partner={partner}", {"sold", "refunded"}),
        ("period=last-month", set()),
        ("period=28d&verdict=accepted&state=pending", {"sold"}),
    ],
)
def test_the_list_answers_every_filter_and_its_export_has_the_same_rows(shop, owner, query, found):
    _sold(shop, "sold")
    _sold(shop, "refunded")
    _sold(shop, "lead", event="lead")
    shop.post(order("nobodys"))
    shop.post(order("trial"), key=shop.test)
    shop.post(
        {"reference": "r"}, f"/api/v1/conversions/{Conversion.objects.get(order_ref='refunded').public_id}/refund"
    )
    query = query.format(partner=shop.world.affiliate.public_id)

    response = owner.get(f"{address(shop, 'conversions')}?{query}")
    exported = b"".join(owner.get(f"{address(shop, 'conversions-export')}?{query}").streaming_content).decode(
        "utf-8-sig"
    )

    assert {row.order_ref for row, _reason in response.context["rows"]} == found
    assert {row["Order"] for row in csv.DictReader(io.StringIO(exported))} == found


def test_the_export_runs_no_formula(shop, owner):
    shop.post(order("=HYPERLINK(1)"))

    exported = b"".join(owner.get(address(shop, "conversions-export")).streaming_content).decode("utf-8-sig")

    [row] = csv.DictReader(io.StringIO(exported))
    assert row["Order"] == "'=HYPERLINK(1)"


def test_an_orders_page_explains_its_commission_with_the_rivals_name_and_shows_what_was_sent(shop, owner):
    rival = make_world(shop.at)
    place = enrolments.join_program(rival.affiliate, shop.world.program, at=shop.at)
    visitor = shop.world.enrolment.pk
    make_click(links.create_link(place, at=shop.at), at=shop.at - timedelta(hours=3), visitor=visitor)
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=4), visitor=visitor)
    shop.post(order(click_id=click.public_id, customer={"email": "kim@example.com"}, metadata={"channel": "web"}))

    page = owner.get(address(shop, "conversion", Conversion.objects.get().public_id)).text

    assert "$12.40" in page
    assert rival.affiliate.name in page
    assert "kim@example.com" not in page
    assert "&quot;order_id&quot;: &quot;1042&quot;" in page


def test_an_order_of_nobodys_says_why_and_shows_the_clicks_that_lost(shop, owner):
    click = make_click(shop.world.link, at=shop.at - timedelta(days=31))
    shop.post(order(click_id=click.public_id))

    page = owner.get(address(shop, "conversion", Conversion.objects.get().public_id)).text

    assert "later after the click than your program" in page
    assert shop.world.affiliate.name in page


def test_a_test_orders_page_says_what_it_would_have_earned(shop, owner):
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=4))
    shop.post(order(click_id=click.public_id), key=shop.test)

    assert (
        "Test orders are never booked"
        in owner.get(address(shop, "conversion", Conversion.objects.get().public_id)).text
    )


def test_a_partial_and_then_a_full_refund(shop, owner):
    sold = _sold(shop)
    url = address(shop, "conversion-refund", sold.public_id)

    owner.post(url, {"amount": "20.00", "reason": "item_returned", "reference": "a"})
    owner.post(url, {"amount": "20.00", "reason": "item_returned", "reference": "a"})
    assert balance_of(chart.pending(shop.world.affiliate), "USD") == Money(840, "USD")
    response = owner.post(url, {"amount": "", "reason": "cancelled", "reference": "b"}, follow=True)

    assert "was refunded" in response.text
    assert balance_of(chart.pending(shop.world.affiliate), "USD") == Money.zero("USD")
    assert list(Refund.objects.order_by("at").values_list("reference", "amount_minor")) == [("a", 2000), ("b", 4200)]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"amount": "62.01"}, "at most 62.00 USD is left"), ({"amount": "0"}, "at most"), ({"amount": "-1"}, "write it like"),
        ({"amount": "1e2"}, "write it like"), ({"amount": "1.001"}, "write it like"), ({"reason": "bored"}, "choose one of the list"),
        ({"reference": ""}, "Reference"),
    ],
)  # fmt: skip
def test_a_refund_that_cannot_be_is_said_at_its_field_and_changes_nothing(shop, owner, said, sentence):
    sold = _sold(shop)

    response = owner.post(
        address(shop, "conversion-refund", sold.public_id), {"amount": "", "reason": "other", "reference": "a"} | said
    )

    assert response.status_code == 400
    assert sentence in response.text
    assert Refund.objects.count() == 0


# ── Partners ─────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def waiting(shop):
    """A place that somebody applied for."""
    shop.world.program.approval = "manual"
    shop.world.program.save()
    applicant = make_world(shop.at)
    return enrolments.join_program(
        applicant.affiliate, shop.world.program, message="I write <b>reviews</b>.", at=shop.at
    )


def test_an_application_is_shown_with_what_the_applicant_wrote(shop, owner, waiting):
    page = owner.get(address(shop, "applications")).text

    assert waiting.affiliate.name in page
    assert "I write &lt;b&gt;reviews&lt;/b&gt;." in page


def test_an_application_is_approved_once(shop, owner, waiting):
    for _ in range(2):
        owner.post(address(shop, "enrolment-approve", waiting.public_id), {"from": "applications"})

    waiting.refresh_from_db()
    assert (waiting.status, waiting.decided_by) == (Enrolment.Status.APPROVED, shop.world.owner)


def test_a_decline_needs_a_reason_of_the_list(shop, owner, waiting):
    owner.post(address(shop, "enrolment-decline", waiting.public_id), {"reason": "ugly"})
    waiting.refresh_from_db()
    assert waiting.status == Enrolment.Status.APPLIED

    owner.post(address(shop, "enrolment-decline", waiting.public_id), {"reason": "content"})

    waiting.refresh_from_db()
    assert (waiting.status, waiting.decline_reason) == (Enrolment.Status.DECLINED, "content")


def test_a_partner_is_suspended_and_let_in_again(shop, owner):
    place = shop.world.enrolment

    owner.post(address(shop, "enrolment-suspend", place.public_id))
    place.refresh_from_db()
    assert place.status == Enrolment.Status.SUSPENDED
    owner.post(address(shop, "enrolment-approve", place.public_id))

    place.refresh_from_db()
    assert place.status == Enrolment.Status.APPROVED


# ── Rules ────────────────────────────────────────────────────────────────────────────────
def _publish(owner, shop, **said):
    line = {"line0-event": "sale", "line0-kind": "percent", "line0-value": "25", "line0-name": "Every sale"}
    rest = {f"line{n}-{name}": value for n in (1, 2) for name, value in (("event", "sale"), ("kind", "percent"))}
    return owner.post(
        address(shop, "rule-new", shop.world.program.slug), rest | line | {"starts_at": "", "note": ""} | said
    )


def test_a_new_version_takes_over_and_what_was_sold_keeps_its_price(shop, owner):
    before = _sold(shop, "before")

    response = _publish(
        owner, shop, note="A better rate", **{"line1-event": "lead", "line1-kind": "flat", "line1-value": "5.00"}
    )
    after = _sold(shop, "after", occurred_at=(timezone.now() + timedelta(minutes=1)).isoformat())

    assert response.status_code == 302
    assert Commission.objects.get(conversion=before).amount == Money(1240, "USD")
    assert Commission.objects.get(conversion=after).amount == Money(1550, "USD")
    page = owner.get(address(shop, "rules")).text
    assert "Every sale: 20% became 25%." in page
    assert "New: Every lead: each lead pays $5.00." in page
    assert "A better rate" in page


def test_a_version_may_start_later_and_not_earlier(shop, owner):
    past = (timezone.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    later = (timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")

    refused = _publish(owner, shop, starts_at=past)
    assert (refused.status_code, RuleVersion.objects.filter(program=shop.world.program).count()) == (400, 1)
    assert "may not start in the past" in refused.text
    assert _publish(owner, shop, starts_at=later).status_code == 302

    states = [one.state for one in history_of(shop.world.program, at=timezone.now())]
    assert states == ["scheduled", "live"]


@pytest.mark.parametrize("value", ["101", "-1", "NaN", "Infinity", "1e1", "abc", "12.34567", "１２"])
def test_a_rate_that_is_none_is_said_at_its_field(shop, owner, value):
    response = _publish(owner, shop, **{"line0-value": value})

    if value in {"1e1", "１２"}:
        # Python reads both as a number, and so does a person.
        assert response.status_code == 302
    else:
        assert response.status_code == 400
        assert "write a percentage from 0 to 100" in response.text


@pytest.mark.parametrize("value", ["-1", "5.001", "x"])
def test_a_fixed_amount_that_is_none_is_said_at_its_field(shop, owner, value):
    response = _publish(owner, shop, **{"line0-kind": "flat", "line0-value": value})

    assert response.status_code == 400
    assert "write an amount in USD" in response.text


def test_a_version_needs_a_line(shop, owner):
    response = _publish(owner, shop, **{"line0-value": ""})

    assert (response.status_code, "at least one line" in response.text) == (400, True)


def test_a_version_with_the_start_of_another_replaces_it(shop):
    at = shop.at
    program = shop.world.program
    for rate in ("0.3", "0.4"):
        versions.publish_rules(
            program,
            [versions.LineDraft("A", "percent", rate=Decimal(rate))],
            starts_at=at + timedelta(days=1),
            at=at,
        )

    history = history_of(program, at=at + timedelta(days=2))

    assert [(one.version, one.state, one.is_replaced) for one in history] == [
        (3, "live", False),
        (2, "ended", True),
        (1, "ended", False),
    ]


# ── Keys ─────────────────────────────────────────────────────────────────────────────────
def test_a_key_is_shown_once_works_and_is_kept_as_a_digest(shop, owner):
    response = owner.post(address(shop, "key-issue"), {"name": "Server", "kind": "sk_live"})

    secret = response.context["secret"]
    key = ApiKey.objects.get(name="Server")
    assert secret in response.text
    assert response["Cache-Control"] == "no-store"
    assert owner_of_key(secret, at=shop.at) == key
    assert secret not in owner.get(address(shop, "keys")).text
    assert secret.rpartition("_")[2] not in str(ApiKey.objects.filter(pk=key.pk).values())
    assert shop.post(order(), key=secret).status_code == 201


def test_a_revoked_key_is_refused_at_once(shop, owner):
    owner.post(address(shop, "key-issue"), {"name": "Server", "kind": "sk_test"})
    key = ApiKey.objects.get(name="Server")

    owner.post(address(shop, "key-revoke", key.public_id))

    key.refresh_from_db()
    assert key.revoked_at is not None


@pytest.mark.parametrize(
    "said", [{"name": "", "kind": "sk_live"}, {"name": "x", "kind": "pk"}, {"name": "x" * 81, "kind": "sk_live"}]
)
def test_a_key_needs_a_name_and_a_kind(shop, owner, said):
    count = ApiKey.objects.count()

    assert owner.post(address(shop, "key-issue"), said).status_code == 400
    assert ApiKey.objects.count() == count


# ── Events ───────────────────────────────────────────────────────────────────────────────
def test_every_request_is_in_the_events_with_its_reason_and_what_was_answered(shop, owner):
    shop.post(order(amount="62.005"))
    row = InboxRequest.objects.get()

    listed = owner.get(address(shop, "events")).text
    shown = owner.get(address(shop, "event", row.public_id)).text

    assert "Amount unreadable" in listed
    assert "more decimals than USD has" in shown
    assert "&quot;amount&quot;: &quot;62.005&quot;" in shown


@pytest.mark.parametrize(
    "body", [b"\xff\x00\x1b[31m<script>alert(1)</script>", b"{" * 5_000, b'{"a": "' + b"x" * 60_000, b""]
)
def test_an_odd_request_can_be_looked_at(shop, owner, body):
    shop.post(body)

    response = owner.get(address(shop, "event", InboxRequest.objects.get().public_id))

    assert response.status_code == 200
    assert "<script>alert" not in response.text


@pytest.mark.parametrize(
    ("query", "count"), [("verdict=rejected", 1), ("door=postback", 0), ("door=api", 2), ("q=amount", 1), ("q=1042", 1)]
)
def test_the_events_answer_every_filter(shop, owner, query, count):
    shop.post(order())
    shop.post(order("2", amount="x"))

    assert len(owner.get(f"{address(shop, 'events')}?{query}").context["rows"]) == count


# ── Billing, setup ───────────────────────────────────────────────────────────────────────
def test_billing_shows_what_is_owed_and_every_line_of_it(shop, owner):
    sold = _sold(shop)
    shop.post(
        {"amount": "31.00", "reference": "r", "reason": "item_returned"}, f"/api/v1/conversions/{sold.public_id}/refund"
    )
    deposits.fund_merchant(shop.world.merchant, Money(5000, "USD"), reference="wire-1", at=timezone.now())

    response = owner.get(address(shop, "billing"))
    deposit = owner.get(f"{address(shop, 'billing')}?account=deposit").text

    assert (response.context["owed"], response.context["held"]) == (Money(620, "USD"), Money(5000, "USD"))
    assert [line.amount for line, *_rest in response.context["rows"]] == [Money(-620, "USD"), Money(1240, "USD")]
    assert (response.context["opening"], response.context["closing"]) == (Money.zero("USD"), Money(620, "USD"))
    assert "Goods returned" in response.text
    assert "Deposit received" in deposit


@pytest.mark.parametrize("month", ["2026-13", "x", "9999-12", "0001-01", "2026-1"])
def test_a_month_that_is_none_is_this_month(shop, owner, month):
    assert owner.get(f"{address(shop, 'billing')}?month={month}").status_code == 200


def test_the_setup_ticks_off_what_was_seen_to_work(shop, owner):
    states = lambda: [item["state"] for item in owner.get(address(shop, "setup")).context["checklist"]]  # noqa: E731
    assert states() == ["done", "done", "current", "", "", "", ""]

    shop.post(order(), key=shop.test)

    assert states() == ["done", "done", "current", "done", "done", "", ""]


def test_the_setups_curl_and_postback_carry_the_merchants_currency(owner, shop):
    yen = make_world(shop.at, currency="JPY")

    page = sign_in(yen.owner).get(f"/merchant/{yen.merchant.slug}/setup/").text

    assert "&quot;6200&quot;" in page
    assert "currency=JPY" in page


def test_a_page_works_for_somebody_with_two_merchants(shop, owner):
    other = open_shop()
    teams.grant_role(shop.world.owner, "merchant_analyst", merchant=other.world.merchant, at=shop.at)

    assert owner.get(address(other, "conversions")).status_code == 200
    assert owner.get(address(other, "keys")).status_code == 403
    assert make_user().pk
