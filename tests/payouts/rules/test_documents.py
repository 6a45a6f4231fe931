"""Documents of rules: every mistake is refused at its path, with what to do about it; one form, one fingerprint."""

import json
from pathlib import Path
from typing import Any

import pytest

from payouts.rules.documents import canonical, fingerprint, read_document
from payouts.rules.fields import FIELDS
from payouts.rules.problems import KINDS, RulesRefused

ALL = {"name": "All", "pay": {"percent": "0.1"}}


def problems(document: object, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(RulesRefused) as caught:
        read_document(document, currency="USD", **more)
    assert all(problem.message.endswith((".", "?")) for problem in caught.value.problems)
    assert {problem.kind for problem in caught.value.problems} <= set(KINDS)
    return [(problem.path, problem.kind) for problem in caught.value.problems]


def of_line(**row: Any) -> list[tuple[str, str]]:
    return problems({"lines": [{"name": "A", "pay": {"percent": "0.2"}} | row]})


def asked(*conditions: Any, mode: str = "all") -> dict[str, Any]:
    return {mode: list(conditions)}


def one(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("x", ("", "form")),
        ({}, ("lines", "empty")),
        ({"lines": []}, ("lines", "empty")),
        ({"lines": {}}, ("lines", "form")),
        ({"lines": ["x"]}, ("lines.0", "form")),
        ({"lines": [ALL], "rules": []}, ("rules", "form")),
        ({"lines": [ALL] * 501}, ("lines", "too_many")),
    ],
)
def test_the_document_itself(document, expected):
    assert problems(document)[0] == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"name": " "}, ("lines.0.name", "empty")),
        ({"event": "Sale!"}, ("lines.0.event", "value")),
        ({"level": "basket"}, ("lines.0.level", "form")),
        ({"color": "red"}, ("lines.0.color", "form")),
        ({"pay": {}}, ("lines.0.pay", "empty")),
        ({"pay": {"percent": "1.01"}}, ("lines.0.pay.percent", "rate_over")),
        ({"pay": {"percent": 0.2}}, ("lines.0.pay.percent", "value")),
        ({"pay": {"percent": "20%"}}, ("lines.0.pay.percent", "value")),
        ({"pay": {"percent": "-0.1"}}, ("lines.0.pay.percent", "value")),
        ({"pay": {"percent": "NaN"}}, ("lines.0.pay.percent", "value")),
        ({"pay": {"flat": "5.001"}}, ("lines.0.pay.flat", "amount")),
        ({"pay": {"flat": "-5"}}, ("lines.0.pay.flat", "amount")),
        ({"pay": {"nothing": True, "percent": "0.1"}}, ("lines.0.pay.nothing", "contradiction")),
        ({"minimum": "10", "maximum": "5"}, ("lines.0.minimum", "contradiction")),
        ({"base": {"minus": ["vat"]}}, ("lines.0.base.minus.0", "form")),
        ({"base": {"minus": ["tax", "tax"]}}, ("lines.0.base.minus.1", "twice")),
        ({"charges": {"first": 0}}, ("lines.0.charges.first", "value")),
        ({"charges": {}}, ("lines.0.charges", "form")),
        ({"charges": {"first": 1, "months": 2}}, ("lines.0.charges", "form")),
        ({"event": "click"}, ("lines.0.pay.percent", "contradiction")),
    ],
)  # fmt: skip
def test_a_line(row, expected):
    assert of_line(**row)[0] == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], ("lines.0.pay.bands.rows", "empty")),
        ([{"from": "10", "percent": "0.1"}], ("lines.0.pay.bands.rows.0.from", "band_hole")),
        ([{"from": "0", "percent": "0.1"}, {"from": "0", "percent": "0.2"}], ("lines.0.pay.bands.rows.1.from", "band_hole")),
        ([{"from": "0", "percent": "0.1"}, {"from": "9", "percent": "0.2"}, {"from": "5", "percent": "0.2"}], ("lines.0.pay.bands.rows.2.from", "band_hole")),
        ([{"from": "0"}], ("lines.0.pay.bands.rows.0", "empty")),
        ([{"percent": "0.1"}], ("lines.0.pay.bands.rows.0.from", "amount")),
    ],
)  # fmt: skip
def test_a_band_with_a_hole(rows, expected):
    assert of_line(pay={"bands": {"by": "order.amount", "rows": rows}})[0] == expected


