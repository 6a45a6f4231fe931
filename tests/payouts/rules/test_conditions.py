"""Every field and every operator, on one order and in a table (E4, E5, E9, E19)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from payouts.rules.documents import read_document
from payouts.rules.engine import price_order
from payouts.rules.facts import Click, Customer, Facts, Item, Link, Partner
from payouts.rules.fields import FIELDS, OPS
from payouts.rules.reports import price_orders
from tests.payouts.rules.drawn import BERLIN
from tests.payouts.rules.tables import tables_of

#: Friday, 27 November 2026, 09:30 in Berlin.
KNOWN = Facts(
    event="sale",
    currency="USD",
    amount_minor=10_000,
    at=datetime(2026, 11, 27, 9, 30, tzinfo=BERLIN),
    tax_minor=1900,
    items=(Item("1", 6000, "PRO-1", "Plans", 2), Item("2", 4000, "BOOK-7", "Books", 1)),
    coupon="Maya10",
    country="DE",
    metadata={"channel": "Web", "size": "12.5"},
    is_renewal=True,
    charge=2,
    month=3,
    customer=Customer("returning", "AT", 4),
    partner=Partner("aff_1", "Gold", ("VIP", "Press"), ("A",), "CH", 40),
    link=Link("Go1", "go.example", ("s1", *[""] * 8, "s10")),
    click=Click("FR", "mobile", "iOS", "blog.example"),
    role="winner",
)
UNKNOWN = Facts("sale", "USD", 10_000, KNOWN.at)


def holds(
    name: str, op: str, value: Any = None, facts: Facts = KNOWN, level: str = "order", table: bool = True
) -> bool:
    """Whether a line with one condition pays, asked of one order and of a table of it."""
    condition = {"field": name, "op": op} | ({} if value is None else {"value": value})
    line = {"name": "A", "level": level, "when": {"all": [condition]}, "pay": {"flat": "1"}}
    rules = read_document({"lines": [line]}, currency="USD")
    alone = price_order(rules, facts).amount.minor
    if table:
        frame, items = tables_of([facts])
        assert price_orders(rules, frame, items)["amount"].tolist() == [alone]
    return alone > 0


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("order.amount", "100.00", "99.99"),
        ("order.base", "100", "100.01"),
        ("order.currency", "usd", None),
        ("order.quantity", 3, 2),
        ("order.coupon", "MAYA10", "maya1"),
        ("order.country", "de", "AT"),
        ("order.metadata.channel", "web", "app"),
        ("order.is_renewal", True, False),
        ("order.charge", 2, 1),
        ("order.month", 3, 2),
        ("customer.status", "returning", "new"),
        ("customer.country", "AT", "DE"),
        ("customer.orders_before", 4, 5),
        ("partner.id", "aff_1", "AFF_1"),
        ("partner.tier", "gold", "silver"),
        ("partner.segments", "press", "blog"),
        ("partner.tags", "a", "b"),
        ("partner.country", "CH", "DE"),
        ("partner.joined_days", 40, 41),
        ("link.code", "Go1", "go1"),
        ("link.host", "GO.example", "example"),
        *((f"link.sub{n}", f"s{n}", "x") for n in (1, 10)),
        ("click.country", "FR", "DE"),
        ("click.device", "mobile", "desktop"),
        ("click.os", "ios", "Android"),
        ("click.referrer_host", "blog.example", "example"),
        ("time.weekday", "friday", "saturday"),
        ("time.hour", 9, 8),
        ("time.date", "2026-11-27", "2026-11-26"),
        ("time.day_of_month", 27, 28),
        ("role", "winner", "assist"),
    ],
)
def test_every_field_of_an_order(name, right, wrong):
    assert holds(name, "is", right)
    assert not holds(name, "is_not", right)
    if wrong is not None:
        assert not holds(name, "is", wrong)
        assert holds(name, "is_not", wrong)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("item.sku", "pro-1", "pro"),
        ("item.category", "books", "toys"),
        ("item.amount", "60", "100"),
        ("item.quantity", 1, 3),
    ],
)
def test_every_field_of_a_position(name, right, wrong):
    for level in ("order", "item"):
        assert holds(name, "is", right, level=level)
        assert not holds(name, "is", wrong, level=level)


def test_no_field_was_forgotten():
    tried = {name for name in FIELDS if name.startswith("link.sub")}
    for mark in (test_every_field_of_an_order, test_every_field_of_a_position):
        tried |= {row[0] for row in mark.pytestmark[0].args[1]}

    assert set(FIELDS) - tried == set()


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("above", 3, True), ("above", 4, False), ("at_least", 4, True), ("at_least", 5, False),
        ("below", 5, True), ("below", 4, False), ("at_most", 4, True), ("at_most", 3, False),
        ("between", [4, 6], True), ("between", [2, 4], True), ("between", [5, 6], False),
        ("any_of", [1, 4], True), ("any_of", [1, 5], False), ("none_of", [1, 5], True), ("none_of", [4], False),
        ("is_set", None, True), ("is_not_set", None, False),
    ],
)  # fmt: skip
def test_every_operator_on_a_number(op, value, expected):
    assert holds("customer.orders_before", op, value) is expected


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("any_of", ["x", "MAYA10"], True), ("none_of", ["x", "MAYA10"], False), ("none_of", ["x"], True),
        ("contains", "ya1", True), ("contains", "x", False), ("starts_with", "MA", True), ("starts_with", "aya", False),
        ("is_set", None, True), ("is_not_set", None, False), ("any_of", ["a,MAYA10"], False),
    ],
)  # fmt: skip
def test_every_operator_on_a_text(op, value, expected):
    """The last row: a comma inside a text separates nothing (E4's trap)."""
    assert holds("order.coupon", op, value) is expected


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [("at_least", "12.5", True), ("above", "12.5", False), ("between", ["12", "13"], True), ("is", "12.5", True), ("below", "9", False)],
)  # fmt: skip
def test_metadata_may_be_asked_as_a_number(op, value, expected):
    assert holds("order.metadata.channel", op, value, replace(KNOWN, metadata={"channel": "12.5"})) is expected


