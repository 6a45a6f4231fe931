"""How rules say what they found: the same shape for every test, so that a page can show each with its numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from tracking.fraud.facts import Finding, OrderFact
from tracking.fraud.tails import binomial_at_least


def few(rule: str, of: int, least: int) -> Finding:
    """A test that is not made: there are `of` events and `least` are needed. Says nothing about the outcome."""
    return Finding(rule, None, {"few": True, "of": of, "least": least})


def outcome(rule: str, p: float, numbers: Mapping[str, Any], hit: Sequence[OrderFact] = ()) -> Finding:
    """A test that was made; `hit` are the orders it is about."""
    rounded = {name: round(value, 6) if isinstance(value, float) else value for name, value in numbers.items()}
    p = min(1.0, max(0.0, p))
    return Finding(rule, p, rounded, sum(order.commission for order in hit), tuple(order.id for order in hit))


def allowed_share(usual: float, times: float, *, most: float = 0.8) -> float:
    """The share that is still allowed: so many times the usual one."""
    return min(most, times * usual)


def share_test(
    rule: str,
    count: int,
    of: int,
    *,
    usual: float,
    times: float,
    least: int,
    hit: Sequence[OrderFact] = (),
    most: float = 0.8,
    **more: Any,
) -> Finding:
    """P[Bin(of, times * usual) >= count]: so many events with a sign, where that share of them is still allowed."""
    if of < least:
        return few(rule, of, least)
    allowed = allowed_share(usual, times, most=most)
    numbers = {"count": count, "of": of, "usual": usual, "allowed": allowed, **more}
    return outcome(rule, binomial_at_least(count, of, allowed), numbers, hit)
