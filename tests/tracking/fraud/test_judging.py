"""Many tests over many partners: what is found by chance stays under q, and no facts break a rule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fraud import UNSEEN, judge_worlds, missed_goals
from benchmarks.fraud_partners import cheat, make_world
from benchmarks.fraud_world import Country, facts_of
from tracking.fraud.facts import Networks, OrderFact, PartnerFacts
from tracking.fraud.judging import TESTS, examine, judge, usual_of, would_hit
from tracking.fraud.outcomes import outcome
from tracking.fraud.policies import DEFAULTS, FALSE_SHARE, FraudPolicyRefused, read_policies

AT = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)

seconds = st.one_of(st.none(), st.floats(0, 3e6))
orders = st.builds(
    OrderFact,
    id=st.uuids().map(str),
    at=st.integers(0, 30 * 86_400).map(lambda value: AT + timedelta(seconds=value)),
    commission=st.integers(-100, 10**9),
    seconds=seconds,
    other_click_before=seconds,
    is_coupon=st.booleans(),
    is_leaked=st.booleans(),
    refunded_days=seconds,
    click_country=st.sampled_from(["", "DE", "US"]),
    country=st.sampled_from(["", "DE"]),
    network=st.sampled_from(["", "a", "b"]),
    home=st.sampled_from(["", "h"]),
    clicked_at=st.sampled_from([None, AT]),
    visitor=st.sampled_from(["", "v"]),
    customer=st.sampled_from(["", "c"]),
    customer_alike=st.sampled_from(["", "l"]),
    customer_domain=st.sampled_from(["", "d"]),
    address_kind=st.sampled_from(["", "ordinary", "disposable", "random"]),
)
number = st.integers(0, 100_000)
gaps = st.floats(0, 1e6)


@st.composite
def partners(draw, place):
    counted = draw(number)
    spread = draw(st.integers(0, 200))
    return PartnerFacts(
        place, place, draw(st.lists(orders, max_size=25)), approved_at=draw(st.sampled_from([None, AT])),
        clicks=counted + draw(number), counted=counted, invalid=draw(number), embedded=draw(number), paid=draw(number),
        spoken=counted, foreign=draw(st.integers(0, counted)),
        networks=Networks(spread, min(spread, 3), min(spread, 1), spread, draw(gaps), frozenset({"a"})),
        gaps=draw(number), gap_mean=draw(gaps), gap_deviation=draw(gaps), gap_log=draw(st.floats(-7, 14)),
        hours=draw(st.dictionaries(st.integers(0, 10**6), number, max_size=3)), forged=draw(st.integers(0, 3)),
        older_than_click=draw(st.integers(0, 3)), people=draw(st.frozensets(st.sampled_from("pq"))),
        alikes=draw(st.frozensets(st.sampled_from("lm"))), domains=draw(st.frozensets(st.sampled_from("de"))),
        devices=draw(st.frozensets(st.sampled_from("vw"))), homes=draw(st.sampled_from([(), (("h", AT),)])),
        fingerprints=draw(st.frozensets(st.sampled_from("fg"))),
    )  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.integers(0, 6).flatmap(lambda count: st.tuples(*(partners(f"p{place}") for place in range(count)))))
def test_no_facts_break_a_rule_and_every_p_is_a_probability(program):
    verdicts = examine(program, DEFAULTS)

    assert [verdict.place for verdict in verdicts] == [one.place for one in program]
    for verdict in verdicts:
        assert len(verdict.tested) == len(DEFAULTS)
        assert all(found.p is None or 0.0 <= found.p <= 1.0 for found in verdict.tested)
        assert 0.0 <= verdict.cut <= FALSE_SHARE
        assert all(found in verdict.tested for found in verdict.findings)


def test_nobody_is_judged_where_nobody_is():
    assert judge([], DEFAULTS) == []
    assert judge([PartnerFacts("alone", "alone")], DEFAULTS) == []


def test_the_only_partner_of_a_program_is_compared_with_what_is_usual_everywhere():
    (one,) = facts_of(cheat(Country(4), "F1", "alone", "blatant"))

    (verdict,) = judge([one], DEFAULTS)

    assert "F1" in {found.rule for found in verdict.findings}


@pytest.mark.parametrize("seed", [40, 41])
def test_in_a_program_without_cheats_hardly_anybody_is_accused(seed):
    """FDR: without fraud every accusation is false, so their share has to stay under q."""
    program = facts_of(make_world(seed, partners=120, cheats=0))

    assert len(judge(program, DEFAULTS)) <= FALSE_SHARE * 120


@given(st.lists(st.floats(0, 1), min_size=5, max_size=40), st.integers(1, 12))
def test_p_values_that_are_even_are_corrected_for_their_number(values, tests):
    """Those stand whom Benjamini and Hochberg let stand for their smallest p times the number of tests."""
    policies = {rule: replace(policy, is_on=rule in list(TESTS)[:tests]) for rule, policy in DEFAULTS.items()}
    program = [PartnerFacts(f"p{place}", f"p{place}") for place in range(len(values))]

    with pytest.MonkeyPatch.context() as patch:
        drawn = {one.place: p for one, p in zip(program, values, strict=True)}
        for rule in TESTS:
            patch.setitem(TESTS, rule, lambda one, _usual, _threshold, rule=rule: outcome(rule, drawn[one.place], {}))
        verdicts = examine(program, policies)

    corrected = sorted(min(1.0, p * tests) for p in values)
    stand = max((place for place, p in enumerate(corrected, 1) if p <= place * FALSE_SHARE / len(values)), default=0)
    assert sum(bool(verdict.findings) for verdict in verdicts) == stand


def test_evenly_drawn_p_values_accuse_a_program_about_once_in_fifty():
    """The whole of it is exact where the p-values are: P[anybody accused] is about q."""
    rng = Country(99).rng
    accused = 0
    with pytest.MonkeyPatch.context() as patch:
        for rule in TESTS:
            patch.setitem(TESTS, rule, lambda _one, _usual, _threshold, rule=rule: outcome(rule, rng.random(), {}))
        program = [PartnerFacts(f"p{place}", f"p{place}") for place in range(30)]
        for _world in range(200):
            accused += bool(judge(program, DEFAULTS))

    assert accused / 200 < 3 * FALSE_SHARE


def test_a_cheat_does_not_make_cheating_usual():
    """A third of a program may hijack, and its median is still the honest ones'."""
    country = Country(8)
    honest_ones = make_world(8, partners=40, cheats=0)
    cheats = [one for place in range(20) for one in cheat(country, "F1", f"c{place}", "blatant")]

    verdicts = judge(facts_of([*honest_ones, *cheats]), DEFAULTS)

    found = {verdict.place for verdict in verdicts}
    assert {one.name for one in cheats} <= found
    assert len(found - {one.name for one in cheats}) <= 1


