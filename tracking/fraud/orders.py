"""F10-F12: what codes, refunds and customers tell."""

import math
import re
from functools import cache
from pathlib import Path

from tracking.fraud.baseline import Baseline
from tracking.fraud.facts import Finding, OrderFact, PartnerFacts
from tracking.fraud.tails import beta_binomial_at_least, binomial_at_least

#: So alike are honest partners' refund rates: as if each were drawn from so many orders.
_ALIKE = 40.0

# Frequent pairs of letters in names and words (Norvig, English Letter Frequency Counts, the first fifty,
# and pairs frequent in names of other languages).
_PAIRS = frozenset(
    "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic"
    " ne ea ra ce li ch ll be ma si om ur ja jo an ie el la sa ka ki na no mi ya yu ko so ta an lu lo da do di mo ni"
    " ho wa am ad et il us ut un em ol ul ab ac ag ap av id ig im ir iv ke ca pe pa po su sh ee oo tt ss nn".split()
)


def leaked_codes(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F10: the partner's code was used by customers of other partners or before it began.

    P[Bin(n, threshold * q) >= k] over the orders that the code won, q at least 5 %.
    """
    coupons = [order for order in one.orders if order.is_coupon]
    hit = [order for order in coupons if order.is_leaked]
    if len(hit) < 3:
        return None
    allowed = min(0.6, threshold * max(usual.leaked, 0.05))
    numbers = {"count": len(hit), "of": len(coupons), "usual": usual.leaked, "allowed": allowed}
    return _finding("F10", binomial_at_least(len(hit), len(coupons), allowed), numbers, hit)


def many_refunds(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F11: more refunds and disputes than the program has. Beta-binomial with the usual share times the threshold as mean."""
    hit = [order for order in one.orders if order.refunded_days is not None]
    if len(hit) < 4:
        return None
    allowed = min(0.7, threshold * max(usual.refunded, 0.03))
    early = sum(order.refunded_days is not None and order.refunded_days < 7 for order in hit)
    numbers = {"count": len(hit), "of": len(one.orders), "usual": usual.refunded, "allowed": allowed, "early": early}
    p = beta_binomial_at_least(len(hit), len(one.orders), allowed, _ALIKE)
    return _finding("F11", p, numbers, [order for order in one.orders if order.refunded_days is None])


def throwaway_addresses(one: PartnerFacts, usual: Baseline, threshold: float) -> Finding | None:
    """F12: customers with disposable or random addresses. P[Bin(n, threshold * q) >= k], q at least 3 %."""
    known = [order for order in one.orders if order.customer_email]
    hit = [order for order in known if is_throwaway(order.customer_email)]
    if len(hit) < 3:
        return None
    allowed = min(0.6, threshold * max(usual.throwaway, 0.03))
    numbers = {"count": len(hit), "of": len(known), "usual": usual.throwaway, "allowed": allowed}
    return _finding("F12", binomial_at_least(len(hit), len(known), allowed), numbers, hit)


def is_throwaway(address: str) -> bool:
    """Whether an address is of a disposable domain, or its name looks drawn by chance."""
    name, _at, domain = address.casefold().rpartition("@")
    return domain in disposable_domains() or looks_random(name)


def looks_random(name: str) -> bool:
    """Whether a name of ten letters and more holds few of the pairs that names are made of, or mixes digits in.

    The log-likelihood of its pairs, frequent ones against even chance, is negative.
    """
    plain = re.sub(r"[^a-z0-9]", "", name.split("+")[0])
    letters = re.sub(r"[^a-z]", "", plain)
    if len(plain) < 10:
        return False
    # Digits between letters, three times and more: a person's digits stand at the end.
    if len(re.findall(r"[a-z](?=[0-9]+[a-z])", plain)) >= 3:
        return True
    pairs = [letters[i : i + 2] for i in range(len(letters) - 1)]
    if len(pairs) < 9:
        return False
    # In words about 70 % of pairs are frequent, by chance 16 %: likelihoods as log odds per pair.
    score = sum(math.log(0.70 / 0.16) if pair in _PAIRS else math.log(0.30 / 0.84) for pair in pairs)
    return score < -2.0


@cache
def disposable_domains() -> frozenset[str]:
    """The list beside this file, one domain a line."""
    text = (Path(__file__).parent / "disposable_domains.txt").read_text(encoding="utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _finding(rule: str, p: float, numbers: dict[str, float], hit: list[OrderFact]) -> Finding:
    return Finding(rule, p, numbers, sum(order.commission for order in hit), tuple(order.id for order in hit))
