"""All models side by side over the same orders, each summing to the same money to the last cent.

Models of one path split every order by largest remainder and add up. Markov looks at all paths together and
splits their whole money once. Pure: journeys in, money by partner out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ledger.money import Money
from tracking.attribution.decide import path_of, steps_of
from tracking.attribution.models.heuristics import BY_PATH, Step
from tracking.attribution.models.markov import Walk, removal_effects
from tracking.attribution.models.weights import to_units
from tracking.attribution.touches import Inputs

#: The order in which they are shown.
MODELS = ("last_click", "first_click", "coupon", "linear", "position", "time_decay", "markov", "shapley")

#: Those that a bare list of paths can be asked for.
PATH_MODELS = tuple(model for model in MODELS if model != "coupon")


@dataclass(frozen=True, slots=True)
class Journey:
    """A path that led to `orders` orders worth `value`, and to nothing `nothing` times. `code`: a code's partner."""

    steps: tuple[Step, ...]
    value: Money
    orders: int = 1
    nothing: int = 0
    code: str = ""
    half_life_days: int = 7


def journey_of(inputs: Mapping[str, Any], value: Money) -> Journey | None:
    """The journey of a stored decision's inputs; None when the order is nobody's."""
    seen = Inputs.from_json(inputs)
    path, code = path_of(seen)
    if not path:
        return None
    settings = seen.at_order(path[-1].program) or seen.terms(path[-1].terms)
    return Journey(
        tuple(steps_of(path, seen)),
        value,
        code=code.affiliate if code else "",
        half_life_days=settings.half_life_days if settings else 7,
    )


def compare(journeys: Sequence[Journey], *, models: Sequence[str] = MODELS) -> dict[str, dict[str, Money]]:
    """What each partner gets under each model. Every model's sum is the sum of the journeys' values."""
    return {model: credit(journeys, model) for model in models}


def credit(journeys: Sequence[Journey], model: str) -> dict[str, Money]:
    """What each partner gets under one model."""
    if model == "markov":
        return _by_markov(journeys)
    found: dict[str, Money] = {}
    for journey in journeys:
        if not journey.steps:
            continue
        weights = to_units(weights_of(journey, model))
        for step, part in zip(journey.steps, journey.value.split(weights), strict=True):
            _add(found, step.partner, part)
        # A code's partner need not be on the path: then the whole order is its.
        if model == "coupon" and journey.code and all(step.partner != journey.code for step in journey.steps):
            _move_to_code(found, journey, weights)
    return found


def weights_of(journey: Journey, model: str) -> list[Fraction]:
    """Every step's weight under a model of one path."""
    if model != "coupon":
        return BY_PATH[model](journey.steps, half_life_days=journey.half_life_days)
    own = [number for number, step in enumerate(journey.steps) if step.partner == journey.code]
    if not own:
        return BY_PATH["last_click"](journey.steps)
    return [Fraction(int(number == own[-1])) for number in range(len(journey.steps))]


def fit_markov(journeys: Iterable[Journey]) -> dict[str, float]:
    """Each partner's removal effect on these journeys: what a program that pays by Markov keeps for a month."""
    return removal_effects(
        Walk(tuple(step.partner for step in journey.steps), journey.orders, journey.nothing) for journey in journeys
    )


def total_of(journeys: Sequence[Journey]) -> Money | None:
    """The money that every model shares; None without journeys."""
    values = [journey.value for journey in journeys if journey.steps]
    return sum(values[1:], values[0]) if values else None


def _by_markov(journeys: Sequence[Journey]) -> dict[str, Money]:
    whole = total_of(journeys)
    if whole is None:
        return {}
    effects = fit_markov(journeys)
    partners = sorted(effects)
    if not any(effects.values()):
        return credit(journeys, "linear")
    weights = [Decimal(repr(effects[partner])) for partner in partners]
    return {partner: part for partner, part in zip(partners, whole.split(weights), strict=True) if part}


def _move_to_code(found: dict[str, Money], journey: Journey, weights: Sequence[Decimal]) -> None:
    for step, part in zip(journey.steps, journey.value.split(weights), strict=True):
        _add(found, step.partner, -part)
    _add(found, journey.code, journey.value)


def _add(found: dict[str, Money], partner: str, part: Money) -> None:
    if part:
        found[partner] = found[partner] + part if partner in found else part
