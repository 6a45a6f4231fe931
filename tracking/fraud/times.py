"""F1-F4 and F13: what the times of clicks and orders tell. Facts, the usual and a threshold in; a Finding out."""

import math
from collections import Counter
from itertools import pairwise

from tracking.fraud.baseline import NEAR, WIDE, Baseline, logs_of, spread_of, times_of, was_within
from tracking.fraud.facts import Finding, PartnerFacts
from tracking.fraud.outcomes import allowed_share, few, outcome
from tracking.fraud.tails import (
    binomial_at_least,
    binomial_at_most,
    chi_square_at_most,
    ks_two_samples,
    negative_binomial_at_least,
)

_LEAST_ORDERS = 4
_LEAST_SPREAD = 12
_LEAST_GAPS = 50
#: An interquartile range uses 37 % of what a sample knows of its spread (Lehmann, Point Estimation, 1983).
_IQR_EFFICIENCY = 0.37
#: A partner may differ from the median so many times before the test begins.
_RHO = 3.0
#: Honest partners' spreads differ by themselves; a browser extension that speaks up at the checkout has a third.
_NARROW = 0.3
_WINDOW_HOURS, _BLOCK_HOURS = 720, 6
#: Partners' own rates differ as draws of a gamma with this shape do (coefficient of variation 1/2).
_SHAPE = 4.0


