"""F5-F7 and F14-F16: what the clicks themselves tell. Facts, the usual and a threshold in; a Finding out."""

import math

from tracking.fraud.baseline import Baseline, is_abroad, knows_countries
from tracking.fraud.facts import Finding, PartnerFacts
from tracking.fraud.outcomes import allowed_share, few, outcome, share_test
from tracking.fraud.tails import binomial_at_least, binomial_at_most

_LEAST_ORDERS = 4
_LEAST_CLICKS = 20
_ENOUGH_CLICKS = 200
_MANY_CLICKS = 500


def low_rate(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F5: clicks without orders. P[Bin(clicks, usual rate / threshold) <= orders]; the log ratio beside it."""
    if one.counted < _MANY_CLICKS or not usual.rate:
        return few("F5", one.counted, _MANY_CLICKS)
    orders = min(sum(order.seconds is not None for order in one.orders), one.counted)
    allowed = usual.rate / threshold
    numbers = {
        "count": orders, "of": one.counted, "rate": orders / one.counted, "usual": usual.rate, "allowed": allowed,
        "log_ratio": math.log((orders + 0.5) / (one.counted * usual.rate)),
    }  # fmt: skip
    return outcome("F5", binomial_at_most(orders, one.counted, allowed), numbers)


def few_networks(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F6: a crowd behind five networks (/24 and /48) that does not buy. Both must stand, so p is the larger:
    P[Bin(clicks, threshold * usual share of the five largest) >= theirs], and that their orders reach half of the
    usual rate. An office whose people buy is left alone. Shannon's entropy in bits stands beside it.
    """
    found = one.networks
    if found.clicks < _ENOUGH_CLICKS or not usual.rate:
        return few("F6", found.clicks, _ENOUGH_CLICKS)
    allowed = allowed_share(usual.first_five, threshold, most=0.7)
    orders = min(sum(order.network in found.first for order in one.orders), found.first_five)
    p_crowd = binomial_at_least(found.first_five, found.clicks, allowed)
    p_rate = binomial_at_most(orders, found.first_five, usual.rate / 2)
    numbers = {
        "count": found.first_five, "of": found.clicks, "usual": usual.first_five, "allowed": allowed,
        "networks": found.distinct, "largest": found.largest / found.clicks, "bits": found.bits,
        "bits_most": math.log2(found.clicks), "orders": orders, "usual_rate": usual.rate,
        "p_crowd": p_crowd, "p_rate": p_rate,
    }  # fmt: skip
    return outcome("F6", max(p_crowd, p_rate), numbers)


def programs(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F7: clicks of crawlers, data centres, prefetch, HEAD or without a browser's name: not counted already."""
    return _share_of_clicks("F7", one, one.invalid, usual.invalid, threshold)


def embedded(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F15: links loaded by a frame or a picture instead of followed, as `Sec-Fetch-Dest` says."""
    return _share_of_clicks("F15", one, one.embedded, usual.embedded, threshold)


def bought(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F16: clicks that carry an advertisement's id (gclid, msclkid …) where the program allows no paid search."""
    return _share_of_clicks("F16", one, one.paid, usual.paid, threshold)


def other_country(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F14: orders from another country than their click; browsers that speak another country's language. The smaller
    of P[Bin(n, threshold * q) >= k] for orders and for clicks, times two; q at least 8 % and 20 %.
    """
    known = [order for order in one.orders if knows_countries(order)]
    if len(known) < _LEAST_ORDERS and one.spoken < _ENOUGH_CLICKS:
        return few("F14", len(known), _LEAST_ORDERS)
    hit = [order for order in known if is_abroad(order)]
    allowed, allowed_foreign = allowed_share(usual.abroad, threshold), allowed_share(usual.foreign, threshold)
    p_orders = binomial_at_least(len(hit), len(known), allowed)
    p_clicks = binomial_at_least(one.foreign, one.spoken, allowed_foreign) if one.spoken >= _ENOUGH_CLICKS else 1.0
    numbers = {
        "count": len(hit), "of": len(known), "usual": usual.abroad, "allowed": allowed, "foreign": one.foreign,
        "spoken": one.spoken, "foreign_usual": usual.foreign, "foreign_allowed": allowed_foreign,
        "p_orders": p_orders, "p_clicks": p_clicks,
    }  # fmt: skip
    return outcome("F14", 2 * min(p_orders, p_clicks), numbers, hit)


def _share_of_clicks(rule: str, one: PartnerFacts, count: int, share: float, threshold: float) -> Finding:
    return share_test(
        rule, count, one.clicks, usual=share, times=threshold, least=_LEAST_CLICKS, hit=one.orders if count else ()
    )
