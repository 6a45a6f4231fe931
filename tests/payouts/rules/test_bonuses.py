"""A month's bonus: the three modes, the worked examples, and when it takes effect (E10, E11, E13)."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from ledger.money import Money
from payouts.rules.bonuses import Action, bonus_of
from payouts.rules.clauses import Bonus
from payouts.rules.documents import read_document
from payouts.rules.facts import Customer, Facts

FIRST = datetime(2026, 11, 1, 9, tzinfo=UTC)
TIERS = [{"from": "0", "percent": "0.04"}, {"from": "200", "percent": "0.06"}, {"from": "400", "percent": "0.08"}]


def bonus(**row) -> Bonus:
    base = {"name": "Volume", "mode": "all", "by": "revenue", "rows": TIERS}
    rules = read_document(
        {"lines": [{"name": "All", "pay": {"percent": "0.04"}}], "bonuses": [base | row]}, currency="USD"
    )
    return rules.bonuses[0]


def actions(*majors: int, status: str = "", apart: timedelta = timedelta(days=1)) -> list[Action]:
    return [
        Action(
            str(number),
            Facts("sale", "USD", major * 100, FIRST + apart * number, customer=Customer(status)),
            major * 100,
        )
        for number, major in enumerate(majors)
    ]


def paid(one: Bonus, sold: list[Action]) -> str:
    return bonus_of(one, sold, currency="USD")[0].major


def test_e10_five_hundred_dollars_with_a_raise_for_all_orders():
    """$500 at 4 % to 199, 6 % from 200 to 399, 8 % from 400: all of it at 8 %."""
    assert paid(bonus(mode="all"), actions(100, 250, 150)) == "40.00"


def test_e10_five_hundred_dollars_with_only_what_lies_past_each_tier():
    """200 at 4 %, 200 at 6 %, 100 at 8 %."""
    assert paid(bonus(mode="marginal"), actions(100, 250, 150)) == "28.00"


def test_e10_five_hundred_dollars_with_a_fixed_bonus():
    """The amount of the highest tier reached, once."""
    rows = [{"from": "200", "flat": "10"}, {"from": "400", "flat": "25"}]

    assert paid(bonus(mode="fixed", rows=rows), actions(100, 250, 150)) == "25.00"
    assert paid(bonus(mode="fixed", rows=rows), actions(100, 299)) == "10.00"
    assert paid(bonus(mode="fixed", rows=rows), actions(199)) == "0.00"


def test_e10_on_top_of_a_line_that_pays_the_first_rate_already():
    """4 % is paid by the line, so the bonus is what the tiers add: together the same 40 and 28 dollars."""
    more = [{"from": "200", "percent": "0.02"}, {"from": "400", "percent": "0.04"}]

    assert paid(bonus(mode="all", rows=more), actions(500)) == "20.00"
    assert paid(bonus(mode="marginal", rows=more), actions(500)) == "8.00"


@pytest.mark.parametrize(
    ("major", "raised", "marginal"),
    [(199, "7.96", "7.96"), (200, "12.00", "8.00"), (399, "23.94", "19.94"), (400, "32.00", "20.00")],
)
def test_the_edges_of_tiers_belong_to_the_higher_one(major, raised, marginal):
    assert paid(bonus(mode="all"), actions(major)) == raised
    assert paid(bonus(mode="marginal"), actions(major)) == marginal


def test_tiers_may_count_orders():
    rows = [{"from": 3, "percent": "0.10"}]
    sold = actions(10, 20, 30, 40)

    assert paid(bonus(by="orders", mode="all", rows=rows), sold) == "10.00"
    # From the third order on: 30 and 40.
    assert paid(bonus(by="orders", mode="marginal", rows=rows), sold) == "7.00"
    assert paid(bonus(by="orders", mode="marginal", rows=[{"from": 3, "flat": "5"}]), sold) == "10.00"
    assert paid(bonus(by="orders", mode="all", rows=[{"from": 3, "flat": "5"}]), sold) == "20.00"


def test_a_raise_for_the_past_or_from_the_next_day_on():
    """E13: retroactive raises the whole month; next_day what comes after the day the tier was reached."""
    rows = [{"from": "200", "percent": "0.10"}]
    sold = actions(150, 100, 50, 50)  # the second day reaches 250

    assert paid(bonus(rows=rows), sold) == "35.00"
    assert paid(bonus(rows=rows, takes_effect="next_day"), sold) == "10.00"


def test_orders_of_the_day_a_tier_is_reached_wait_like_the_one_that_reached_it():
    rows = [{"from": "200", "percent": "0.10"}]

    assert paid(bonus(rows=rows, takes_effect="next_day"), actions(300, 100, apart=timedelta(hours=1))) == "0.00"


def test_only_what_the_conditions_mean_counts():
    when = {"all": [{"field": "customer.status", "op": "is", "value": "new"}]}
    sold = [*actions(300, status="new"), *actions(900, status="returning")]

    assert paid(bonus(when=when), sold) == "18.00"


def test_the_order_in_which_orders_are_approved_does_not_matter():
    one = bonus(rows=[{"from": "200", "percent": "0.10"}], takes_effect="next_day")
    sold = actions(30, 90, 90, 10, 45, 60, apart=timedelta(hours=17))
    found = {paid(one, random.Random(seed).sample(sold, len(sold))) for seed in range(20)}

    assert len(found) == 1


def test_the_trace_tells_how_far_the_next_tier_is():
    money, trace = bonus_of(bonus(), actions(350), currency="USD")

    assert money == Money(2100, "USD")
    assert trace["next"] == {"from": "400.00", "missed_by": "50.00"}
    assert trace["rows"] == [{"from": "200.00", "percent": "0.06", "revenue": "350.00", "orders": 1, "amount": "21.00"}]


def test_nothing_sold_earns_no_bonus():
    rows = [{"from": "0", "flat": "50"}]

    assert paid(bonus(mode="fixed", rows=rows), []) == "0.00"
