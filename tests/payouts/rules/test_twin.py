"""The twin for tables gives what the engine for one order gives, to the cent."""

from collections import defaultdict
from dataclasses import replace

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payouts.rules.clauses import Rules
from payouts.rules.documents import read_document
from payouts.rules.engine import price_order
from payouts.rules.facts import Facts
from payouts.rules.limits import Used, period_of
from payouts.rules.reports import price_orders
from tests.payouts.rules.drawn import orders, rule_sets
from tests.payouts.rules.tables import tables_of


def one_by_one(rules: Rules, facts: list[Facts], basis: str) -> list[tuple[int, ...]]:
    """Every order priced alone, in the order of time, with what the caps had before it."""
    used: dict[tuple[int, str, str], Used] = defaultdict(Used)
    found: dict[int, tuple[int, ...]] = {}
    for place, one in sorted(enumerate(facts), key=lambda pair: (pair[1].at, pair[0])):
        keys = [
            (number, period_of(cap.per, one.at), one.partner.id if cap.of == "partner" else "")
            for number, cap in enumerate(rules.caps)
        ]
        priced = price_order(rules, one, basis=basis, usage={key[0]: used[key] for key in keys}, detail=False)
        if priced.amount:
            for key in keys:
                used[key] = Used(used[key].commission_minor + priced.amount.minor, used[key].orders + 1)
        over = {"review": 0, "nothing": 0}
        for part in priced.overflow:
            over[part.beyond] += part.amount.minor
        line = priced.parts[0].line_position if priced.parts else 0
        found[place] = (
            priced.amount.minor,
            priced.whole.minor,
            over["review"],
            over["nothing"],
            priced.base.minor,
            line,
        )
    return [found[place] for place in range(len(facts))]


def assert_twins(rules, facts, basis):
    frame, items = tables_of(facts)
    table = price_orders(rules, frame, items, basis=basis)

    assert list(table.itertuples(index=False, name=None)) == one_by_one(rules, facts, basis)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rule_sets(),
    st.lists(orders(), min_size=1, max_size=8),
    st.sampled_from(["net", "gross"]),
    st.sampled_from([1, 1, 10**9]),
)
def test_a_table_of_orders_earns_what_each_order_earns_alone(rules, facts, basis, scale):
    """Amounts of billions too, whose products pass 64 bits."""
    assert_twins(rules, [scaled(one, scale) for one in facts], basis)


def scaled(facts: Facts, scale: int) -> Facts:
    return replace(
        facts,
        amount_minor=facts.amount_minor * scale,
        tax_minor=facts.tax_minor * scale,
        refunded_minor=facts.refunded_minor * scale,
        items=tuple(
            replace(one, amount_minor=one.amount_minor * scale, refunded_minor=one.refunded_minor * scale)
            for one in facts.items
        ),
    )


def test_no_orders_are_an_empty_table():
    rules = read_document({"lines": [{"name": "A", "pay": {"percent": "0.1"}}]}, currency="USD")
    frame = pd.DataFrame({"event": [], "currency": [], "at": pd.to_datetime([], utc=True), "order.amount": []})

    assert list(price_orders(rules, frame)["amount"]) == []


def test_columns_that_a_table_does_not_have_are_not_known():
    lines = [
        {"name": "A", "when": {"all": [{"field": "order.coupon", "op": "is", "value": "X"}]}, "pay": {"percent": "0.2"}},
        {"name": "B", "when": {"all": [{"field": "order.is_renewal", "op": "is", "value": False}]}, "pay": {"percent": "0.1"}},
    ]  # fmt: skip
    frame = pd.DataFrame(
        {
            "event": ["sale", "lead"],
            "currency": "USD",
            "at": pd.Timestamp("2026-11-27", tz="UTC"),
            "order.amount": 10_000,
        }
    )

    found = price_orders(read_document({"lines": lines}, currency="USD"), frame)

    assert found[["amount", "line"]].to_numpy().tolist() == [[1000, 2], [0, 0]]
