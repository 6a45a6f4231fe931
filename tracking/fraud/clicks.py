"""F1-F7 and F13-F16: what clicks and times tell. Each rule: facts, the usual and a threshold in; a Finding or None out.

`times_usual` is the allowance: a partner may differ from the median so many times before the test begins.
"""

import math

from tracking.fraud.baseline import (
    Baseline,
    busiest_hour,
    is_abroad,
    knows_countries,
    logs_of,
    spread_of,
    within,
)
from tracking.fraud.facts import Finding, OrderFact, PartnerFacts
from tracking.fraud.tails import (
    binomial_at_least,
    binomial_at_most,
    chi_square_at_most,
    entropy,
    ks_two_samples,
    normal_at_most,
)

_LEAST_ORDERS = 8
_LEAST_CLICKS = 100
#: An interquartile range uses 37 % of what a sample knows of its spread (Lehmann, Point Estimation, 1983).
_IQR_EFFICIENCY = 0.37


def short_times(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F1: orders within seconds of the click. P[Bin(n, 3 q) >= k], q the median share and at least 1 %."""
    timed = [order for order in one.orders if order.seconds is not None]
    limit = min(usual.short_limit, threshold)
    hit = [order for order in timed if order.seconds is not None and order.seconds < limit]
    if len(hit) < 3:
        return None
    allowed = min(0.5, 3.0 * max(usual.short, 0.01))
    numbers = {"count": len(hit), "of": len(timed), "seconds": round(limit, 1), "usual": usual.short, "allowed": allowed}
    return _of_orders("F1", binomial_at_least(len(hit), len(timed), allowed), numbers, hit)


def late_times(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F2: orders long after the click, spread flat. The larger p of a binomial (twice the usual share) and of
    Kolmogorov-Smirnov on log times: both must stand (intersection-union test, Berger 1982).
    """
    seconds = [order.seconds for order in one.orders if order.seconds is not None]
    late = [order for order in one.orders if order.seconds is not None and order.seconds > threshold * 3600]
    if len(seconds) < _LEAST_ORDERS or len(late) < 5:
        return None
    allowed = min(0.6, 2.0 * max(usual.late, 0.05))
    distance, p_shape = ks_two_samples(logs_of(seconds), logs_of(usual.times))
    p = max(binomial_at_least(len(late), len(seconds), allowed), p_shape)
    rate = len(one.orders) / one.counted if one.counted else 0.0
    numbers = {
        "count": len(late), "of": len(seconds), "hours": threshold, "usual": usual.late, "allowed": allowed,
        "distance": distance, "p_shape": p_shape, "rate": rate,
    }  # fmt: skip
    return _of_orders("F2", p, numbers, late)


def regular_times(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F3: times too much alike. The interquartile range of log times against the usual one, squared, times
    (n - 1) * 0.37 is about chi-square; gaps between clicks of a Poisson process have a coefficient of
    variation near 1 with standard error 1 / sqrt n (Cox and Lewis 1966). The smaller p, times two.
    """
    seconds = [order.seconds for order in one.orders if order.seconds is not None]
    p_orders = p_gaps = 1.0
    ratio = 1.0
    if len(seconds) >= 12 and usual.spread > 0:
        ratio = spread_of(seconds) / usual.spread
        df = (len(seconds) - 1) * _IQR_EFFICIENCY
        # Honest partners' spreads differ by themselves: half of the usual is the allowance.
        p_orders = chi_square_at_most(df * (ratio / 0.5) ** 2, df)
    variation = one.gap_deviation / one.gap_mean if one.gap_mean else 1.0
    if one.gaps >= 50 and variation < threshold:
        p_gaps = normal_at_most((variation - 1.0) * math.sqrt(one.gaps))
    if min(p_orders, p_gaps) >= 0.5:
        return None
    numbers = {"ratio": ratio, "of": len(seconds), "variation": variation, "gaps": one.gaps, "limit": threshold}
    return _of_orders("F3", min(1.0, 2.0 * min(p_orders, p_gaps)), numbers, one.orders)


def taken_over(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F4: the winning click came seconds after another partner's. P[Bin(n, 3 q) >= k], q at least 2 %."""
    hit = [order for order in one.orders if within(order, threshold)]
    if len(hit) < 3:
        return None
    allowed = min(0.5, 3.0 * max(usual.handover, 0.02))
    numbers = {"count": len(hit), "of": len(one.orders), "seconds": threshold, "usual": usual.handover, "allowed": allowed}
    return _of_orders("F4", binomial_at_least(len(hit), len(one.orders), allowed), numbers, hit)


def low_rate(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F5: clicks without orders. P[Bin(c, usual / threshold) <= n], with z of log(n/c) beside it."""
    if one.counted < 500 or usual.rate <= 0:
        return None
    allowed = usual.rate / threshold
    rate = len(one.orders) / one.counted
    numbers = {
        "count": len(one.orders), "of": one.counted, "rate": rate, "usual": usual.rate, "allowed": allowed,
        "log_ratio": math.log((len(one.orders) + 0.5) / (one.counted * usual.rate)),
    }  # fmt: skip
    return _of_orders("F5", binomial_at_most(len(one.orders), one.counted, allowed), numbers, [])


def few_networks(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F6: many clicks from few networks (/24 and /48). P[Bin(c, threshold * usual) <= distinct]; entropy beside it."""
    clicks = one.prefixes.total()
    if clicks < _LEAST_CLICKS or usual.prefixes <= 0:
        return None
    allowed = threshold * usual.prefixes
    most = max(one.prefixes.values())
    numbers = {
        "count": len(one.prefixes), "of": clicks, "usual": usual.prefixes, "allowed": allowed,
        "largest": most / clicks, "bits": entropy(one.prefixes.values()), "bits_most": math.log2(clicks),
    }  # fmt: skip
    return _of_orders("F6", binomial_at_most(len(one.prefixes), clicks, allowed), numbers, one.orders)


def programs(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F7: clicks of crawlers, prefetch, HEAD or no user agent (MRC's general invalid traffic), already not counted."""
    return _share_of_clicks("F7", one, one.invalid, usual.invalid, threshold, floor=0.05)


def burst(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F13: many orders in one hour. Given n orders of a Poisson process each hour's number is binomial
    (Kingman, Poisson Processes, 2.4); the busiest hour's usual share is the median over partners.
    """
    if len(one.orders) < 12:
        return None
    most = busiest_hour(one.orders)
    allowed = min(0.6, threshold * max(usual.busiest, 0.05))
    numbers = {"count": most, "of": len(one.orders), "usual": usual.busiest, "allowed": allowed}
    return _of_orders("F13", binomial_at_least(most, len(one.orders), allowed), numbers, one.orders)


def other_country(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F14: order and click from different countries. P[Bin(n, threshold * q) >= k], q at least 5 %."""
    known = [order for order in one.orders if knows_countries(order)]
    hit = [order for order in known if is_abroad(order)]
    if len(hit) < 3:
        return None
    allowed = min(0.6, threshold * max(usual.abroad, 0.05))
    numbers = {"count": len(hit), "of": len(known), "usual": usual.abroad, "allowed": allowed}
    return _of_orders("F14", binomial_at_least(len(hit), len(known), allowed), numbers, hit)


def embedded(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F15: links loaded by a frame or a picture instead of followed, as `Sec-Fetch-Dest` says."""
    return _share_of_clicks("F15", one, one.embedded, usual.embedded, threshold, floor=0.02)


def bought(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F16: clicks that carry an advertisement's id (gclid, msclkid …) where the program allows no paid search."""
    return _share_of_clicks("F16", one, one.paid, usual.paid, threshold, floor=0.02)


def _share_of_clicks(
    rule: str, one: PartnerFacts, count: int, share: float, threshold: float, *, floor: float
) -> Finding | None:
    if one.clicks < 50 or count < 5:
        return None
    allowed = min(0.8, threshold * max(share, floor))
    numbers = {"count": count, "of": one.clicks, "usual": share, "allowed": allowed}
    return _of_orders(rule, binomial_at_least(count, one.clicks, allowed), numbers, one.orders)


def _of_orders(rule: str, p: float, numbers: dict[str, float], hit: list[OrderFact]) -> Finding:
    return Finding(rule, p, numbers, sum(order.commission for order in hit), tuple(order.id for order in hit))
