"""What lines pay, in their order: positions, bases, bands, limits, refunds, charges, campaigns, caps, levels (E1–E20)."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import Money
from payouts.models import RuleLine
from payouts.rules.documents import read_document
from payouts.rules.engine import Priced, price_order
from payouts.rules.facts import Customer, Facts, Item, Partner
from payouts.rules.prices import OrderFigures, base_after_refunds, price
from payouts.rules.stored import rules_of_lines

FRIDAY = datetime(2026, 11, 27, 12, tzinfo=UTC)
ORDER = Facts("sale", "USD", 10_000, FRIDAY)
PRO, BOOK = Item("1", 6000, "PRO-1", "plans", 2), Item("2", 4000, "BOOK-7", "books")
BASKET = replace(ORDER, items=(PRO, BOOK))
ALL = {"name": "All", "pay": {"percent": "0.1"}}
PLANS = {"all": [{"field": "item.category", "op": "is", "value": "plans"}]}


def priced(lines: list[dict[str, Any]], facts: Facts = ORDER, *, basis: str = "net", **parts: Any) -> Priced:
    usage = parts.pop("usage", {})
    rules = read_document({"lines": [{"name": "A"} | line for line in lines]} | parts, currency="USD")
    return price_order(rules, facts, basis=basis, usage=usage)


def paid(*args: Any, **more: Any) -> str:
    return priced(*args, **more).amount.major


def test_e1_percent_flat_and_both():
    assert paid([{"pay": {"percent": "0.2"}}]) == "20.00"
    assert paid([{"pay": {"flat": "5"}}]) == "5.00"
    assert paid([{"pay": {"percent": "0.2", "flat": "5"}}]) == "25.00"


def test_e2_leads_and_clicks_have_lines_of_their_own():
    lines = [ALL, {"event": "lead", "pay": {"flat": "3"}}, {"event": "click", "pay": {"flat": "0.10"}}]

    assert paid(lines, replace(ORDER, event="lead", amount_minor=0)) == "3.00"
    assert paid(lines, replace(ORDER, event="click", amount_minor=0)) == "0.10"
    assert priced(lines, replace(ORDER, event="trial")).reason == "no_line_fits"


def test_e4_the_first_line_that_fits_decides_even_where_a_later_one_pays_more():
    gold = {"when": {"all": [{"field": "partner.tier", "op": "is", "value": "gold"}]}, "pay": {"percent": "0.05"}}

    found = priced([gold, ALL], replace(ORDER, partner=Partner(tier="Gold")))

    assert found.amount == Money(500, "USD")
    assert found.trace["lines"][1] == {"line": 2, "name": "All", "fits": False, "why": "taken", "by": 1}


def test_e6_item_lines_take_their_positions_and_the_order_line_the_rest():
    found = priced([{"level": "item", "when": PLANS, "pay": {"percent": "0.25"}}, ALL], BASKET)

    assert [(part.line_position, part.item_keys, part.base.major, part.amount.major) for part in found.parts] == [
        (1, ("1",), "60.00", "15.00"),
        (2, ("2",), "40.00", "4.00"),
    ]
    assert found.amount.major == "19.00"


def test_a_flat_amount_of_an_item_line_is_for_each_piece():
    assert paid([{"level": "item", "when": PLANS, "pay": {"flat": "3"}}], BASKET) == "6.00"


def test_positions_that_no_line_takes_earn_nothing_and_the_trace_says_so():
    found = priced([{"level": "item", "when": PLANS, "pay": {"percent": "0.25"}}], BASKET)

    assert found.trace["untaken"] == {"items": ["2"], "has_rest": False, "amount": "40.00"}


def test_an_exclusion_takes_its_positions_and_pays_nothing():
    found = priced([{"level": "item", "when": PLANS, "pay": {"nothing": True}}, ALL], BASKET)

    assert found.amount.major == "4.00"
    assert priced([{"pay": {"nothing": True}}], BASKET).reason == "excluded"


def test_item_lines_do_not_fit_an_order_without_positions():
    found = priced([{"level": "item", "pay": {"percent": "0.5"}}, ALL])

    assert found.amount.major == "10.00"
    assert found.trace["lines"][0]["why"] == "no_items"


def test_when_item_lines_took_everything_no_order_line_pays_a_fee_on_nothing():
    found = priced([{"level": "item", "pay": {"percent": "0.1"}}, {"pay": {"flat": "5"}}], BASKET)

    assert found.amount.major == "10.00"
    assert found.trace["lines"][1]["why"] == "nothing_left"


def test_e20_the_base_is_what_the_line_says_else_what_the_terms_say():
    order = replace(ORDER, tax_minor=1900, shipping_minor=500, discount_minor=600, fees_minor=100)

    assert paid([ALL], order) == "10.00"
    assert paid([ALL], order, basis="gross") == "7.00"
    assert paid([ALL | {"base": {"minus": ["tax", "fees"]}}], order) == "8.00"
    assert paid([ALL | {"base": {"minus": []}}], order, basis="gross") == "10.00"
    assert paid([ALL], replace(order, tax_minor=20_000), basis="gross") == "0.00"


def test_what_is_taken_off_an_order_is_shared_by_its_positions():
    """100.00 with 10.00 discount: positions of 60 and 40 have bases of 54 and 36."""
    lines = [{"level": "item", "when": PLANS, "pay": {"percent": "0.5"}, "base": {"minus": ["discount"]}}]

    assert paid(lines, replace(BASKET, discount_minor=1000)) == "27.00"


def test_shipping_in_the_amount_does_not_shrink_positions():
    """Amount 112 with 12 shipping, positions of 100: on a gross basis they keep their 60 and 40."""
    lines = [{"level": "item", "when": PLANS, "pay": {"percent": "0.5"}}, ALL]

    assert paid(lines, replace(BASKET, amount_minor=11_200, shipping_minor=1200), basis="gross") == "34.00"
    # On a net basis the 12 are commissionable too, and the order line has them.
    assert paid(lines, replace(BASKET, amount_minor=11_200)) == "35.20"


def test_the_bases_of_parts_add_up_to_the_whole_to_the_last_cent():
    items = tuple(Item(str(n), 3333, f"S{n}") for n in range(3))
    lines = [
        {"level": "item", "when": {"all": [{"field": "item.sku", "op": "is", "value": f"S{n}"}]}, "pay": {"percent": "1"}}
        for n in range(3)
    ]  # fmt: skip

    found = priced(lines, replace(ORDER, amount_minor=9998, items=items))

    assert sum(part.base.minor for part in found.parts) == 9998


@pytest.mark.parametrize(
    ("minor", "expected"), [(0, "0.00"), (4999, "2.50"), (5000, "5.00"), (9999, "10.00"), (10_000, "16.00")]
)
def test_e8_a_band_begins_at_its_edge_and_ends_below_the_next(minor, expected):
    rows = [
        {"from": "0", "percent": "0.05"},
        {"from": "50", "percent": "0.1"},
        {"from": "100", "percent": "0.15", "flat": "1"},
    ]

    assert (
        paid([{"pay": {"bands": {"by": "order.amount", "rows": rows}}}], replace(ORDER, amount_minor=minor)) == expected
    )


def test_bands_by_pieces_and_by_the_base():
    by_pieces = {
        "bands": {"by": "order.quantity", "rows": [{"from": "0", "nothing": True}, {"from": "3", "flat": "9"}]}
    }
    by_base = {"bands": {"by": "order.base", "rows": [{"from": "0", "flat": "1"}, {"from": "100", "flat": "2"}]}}

    assert paid([{"pay": by_pieces}], BASKET) == "9.00"
    assert priced([{"pay": by_pieces}]).reason == "excluded"
    assert paid([{"pay": by_base}], replace(ORDER, tax_minor=1), basis="gross") == "1.00"


def test_minimum_and_maximum_of_an_order():
    line = {"pay": {"percent": "0.1"}, "minimum": "2", "maximum": "9"}

    assert [paid([line], replace(ORDER, amount_minor=minor)) for minor in (0, 1500, 5000, 50_000)] == [
        "2.00", "2.00", "5.00", "9.00",
    ]  # fmt: skip


def test_e14_the_first_charges_and_the_first_months_then_less():
    three = [{"charges": {"first": 3}, "pay": {"percent": "0.4"}}, {"pay": {"percent": "0.2"}}]
    year = [{"charges": {"months": 12}, "pay": {"percent": "0.4"}}]

    assert [paid(three, replace(ORDER, charge=charge)) for charge in (None, 1, 3, 4)] == [
        "40.00",
        "40.00",
        "40.00",
        "20.00",
    ]
    assert [paid(year, replace(ORDER, month=month)) for month in (None, 0, 11, 12)] == [
        "40.00",
        "40.00",
        "40.00",
        "0.00",
    ]
    assert priced(year, replace(ORDER, month=2)).trace["lines"][0]["charges"] == {"month": 3, "of": 12}
    assert priced(year, replace(ORDER, month=12)).trace["lines"][0]["why"] == "charges"


def test_e9_new_returning_and_lapsed_customers():
    lines = [
        {"when": {"all": [{"field": "customer.status", "op": "is", "value": status}]}, "pay": {"percent": rate}}
        for status, rate in (("new", "0.3"), ("returning", "0.1"), ("lapsed", "0.2"))
    ]

    assert [paid(lines, replace(ORDER, customer=Customer(one))) for one in ("new", "returning", "lapsed", "")] == [
        "30.00", "10.00", "20.00", "0.00",
    ]  # fmt: skip


# ── Refunds ──────────────────────────────────────────────────────────────────────────────


def test_f4_a_refund_of_a_position_takes_back_what_that_position_earned():
    lines = [{"level": "item", "when": PLANS, "pay": {"percent": "0.25", "flat": "3"}}, ALL]
    gone = replace(BASKET, items=(replace(PRO, refunded_minor=6000), BOOK), refunded_minor=6000)

    found = priced(lines, gone)

    assert [part.amount.major for part in found.parts] == ["0.00", "4.00"]


def test_f4_a_refund_of_no_position_is_shared_by_all_of_them():
    lines = [{"level": "item", "when": PLANS, "pay": {"percent": "0.25"}}, ALL]

    assert [part.amount.major for part in priced(lines, replace(BASKET, refunded_minor=5000)).parts] == ["7.50", "2.00"]


def test_a_flat_amount_stays_until_all_it_was_paid_for_is_gone():
    lines = [{"pay": {"flat": "5"}, "minimum": "1"}]

    assert paid(lines, replace(ORDER, refunded_minor=9999)) == "5.00"
    assert priced(lines, replace(ORDER, refunded_minor=10_000)).reason == "refunded"
    assert paid([{"pay": {"flat": "5"}}], replace(ORDER, amount_minor=0)) == "5.00"


def test_a_refund_does_not_move_an_order_to_another_line_or_band():
    rows = [{"from": "0", "percent": "0.3"}, {"from": "100", "percent": "0.1"}]
    large = {"when": {"all": [{"field": "order.amount", "op": "at_least", "value": "100"}]}, "pay": {"percent": "0.1"}}
    half = replace(ORDER, refunded_minor=5000)

    assert paid([{"pay": {"bands": {"by": "order.amount", "rows": rows}}}], half) == "5.00"
    assert paid([large, {"pay": {"percent": "0.3"}}], half) == "5.00"


figures = st.integers(0, 10**7)


@given(
    st.lists(
        st.tuples(st.sampled_from(["sale", "lead"]), st.decimals(0, 1, places=6), st.integers(0, 10**6)),
        min_size=1,
        max_size=3,
    ),
    st.tuples(figures, figures, figures, figures),
    st.integers(0, 100),
    st.sampled_from(["net", "gross"]),
)
def test_lines_of_old_pay_to_the_cent_what_they_paid(drawn, parts, back, basis):
    """Versions from before documents, priced by payouts/rules/prices.py: the same line, base and amount."""
    amount, tax, shipping, discount = parts
    refunded = amount * back // 100
    old_figures = OrderFigures("sale", *(Money(minor, "USD") for minor in (*parts, refunded)))
    facts = replace(
        ORDER,
        amount_minor=amount,
        tax_minor=tax,
        shipping_minor=shipping,
        discount_minor=discount,
        refunded_minor=refunded,
    )
    lines = [
        RuleLine(
            position=place, name="A", event=event, kind="flat" if flat % 2 else "percent", rate=rate, flat_minor=flat
        )
        for place, (event, rate, flat) in enumerate(drawn, start=1)
    ]
    old = price(lines, old_figures, basis=basis)

    found = price_order(rules_of_lines(lines, "USD"), facts, basis=basis)

    if old is None:
        assert (found.amount.minor, found.reason) == (0, "no_line_fits")
    else:
        assert (found.amount, found.base) == (old.amount, base_after_refunds(old_figures, basis=basis))
        assert found.parts[0].line_position == old.line.position
        assert found.trace["parts"][0]["base_steps"][0] == old.trace["base_steps"][0]
