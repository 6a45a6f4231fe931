"""What is usual in a program: medians over its partners, each share drawn a little to the middle.

A median is not moved by a minority, so partners who cheat do not make cheating usual. No usual share is taken
for less than its floor: in a small or blameless program the first slip must not be damning.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tracking.email_addresses import DISPOSABLE, RANDOM
from tracking.fraud.facts import OrderFact, PartnerFacts
from tracking.fraud.tails import quantile

#: A share of few orders says little: it is mixed with so many orders of the middle share.
_PRIOR = 10.0
#: With fewer partners a median is the suspect's own: the floors stand alone.
LEAST_PARTNERS = 4
#: How many times the short window the near one is.
NEAR = 3.0
#: How many times the handover window the wide one is.
WIDE = 6.0
_MOST_TIMES = 50
_ENOUGH_ORDERS, _ENOUGH_CLICKS = 10, 200

type Counts = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Baseline:
    """The usual of one program: shares between 0 and 1, times in seconds; 0 where nothing can be said."""

    partners: int = 0
    short_limit: float = 20.0
    short: float = 0.01
    near: float = 0.12
    late: float = 0.15
    spread: float = 0.0
    #: Logarithms of the seconds from click to order, sorted.
    log_times: tuple[float, ...] = ()
    handover: float = 0.02
    handover_wide: float = 0.05
    rate: float = 0.0
    first_five: float = 0.05
    invalid: float = 0.15
    embedded: float = 0.05
    paid: float = 0.05
    leaked: float = 0.05
    refunded: float = 0.08
    throwaway: float = 0.05
    abroad: float = 0.08
    foreign: float = 0.20

    @classmethod
    def of(cls, partners: Sequence[PartnerFacts], *, short_seconds: float, handover_seconds: float, late_hours: float) -> "Baseline":  # fmt: skip
        """What is usual among these partners, at the windows set."""
        if len(partners) < LEAST_PARTNERS:
            return cls(partners=len(partners), short_limit=short_seconds)
        times = [own for one in partners if (own := times_of(one.orders))]
        limit = short_seconds
        # Where people order within seconds, as in a program of leads, a shorter window still tells programs apart.
        while limit > short_seconds / 8 and _within(times, limit) > 0.02:
            limit /= 2
        least = cls()

        def of_orders(
            tells: Callable[[OrderFact], bool], among: Callable[[OrderFact], bool] = lambda _one: True
        ) -> float:
            return shrunk(counts_of(one.orders, tells, among) for one in partners)

        def of_clicks(name: str) -> float:
            return shrunk((getattr(one, name), one.clicks) for one in partners)

        return cls(
            partners=len(partners),
            short_limit=limit,
            short=max(least.short, _within(times, limit)),
            near=max(least.near, _within(times, limit * NEAR)),
            late=max(least.late, shrunk((sum(value > late_hours * 3600 for value in own), len(own)) for own in times)),
            spread=median([spread_of(own) for own in times if len(own) >= _ENOUGH_ORDERS] or [0.0]),
            # No partner speaks for more than fifty orders: a large one is not the program.
            log_times=tuple(sorted(value for own in times for value in logs_of(own[:_MOST_TIMES]))),
            handover=max(least.handover, of_orders(lambda order: was_within(order, handover_seconds))),
            handover_wide=max(least.handover_wide, of_orders(lambda order: was_within(order, handover_seconds * WIDE))),
            rate=shrunk(((len(one.orders), one.counted) for one in partners if one.counted >= 50), prior=500.0),
            first_five=max(
                least.first_five,
                median(
                    [
                        one.networks.first_five / one.networks.clicks
                        for one in partners
                        if one.networks.clicks >= _ENOUGH_CLICKS
                    ]
                    or [0.0]
                ),
            ),
            invalid=max(least.invalid, of_clicks("invalid")),
            embedded=max(least.embedded, of_clicks("embedded")),
            paid=max(least.paid, of_clicks("paid")),
            leaked=max(least.leaked, of_orders(lambda order: order.is_leaked, lambda order: order.is_coupon)),
            refunded=max(0.03, of_orders(lambda order: order.refunded_days is not None)),
            throwaway=max(least.throwaway, of_orders(is_throwaway, lambda order: bool(order.address_kind))),
            abroad=max(least.abroad, of_orders(is_abroad, knows_countries)),
            foreign=max(least.foreign, shrunk((one.foreign, one.spoken) for one in partners)),
        )  # fmt: skip


def shrunk(pairs: Iterable[Counts], *, prior: float = _PRIOR) -> float:
    """The median over partners of (k + prior * middle) / (n + prior): the mean of a beta-binomial's posterior."""
    rows = [(k, n) for k, n in pairs if n > 0]
    if not rows:
        return 0.0
    # The middle of those that say something by themselves: of one order a share is 0 or 1.
    telling = [k / n for k, n in rows if n >= prior] or [sum(k for k, _n in rows) / sum(n for _k, n in rows)]
    middle = median(telling)
    return median((k + prior * middle) / (n + prior) for k, n in rows)


def counts_of(
    orders: Sequence[OrderFact], tells: Callable[[OrderFact], bool], among: Callable[[OrderFact], bool]
) -> Counts:
    """How many of the orders that count a sign is on, and how many count."""
    known = [order for order in orders if among(order)]
    return sum(map(tells, known)), len(known)


def times_of(orders: Sequence[OrderFact]) -> list[float]:
    """The seconds from click to order, where there was a click."""
    return [order.seconds for order in orders if order.seconds is not None]


def spread_of(seconds: Sequence[float]) -> float:
    """The interquartile range of the logarithms of times."""
    logs = logs_of(seconds)
    return quantile(logs, 0.75) - quantile(logs, 0.25)


def logs_of(seconds: Sequence[float]) -> list[float]:
    """Logarithms of times, none shorter than half a second."""
    return [math.log(max(value, 0.5)) for value in seconds]


def was_within(order: OrderFact, seconds: float) -> bool:
    """Whether another partner's click was that shortly before the winning one."""
    return order.other_click_before is not None and order.other_click_before < seconds


def knows_countries(order: OrderFact) -> bool:
    """Whether both the click's and the order's country are known."""
    return bool(order.click_country and order.country)


def is_abroad(order: OrderFact) -> bool:
    """Whether the order came from another country than its click."""
    return knows_countries(order) and order.click_country != order.country


def is_throwaway(order: OrderFact) -> bool:
    """Whether the customer's address is disposable or looks drawn by chance."""
    return order.address_kind in {DISPOSABLE, RANDOM}


def _within(times: Sequence[Sequence[float]], limit: float) -> float:
    return shrunk((sum(value < limit for value in own), len(own)) for own in times)