@pytest.mark.parametrize("rule", ["F1", "F4", "F11", "F12"])
def test_more_of_the_same_never_helps_a_cheat(rule):
    """One honest order turned into a false one never raises the rule's p."""
    others = facts_of(make_world(7, partners=30, cheats=0))
    usual = usual_of(others, DEFAULTS)
    plain = OrderFact("o", AT, 100, seconds=4_000.0, address_kind="ordinary")
    false = {
        "F1": replace(plain, seconds=4.0), "F4": replace(plain, other_click_before=3.0),
        "F11": replace(plain, refunded_days=3.0), "F12": replace(plain, address_kind="random"),
    }[rule]  # fmt: skip
    one = PartnerFacts("p", "p")
    last = 1.0
    for bad in range(31):
        one.orders = [false] * bad + [plain] * (30 - bad)
        found = TESTS[rule](one, usual, DEFAULTS[rule].threshold)

        assert found.p <= last
        last = found.p
    assert last < 1e-9


def test_a_threshold_is_tried_on_the_programs_own_history():
    """What a wider window would have hit: the honest orders are those that were paid and never taken back."""
    world = make_world(7, partners=40, cheats=0)
    program = facts_of([*world, *cheat(Country(4), "F1", "hijacker", "blatant")])
    for one in program:
        one.orders = [replace(order, is_settled=one.place != "hijacker") for order in one.orders]

    narrow = would_hit("F1", program, DEFAULTS, 20.0)
    wide = would_hit("F1", program, DEFAULTS, 120.0)

    assert {row.partner.place for row in narrow.rows} == {"hijacker"}
    assert (narrow.honest_orders, narrow.honest_commission) == (0, 0)
    assert narrow.orders == len(narrow.rows[0].finding.subjects) > 0
    assert narrow.commission == narrow.rows[0].finding.at_risk > 0
    assert wide.orders >= narrow.orders
    assert [(one.place, found.rule) for one, found in narrow] == [("hijacker", "F1")]


def test_a_settled_order_that_is_hit_is_counted_as_honest():
    program = facts_of([*make_world(7, partners=40, cheats=0), *cheat(Country(4), "F1", "hijacker", "blatant")])
    cheat_facts = next(one for one in program if one.place == "hijacker")
    cheat_facts.orders = [
        replace(order, is_settled=place < 5) for place, order in enumerate(reversed(cheat_facts.orders))
    ]

    hit = would_hit("F1", program, DEFAULTS, 20.0)

    assert hit.honest_orders == 5
    assert 0 < hit.honest_commission < hit.commission


def test_policies_are_read_and_bad_ones_refused_with_their_field():
    assert read_policies({}) == DEFAULTS
    assert read_policies({"F1": {"threshold": "30", "on": False}})["F1"].threshold == 30.0
    for said, field in (
        ({"F99": {}}, "F99"),
        ({"F1": {"threshold": "much"}}, "F1_threshold"),
        ({"F1": {"threshold": 1e9}}, "F1_threshold"),
        ({"F1": {"action": "shoot"}}, "F1_action"),
    ):
        with pytest.raises(FraudPolicyRefused) as refused:
            read_policies(said)
        assert refused.value.field == field


@pytest.mark.slow
def test_on_worlds_that_nothing_was_tuned_on_the_goals_are_met():
    figures = judge_worlds(UNSEEN).figures()

    assert missed_goals(figures) == []
