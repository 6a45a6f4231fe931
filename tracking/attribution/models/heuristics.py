"""Models that look at one path only: last, first, linear, position, time decay, Shapley of one order.

Each takes the path's steps, oldest first, and gives every step its weight; weights are exact and add up to 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

#: Enough for a power of two with a fractional exponent; the same on every machine.
_PRECISE = Context(prec=34)

_DAY = Decimal(86_400)


@dataclass(frozen=True, slots=True)
class Step:
    """One touch of a path: whose, whether it was a click (not a view), and how many seconds before the order."""

    partner: str
    is_click: bool = True
    seconds_before: int = 0


def last_click(steps: Sequence[Step], *, half_life_days: int = 7) -> list[Fraction]:
    """All to the last click; to the last view where there is no click."""
    clicks = [number for number, step in enumerate(steps) if step.is_click]
    return _all_to(clicks[-1] if clicks else len(steps) - 1, len(steps))


def first_click(steps: Sequence[Step], *, half_life_days: int = 7) -> list[Fraction]:
    """All to the first click; to the first view where there is no click."""
    clicks = [number for number, step in enumerate(steps) if step.is_click]
    return _all_to(clicks[0] if clicks else 0, len(steps))


def linear(steps: Sequence[Step], *, half_life_days: int = 7) -> list[Fraction]:
    """Every touch the same: 1/n."""
    return [Fraction(1, len(steps))] * len(steps)


def position(steps: Sequence[Step], *, half_life_days: int = 7) -> list[Fraction]:
    """40 % to the first touch, 40 % to the last, 20 % to those between in equal parts; two share half and half."""
    if len(steps) <= 2:
        return linear(steps)
    between = Fraction(1, 5) / (len(steps) - 2)
    return [Fraction(2, 5), *[between] * (len(steps) - 2), Fraction(2, 5)]


def time_decay(steps: Sequence[Step], *, half_life_days: int = 7) -> list[Fraction]:
    """A touch is worth half as much for every half-life that it lies before the order: 2^(−days / half-life)."""
    half_life = _DAY * half_life_days
    # Ages count from the last touch, so that a path of old touches does not vanish in rounding.
    latest = min(max(step.seconds_before, 0) for step in steps)
    raw = [
        Fraction(_PRECISE.power(Decimal(2), -(Decimal(max(step.seconds_before, 0) - latest) / half_life)))
        for step in steps
    ]
    whole = sum(raw)
    return [weight / whole for weight in raw]


def shapley(steps: Sequence[Step], *, half_life_days: int = 7) -> list[Fraction]:
    """The Shapley value of one order: every partner on its path the same, however many touches each had.

    An order is worth its money to every group of partners that holds all of its path and nothing to others: a
    unanimity game, whose Shapley value is the equal split (Shapley 1953). The value is additive over orders, so
    this is exact for any number of partners. A partner's part is spread over its touches.
    """
    touches: dict[str, int] = {}
    for step in steps:
        touches[step.partner] = touches.get(step.partner, 0) + 1
    return [Fraction(1, len(touches) * touches[step.partner]) for step in steps]


type Model = Callable[..., list[Fraction]]

#: The models that need nothing but the path.
BY_PATH: dict[str, Model] = {
    "last_click": last_click,
    "first_click": first_click,
    "linear": linear,
    "position": position,
    "time_decay": time_decay,
    "shapley": shapley,
}


def _all_to(chosen: int, number: int) -> list[Fraction]:
    return [Fraction(int(index == chosen)) for index in range(number)]
