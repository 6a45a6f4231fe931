"""Whose an order is and what each partner earns of it, from the click to the book: D1–D10, B5, B8, C7–C12."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection

from affiliates import coupons, enrolments, lifecycle
from affiliates.errors import CouponRefused
from affiliates.models import Coupon
from ledger.accounts import balance_of
from ledger.money import Money
from payouts import chart, commissions, sales
from payouts.models import Commission
from tests.factories.attribution import make_scene, reasons_of
from tests.factories.world import facts
from tracking.attribution.store import decide_again
from tracking.models import Attribution, AttributionShare, CustomerBinding, ModelFit

pytestmark = pytest.mark.django_db


@pytest.fixture
def at():
    return datetime(2026, 11, 3, 14, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def every_decision_can_be_made_again(request, django_db_setup, db):
    """After each test: what was stored, decided anew, is the same."""
    yield
    for attribution in Attribution.objects.exclude(engine=0):
        again = decide_again(attribution).to_json()
        assert again.pop("candidates") == attribution.candidates
        assert again == attribution.outcome
        weights = [share.weight for share in attribution.shares.exclude(role="assist")]
        assert sum(weights) == (1 if weights else 0)


# ── Models that pay ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("last_click", {"Cora": 2000}),
        ("first_click", {"Ann": 2000}),
        ("linear", {"Ann": 667, "Bob": 667, "Cora": 666}),
        ("position", {"Ann": 800, "Bob": 400, "Cora": 800}),
        # 14, 7 and 0 days before: 1/4, 1/2, 1 of 1.75.
        ("time_decay", {"Ann": 286, "Bob": 571, "Cora": 1143}),
        ("shapley", {"Ann": 667, "Bob": 667, "Cora": 666}),
    ],
)
def test_any_model_can_be_the_paying_one_and_its_parts_add_up_to_the_commission(at, model, expected):
    scene = make_scene(at, "Ann", "Bob", "Cora", attribution_model=model)
    scene.click("Ann", days=14)
    scene.click("Bob", days=7)

    sale = scene.order(click=scene.click("Cora"))

    earned = scene.earned(sale)
    assert sum(earned.values()) == 2000
    assert sorted(earned.values()) == sorted(expected.values())
    assert set(earned) == set(expected)
    if model not in {"linear", "shapley"}:
        assert earned == expected
    for name, minor in earned.items():
        assert balance_of(chart.pending(scene.places[name].affiliate), "USD") == Money(minor, "USD")


def test_three_equal_parts_of_twenty_dollars_lose_no_cent(at):
    """The two cents left over go to the largest remainders, the latest touch first."""
    scene = make_scene(at, "Ann", "Bob", "Cora", attribution_model="linear")
    scene.click("Ann", days=2)
    scene.click("Bob", days=1)

    sale = scene.order(click=scene.click("Cora"))

    assert scene.earned(sale) == {"Cora": 667, "Bob": 667, "Ann": 666}


def test_a_refund_takes_each_part_back_and_the_rest_still_adds_up(at):
    """Fault 26: parts of what is left, split anew."""
    scene = make_scene(at, "Ann", "Bob", "Cora", attribution_model="linear")
    scene.click("Ann", days=2)
    scene.click("Bob", days=1)
    sale = scene.order(click=scene.click("Cora"))

    sales.refund_sale(sale.conversion, amount=Money(4999, "USD"), reference="r", at=at)

    # 20 % of 50.01 = 10.002 → 10.00
    assert sum(scene.earned(sale).values()) == 1000
    assert sorted(scene.earned(sale).values()) == [333, 333, 334]


def test_an_order_that_grows_pays_each_part_more(at):
    scene = make_scene(at, "Ann", "Bob", attribution_model="linear")
    scene.click("Ann", days=2)
    click = scene.click("Bob")
    sale = scene.order("100.00", click=click, ref="x")
    sales.amend_sale(sale.conversion, facts("x", "150.01", at=at, click=click), at=at, reference="rev-1")

    assert sum(scene.earned(sale).values()) == 3000
    assert sorted(scene.earned(sale).values()) == [1500, 1500]


def test_the_hold_of_each_part_is_that_of_its_own_terms_and_all_are_approved(at):
    scene = make_scene(at, "Ann", "Bob", attribution_model="linear")
    scene.click("Ann", days=2)
    scene.order(click=scene.click("Bob"))

    commissions.approve_due_commissions(at=at + timedelta(days=31))

    assert {row.status for row in Commission.objects.all()} == {"approved"}
    for name in ("Ann", "Bob"):
        assert balance_of(chart.payable(scene.places[name].affiliate), "USD") == Money(1000, "USD")


def test_markov_pays_by_the_latest_fit_and_falls_to_linear_by_name_without_one(at):
    scene = make_scene(at, "Ann", "Bob", attribution_model="markov")
    scene.click("Ann", days=2)
    first = scene.order(click=scene.click("Bob"))
    assert (first.attribution.model, first.attribution.note) == ("linear", "model_not_fitted")
    assert scene.earned(first) == {"Bob": 1000, "Ann": 1000}

    values = {scene.places["Ann"].affiliate.public_id: 0.75, scene.places["Bob"].affiliate.public_id: 0.25}
    ModelFit.objects.create(
        program=scene.world.program, model="markov", starts_at=at - timedelta(days=60), ends_at=at - timedelta(days=1),
        fitted_at=at, paths=10, values=values,
    )  # fmt: skip
    second = scene.order(click=scene.click("Bob", days=0.5))

    assert (second.attribution.model, second.attribution.note) == ("markov", "")
    assert scene.earned(second) == {"Ann": 1500, "Bob": 500}

    scene.join("Newcomer")
    third = scene.order(click=scene.click("Newcomer"))
    assert (third.attribution.model, third.attribution.note) == ("linear", "partner_not_fitted")


def test_a_sale_that_waited_for_its_click_is_shared_when_it_arrives(at):
    scene = make_scene(at, "Ann", "Bob", attribution_model="linear")
    scene.click("Ann", days=1)
    click = scene.click("Bob")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE kept AS SELECT * FROM tracking_click WHERE id = %s", [click.pk])
        cursor.execute("DELETE FROM tracking_click WHERE id = %s", [click.pk])
    held = scene.order(click=click)
    assert (held.conversion.verdict, held.conversion.reason) == ("held", "click_pending")

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO tracking_click SELECT * FROM kept")
        cursor.execute("DROP TABLE kept")
    sales.retry_held_sales(at=at + timedelta(minutes=1))

    assert scene.earned(held) == {"Bob": 1000, "Ann": 1000}


def test_deciding_twice_books_once(at):
    scene = make_scene(at, "Ann", "Bob", attribution_model="linear")
    scene.click("Ann", days=1)
    click = scene.click("Bob")

    scene.order(click=click, ref="same")
    again = scene.order(click=click, ref="same")

    assert Commission.objects.count() == AttributionShare.objects.count() == 2
    assert len(again.commissions) == 2
    assert not again.is_new


# ── Windows, classes, soft clicks ────────────────────────────────────────────────────────


def test_a_view_earns_only_inside_the_window_for_views_and_never_before_a_click(at):
    """C11, D9."""
    scene = make_scene(at, "Seen", "Followed", view_window_days=2)
    view = scene.click("Seen", days=1, kind="view")
    only_seen = scene.order(click=view)
    assert scene.earned(only_seen) == {"Seen": 2000}

    scene.click("Followed", days=3)
    both = scene.order(click=view)
    assert scene.earned(both) == {"Followed": 2000}
    assert reasons_of(both) == [("view", "view_behind_click"), ("click", "last_click")]

    late = scene.click("Seen", days=2.5, kind="view", visitor=None)
    assert scene.order(click=late).conversion.reason == "outside_window"


def test_a_view_earns_nothing_where_the_program_pays_for_clicks_only(at):
    scene = make_scene(at, "Seen")

    sale = scene.order(click=scene.click("Seen", kind="view"))

    assert (sale.conversion.verdict, sale.conversion.reason) == ("unattributed", "view_window_closed")


def test_an_event_may_have_a_window_of_its_own(at):
    """D9."""
    scene = make_scene(at, "Ann", event_windows={"lead": {"click": 3}})

    sale = scene.order(click=scene.click("Ann", days=4), event="sale")
    lead = scene.order(click=scene.click("Ann", days=4), event="lead")

    assert sale.conversion.verdict == "accepted"
    assert (lead.conversion.verdict, lead.conversion.reason) == ("unattributed", "outside_window")
    assert lead.attribution.candidates[0]["window_days"] == 3


def test_a_preferred_partner_goes_before_a_later_standard_click(at):
    """D3: last click inside the best class."""
    scene = make_scene(at, "Standard")
    scene.join("Preferred", credit_class="preferred")
    scene.click("Preferred", days=5)

    sale = scene.order(click=scene.click("Standard"))

    assert scene.earned(sale) == {"Preferred": 2000}
    assert reasons_of(sale) == [("click", "lower_credit_class"), ("click", "last_click")]


def test_a_soft_click_cannot_overwrite_a_counted_click_but_wins_where_there_is_none(at):
    """D4, X7: the extension that clicks at the till."""
    scene = make_scene(at, "Blog")
    scene.join("Extension", credit_class="soft")
    scene.click("Blog", days=3)

    hijacked = scene.order(click=scene.click("Extension"))
    alone = scene.order(click=scene.click("Extension", visitor=uuid4()))
    scene.visitor = uuid4()
    scene.click("Blog", days=40)
    past = scene.order(click=scene.click("Extension"))

    assert scene.earned(hijacked) == {"Blog": 2000}
    assert reasons_of(hijacked)[0] == ("click", "soft_click")
    assert hijacked.attribution.candidates[0]["beaten_by"] == hijacked.attribution.candidates[1]["touch"]
    assert scene.earned(alone) == {"Extension": 2000}
    assert scene.earned(past) == {"Extension": 2000}


def test_an_uncounted_click_protects_nobody_from_a_soft_one(at):
    scene = make_scene(at, "Bot")
    scene.join("Extension", credit_class="soft")
    scene.click("Bot", days=3, is_counted=False)

    assert scene.earned(scene.order(click=scene.click("Extension"))) == {"Extension": 2000}


def test_a_click_during_the_checkout_does_not_win_where_the_cart_is_frozen(at):
    """X7."""
    scene = make_scene(at, "Blog", "Late", cart_freeze="all")
    scene.click("Blog", days=1)
    started = (at - timedelta(minutes=20)).isoformat()

    sale = scene.order(click=scene.click("Late"), metadata={"checkout_started_at": started})
    other = scene.order(click=scene.click("Late"), metadata={"checkout_started_at": "nonsense"})

    assert scene.earned(sale) == {"Blog": 2000}
    assert reasons_of(sale)[0] == ("click", "click_in_checkout")
    assert scene.earned(other) == {"Late": 2000}


def test_only_soft_clicks_are_frozen_where_the_program_says_so(at):
    scene = make_scene(at, "Blog", cart_freeze="soft")
    scene.join("Extension", credit_class="soft")
    started = {"checkout_started_at": (at - timedelta(minutes=20)).isoformat()}

    soft = scene.order(click=scene.click("Extension", visitor=None), metadata=started)
    honest = scene.order(click=scene.click("Blog", visitor=None), metadata=started)

    assert soft.conversion.reason == "click_in_checkout"
    assert scene.earned(honest) == {"Blog": 2000}


# ── Coupons ──────────────────────────────────────────────────────────────────────────────


def test_a_code_wins_without_a_click_whatever_the_case_it_is_typed_in(at):
    """C8, B5."""
    scene = make_scene(at, "Maya")
    scene.coupon("MAYA10", "Maya")

    sale = scene.order(coupon=" maya10")

    assert scene.earned(sale) == {"Maya": 2000}
    assert (sale.attribution.model, sale.attribution.reason) == ("coupon", "coupon_always")
    assert AttributionShare.objects.get().coupon_code == "MAYA10"


def test_a_code_overrides_another_partners_click_when_its_policy_is_always(at):
    scene = make_scene(at, "Maya", "Blog")
    scene.coupon("MAYA10", "Maya")

    sale = scene.order(click=scene.click("Blog"), coupon="MAYA10")

    assert scene.earned(sale) == {"Maya": 2000}
    assert ("click", "coupon_overrides") in reasons_of(sale)


@pytest.mark.parametrize(("has_click", "winner"), [(True, "Maya"), (False, "Blog")])
def test_an_involved_code_wins_only_with_a_click_of_its_partner(at, has_click, winner):
    scene = make_scene(at, "Maya", "Blog", coupon_policy="involved")
    scene.coupon("MAYA10", "Maya")
    if has_click:
        scene.click("Maya", days=3)

    sale = scene.order(click=scene.click("Blog"), coupon="MAYA10")

    assert scene.earned(sale) == {winner: 2000}
    assert (("coupon", "coupon_involved") in reasons_of(sale)) is has_click
    assert (("coupon", "coupon_not_involved") in reasons_of(sale)) is not has_click


def test_an_involved_codes_click_must_lie_inside_the_window_for_coupons(at):
    scene = make_scene(at, "Maya", "Blog", coupon_policy="involved", coupon_window_days=2)
    scene.coupon("MAYA10", "Maya")
    scene.click("Maya", days=3)

    assert scene.earned(scene.order(click=scene.click("Blog"), coupon="MAYA10")) == {"Blog": 2000}


def test_a_winner_code_decides_nothing(at):
    scene = make_scene(at, "Maya", "Blog", coupon_policy="winner")
    scene.coupon("MAYA10", "Maya")

    with_click = scene.order(click=scene.click("Blog"), coupon="MAYA10")
    alone = scene.order(coupon="MAYA10")

    assert scene.earned(with_click) == {"Blog": 2000}
    assert (alone.conversion.verdict, alone.conversion.reason) == ("unattributed", "coupon_needs_a_win")


def test_an_exclusive_code_always_wins_and_a_codes_own_policy_goes_before_the_programs(at):
    scene = make_scene(at, "Maya", "Blog", coupon_policy="winner")
    scene.coupon("ONLYMAYA", "Maya", is_exclusive=True)
    scene.coupon("STRONG", "Maya", policy="always")

    exclusive = scene.order(click=scene.click("Blog"), coupon="onlymaya")
    strong = scene.order(click=scene.click("Blog", days=0.1), coupon="STRONG")

    assert (scene.earned(exclusive), exclusive.attribution.reason) == ({"Maya": 2000}, "coupon_exclusive")
    assert (scene.earned(strong), strong.attribution.reason) == ({"Maya": 2000}, "coupon_always")


def test_a_code_of_nobodys_is_named_and_blocks_only_where_the_program_says_so(at):
    """B8: leaked codes."""
    lenient, strict = make_scene(at, "Blog"), make_scene(at, "Blog", unassigned_code="no_commission")
    strict.coupon("HOUSE", None)

    alone = lenient.order(coupon="LEAKED")
    let_pass = lenient.order(click=lenient.click("Blog"), coupon="LEAKED")
    blocked = strict.order(click=strict.click("Blog"), coupon="LEAKED")
    house = strict.order(click=strict.click("Blog", days=0.1), coupon="HOUSE")

    assert (alone.conversion.verdict, alone.conversion.reason) == ("unattributed", "coupon_unassigned")
    assert lenient.earned(let_pass) == {"Blog": 2000}
    assert (blocked.conversion.verdict, blocked.conversion.reason) == ("unattributed", "coupon_blocks")
    assert strict.earned(house) == {"Blog": 2000}
    assert ("coupon", "coupon_of_the_house") in reasons_of(house)


def test_a_code_has_its_dates(at):
    scene = make_scene(at, "Maya")
    scene.coupon("SOON", "Maya", starts_at=at + timedelta(days=1))
    scene.coupon("OVER", "Maya", ends_at=at)

    assert scene.order(coupon="SOON").conversion.reason == "coupon_not_yet_valid"
    assert scene.order(coupon="OVER").conversion.reason == "coupon_expired"
    assert scene.order(coupon="SOON", days_later=2).conversion.verdict == "accepted"


def test_a_suspended_or_closed_partners_code_earns_nothing_new(at):
    scene = make_scene(at, "Maya", "Zoe")
    scene.coupon("MAYA10", "Maya")
    scene.coupon("ZOE10", "Zoe")
    enrolments.suspend_enrolment(scene.places["Maya"], by=None, at=at)
    lifecycle.close_affiliate(scene.places["Zoe"].affiliate, reason="left", by=scene.world.owner, at=at)

    assert scene.order(coupon="MAYA10").conversion.reason == "not_enrolled"
    assert scene.order(coupon="ZOE10").conversion.reason == "not_enrolled"


def test_a_code_is_one_programs_once_whatever_its_case(at):
    scene = make_scene(at, "Maya")
    scene.coupon("MAYA10", "Maya")

    with pytest.raises(CouponRefused, match="has this code"):
        scene.coupon("maya10", None)
    for wrong in ("", "two words", "-x", "x" * 65, "ü"):
        with pytest.raises(CouponRefused):
            scene.coupon(wrong, None)
    with pytest.raises(CouponRefused):
        scene.coupon("LONELY", None, is_exclusive=True)
    with pytest.raises(CouponRefused):
        coupons.issue_coupon(scene.world.program, "E", enrolment=None, starts_at=at, ends_at=at - timedelta(1), at=at)
    assert Coupon.objects.count() == 1


def test_a_list_of_codes_is_the_same_twice_as_once_and_says_what_is_wrong_with_each_row(at):
    scene = make_scene(at, "Maya")
    text = (
        "\ufeffCode;Partner;Exclusive;Policy;Starts_on;Ends_on\n"
        "M1;maya;yes;;;2026-12-31\n"
        "HOUSE;;;;;\n"
        f"M2;{scene.places['Maya'].affiliate.public_id};;involved;2026-11-01;\n"
        "M3;nobody;;;;\n"
        "M4;;;;31.12.2026;\n"
        "M 5;;;;;\n"
        "M6;maya;;perhaps;;\n"
    )

    rehearsed = coupons.import_coupons(scene.world.program, text, at=at, is_rehearsal=True)
    assert Coupon.objects.count() == 0
    first = coupons.import_coupons(scene.world.program, text, at=at)
    second = coupons.import_coupons(scene.world.program, text, at=at)

    results = [(row.code, row.result) for row in first]
    assert [row.result for row in rehearsed] == [row.result for row in first]
    assert results == [
        ("M1", "created"), ("HOUSE", "created"), ("M2", "created"), ("M3", "coupon_refused"),
        ("M4", "coupon_refused"), ("M 5", "coupon_unreadable"), ("M6", "coupon_refused"),
    ]  # fmt: skip
    assert [row.result for row in second[:3]] == ["changed"] * 3
    found = Coupon.objects.get(code="M1")
    assert (found.is_exclusive, found.ends_at) == (True, datetime(2027, 1, 1, tzinfo=UTC))
    with pytest.raises(CouponRefused):
        coupons.import_coupons(scene.world.program, "name\nX\n", at=at)


# ── Customers: other devices, and for life ───────────────────────────────────────────────


def test_a_click_on_the_phone_counts_for_an_order_at_the_desk_by_the_same_customer(at):
    """C12: by the shop's number, and by the address's pseudonym; only where the program joins devices."""
    for way in ({"customer_ref": "c-77"}, {"customer_email_key": "k" * 32}):
        for cross_device in (True, False):
            scene = make_scene(at, "Ann", cross_device=cross_device)
            phone = uuid4()
            scene.order(click=scene.click("Ann", days=20, visitor=phone), days_later=-19, **way)
            scene.click("Ann", days=2, visitor=phone)

            desk = scene.order(**way)

            assert (scene.earned(desk) == {"Ann": 2000}) is cross_device
            if cross_device:
                how = "customer" if "customer_ref" in way else "email"
                assert [row["found_by"] for row in desk.attribution.candidates] == [[how], [how]]


def test_touches_of_another_customer_or_merchant_are_not_joined(at):
    scene, other = make_scene(at, "Ann", cross_device=True), make_scene(at, "Eve", cross_device=True)
    other.order(click=other.click("Eve", days=2), days_later=-1, customer_ref="c-77")
    scene.order(click=scene.click("Ann", days=2), days_later=-1, customer_ref="c-78")

    sale = scene.order(customer_ref="c-77")

    assert (sale.conversion.verdict, sale.attribution.candidates) == ("unattributed", [])


def test_a_click_without_consent_counts_when_the_shop_reports_it_and_is_never_joined(at):
    """C15."""
    scene = make_scene(at, "Ann", cross_device=True)
    click = scene.click("Ann", days=2, visitor=None, consent="denied")
    reported = scene.order(click=click, days_later=-1, customer_ref="c-1")

    joined = scene.order(customer_ref="c-1")

    assert scene.earned(reported) == {"Ann": 2000}
    assert (joined.conversion.verdict, joined.conversion.reason) == ("unattributed", "no_consent")


def test_a_customer_stays_with_the_partner_of_the_first_order_for_the_programs_time(at):
    """C9, D10: renewals without a click, and against a later click of another."""
    scene = make_scene(at, "Ann", "Bob", lifetime_days=365)
    scene.order(click=scene.click("Ann"), customer_ref="c-1", customer_email_key="mail")

    renewal = scene.order(customer_ref="c-1", days_later=30)
    lured = scene.order(click=scene.click("Bob"), customer_email_key="mail", days_later=1)
    late = scene.order(customer_ref="c-1", days_later=366)

    assert (scene.earned(renewal), renewal.attribution.model) == ({"Ann": 2000}, "lifetime")
    assert scene.earned(lured) == {"Ann": 2000}
    assert ("click", "bound_to_another") in reasons_of(lured)
    assert (late.conversion.verdict, late.conversion.reason) == ("unattributed", "binding_ended")
    assert CustomerBinding.objects.count() == 2


def test_a_binding_that_ended_makes_room_for_the_next_partner(at):
    scene = make_scene(at, "Ann", "Bob", lifetime_days=10)
    scene.order(click=scene.click("Ann", days=20), customer_ref="c-1", days_later=-19)

    scene.order(click=scene.click("Bob", visitor=uuid4()), customer_ref="c-1")

    binding = CustomerBinding.objects.get()
    assert binding.enrolment == scene.places["Bob"]
    assert scene.earned(scene.order(customer_ref="c-1", days_later=9)) == {"Bob": 2000}


def test_nobody_is_bound_by_a_test_order_or_where_the_program_binds_nobody(at):
    scene, plain = make_scene(at, "Ann", lifetime_days=30), make_scene(at, "Ann")

    scene.order(click=scene.click("Ann"), customer_ref="c-1", is_test=True)
    plain.order(click=plain.click("Ann"), customer_ref="c-1")

    assert CustomerBinding.objects.count() == 0


def test_a_partner_who_left_keeps_no_customers(at):
    scene = make_scene(at, "Ann", lifetime_days=365)
    scene.order(click=scene.click("Ann"), customer_ref="c-1")
    enrolments.leave_program(scene.places["Ann"], by=None, at=at)

    sale = scene.order(customer_ref="c-1", days_later=3)

    assert (sale.conversion.verdict, sale.conversion.reason) == ("unattributed", "not_enrolled")


# ── Assists ──────────────────────────────────────────────────────────────────────────────


def test_who_took_part_and_did_not_win_has_an_assist_on_top(at):
    """D5: each 2 % of the base, beside the winner's 20 %."""
    scene = make_scene(at, "Ann", "Bob", "Cora", assist_rate=Decimal("0.02"))
    scene.click("Ann", days=3)
    scene.click("Bob", days=2)

    sale = scene.order(click=scene.click("Cora"))

    assert scene.earned(sale) == {"Cora": 2000, "Bob": 200, "Ann": 200}
    assert {row.role for row in Commission.objects.filter(amount_minor=200)} == {"assist"}
    assert [row["assist"] for row in sale.attribution.candidates] == [False, True, True]

    sales.refund_sale(sale.conversion, amount=Money(5000, "USD"), reference="half", at=at)
    assert scene.earned(sale) == {"Cora": 1000, "Bob": 100, "Ann": 100}


def test_assists_of_a_day_end_at_the_daily_limit(at):
    scene = make_scene(at, "Ann", "Bob", assist_rate=Decimal("0.02"), assist_daily_cap_minor=300)
    scene.click("Ann", days=1)
    click = scene.click("Bob")

    orders = [scene.order(click=click) for _ in range(3)]

    assert [scene.earned(sale).get("Ann") for sale in orders] == [200, 100, None]
    tomorrow = scene.order(click=click, days_later=1)
    assert scene.earned(tomorrow)["Ann"] == 200


def test_a_soft_click_that_was_behind_has_no_assist(at):
    scene = make_scene(at, "Blog", assist_rate=Decimal("0.02"))
    scene.join("Extension", credit_class="soft")
    scene.click("Blog", days=1)

    assert scene.earned(scene.order(click=scene.click("Extension"))) == {"Blog": 2000}
