"""F10-F12: what codes, refunds and customers tell. Facts, the usual and a threshold in; a Finding out."""

from tracking.fraud.baseline import Baseline, is_throwaway
from tracking.fraud.facts import Finding, PartnerFacts
from tracking.fraud.outcomes import allowed_share, few, outcome, share_test
from tracking.fraud.tails import beta_binomial_at_least

_LEAST_ORDERS = 4
#: So alike are honest partners' refund rates: as if each were drawn from so many orders.
_ALIKE = 60.0
_EARLY_DAYS = 7


def leaked_codes(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F10: the partner's code took orders that other partners' clicks had brought within a day and its own had not, or
    was used before it began. P[Bin(n, threshold * q) >= k] over the orders that the code won, q at least 5 %.
    """
    coupons = [order for order in one.orders if order.is_coupon]
    hit = [order for order in coupons if order.is_leaked]
    bare = sum(order.seconds is None for order in coupons)
    return share_test(
        "F10", len(hit), len(coupons), usual=usual.leaked, times=threshold, least=_LEAST_ORDERS, hit=hit, clickless=bare
    )


def many_refunds(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F11: more refunds and disputes than the program has. Beta-binomial: partners' own rates differ as a beta around
    threshold times the usual share, with the weight of sixty orders. It is about the orders not refunded yet.
    """
    of = len(one.orders)
    if of < _LEAST_ORDERS:
        return few("F11", of, _LEAST_ORDERS)
    hit = [order for order in one.orders if order.refunded_days is not None]
    allowed = allowed_share(usual.refunded, threshold, most=0.7)
    numbers = {
        "count": len(hit), "of": of, "usual": usual.refunded, "allowed": allowed,
        "early": sum(order.refunded_days is not None and order.refunded_days < _EARLY_DAYS for order in hit),
        "early_days": _EARLY_DAYS,
    }  # fmt: skip
    left = [order for order in one.orders if order.refunded_days is None]
    return outcome("F11", beta_binomial_at_least(len(hit), of, allowed, _ALIKE), numbers, left)


def throwaway_addresses(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding:
    """F12: customers with disposable or random addresses. P[Bin(n, threshold * q) >= k], q at least 5 %."""
    known = [order for order in one.orders if order.address_kind]
    hit = [order for order in known if is_throwaway(order)]
    listed = sum(order.address_kind == "disposable" for order in hit)
    return share_test(
        "F12", len(hit), len(known), usual=usual.throwaway, times=threshold, least=_LEAST_ORDERS, hit=hit, listed=listed
    )
