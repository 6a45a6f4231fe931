"""Parts of whole amounts, rounded half up once: every step of a price leaves whole minor units."""

from decimal import Decimal

from ledger.currencies import digits


def half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator to the nearest whole number, halves away from zero; the denominator is positive."""
    whole = (2 * abs(numerator) + denominator) // (2 * denominator)
    return -whole if numerator < 0 else whole


def portion(minor: int, rate: Decimal) -> int:
    """The part `rate` of an amount, rounded half up; exact whatever the size."""
    numerator, denominator = rate.as_integer_ratio()
    return half_up(minor * numerator, denominator)


def text(minor: int, currency: str) -> str:
    """An amount as traces write it, in major units: what `Money.major` gives, without a Decimal in between."""
    places = digits(currency)
    if not places:
        return str(minor)
    whole, part = divmod(abs(minor), 10**places)
    return f"{'-' if minor < 0 else ''}{whole}.{part:0{places}}"
