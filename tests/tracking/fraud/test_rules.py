"""F1-F17: each rule finds its own kind of cheat and leaves the honest who look like one alone."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.fraud_partners import HONEST, KINDS, cheat, honest, make_world
from benchmarks.fraud_world import Country, facts_of
from tracking.fraud.facts import Networks, OrderFact, PartnerFacts
from tracking.fraud.judging import TESTS, examine, usual_of
from tracking.fraud.policies import DEFAULTS, NUMBER_KEYS, NUMBERS_OF_FEW, RULES

AT = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)

#: Whom a rule could take for a cheat.
LOOK_ALIKES = {
    "F1": ("extension", "coupon"), "F2": ("long",), "F3": ("extension", "email"), "F4": ("cashback", "extension"),
    "F5": ("poor",), "F6": ("office", "mobile"), "F7": ("email",), "F8": ("small", "office"), "F9": ("content",),
    "F10": ("codes", "coupon"), "F11": ("poor",), "F12": ("content",), "F13": ("email", "seasonal"),
    "F14": ("content", "poor"), "F15": ("content",), "F16": ("content",), "F17": ("content",),
}  # fmt: skip


@pytest.fixture(scope="module")
def others():
    """The rest of the program: sixty honest partners."""
    return facts_of(make_world(7, partners=60, cheats=0))


def verdicts_of(partners, others):
    """The verdict of each of these among the others."""
    names = {one.name for one in partners}
    return [one for one in examine([*others, *facts_of(partners)], DEFAULTS) if one.place in names]


@pytest.mark.parametrize("rule", KINDS)
@pytest.mark.parametrize("seed", [11, 12])
def test_a_rule_finds_its_own_kind(rule, seed, others):
    cheats = cheat(Country(seed), rule, "the-cheat", "blatant")

    verdicts = verdicts_of(cheats, others)

    assert all(rule in {found.rule for found in verdict.findings} for verdict in verdicts)


@pytest.mark.parametrize("rule", KINDS)
def test_a_rule_keeps_quiet_on_the_honest_who_look_like_it(rule, others):
    country = Country(23)
    partners = [honest(country, kind, f"{kind}{number}", size=2.0) for kind in LOOK_ALIKES[rule] for number in range(4)]

    accused = [one for one in verdicts_of(partners, others) if rule in {found.rule for found in one.findings}]

    assert accused == []


def test_every_honest_kind_is_somebodys_look_alike_or_ordinary():
    assert set(HONEST) - {kind for kinds in LOOK_ALIKES.values() for kind in kinds} == set()


def test_a_verdict_names_every_rule_with_the_numbers_that_are_documented(others):
    for verdict in examine([*others, *facts_of(cheat(Country(3), "F4", "taker", "blatant"))], DEFAULTS):
        assert [found.rule for found in verdict.tested] == list(RULES)
        for found in verdict.tested:
            known = NUMBERS_OF_FEW if found.is_few else NUMBER_KEYS[found.rule]
            assert set(found.numbers) <= set(known), found.rule
        assert verdict.tests == sum(found.p is not None for found in verdict.tested)


def test_the_findings_are_among_the_tested_and_say_what_is_at_risk(others):
    (verdict,) = verdicts_of(cheat(Country(5), "F1", "hijacker", "blatant"), others)

    (found,) = [found for found in verdict.findings if found.rule == "F1"]

    assert found in verdict.tested
    assert found.p * verdict.tests <= verdict.cut
    assert found.numbers["count"] == len(found.subjects) > 0
    assert found.at_risk > 0


def test_a_rule_that_is_off_says_nothing(others):
    policies = {**DEFAULTS, "F1": replace(DEFAULTS["F1"], is_on=False)}
    (facts,) = facts_of(cheat(Country(5), "F1", "hijacker", "blatant"))

    verdict = next(one for one in examine([*others, facts], policies) if one.place == "hijacker")

    assert "F1" not in {found.rule for found in verdict.tested}


def test_times_just_beyond_the_window_are_found_by_the_wider_one(others):
    """F1: twenty-five seconds is no refuge from a window of twenty."""
    (one,) = cheat(Country(9), "F1", "late-hijacker", "blatant")
    for order in one.orders:
        if order.is_fraud:
            order.click.at = order.at - 25.0

    (verdict,) = verdicts_of([one], others)

    (found,) = [found for found in verdict.findings if found.rule == "F1"]
    assert found.numbers["near_count"] > found.numbers["count"]


def test_a_cheat_is_found_though_it_is_split_over_accounts(others):
    """F1: five orders in an account are enough, one by one."""
    country = Country(31)
    accounts = [one for place in range(4) for one in cheat(country, "F1", f"part{place}", "blatant")]
    for one in accounts:
        one.orders = [order for order in one.orders if order.is_fraud][:6]

    assert all(verdict.findings for verdict in verdicts_of(accounts, others))


def _alone(**more):
    return PartnerFacts("one", "one", **more)


def _orders(number, *, start=AT, step=3_600.0, **more):
    return [
        OrderFact(f"o{place}", start + timedelta(seconds=place * step), 100, seconds=4_000.0, **more)
        for place in range(number)
    ]


def _p(rule, one, usual):
    return TESTS[rule](one, usual, DEFAULTS[rule].threshold).p


def test_clicks_by_the_clock_are_found_without_any_order(others):
    """F3: gaps of half to one and a half of their mean, as a clock with some play makes them."""
    usual = usual_of(others, DEFAULTS)
    # The mean of log u for u even between a half and one and a half.
    even = 1.5 * math.log(1.5) - 0.5 * math.log(0.5) - 1
    clock = _alone(gaps=1_500, gap_mean=1_500.0, gap_deviation=433.0, gap_log=math.log(1_500) + even)
    chance = _alone(gaps=1_500, gap_mean=1_500.0, gap_deviation=1_500.0, gap_log=math.log(1_500) - 0.5772)
    nearly = replace(chance, gap_deviation=1_000.0)

    assert _p("F3", clock, usual) < 1e-9
    assert _p("F3", chance, usual) == 1.0
    assert 0.05 < _p("F3", nearly, usual) < 0.95


def test_orders_that_came_with_their_clicks_are_no_burst(others):
    """F13: thirty orders in an hour are a mailing's when six hundred clicks came with them, and nobody's with thirty."""
    usual = usual_of(others, DEFAULTS)
    rows = [*_orders(30, step=60.0), *_orders(8, start=AT + timedelta(days=3), step=20_000.0)]

    def with_clicks(number):
        return _alone(orders=rows, hours={int(AT.timestamp() // 3600): number})

    assert _p("F13", with_clicks(600), usual) > 0.01
    assert _p("F13", with_clicks(30), usual) < 1e-5


def test_a_crowd_that_buys_is_an_office_and_one_that_does_not_is_a_farm(others):
    """F6: six hundred of a thousand clicks from five networks."""
    usual = usual_of(others, DEFAULTS)
    crowd = Networks(1_000, 120, 300, 600, 4.0, frozenset("abcde"))

    buying = _alone(orders=_orders(30, network="a"), networks=crowd)
    idle = _alone(orders=_orders(30, network="z"), networks=crowd)

    assert _p("F6", buying, usual) > 0.5
    assert _p("F6", idle, usual) < 1e-4


def test_late_orders_of_a_page_that_sells_are_no_flood(others):
    """F2: late, unlike the program, but as many as its clicks should bring."""
    usual = usual_of(others, DEFAULTS)
    late = [replace(order, seconds=5 * 86_400.0 + place) for place, order in enumerate(_orders(40))]

    assert _p("F2", _alone(orders=late, counted=900), usual) > 0.05
    assert _p("F2", _alone(orders=late, counted=9_000), usual) < 1e-9


def test_a_fifth_given_back_is_fashion_and_a_half_is_not(others):
    """F11: partners' own rates differ; what the beta-binomial allows is more than chance alone would."""
    usual = usual_of(others, DEFAULTS)

    def giving_back(number):
        rows = _orders(60)
        return _alone(orders=[*(replace(row, refunded_days=3.0) for row in rows[:number]), *rows[number:]])

    assert _p("F11", giving_back(12), usual) > 0.01
    assert _p("F11", giving_back(30), usual) < 1e-5
