"""What comes on top of lines and what is taken off: campaigns, member days, penalties, caps, levels (E11, E15, E16)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from payouts.rules.documents import read_document
from payouts.rules.facts import Inviter, Item, Partner
from payouts.rules.limits import Used, period_of
from payouts.rules.reports import price_orders
from tests.payouts.rules.tables import tables_of
from tests.payouts.rules.test_engine import ALL, BASKET, FRIDAY, ORDER, PLANS, paid, priced

# ── Campaigns and penalties ──────────────────────────────────────────────────────────────


def boost(**row: Any) -> dict[str, Any]:
    return {"name": "Boost"} | row


def test_a_campaign_adds_to_the_rate_multiplies_or_adds_an_amount():
    line = {"pay": {"percent": "0.2", "flat": "1"}}

    assert paid([line], boosts=[boost(add="0.05")]) == "26.00"
    assert paid([line], boosts=[boost(times="1.5")]) == "31.50"
    assert paid([line], boosts=[boost(flat="10")]) == "31.00"


def test_of_campaigns_that_do_not_stack_the_best_for_the_partner_applies():
    boosts = [boost(add="0.01"), boost(flat="10"), boost(times="1.2")]
    found = priced([{"pay": {"percent": "0.2"}}], boosts=boosts)

    assert found.amount.major == "30.00"
    assert [row["applied"] for row in found.trace["boosts"]] == [False, True, False]
    assert found.trace["boosts"][0]["why"] == "a_better_one"


def test_of_equals_the_one_listed_first():
    found = priced([{"pay": {"percent": "0.2"}}], boosts=[boost(add="0.1"), boost(times="1.5")])

    assert [row["applied"] for row in found.trace["boosts"]] == [True, False]


def test_campaigns_that_stack_come_on_top_of_the_best():
    boosts = [boost(add="0.1", stacks=True), boost(times="2"), boost(flat="5", stacks=True)]

    assert paid([{"pay": {"percent": "0.2"}}], boosts=boosts) == "65.00"


def test_a_boosted_rate_stops_at_100_percent_and_the_maximum_holds():
    assert paid([{"pay": {"percent": "0.8"}}], boosts=[boost(add="0.5")]) == "100.00"
    assert paid([{"pay": {"percent": "0.2"}, "maximum": "22"}], boosts=[boost(times="3")]) == "22.00"
    assert paid([{"pay": {"percent": "0.2"}, "maximum": "22"}], boosts=[boost(flat="30")]) == "22.00"


def test_an_added_rate_raises_no_flat_line_and_no_exclusion():
    assert paid([{"pay": {"flat": "5"}}], boosts=[boost(add="0.1")]) == "5.00"
    assert paid([{"pay": {"nothing": True}}], boosts=[boost(flat="10")]) == "0.00"


def test_a_campaign_is_for_sales_unless_it_says_otherwise():
    lines = [ALL, {"event": "click", "pay": {"flat": "0.10"}}]

    assert paid(lines, replace(ORDER, event="click", amount_minor=0), boosts=[boost(flat="10")]) == "0.10"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({"weekdays": ["friday"]}, "day"), ({"weekdays": ["monday"]}, "no"), ({"month_days": [27]}, "day"),
        ({"month_days": [28]}, "no"), ({"dates": ["11-27"]}, "day"), ({"dates": ["2026-11-27"]}, "day"), ({"dates": ["2025-11-27"]}, "no"),
    ],
)  # fmt: skip
def test_member_days(days, expected):
    assert paid([ALL], boosts=[boost(times="2", days=days)]) == {"day": "20.00", "no": "10.00"}[expected]


def test_a_campaign_begins_at_its_moment_and_ends_before_its_last():
    dated = [boost(times="2", **{"from": "2026-11-27T12:00:00Z", "until": "2026-11-28T12:00:00Z"})]
    moments = (-timedelta(seconds=1), timedelta(0), timedelta(hours=24) - timedelta(seconds=1), timedelta(hours=24))

    assert [paid([ALL], replace(ORDER, at=FRIDAY + gap), boosts=dated) for gap in moments] == [
        "10.00", "20.00", "20.00", "10.00",
    ]  # fmt: skip


def test_a_penalty_is_taken_last_and_named():
    found = priced(
        [{"level": "item", "when": PLANS, "pay": {"percent": "0.25"}}, ALL],
        replace(BASKET, partner=Partner(rate_cut=Decimal("0.3333"), rate_cut_reason="brand bidding")),
    )

    assert found.amount.major == "12.67"
    assert [part.amount.minor for part in found.parts] == [1000, 267]
    assert found.trace["rate_cut"]["reason"] == "brand bidding"
    assert priced([ALL], replace(ORDER, partner=Partner(rate_cut=Decimal(1)))).reason == "rate_cut"


# ── Caps and levels ──────────────────────────────────────────────────────────────────────


def cap(**row: Any) -> dict[str, Any]:
    return {"name": "Cap", "of": "partner", "per": "day", "limit": {"commission": "25"}, "beyond": "review"} | row


def test_e16_what_lies_beyond_a_cap_is_kept_for_approval():
    found = priced([ALL], caps=[cap()], usage={0: Used(2000, 2)})

    assert (found.amount.major, found.whole.major) == ("5.00", "10.00")
    assert [(one.amount.major, one.beyond) for one in found.overflow] == [("5.00", "review")]


def test_e16_caps_of_orders_and_the_narrowest_of_several():
    assert paid([ALL], caps=[cap(limit={"orders": 3})], usage={0: Used(0, 2)}) == "10.00"
    assert priced([ALL], caps=[cap(limit={"orders": 3})], usage={0: Used(0, 3)}).reason == "over_cap"

    both = priced([ALL], caps=[cap(limit={"commission": "8"}), cap(limit={"commission": "3"}, beyond="nothing")])

    assert both.amount.major == "3.00"
    assert [(one.cap, one.amount.major, one.beyond) for one in both.overflow] == [
        (1, "2.00", "review"),
        (2, "5.00", "nothing"),
    ]


def test_the_periods_of_caps_go_by_the_programs_own_clock():
    sunday = datetime(2026, 11, 29, 23, 59, tzinfo=UTC)

    assert [period_of(per, sunday) for per in ("day", "week", "month", "total")] == [
        "2026-11-29", "2026-11-23", "2026-11", "all",
    ]  # fmt: skip
    assert period_of("week", sunday + timedelta(minutes=1)) == "2026-11-30"


def test_e15_levels_of_inviters():
    levels = [
        {"level": 1, "of": "commission", "percent": "0.1"},
        {"level": 2, "of": "sale", "percent": "0.01", "months": 12},
        {"level": 3, "of": "commission", "percent": "0.0001", "minimum": "0.01"},
    ]
    chain = (Inviter("bo", 3), Inviter("cy", 11), Inviter("di", 40))

    found = priced([ALL], replace(ORDER, partner=Partner("al"), inviters=chain), uplines=levels)

    assert [(one.level, one.partner, one.amount.major) for one in found.uplines] == [
        (1, "bo", "1.00"), (2, "cy", "1.00"), (3, "di", "0.01"),
    ]  # fmt: skip
    late = priced(
        [ALL], replace(ORDER, partner=Partner("al"), inviters=(Inviter("bo"), Inviter("cy", 12))), uplines=levels
    )
    assert [row.get("why") for row in late.trace["uplines"]] == [None, "months_over", "nobody"]


def test_a_chain_that_comes_back_to_its_beginning_ends_there():
    levels = [{"level": n, "of": "commission", "percent": "0.1"} for n in (1, 2, 3)]
    chain = (Inviter("bo"), Inviter("al"), Inviter("bo"))

    found = priced([ALL], replace(ORDER, partner=Partner("al"), inviters=chain), uplines=levels)

    assert [one.partner for one in found.uplines] == ["bo"]
    assert [row.get("why") for row in found.trace["uplines"]] == [None, "circular", "circular"]


def test_levels_get_their_part_of_what_is_within_the_caps():
    levels = [{"level": 1, "of": "commission", "percent": "0.5"}]

    found = priced(
        [ALL], replace(ORDER, inviters=(Inviter("bo"),)), uplines=levels, caps=[cap(limit={"commission": "4"})]
    )

    assert found.uplines[0].amount.major == "2.00"


# ── The twin, where chance seldom goes ───────────────────────────────────────────────────


def both_ways(document: dict[str, Any], facts: Any) -> list[int]:
    rules = read_document(document, currency="USD")
    frame, items = tables_of([facts])
    found: list[int] = price_orders(rules, frame, items)["amount"].tolist()
    return found


def test_a_boosted_rate_stops_at_100_percent_in_a_table_too():
    document = {"lines": [{"name": "A", "pay": {"percent": "0.8"}}], "boosts": [boost(add="0.5")]}

    assert both_ways(document, ORDER) == [10_000]


def test_a_flat_amount_for_the_rest_of_an_order_whose_positions_are_gone():
    """Positions of 60 given back, 40 of the order belong to none: in both forms the fee stays."""
    facts = replace(ORDER, items=(Item("1", 6000, refunded_minor=6000),), refunded_minor=6000)
    lines = [{"name": "A", "pay": {"flat": "5"}}]

    assert paid(lines, facts) == "5.00"
    assert both_ways({"lines": lines}, facts) == [500]
