"""Probabilities of the tails, in plain floats: no figure here is money. Pure; every formula names its source."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

_SMALLEST = 1e-300


def binomial_at_least(k: int, n: int, p: float) -> float:
    """P[X >= k] for X ~ Bin(n, p): the sum of C(n,i) p^i (1-p)^(n-i), terms by lgamma (DLMF 26.3.1, 5.4.1).

    Terms are added from the side of k until they no longer count, so large n cost little.
    """
    if k <= 0 or p >= 1.0:
        return 1.0
    if k > n or p <= 0.0:
        return 0.0
    if k <= n * p:
        return max(0.0, 1.0 - _binomial_sum(k - 1, n, p, step=-1))
    return min(1.0, _binomial_sum(k, n, p, step=1))


def binomial_at_most(k: int, n: int, p: float) -> float:
    """P[X <= k] for X ~ Bin(n, p): the other side's tail with failures counted."""
    return binomial_at_least(n - k, n, 1.0 - p)


def _binomial_sum(k: int, n: int, p: float, *, step: int) -> float:
    term = math.exp(_log_choose(n, k) + k * math.log(p) + (n - k) * math.log1p(-p))
    total, odds = 0.0, p / (1.0 - p)
    while 0 <= k <= n and term > total * 1e-17:
        total += term
        term *= (n - k) / (k + 1) * odds if step > 0 else k / (n - k + 1) / odds
        k += step
    return total


def beta_binomial_at_least(k: int, n: int, mean: float, strength: float) -> float:
    """P[X >= k] where X ~ Bin(n, P) and P ~ Beta(mean * strength, (1 - mean) * strength).

    The mass is C(n,i) B(i+a, n-i+b) / B(a,b) (Johnson, Kemp, Kotz: Univariate Discrete Distributions, 6.2.2):
    partners differ by themselves, and this is how much. `strength` is in orders: large means alike.
    """
    a, b = mean * strength, (1.0 - mean) * strength
    whole = _log_beta(a, b)
    return min(
        1.0, sum(math.exp(_log_choose(n, i) + _log_beta(i + a, n - i + b) - whole) for i in range(max(k, 0), n + 1))
    )


def negative_binomial_at_least(k: int, mean: float, shape: float) -> float:
    """P[X >= k] where X ~ Poisson(M) and M ~ Gamma(shape, mean / shape): the Poisson-gamma mixture.

    The mass is G(i+r) / (i! G(r)) (r/(r+m))^r (m/(r+m))^i (Johnson, Kemp, Kotz: Univariate Discrete
    Distributions, 5.3), added from the side of k until terms no longer count.
    """
    if k <= 0:
        return 1.0
    if mean <= 0.0:
        return 0.0
    odds = mean / (shape + mean)

    def mass(i: int) -> float:
        log = math.lgamma(i + shape) - math.lgamma(i + 1) - math.lgamma(shape)
        return math.exp(log + shape * math.log1p(-odds) + i * math.log(odds))

    if k <= mean:
        return max(0.0, 1.0 - math.fsum(mass(i) for i in range(k)))
    total, term, i = 0.0, mass(k), k
    while term > total * 1e-17:
        total += term
        term *= (i + shape) / (i + 1) * odds
        i += 1
    return min(1.0, total)


def chi_square_at_most(x: float, df: float) -> float:
    """P[X <= x] for a chi-square of df degrees: the regularised lower gamma P(df/2, x/2) by its series (DLMF 8.7.1)."""
    if x <= 0.0:
        return 0.0
    a, z = df / 2.0, x / 2.0
    if z > a + 60.0 * math.sqrt(a + 1.0):
        return 1.0
    term = math.exp(a * math.log(z) - z - math.lgamma(a + 1.0))
    total, i = term, a
    while term > total * 1e-16 and i < a + 100_000:
        i += 1.0
        term *= z / i
        total += term
    return min(1.0, total)


def normal_at_most(z: float) -> float:
    """P[Z <= z] of the standard normal: erfc(-z/sqrt 2)/2 (DLMF 7.2.2)."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def ks_two_samples(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Kolmogorov-Smirnov distance of two samples and its p-value. `other` must be sorted: it is asked many times.

    The p-value is 2 sum (-1)^(j-1) exp(-2 j^2 t^2) with Stephens' t = D (sqrt m + 0.12 + 0.11 / sqrt m) and
    m = n1 n2 / (n1 + n2) (Press et al., Numerical Recipes, 14.3.9).
    """
    if not one or not other:
        return 0.0, 1.0
    a, n, m = sorted(one), len(one), len(other)
    distance, i = 0.0, 0
    while i < n:
        # Between two values of the one sample its share stands still: the distance is greatest beside a value.
        j = bisect_right(a, a[i], i)
        below, upto = bisect_left(other, a[i]) / m, bisect_right(other, a[i]) / m
        distance = max(distance, abs(i / n - below), abs(j / n - upto))
        i = j
    root = math.sqrt(n * m / (n + m))
    t = distance * (root + 0.12 + 0.11 / root)
    if t < 0.2:
        return distance, 1.0
    p = 2.0 * sum((-1) ** (k - 1) * math.exp(-2.0 * k * k * t * t) for k in range(1, 101))
    return distance, min(1.0, max(_SMALLEST, p))


def entropy(counts: Iterable[int]) -> float:
    """Shannon's entropy in bits: -sum p log2 p (Shannon 1948, section 6)."""
    rows = [count for count in counts if count > 0]
    whole = sum(rows)
    return -sum(row / whole * math.log2(row / whole) for row in rows) if whole else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile between the two nearest values (Hyndman and Fan 1996, type 7). Raises ValueError for none."""
    if not values:
        raise ValueError("no values have no quantile")
    rows = sorted(values)
    place = share * (len(rows) - 1)
    low = math.floor(place)
    high = min(low + 1, len(rows) - 1)
    return rows[low] + (rows[high] - rows[low]) * (place - low)


def benjamini_hochberg(p_values: Sequence[float], q: float) -> float:
    """The bar that a p must not be above to stand, so that at most a share `q` of what stands may be by chance.

    Benjamini and Hochberg 1995: i q / m for the largest i with p(i) <= i q / m. Where none stands it is q / m,
    which none of them reaches; 0 without any p.
    """
    m = len(p_values)
    reached = (place for place, p in enumerate(sorted(p_values), start=1) if p <= place * q / m)
    return max(max(reached, default=1) * q / m, 0.0) if m else 0.0


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
