"""Rules as sentences that partners read (E4, editor): every field, every operator, every part of a document."""

from typing import Any

import pytest
from django.utils import translation

from payouts.rules.documents import read_document
from payouts.rules.fields import FIELDS, Kind
from portal.rule_words import sentence_of_line, sentences_of


def sentence(when: list[dict[str, Any]] | None = None, *, basis: str = "net", **row: Any) -> str:
    line = {"name": "A line", "when": {"all": when} if when else {}, "pay": {"percent": "0.25"}} | row
    rules = read_document({"lines": [line]}, currency="USD")
    with translation.override("en"):
        return sentence_of_line(rules.lines[0], "USD", basis=basis)


def test_the_sentence_of_the_editor():
    text = sentence(
        [
            {"field": "partner.tier", "op": "is", "value": "Gold"},
            {"field": "item.category", "op": "any_of", "value": ["Pro plans"]},
        ],
        charges={"months": 12},
        maximum="100",
    )

    assert text == "25% of the net order value on Pro plans for Gold partners, for 12 months, at most $100.00 an order"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"pay": {"flat": "5"}}, "$5.00 an order"),
        ({"pay": {"flat": "5"}, "event": "lead"}, "$5.00 a lead"),
        ({"pay": {"flat": "0.10"}, "event": "click"}, "$0.10 a click"),
        ({"pay": {"flat": "2"}, "level": "item"}, "$2.00 apiece"),
        ({"pay": {"percent": "0.125", "flat": "2"}}, "12.5% of the net order value and $2.00 an order"),
        ({"pay": {"nothing": True}}, "No commission"),
        ({"base": {"minus": ["tax", "shipping"]}}, "25% of the order value without tax or shipping"),
        ({"base": {"minus": []}}, "25% of the order value"),
        ({"charges": {"first": 3}}, "25% of the net order value, for the first 3 payments"),
        ({"charges": {"first": 1}}, "25% of the net order value, for the first payment"),
        ({"minimum": "1", "maximum": "9"}, "25% of the net order value, at least $1.00 an order, at most $9.00 an order"),
        (
            {"pay": {"bands": {"by": "order.amount", "rows": [{"from": "0", "percent": "0.05"}, {"from": "100", "percent": "0.1", "flat": "1"}]}}},
            "5% from $0.00 on and 10% + $1.00 from $100.00 on, of the net order value, by the amount of the order",
        ),
    ],
)  # fmt: skip
def test_what_is_paid_in_words(row, text):
    assert sentence(**row) == text


def test_groups_in_words():
    any_of = {"any": [
        {"field": "order.coupon", "op": "is", "value": "SAVE"},
        {"all": [{"field": "click.device", "op": "is", "value": "mobile"}, {"field": "order.amount", "op": "at_least", "value": "50"}]},
    ]}  # fmt: skip

    assert sentence([any_of]) == (
        "25% of the net order value with the code SAVE or after a click on a phone and on orders of $50.00 or more"
    )


def test_partners_are_not_named_to_partners():
    chosen = [{"field": "partner.id", "op": "is", "value": "aff_123"}]

    assert sentence(chosen) == "25% of the net order value for chosen partners"


VALUES: dict[Kind, Any] = {
    Kind.NUMBER: 5,
    Kind.MONEY: "12.50",
    Kind.YES_NO: True,
    Kind.DATE: "2026-11-27",
}


def value_for(name: str, op: str) -> Any:
    known = FIELDS[name]
    one = VALUES.get(known.kind, known.choices[0] if known.choices else "USD" if name == "order.currency" else "DE")
    if op == "between":
        return [one, one]
    return [one] if op in {"any_of", "none_of"} else one


def test_every_field_with_every_operator_has_words():
    rough = []
    for name, known in FIELDS.items():
        for op in known.ops:
            one = {"field": name, "op": op}
            if op not in {"is_set", "is_not_set"}:
                one["value"] = value_for(name, op)
            text = sentence([one])
            if "%(" in text or name in text.split() or "_" in text:
                rough.append((name, op, text))

    assert rough == []


def test_a_whole_document_in_words():
    document = {
        "lines": [{"name": "All", "pay": {"percent": "0.1"}}],
        "boosts": [
            {"name": "Black Friday", "add": "0.05", "from": "2026-11-27T00:00:00Z", "until": "2026-11-28T00:00:00Z"},
            {"name": "Member day", "times": "2", "days": {"weekdays": ["monday"]}, "stacks": True},
            {"name": "Welcome", "flat": "10", "when": {"all": [{"field": "customer.status", "op": "is", "value": "new"}]}},
        ],
        "caps": [{"name": "Cap", "of": "partner", "per": "month", "limit": {"commission": "500"}, "beyond": "review"}],
        "bonuses": [{"name": "B", "mode": "marginal", "by": "revenue", "rows": [{"from": "200", "percent": "0.02"}]}],
        "uplines": [{"level": 2, "of": "commission", "percent": "0.05", "months": 12}],
    }  # fmt: skip
    with translation.override("en"):
        texts = [one.text for one in sentences_of(read_document(document, currency="USD"))]

    assert texts[0] == "10% of the net order value"
    assert texts[1].startswith("5% more of the order value from ")
    assert texts[2:] == [
        "2 times the commission every Monday, together with other campaigns",
        "$10.00 an order more from new customers",
        "At most $500.00 a month for each partner, more is paid once it is approved",
        "Each month 2% from $200.00 on, for what lies past each step",
        "5% of the commission to whoever is 2 invitations above the partner, for 12 months",
    ]
