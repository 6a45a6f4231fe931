"""From exact weights to what is stored: decimals of twelve places that add up to one, by largest remainder."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

#: A weight is stored in units of one million-millionth.
UNITS = 10**12


def to_units(exact: Sequence[Fraction]) -> list[Decimal]:
    """The weights as decimals of twelve places with the sum 1; ties go to the earlier one.

    Raises ValueError when one is negative or none is positive.
    """
    whole = sum(exact, Fraction(0))
    if whole <= 0 or any(weight < 0 for weight in exact):
        raise ValueError("weights must not be negative, and one must be positive")
    scaled = [weight * UNITS / whole for weight in exact]
    parts = [int(weight) for weight in scaled]
    order = sorted(range(len(parts)), key=lambda number: (parts[number] - scaled[number], number))
    for number in order[: UNITS - sum(parts)]:
        parts[number] += 1
    return [Decimal(part).scaleb(-12) for part in parts]


def by_fit(partners: Sequence[str], values: Mapping[str, float]) -> list[Fraction] | None:
    """Weights of a path's touches by what a fitted model gives their partners; None when it does not know them all.

    A partner's weight is spread over its touches, and only the partners of the path count.
    """
    known = {partner: Fraction(values[partner]) for partner in partners if partner in values}
    whole = sum(known.values(), Fraction(0))
    if len(known) < len(set(partners)) or whole <= 0:
        return None
    return [known[partner] / whole / partners.count(partner) for partner in partners]
