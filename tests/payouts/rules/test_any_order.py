"""Any order × any accepted document: a result or a named reason, and sums that hold (E1–E20)."""

import dataclasses
import json
import random
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payouts.rules.documents import canonical, document_of, fingerprint, read_document
from payouts.rules.engine import price_order
from payouts.rules.facts import Facts
from payouts.rules.limits import Used
from payouts.rules.problems import Problem, RulesRefused
from tests.payouts.rules.checker import recompute
from tests.payouts.rules.drawn import orders, rule_sets
from tests.payouts.rules.made import made_order
from tests.payouts.rules.test_twin import assert_twins

REASONS = {"currency", "no_line_fits", "excluded", "refunded", "rate_cut", "over_cap", "rate_is_zero"}
CHECKED = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
USAGE = st.dictionaries(st.integers(0, 1), st.builds(Used, st.integers(0, 20_000), st.integers(0, 5)))


def assert_sound(rules, facts: Facts, basis: str, usage=None) -> None:
    priced = price_order(rules, facts, basis=basis, usage=usage or {})

    assert (priced.reason in REASONS) if not priced.amount else priced.reason == ""
    assert priced.amount.minor >= 0
    assert sum(part.amount.minor for part in priced.parts) == priced.whole.minor
    assert priced.base.minor <= max(facts.amount_minor, 0)
    lines = [rules.lines[part.line_position - 1] for part in priced.parts]
    for line, part in zip(lines, priced.parts, strict=True):
        assert line.maximum is None or part.amount.minor <= line.maximum
    for place, cap in enumerate(rules.caps):
        used = (usage or {}).get(place, Used())
        if cap.commission is not None and priced.amount:
            assert used.commission_minor + priced.amount.minor <= cap.commission
        if cap.orders is not None and priced.amount:
            assert used.orders < cap.orders
    keys = [key for part in priced.parts for key in part.item_keys]
    assert len(keys) == len(set(keys))
    assert recompute(json.loads(json.dumps(priced.trace))) == priced.amount.minor


@CHECKED
@given(rule_sets(), orders(), st.sampled_from(["net", "gross"]), USAGE)
def test_every_order_has_a_result_or_a_named_reason_and_its_trace_comes_to_the_same_cent(rules, facts, basis, usage):
    assert_sound(rules, facts, basis, usage)


@CHECKED
@given(rule_sets(), orders(), st.randoms(use_true_random=False))
def test_the_order_in_which_positions_come_does_not_matter(rules, facts, chance):
    items = list(facts.items)
    chance.shuffle(items)

    one, other = (
        price_order(rules, dataclasses.replace(facts, items=tuple(listed))) for listed in (facts.items, items)
    )

    assert (one.amount, one.base, one.reason) == (other.amount, other.base, other.reason)
    assert [part.amount for part in one.parts] == [part.amount for part in other.parts]


@CHECKED
@given(rule_sets(), orders())
def test_a_short_trace_pays_the_same(rules, facts):
    full, short = price_order(rules, facts), price_order(rules, facts, detail=False)

    assert (full.amount, full.parts, full.overflow, full.uplines) == (
        short.amount,
        short.parts,
        short.overflow,
        short.uplines,
    )
    assert len(short.trace["lines"]) == len(short.parts)


@CHECKED
@given(rule_sets(), orders(currency="EUR"))
def test_an_order_in_another_currency_earns_nothing_by_name(rules, facts):
    assert price_order(rules, facts).reason == "currency"


@CHECKED
@given(rule_sets(), orders(), st.integers(0, 30_000))
def test_giving_back_more_never_pays_more_where_no_minimum_stands(rules, facts, more):
    plain = dataclasses.replace(
        rules, lines=tuple(dataclasses.replace(one, minimum=None) for one in rules.lines), caps=()
    )
    later = dataclasses.replace(facts, refunded_minor=min(facts.refunded_minor + more, facts.amount_minor))

    # A cent may go from one part to the next when a sum is rounded anew.
    assert price_order(plain, later).amount.minor <= price_order(plain, facts).amount.minor + 4 * len(rules.lines)


@CHECKED
@given(rule_sets())
def test_a_document_written_and_read_again_is_the_same(rules):
    again = read_document(json.loads(canonical(rules)), currency="USD")

    assert again == rules
    assert fingerprint(again) == fingerprint(rules)
    assert document_of(again) == document_of(rules)


@CHECKED
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
        lambda one: (
            st.lists(one, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "lines",
                        "when",
                        "pay",
                        "all",
                        "any",
                        "field",
                        "op",
                        "value",
                        "bands",
                        "rows",
                        "percent",
                        "days",
                        "caps",
                        "boosts",
                    ]
                ),
                one,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_is_sent_is_read_or_refused_with_a_path(value):
    assert all(problem.message and problem.kind for problem in problems_of(value))


def problems_of(value: object) -> tuple[Problem, ...]:
    """What is wrong with a document; nothing when it is accepted."""
    try:
        read_document(value, currency="USD")
    except RulesRefused as refusal:
        return refusal.problems
    return ()


WILD = st.integers(-(10**17), 10**17)


@CHECKED
@given(rule_sets(), orders(), WILD, WILD, WILD, WILD)
def test_no_order_is_so_odd_that_a_price_raises(rules, facts, amount, other, back, count):
    """Negative and enormous figures, more given back than there was, words that are none."""
    odd = dataclasses.replace(
        facts,
        amount_minor=amount,
        tax_minor=other,
        refunded_minor=back,
        charge=count,
        month=other,
        items=tuple(
            dataclasses.replace(one, amount_minor=other, quantity=count, refunded_minor=back) for one in facts.items
        ),
        coupon="\x00\ud800",
        metadata={"channel": [amount], "": None},
        partner=dataclasses.replace(facts.partner, rate_cut=Decimal(count), tier="\U0001f600"),
    )

    priced = price_order(rules, odd, basis="unheard of")

    assert priced.amount.minor >= 0
    assert priced.reason in REASONS | {""}


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(rule_sets(), st.integers(0, 2**32), st.sampled_from(["net", "gross"]))
def test_a_million_pairs_of_rules_and_orders_hold_in_both_forms(rules, seed, basis):
    """A thousand orders for each of a thousand documents: the sums hold, both forms agree."""
    facts = many_orders(random.Random(seed), 1000)
    for one in facts:
        assert_sound(rules, one, basis)
    assert_twins(rules, facts, basis)


def many_orders(chance: random.Random, count: int) -> list[Facts]:
    """Orders by plain chance, faster than Hypothesis draws them."""
    return [made_order(chance) for _ in range(count)]