@pytest.mark.parametrize(
    ("when", "path", "kind"),
    [
        ([], "when", "form"),
        ({"both": []}, "when.both", "form"),
        ({"all": []}, "when.all", "empty"),
        ({"all": [], "any": []}, "when", "form"),
        (asked(one("order.colour", "is", "x")), "when.all.0.field", "unknown_field"),
        (asked(one("tier", "is", "x")), "when.all.0.field", "unknown_field"),
        (asked(one("order.amount", "contains", "x")), "when.all.0.op", "unknown_op"),
        (asked(one("order.amount", "above", 50)), "when.all.0.value", "amount"),
        (asked(one("order.amount", "above")), "when.all.0.value", "amount"),
        (asked(one("item.sku", "any_of", "a,b")), "when.all.0.value", "form"),
        (asked(one("item.sku", "any_of", [])), "when.all.0.value", "empty"),
        (asked(one("item.sku", "any_of", ["a", ""])), "when.all.0.value.1", "value"),
        (asked(one("item.sku", "is", ["a"])), "when.all.0.value", "form"),
        (asked(one("order.coupon", "is_set", "a")), "when.all.0.value", "form"),
        (asked(one("customer.status", "is", "fresh")), "when.all.0.value", "value"),
        (asked(one("click.country", "is", "Germany")), "when.all.0.value", "value"),
        (asked(one("order.currency", "is", "EUR")), "when.all.0.value", "currency"),
        (asked(one("time.hour", "above", 24)), "when.all.0.value", "value"),
        (asked(one("time.date", "is", "27.11.2026")), "when.all.0.value", "value"),
        (asked(one("order.quantity", "between", [5, 2])), "when.all.0.value", "contradiction"),
        (asked(one("order.quantity", "between", [5])), "when.all.0.value", "form"),
        (asked(one("order.is_renewal", "is", "yes")), "when.all.0.value", "value"),
        (asked(*[one("order.quantity", "above", n) for n in range(51)]), "when", "too_many"),
        ({"all": [{"any": [{"all": [{"any": [{"all": [one("role", "is", "winner")]}]}]}]}]}, "when.all.0.any.0.all.0.any.0", "too_deep"),
    ],
)  # fmt: skip
def test_a_condition(when, path, kind):
    assert of_line(when=when)[0] == (f"lines.0.{path}", kind)


@pytest.mark.parametrize(
    "conditions",
    [
        [one("order.amount", "above", "100"), one("order.amount", "below", "50")],
        [one("order.quantity", "above", 3), one("order.quantity", "below", 4)],
        [one("customer.status", "is", "new"), one("customer.status", "is", "returning")],
        [one("partner.tier", "is", "Gold"), one("partner.tier", "is_not", "gold")],
        [one("partner.tier", "any_of", ["a", "b"]), one("partner.tier", "none_of", ["a", "b", "c"])],
        [one("customer.status", "none_of", ["new", "returning", "lapsed"]), one("customer.status", "is_set")],
        [one("order.coupon", "is_set"), one("order.coupon", "is_not_set")],
        [one("order.coupon", "starts_with", "A"), one("order.coupon", "starts_with", "B")],
        [one("order.coupon", "is", "SAVE"), one("order.coupon", "starts_with", "X")],
        [one("partner.tags", "is", "a"), one("partner.tags", "none_of", ["a", "b"])],
        [one("order.is_renewal", "is", True), one("order.is_renewal", "is", False)],
        [one("time.date", "above", "2026-11-27"), one("time.date", "below", "2026-11-28")],
        [one("time.hour", "above", 23)],
    ],
)
def test_what_contradicts_itself_is_refused(conditions):
    assert of_line(when=asked(*conditions)) == [("lines.0.when", "contradiction")]


@pytest.mark.parametrize(
    "conditions",
    [
        [one("partner.tags", "is", "a"), one("partner.tags", "is", "b")],
        [one("item.sku", "is", "A"), one("item.sku", "is", "B")],
        [one("customer.status", "none_of", ["new", "returning", "lapsed"])],
        [one("order.quantity", "above", 3), one("order.quantity", "below", 5)],
        [one("order.coupon", "starts_with", "A"), one("order.coupon", "starts_with", "AB")],
    ],
)
def test_what_only_looks_like_a_contradiction_is_accepted(conditions):
    """Several tags at once, several positions in one order, a customer of whom nothing is known."""
    assert read_document({"lines": [ALL | {"when": asked(*conditions)}]}, currency="USD")


