"""The probabilities against sums of exact fractions, and against counting every path."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.fraud.tails import (
    benjamini_hochberg,
    beta_binomial_at_least,
    binomial_at_least,
    binomial_at_most,
    chi_square_at_most,
    entropy,
    ks_two_samples,
    negative_binomial_at_least,
    normal_at_most,
    quantile,
)

SHARES = [Fraction(1, 100), Fraction(3, 100), Fraction(1, 4), Fraction(1, 2), Fraction(9, 10)]


def _binomial(k: int, n: int, p: Fraction) -> Fraction:
    return sum((Fraction(math.comb(n, i)) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1)), Fraction(0))


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("n", [1, 7, 40, 300])
def test_a_binomial_tail_is_the_sum_of_its_masses(n, share):
    for k in range(0, n + 1, max(1, n // 12)):
        exact = _binomial(k, n, share)

        assert binomial_at_least(k, n, float(share)) == pytest.approx(float(exact), rel=1e-9, abs=1e-13)
        assert binomial_at_most(k - 1, n, float(share)) == pytest.approx(float(1 - exact), rel=1e-9, abs=1e-13)


def test_a_binomial_tail_far_out_keeps_its_digits():
    exact = _binomial(60, 200, Fraction(3, 100))

    assert binomial_at_least(60, 200, 0.03) == pytest.approx(float(exact), rel=1e-9)
    assert 0 < float(exact) < 1e-30


def test_a_binomial_of_a_million_clicks_takes_no_time_and_is_near_the_normal():
    p = binomial_at_least(10_250, 1_000_000, 0.01)

    assert p == pytest.approx(1 - normal_at_most((10_249.5 - 10_000) / math.sqrt(9_900)), rel=0.05)


def _rising(x: Fraction, n: int) -> Fraction:
    return math.prod((x + i for i in range(n)), start=Fraction(1))


@pytest.mark.parametrize(
    ("n", "mean", "strength"), [(5, Fraction(1, 10), 60), (30, Fraction(3, 20), 40), (60, Fraction(1, 2), 4)]
)
def test_a_beta_binomial_tail_is_the_sum_of_its_masses(n, mean, strength):
    a, b = mean * strength, (1 - mean) * strength
    for k in range(0, n + 1, 3):
        exact = sum(
            (math.comb(n, i) * _rising(a, i) * _rising(b, n - i) / _rising(a + b, n) for i in range(k, n + 1)),
            Fraction(0),
        )

        found = beta_binomial_at_least(k, n, float(mean), float(strength))
        assert found == pytest.approx(float(exact), rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("mean", [Fraction(1, 2), Fraction(3), Fraction(25)])
def test_a_poisson_gamma_tail_is_the_sum_of_its_masses(mean):
    shape = 4
    odds = mean / (shape + mean)
    for k in (0, 1, 2, 5, 9, 30, 60):
        below = sum((math.comb(i + shape - 1, i) * (1 - odds) ** shape * odds**i for i in range(k)), Fraction(0))

        assert negative_binomial_at_least(k, float(mean), float(shape)) == pytest.approx(float(1 - below), rel=1e-9)


@pytest.mark.parametrize("df", [2, 4, 10, 60, 400])
def test_a_chi_square_of_even_degrees_is_a_sum_of_poisson_masses(df):
    # P[X <= x] = 1 - exp(-x/2) sum_{i < df/2} (x/2)^i / i! (Abramowitz and Stegun 26.4.21).
    for x in (0.1, df / 4, df, df * 2):
        half = Fraction(x) / 2
        above = math.exp(-x / 2) * float(sum((half**i / math.factorial(i) for i in range(df // 2)), Fraction(0)))

        assert chi_square_at_most(x, df) == pytest.approx(1 - above, rel=1e-7, abs=1e-12)


def _exact_ks(n: int, m: int, distance: float) -> float:
    """P[D >= distance] of two samples without ties, by counting the paths that stay within (Hodges 1958)."""
    limit = distance * n * m - 1e-9
    row = [0.0] * (m + 1)
    for i in range(n + 1):
        for j in range(m + 1):
            if abs(i * m - j * n) >= limit:
                row[j] = 0.0
            elif i == j == 0:
                row[j] = 1.0
            else:
                row[j] = (row[j] if i else 0.0) + (row[j - 1] if j else 0.0)
    return 1 - row[m] / math.comb(n + m, n)


def test_kolmogorov_and_smirnov_agree_with_counting_every_path():
    for n, m, shift in ((8, 200, 0.45), (20, 100, 0.35), (40, 60, 0.25)):
        one = [(i + 0.5) / n * (1 - shift) for i in range(n)]
        other = sorted((j + 0.5) / m + 1e-6 for j in range(m))

        distance, p = ks_two_samples(one, other)

        by_hand = max(abs(sum(x <= at for x in one) / n - sum(y <= at for y in other) / m) for at in [*one, *other])
        assert distance == pytest.approx(by_hand)
        assert p == pytest.approx(_exact_ks(n, m, distance), rel=0.35)


def test_samples_alike_are_no_distance_apart_and_nothing_has_none():
    assert ks_two_samples([1.0, 2.0, 2.0], [1.0, 2.0, 2.0]) == (0.0, 1.0)
    assert ks_two_samples([], [1.0]) == (0.0, 1.0)
    assert ks_two_samples([1.0, 1.0], [2.0, 2.0])[0] == 1.0


def test_entropy_of_evenly_many_is_the_logarithm_of_their_number():
    assert entropy([5] * 8) == pytest.approx(3.0)
    assert entropy([7]) == 0.0
    assert entropy([]) == 0.0


def test_a_quantile_lies_between_its_neighbours():
    assert quantile([4.0, 1.0, 2.0, 3.0], 0.5) == 2.5
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


def test_benjamini_and_hochbergs_own_example():
    # Benjamini and Hochberg 1995, 4.1: fifteen p-values, of which four stand at 5 %.
    p_values = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]

    assert benjamini_hochberg(p_values, 0.05) == pytest.approx(4 * 0.05 / 15)
    assert sum(p <= benjamini_hochberg(p_values, 0.05) for p in p_values) == 4
    assert benjamini_hochberg([], 0.05) == 0.0


def test_a_p_too_small_for_a_float_stands_and_where_none_stands_none_reaches_the_bar():
    assert benjamini_hochberg([0.0, 0.5], 0.02) >= 0.01
    assert benjamini_hochberg([0.9, 0.5], 0.02) == pytest.approx(0.01)


@given(st.integers(0, 60), st.integers(1, 60), st.floats(0.0, 1.0))
def test_a_tail_is_a_probability_and_more_evidence_never_raises_it(k, n, p):
    tails = [binomial_at_least(i, n, p) for i in (k, k + 1)]
    weighted = [beta_binomial_at_least(i, n, min(max(p, 0.01), 0.99), 40.0) for i in (k, k + 1)]
    mixed = [negative_binomial_at_least(i, p * 20, 4.0) for i in (k, k + 1)]

    for less, more in map(tuple, (tails, weighted, mixed)):
        assert 0.0 <= more <= less + 1e-12 <= 1.0 + 1e-9


def test_no_tail_jumps_where_it_changes_sides():
    values = [binomial_at_least(k, 90, 0.3) for k in range(91)]

    assert all(more <= less for less, more in pairwise(values))
    assert max(less - more for less, more in pairwise(values)) < 0.1
