"""The models against the money, and against implementations of their own: X6, D6."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, permutations
from math import factorial, isclose

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.money import Money
from tracking.attribution.compare import MODELS, PATH_MODELS, Journey, compare, credit, fit_markov, total_of
from tracking.attribution.models.heuristics import BY_PATH, Step
from tracking.attribution.models.markov import Walk, removal_effects
from tracking.attribution.models.weights import by_fit, to_units

PARTNERS = "ABCDEFGHIJKL"

steps = st.builds(
    Step,
    partner=st.sampled_from(PARTNERS),
    is_click=st.booleans(),
    seconds_before=st.integers(0, 90 * 86_400),
)
paths = st.lists(steps, min_size=1, max_size=9).map(
    lambda found: tuple(sorted(found, key=lambda step: -step.seconds_before))
)
journeys = st.builds(
    Journey,
    steps=paths,
    value=st.integers(0, 10**9).map(lambda minor: Money(minor, "USD")),
    orders=st.integers(1, 20),
    nothing=st.integers(0, 50),
    code=st.sampled_from(["", *PARTNERS]),
    half_life_days=st.integers(1, 60),
)


def sums_agree(found: list[Journey]) -> None:
    """Every model gives away exactly what the orders earned."""
    whole = total_of(found)
    for model, money in compare(found).items():
        assert sum((part.minor for part in money.values()), 0) == whole.minor, model
        assert all(part.minor >= 0 for part in money.values()), model


@given(st.lists(journeys, min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_every_model_sums_to_the_same_money_to_the_cent(found):
    sums_agree(found)


@pytest.mark.slow
@given(st.lists(journeys, min_size=20, max_size=20))
@settings(max_examples=500, deadline=None)
def test_every_model_sums_to_the_same_money_on_ten_thousand_random_paths(found):
    """500 sets of 20 random paths."""
    sums_agree(found)


@given(paths, st.integers(1, 90))
@settings(max_examples=50, deadline=None)
def test_the_weights_of_a_path_add_up_to_exactly_one(path, half_life):
    for model, weigh in BY_PATH.items():
        exact = weigh(path, half_life_days=half_life)
        units = to_units(exact)

        assert len(exact) == len(path)
        assert sum(units) == 1, model
        assert all(
            abs(Fraction(unit) - one / sum(exact)) < Fraction(1, 10**12) for unit, one in zip(units, exact, strict=True)
        )


# ── Markov ───────────────────────────────────────────────────────────────────────────────


def removal_effects_by_algebra(walks: list[Walk]) -> dict[str, float]:
    """Each partner removed in turn, and the chain solved anew with numpy."""
    names = sorted({name for walk in walks for name in walk.partners})
    order, nothing = len(names) + 1, len(names) + 2
    counts = np.zeros((nothing + 1, nothing + 1))
    for walk in walks:
        trail = [0, *(1 + names.index(name) for name in walk.partners)]
        weight = walk.orders + walk.nothing
        for one, following in pairwise(trail):
            counts[one, following] += weight
        counts[trail[-1], order] += walk.orders
        counts[trail[-1], nothing] += walk.nothing

    def chance(removed: int | None) -> float:
        moves = counts.copy()
        size = len(names) + 1
        whole = moves.sum(axis=1)
        share = np.divide(moves, whole[:, None], out=np.zeros_like(moves), where=whole[:, None] > 0)
        if removed is not None:
            share[:, nothing] += share[:, removed]
            share[:, removed] = 0
        inner = share[:size, :size]
        return float(np.linalg.solve(np.eye(size) - inner, share[:size, order])[0])

    base = chance(None)
    return {name: 1 - chance(number) / base for number, name in enumerate(names, start=1)} if base > 0 else {}


walks = st.lists(
    st.builds(
        Walk,
        partners=st.lists(st.sampled_from(PARTNERS), min_size=1, max_size=7).map(tuple),
        orders=st.integers(0, 30),
        nothing=st.integers(0, 60),
    ).filter(lambda walk: walk.orders + walk.nothing > 0),
    min_size=1,
    max_size=30,
)


@given(walks)
@settings(max_examples=100, deadline=None)
def test_markov_agrees_with_linear_algebra_to_a_billionth(found):
    ours, theirs = removal_effects(found), removal_effects_by_algebra(found)

    assert ours.keys() == theirs.keys()
    for name, effect in theirs.items():
        assert abs(ours[name] - effect) <= 1e-9


@pytest.mark.slow
@given(walks)
@settings(max_examples=1000, deadline=None)
def test_markov_agrees_with_linear_algebra_on_many_more_graphs(found):
    ours, theirs = removal_effects(found), removal_effects_by_algebra(found)

    assert all(abs(ours[name] - effect) <= 1e-9 for name, effect in theirs.items())


def test_markov_by_hand():
    """Two of three paths over A end in an order, one over B alone does not.

    P(order) = 2/3; without A 0; without B (reached from the start in 1 of 3) still 2/3.
    """
    found = removal_effects([Walk(("A",), orders=2, nothing=0), Walk(("B",), orders=0, nothing=1)])

    assert found == {"A": 1.0, "B": 0.0}


def test_markov_has_nothing_to_say_where_no_path_ends_in_an_order():
    assert removal_effects([Walk(("A", "B"), orders=0, nothing=3)]) == {}
    assert removal_effects([]) == {}


def test_markov_money_follows_the_removal_effects():
    found = [
        Journey((Step("A"), Step("B")), Money(600, "USD"), orders=1, nothing=1),
        Journey((Step("A"),), Money(300, "USD"), orders=1),
    ]
    effects = fit_markov(found)
    # A is on every path: all is lost without it. B is on one of the two that reach an order.
    whole = sum(effects.values())

    money = credit(found, "markov")

    assert effects["A"] == 1.0
    assert money["A"].minor == pytest.approx(900 * effects["A"] / whole, abs=1)
    assert money["A"].minor + money["B"].minor == 900


# ── Shapley ──────────────────────────────────────────────────────────────────────────────


def shapley_by_permutations(found: list[tuple[frozenset[str], Fraction]]) -> dict[str, Fraction]:
    """The mean marginal worth over all orders of arrival; a group is worth the orders it can bring alone."""
    players = sorted({name for names, _worth in found for name in names})

    def worth(group: frozenset[str]) -> Fraction:
        return sum((value for names, value in found if names <= group), Fraction(0))

    values = dict.fromkeys(players, Fraction(0))
    for arrival in permutations(players):
        group: frozenset[str] = frozenset()
        before = Fraction(0)
        for player in arrival:
            group |= {player}
            now = worth(group)
            values[player] += now - before
            before = now
    return {player: value / factorial(len(players)) for player, value in values.items()}


small = st.lists(
    st.tuples(
        st.lists(st.sampled_from("ABCDE"), min_size=1, max_size=6),
        st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=8,
)


@given(small)
@settings(max_examples=50, deadline=None)
def test_shapley_agrees_with_brute_force_over_all_permutations(found):
    brute = shapley_by_permutations([(frozenset(path), Fraction(value)) for path, value in found])
    ours = dict.fromkeys(brute, Fraction(0))
    for path, value in found:
        for name, weight in zip(path, BY_PATH["shapley"]([Step(name) for name in path]), strict=True):
            ours[name] += weight * value

    assert all(isclose(float(ours[name]), float(value), rel_tol=1e-9, abs_tol=1e-9) for name, value in brute.items())


def test_shapley_gives_every_partner_of_a_path_the_same_however_often_it_came():
    found = [Journey((Step("A"), Step("A"), Step("A"), Step("B")), Money(1000, "USD"))]

    assert credit(found, "shapley") == {"A": Money(500, "USD"), "B": Money(500, "USD")}
    assert credit(found, "linear") == {"A": Money(750, "USD"), "B": Money(250, "USD")}


# ── The simple ones by hand ──────────────────────────────────────────────────────────────


def worth(model: str, *names: str, days: tuple[int, ...] = (), half_life: int = 7) -> list[Decimal]:
    """The weights of a path of clicks."""
    ages = days or tuple(range(len(names) - 1, -1, -1))
    path = [Step(name, seconds_before=age * 86_400) for name, age in zip(names, ages, strict=True)]
    return to_units(BY_PATH[model](path, half_life_days=half_life))


def test_the_position_model_is_forty_twenty_forty():
    assert worth("position", "A") == [1]
    assert worth("position", "A", "B") == [Decimal("0.5"), Decimal("0.5")]
    assert worth("position", "A", "B", "C") == [Decimal("0.4"), Decimal("0.2"), Decimal("0.4")]
    assert worth("position", "A", "B", "C", "D") == [Decimal("0.4"), Decimal("0.1"), Decimal("0.1"), Decimal("0.4")]


def test_time_decay_halves_with_every_half_life():
    assert worth("time_decay", "A", "B", days=(7, 0)) == [
        pytest.approx(Decimal(1) / 3, abs=Decimal("1e-12")),
        pytest.approx(Decimal(2) / 3, abs=Decimal("1e-12")),
    ]
    assert worth("time_decay", "A", "B", days=(365, 358)) == worth("time_decay", "A", "B", days=(7, 0))


def test_a_click_goes_before_a_view_in_the_models_of_one_winner():
    path = [Step("seen", is_click=False), Step("followed"), Step("seen", is_click=False)]

    assert BY_PATH["last_click"](path) == BY_PATH["first_click"](path) == [0, 1, 0]


def test_only_views_go_by_their_order():
    path = [Step("first", is_click=False), Step("last", is_click=False)]

    assert BY_PATH["last_click"](path) == [0, 1]
    assert BY_PATH["first_click"](path) == [1, 0]


def test_the_coupon_model_gives_a_code_its_whole_order_and_else_the_last_click():
    found = [
        Journey((Step("A"), Step("B")), Money(100, "USD"), code="A"),
        Journey((Step("A"), Step("B")), Money(50, "USD")),
        Journey((Step("A"),), Money(7, "USD"), code="Z"),
    ]

    assert credit(found, "coupon") == {"A": Money(100, "USD"), "B": Money(50, "USD"), "Z": Money(7, "USD")}


def test_a_fit_that_lacks_a_partner_gives_no_weights():
    assert by_fit(["A", "B"], {"A": 0.5}) is None
    assert by_fit(["A", "B"], {"A": 0.0, "B": 0.0}) is None
    assert by_fit(["A", "B", "A"], {"A": 0.75, "B": 0.25, "C": 9}) == [Fraction(3, 8), Fraction(1, 4), Fraction(3, 8)]


def test_a_list_of_paths_can_be_asked_for_every_model_but_the_coupon():
    assert set(MODELS) - set(PATH_MODELS) == {"coupon"}