def test_charges_that_contradict_a_condition():
    assert of_line(charges={"first": 3}, when=asked(one("order.charge", "above", 3))) == [
        ("lines.0.when", "contradiction")
    ]


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ({}, {}),
        ({}, {"when": asked(one("partner.tier", "is", "Gold"))}),
        ({}, {"level": "item", "when": asked(one("item.sku", "is", "A"))}),
        ({"when": asked(one("order.amount", "above", "50"))}, {"when": asked(one("order.amount", "at_least", "50.01"))}),
        ({"when": asked(one("partner.tier", "any_of", ["a", "b"]))}, {"when": asked(one("partner.tier", "is", "B"))}),
        ({"when": asked(one("partner.tags", "any_of", ["a", "b"]))}, {"when": asked(one("partner.tags", "is", "b"))}),
        ({"when": asked(one("order.coupon", "is_set"))}, {"when": asked(one("order.coupon", "is", "X"))}),
        ({"when": asked(one("order.coupon", "contains", "a"))}, {"when": asked(one("order.coupon", "starts_with", "SAV"))}),
        ({"charges": {"first": 3}}, {"charges": {"first": 3}}),
        ({"charges": {"months": 12}}, {"charges": {"months": 6}}),
        (
            {"when": asked(one("partner.tier", "is", "a"), one("partner.tier", "is", "b"), mode="any")},
            {"when": asked(one("partner.tier", "is", "b"), one("order.amount", "above", "5"))},
        ),
        ({"level": "item", "when": asked(one("item.sku", "is", "A"))}, {"level": "item", "when": asked(one("item.sku", "is", "a"))}),
    ],
)  # fmt: skip
def test_a_line_that_is_never_reached_is_refused(above, below):
    assert problems({"lines": [ALL | above, ALL | below]}) == [("lines.1", "unreachable")]


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ({"event": "lead"}, {}),
        ({"when": asked(one("order.amount", "above", "50"))}, {"when": asked(one("order.amount", "at_least", "50"))}),
        ({"when": asked(one("order.amount", "below", "50"))}, {"when": asked(one("order.amount", "at_most", "50"))}),
        ({"when": asked(one("partner.tier", "is", "Gold"))}, {}),
        ({"level": "item"}, {}),
        ({"charges": {"first": 3}}, {}),
        ({"charges": {"months": 6}}, {"charges": {"months": 12}}),
        ({"when": asked(one("partner.tags", "is", "a"))}, {"when": asked(one("partner.tags", "any_of", ["a", "b"]))}),
        ({"when": asked(one("item.sku", "is", "A"))}, {"level": "item", "when": asked(one("item.sku", "is", "A"))}),
        ({"when": asked(one("customer.orders_before", "at_most", 3))}, {"when": asked(one("customer.orders_before", "is_not_set"))}),
    ],
)  # fmt: skip
def test_a_line_that_can_be_reached_is_accepted(above, below):
    assert len(read_document({"lines": [ALL | above, ALL | below]}, currency="USD").lines) == 2


@pytest.mark.parametrize(
    ("boost", "expected"),
    [
        ({}, ("boosts.0", "form")),
        ({"add": "0.1", "times": "2"}, ("boosts.0", "form")),
        ({"add": "1.5"}, ("boosts.0.add", "rate_over")),
        ({"times": "0.5"}, ("boosts.0.times", "value")),
        ({"times": "1.125"}, ("boosts.0.times", "value")),
        ({"add": "0.1", "from": "2026-11-27"}, ("boosts.0.from", "value")),
        ({"add": "0.1", "from": "2026-11-27T00:00:00Z", "until": "2026-11-27T00:00:00Z"}, ("boosts.0.until", "contradiction")),
        ({"add": "0.1", "days": {}}, ("boosts.0.days", "form")),
        ({"add": "0.1", "days": {"weekdays": []}}, ("boosts.0.days.weekdays", "empty")),
        ({"add": "0.1", "days": {"weekdays": ["Mon"]}}, ("boosts.0.days.weekdays.0", "value")),
        ({"add": "0.1", "days": {"month_days": [32]}}, ("boosts.0.days.month_days.0", "value")),
        ({"add": "0.1", "days": {"dates": ["02-30"]}}, ("boosts.0.days.dates.0", "value")),
        ({"add": "0.1", "when": asked(one("item.sku", "is", "A"))}, ("boosts.0.when", "form")),
        ({"flat": "1", "stacks": "yes"}, ("boosts.0.stacks", "value")),
    ],
)  # fmt: skip
def test_a_boost(boost, expected):
    assert problems({"lines": [ALL], "boosts": [{"name": "B"} | boost]})[0] == expected


