"""What is usual in a program: medians over its partners, each share drawn a little to the middle.

A median is not moved by a minority, so partners who cheat do not make cheating usual.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tracking.fraud.facts import OrderFact, PartnerFacts
from tracking.fraud.tails import quantile

#: A share of few orders says little: it is mixed with so many orders of the pooled share.
_PRIOR = 10.0
_DAY = 86_400.0


def shrunk(pairs: Iterable[tuple[int, int]]) -> float:
    """The median over partners of (k + prior * pooled) / (n + prior): the mean of a beta-binomial's posterior."""
    rows = [(k, n) for k, n in pairs if n]
    if not rows:
        return 0.0
    middle = median(k / n for k, n in rows)
    return median((k + _PRIOR * middle) / (n + _PRIOR) for k, n in rows)


@dataclass(frozen=True, slots=True)
class Baseline:
    """The usual of one program."""

    partners: int
    short: float
    short_limit: float
    late: float
    spread: float
    times: Sequence[float]
    handover: float
    rate: float
    prefixes: float
    invalid: float
    embedded: float
    paid: float
    leaked: float
    refunded: float
    throwaway: float
    busiest: float
    abroad: float

    @classmethod
    def of(
        cls,
        partners: Sequence[PartnerFacts],
        *,
        short_seconds: float,
        handover_seconds: float,
        throwaway: Callable[[OrderFact], bool],
    ) -> "Baseline":
        """What is usual among these partners."""
        every = [[order.seconds for order in one.orders if order.seconds is not None] for one in partners]
        # No partner speaks for more than fifty orders: a large one is not the program.
        times = [value for own in every for value in own[:50]]
        limit = min(short_seconds, max(quantile(times, 0.01), 2.0)) if len(times) >= 100 else short_seconds
        limit = max(limit, short_seconds / 2)
        known = [own for own in every if own]
        return cls(
            partners=len(partners),
            short=shrunk((sum(value < limit for value in own), len(own)) for own in known),
            short_limit=limit,
            late=shrunk((sum(value > _DAY for value in own), len(own)) for own in known),
            spread=median([spread_of(own) for own in known if len(own) >= 10] or [0.0]),
            times=times,
            handover=shrunk(
                (sum(within(order, handover_seconds) for order in one.orders), len(one.orders)) for one in partners
            ),
            rate=shrunk((len(one.orders), one.counted) for one in partners if one.counted >= 50),
            prefixes=median(
                [len(one.prefixes) / one.prefixes.total() for one in partners if one.prefixes.total() >= 50] or [0.0]
            ),
            invalid=shrunk((one.invalid, one.clicks) for one in partners),
            embedded=shrunk((one.embedded, one.clicks) for one in partners),
            paid=shrunk((one.paid, one.clicks) for one in partners),
            leaked=shrunk(
                (sum(order.is_leaked for order in one.orders), sum(order.is_coupon for order in one.orders))
                for one in partners
            ),
            refunded=shrunk(
                (sum(order.refunded_days is not None for order in one.orders), len(one.orders)) for one in partners
            ),
            throwaway=shrunk(
                (sum(map(throwaway, one.orders)), sum(bool(order.customer_email) for order in one.orders))
                for one in partners
            ),
            busiest=median([busiest_hour(one.orders) / len(one.orders) for one in partners if len(one.orders) >= 10] or [0.0]),
            abroad=shrunk((sum(map(is_abroad, one.orders)), sum(map(knows_countries, one.orders))) for one in partners),
        )  # fmt: skip


def spread_of(seconds: Sequence[float]) -> float:
    """The interquartile range of the logarithms of times."""
    logs = logs_of(seconds)
    return quantile(logs, 0.75) - quantile(logs, 0.25)


def logs_of(seconds: Sequence[float]) -> list[float]:
    """Logarithms of times, none shorter than half a second."""
    return [math.log(max(value, 0.5)) for value in seconds]


def within(order: OrderFact, seconds: float) -> bool:
    """Whether another partner's click was that shortly before the winning one."""
    return order.other_click_before is not None and order.other_click_before < seconds


def knows_countries(order: OrderFact) -> bool:
    """Whether both the click's and the order's country are known."""
    return bool(order.click_country and order.country)


def is_abroad(order: OrderFact) -> bool:
    """Whether the order came from another country than its click."""
    return knows_countries(order) and order.click_country != order.country


def busiest_hour(orders: Sequence[OrderFact]) -> int:
    """The most orders in one hour of the clock."""
    hours: dict[int, int] = {}
    for order in orders:
        hour = int(order.at.timestamp() // 3600)
        hours[hour] = hours.get(hour, 0) + 1
    return max(hours.values(), default=0)