@pytest.mark.parametrize("op", ["is", "any_of", "above", "at_most", "between", "contains", "starts_with", "is_set"])
def test_what_is_not_known_fulfils_nothing_that_is_asked_of_it(op):
    for name, known in FIELDS.items():
        if op not in known.ops or name.startswith(
            ("order.amount", "order.base", "order.quantity", "order.curr", "order.is_", "time", "role")
        ):
            continue
        value = {"number": 1, "money": "1"}.get(known.kind, known.choices[0] if known.choices else "DE")
        value = None if op == "is_set" else [value, value] if op == "between" else [value] if op == "any_of" else value
        assert not holds(name, op, value, UNKNOWN, table=False), name


@pytest.mark.parametrize("op", ["is_not", "none_of", "is_not_set"])
def test_what_is_not_known_is_not_anything(op):
    """A denial is the exact opposite: who wants known customers only asks is_set too."""
    value = {"is_not": "DE", "none_of": ["DE"]}.get(op)

    assert holds("customer.country", op, value, UNKNOWN)
    assert not holds("customer.country", op, {"is_not": "AT", "none_of": ["AT"]}.get(op))


def test_a_denial_about_positions_is_true_of_each_of_them():
    assert not holds("item.sku", "is_not", "PRO-1")
    assert holds("item.sku", "is_not", "TOY-1")
    assert holds("item.sku", "is_not", "PRO-1", level="item")


def test_every_kind_of_field_names_its_operators():
    assert {known.kind for known in FIELDS.values()} <= set(OPS)
    assert all(known.column == name for name, known in FIELDS.items())


def test_a_missed_number_tells_by_how_much():
    document = {"name": "Gold", "when": {"all": [
        {"field": "customer.orders_before", "op": "at_least", "value": 50},
        {"field": "order.amount", "op": "between", "value": ["120", "200"]},
        {"field": "time.date", "op": "above", "value": "2026-12-01"},
    ]}, "pay": {"percent": "0.2"}}  # fmt: skip
    rules = read_document({"lines": [document]}, currency="USD")

    priced = price_order(rules, replace(KNOWN, customer=Customer(orders_before=34)))
    rows = priced.trace["lines"][0]["conditions"]["all"]

    assert [(row["is"], row["wants"], row["met"], row["missed_by"]) for row in rows] == [
        (34, 50, False, 16),
        ("100.00", ["120", "200"], False, "20.00"),
        ("2026-11-27", "2026-12-01", False, 4),
    ]
    assert (priced.amount.minor, priced.reason) == (0, "no_line_fits")