@pytest.mark.parametrize(
    ("part", "row", "expected"),
    [
        ("caps", {"of": "shop"}, ("caps.0.of", "form")),
        ("caps", {"per": "year"}, ("caps.0.per", "form")),
        ("caps", {"limit": {}}, ("caps.0.limit", "form")),
        ("caps", {"limit": {"orders": -1}}, ("caps.0.limit.orders", "value")),
        ("caps", {"beyond": "pay"}, ("caps.0.beyond", "form")),
        ("bonuses", {"mode": "some"}, ("bonuses.0.mode", "form")),
        ("bonuses", {"rows": []}, ("bonuses.0.rows", "empty")),
        ("bonuses", {"rows": [{"from": "5"}]}, ("bonuses.0.rows.0", "form")),
        ("bonuses", {"mode": "fixed"}, ("bonuses.0.rows.0.percent", "contradiction")),
        ("bonuses", {"mode": "marginal", "takes_effect": "next_day"}, ("bonuses.0.takes_effect", "contradiction")),
        ("bonuses", {"mode": "marginal", "rows": [{"from": "5", "flat": "1"}]}, ("bonuses.0.rows.0.flat", "contradiction")),
        ("bonuses", {"rows": [{"from": "5", "percent": "0.1"}, {"from": "5", "percent": "0.2"}]}, ("bonuses.0.rows.1.from", "band_hole")),
        ("uplines", {"level": 11}, ("uplines.0.level", "value")),
        ("uplines", {"percent": "2"}, ("uplines.0.percent", "rate_over")),
    ],
)  # fmt: skip
def test_caps_bonuses_and_uplines(part, row, expected):
    whole = {
        "caps": {"name": "C", "of": "partner", "per": "day", "limit": {"orders": 1}, "beyond": "review"},
        "bonuses": {"name": "B", "mode": "all", "by": "revenue", "rows": [{"from": "5", "percent": "0.1"}]},
        "uplines": {"level": 1, "of": "sale", "percent": "0.1"},
    }
    assert problems({"lines": [ALL], part: [whole[part] | row]})[0] == expected


def test_a_level_twice_and_levels_that_eat_the_commission():
    level = {"level": 1, "of": "commission", "percent": "0.6"}

    assert problems({"lines": [ALL], "uplines": [level, level]}) == [
        ("uplines.1.level", "twice"),
        ("uplines", "rate_over"),
    ]


def test_all_mistakes_are_told_at_once():
    document = {"lines": [{"name": "", "pay": {"percent": "2"}}, {"name": "B", "pay": {}}], "caps": [{}]}

    paths = [path for path, _kind in problems(document)]

    assert paths[:3] == ["lines.0.name", "lines.0.pay.percent", "lines.1.pay"]
    assert "caps.0.limit" in paths


def test_a_currency_that_the_program_has_beside_its_own():
    when = asked(one("order.currency", "is", "eur"))

    assert read_document({"lines": [ALL | {"when": when}]}, currency="USD", currencies=["EUR"])


def test_the_same_rules_have_one_form_however_they_were_written():
    first = {
        "lines": [
            {
                "name": " All ",
                "pay": {"percent": "0.100", "flat": "5.00"},
                "when": {},
                "event": "sale",
                "level": "order",
            }
        ]
    }
    second = {"caps": [], "lines": [{"pay": {"flat": "5", "percent": "0.1"}, "name": "All"}]}
    one_form, other = (read_document(document, currency="USD") for document in (first, second))

    assert canonical(one_form) == canonical(other)
    assert fingerprint(one_form) == fingerprint(other)
    assert json.loads(canonical(one_form)) == {
        "lines": [{"name": "All", "event": "sale", "level": "order", "pay": {"percent": "0.1", "flat": "5"}}]
    }


def test_another_currency_is_another_document():
    assert fingerprint(read_document({"lines": [ALL]}, currency="USD")) != fingerprint(
        read_document({"lines": [ALL]}, currency="EUR")
    )


PAPER = Path(__file__).resolve().parents[3] / "docs" / "rules.md"


def test_the_paper_shows_a_document_that_is_accepted():
    example = PAPER.read_text(encoding="utf-8").partition("```json\n")[2].partition("```")[0]

    found = read_document(json.loads(example), currency="USD")

    assert [len(part) for part in (found.lines, found.boosts, found.caps, found.bonuses, found.uplines)] == [
        2,
        2,
        1,
        1,
        1,
    ]


def test_the_paper_names_every_field_operator_and_kind_of_problem():
    text = PAPER.read_text(encoding="utf-8")
    fields = [name for name in FIELDS if not name.startswith("link.sub")]
    operators = {op for known in FIELDS.values() for op in known.ops}

    assert [word for word in (*fields, *operators, *KINDS) if f"`{word}`" not in text] == []