def short_times(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F1: orders within seconds of the click. The smaller of P[Bin(n, 3 q) >= k] for the short window and for one
    three times as long, times two; q the median share, at least 1 % and 12 %.
    """
    timed = [order for order in one.orders if order.seconds is not None]
    if len(timed) < _LEAST_ORDERS:
        return few("F1", len(timed), _LEAST_ORDERS)
    limit = min(usual.short_limit, threshold)
    hit = [order for order in timed if order.seconds is not None and order.seconds < limit]
    near = [order for order in timed if order.seconds is not None and order.seconds < limit * NEAR]
    allowed, allowed_near = allowed_share(usual.short, _RHO, most=0.5), allowed_share(usual.near, _RHO, most=0.6)
    p_short = binomial_at_least(len(hit), len(timed), allowed)
    p_near = binomial_at_least(len(near), len(timed), allowed_near)
    numbers = {
        "count": len(hit), "of": len(timed), "seconds": limit, "usual": usual.short, "allowed": allowed,
        "near_count": len(near), "near_seconds": limit * NEAR, "near_usual": usual.near, "near_allowed": allowed_near,
    }  # fmt: skip
    return outcome("F1", 2 * min(p_short, p_near), numbers, near if p_near < p_short else hit)


def late_times(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F2: clicks in everybody's name. Three signs must stand together, so p is the largest of theirs (an
    intersection-union test, Berger 1982): many orders late, times from click to order unlike the program's
    (Kolmogorov-Smirnov on their logarithms), and many clicks for each order. Twice: half as late again as usual with
    less than a third of the usual rate, and four times as late with less than two thirds; the smaller p, times two.
    """
    seconds = times_of(one.orders)
    if len(seconds) < _LEAST_ORDERS * 2 or not usual.rate or not usual.log_times:
        return few("F2", len(seconds), _LEAST_ORDERS * 2)
    late = [order for order in one.orders if order.seconds is not None and order.seconds > threshold * 3600]
    counted = max(one.counted, len(seconds))
    distance, p_shape = ks_two_samples(logs_of(seconds), usual.log_times)
    ways = []
    for times, part, most in ((1.5, 1 / 3, 0.6), (4.0, 2 / 3, 0.7)):
        allowed = allowed_share(usual.late, times, most=most)
        p_late = binomial_at_least(len(late), len(seconds), allowed)
        p_rate = binomial_at_most(len(seconds), counted, usual.rate * part)
        ways.append((max(p_late, p_rate), p_late, p_rate, allowed))
    p, p_late, p_rate, allowed = min(ways)
    numbers = {
        "count": len(late), "of": len(seconds), "hours": threshold, "usual": usual.late, "allowed": allowed,
        "p_late": p_late, "distance": distance, "p_shape": p_shape, "clicks": one.counted,
        "rate": len(seconds) / counted, "usual_rate": usual.rate, "p_rate": p_rate,
    }  # fmt: skip
    return outcome("F2", 2 * max(p, p_shape), numbers, late)


def regular_times(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F3: times too much alike; the smallest p of those tests that can be made, times their number.

    Click to order: the interquartile range of log times against 0.3 of the usual one, squared, times 0.37 (n - 1) is
    about chi-square of as many degrees. Gaps between clicks, and between orders: of a Poisson process they are
    exponential, and Moran's statistic 2 n (log mean - mean log) / (1 + (n + 1) / 6n) is about chi-square of n - 1
    degrees (Moran 1947; Cox and Lewis 1966, 6.3); what has a tide or comes in bursts is larger, a clock smaller.
    Gaps are only tested where their coefficient of variation is below the threshold.
    """
    seconds = times_of(one.orders)
    moments = sorted(order.at.timestamp() for order in one.orders)
    between = [max(later - at, 1.0) for at, later in pairwise(moments)]
    numbers: dict[str, float | int] = {"of": len(seconds), "gaps": one.gaps, "limit": threshold}
    p_values = []
    if len(seconds) >= _LEAST_SPREAD and usual.spread > 0:
        ratio = spread_of(seconds) / usual.spread
        df = (len(seconds) - 1) * _IQR_EFFICIENCY
        p_values.append(chi_square_at_most(df * (ratio / _NARROW) ** 2, df))
        numbers |= {"ratio": ratio, "p_times": p_values[-1]}
    if one.gaps >= _LEAST_GAPS and one.gap_mean > 0:
        variation = one.gap_deviation / one.gap_mean
        p_values.append(_too_even(one.gaps, one.gap_mean, one.gap_log, variation, threshold))
        numbers |= {"variation": variation, "gap_seconds": one.gap_mean, "p_clicks": p_values[-1]}
    if len(between) >= _LEAST_SPREAD:
        mean = sum(between) / len(between)
        variation = math.sqrt(sum((gap - mean) ** 2 for gap in between) / len(between)) / mean
        log = sum(map(math.log, between)) / len(between)
        p_values.append(_too_even(len(between), mean, log, variation, threshold))
        numbers |= {"order_variation": variation, "p_orders": p_values[-1]}
    if not p_values:
        return few("F3", len(seconds), _LEAST_SPREAD)
    return outcome("F3", len(p_values) * min(p_values), numbers, one.orders)


def _too_even(gaps: int, mean: float, log: float, variation: float, threshold: float) -> float:
    if variation >= threshold:
        return 1.0
    moran = 2 * gaps * (math.log(mean) - log) / (1 + (gaps + 1) / (6 * gaps))
    return chi_square_at_most(moran, gaps - 1)


def taken_over(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F4: the winning click came seconds after another partner's. The smaller of P[Bin(n, 3 q) >= k] for the window
    and for one six times as long, times two; q the median share, at least 2 % and 5 %.
    """
    of = len(one.orders)
    if of < _LEAST_ORDERS:
        return few("F4", of, _LEAST_ORDERS)
    hit = [order for order in one.orders if was_within(order, threshold)]
    wide = [order for order in one.orders if was_within(order, threshold * WIDE)]
    allowed, allowed_wide = allowed_share(usual.handover, _RHO), allowed_share(usual.handover_wide, _RHO)
    p_hit, p_wide = binomial_at_least(len(hit), of, allowed), binomial_at_least(len(wide), of, allowed_wide)
    numbers = {
        "count": len(hit), "of": of, "seconds": threshold, "usual": usual.handover, "allowed": allowed,
        "wide_count": len(wide), "wide_seconds": threshold * WIDE, "wide_usual": usual.handover_wide,
        "wide_allowed": allowed_wide,
    }  # fmt: skip
    return outcome("F4", 2 * min(p_hit, p_wide), numbers, wide if p_wide < p_hit else hit)


def burst(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F13: more orders in an hour, or in six, than its clicks then explain: a mailing brings clicks with its orders.

    Orders of a span are Poisson with a mean that differs by partner as a gamma: P[NB(mean, shape 4) >= k] (Poisson-gamma;
    Johnson, Kemp, Kotz 5.3), the mean so many times the usual rate of the span's clicks, and five times the partner's
    own even flow. The smallest p, times the spans of the window, times two.
    """
    timed = [order for order in one.orders if order.seconds is not None]
    if len(timed) < _LEAST_ORDERS * 2 or not usual.rate:
        return few("F13", len(timed), _LEAST_ORDERS * 2)
    best = (1.0, 0, 0, 0, 0.0, 0)
    for length in (1, _BLOCK_HOURS):
        spans = Counter(order.hour // length for order in timed)
        clicks: Counter[int] = Counter()
        for hour, number in one.hours.items():
            clicks[hour // length] += number
        # The flow of the other spans: the span itself must not excuse itself.
        for span, count in spans.items():
            flow = (len(timed) - count) / _WINDOW_HOURS * length
            mean = threshold * usual.rate * clicks[span] + 5 * flow + 0.05
            p = min(1.0, negative_binomial_at_least(count, mean, _SHAPE) * _WINDOW_HOURS / length)
            best = min(best, (p, -count, length, span, mean, clicks[span]))
    p, count, length, span, mean, number = best[0], -best[1], *best[2:]
    first = min((order.at for order in one.orders), default=None)
    numbers = {
        "count": count, "of": len(timed), "span_hours": length, "span_starts": span * length * 3600, "clicks": number,
        "expected": mean, "usual_rate": usual.rate,
    }  # fmt: skip
    if first is not None and one.approved_at is not None:
        numbers["first_minutes"] = max(0, int((first - one.approved_at).total_seconds() // 60))
    hit = [order for order in timed if length and order.hour // length == span]
    return outcome("F13", 2 * p, numbers, hit)
