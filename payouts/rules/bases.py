"""What a rate is applied to: an order less what is taken off, what was given back, and what other lines took.

An order's base is shared over its positions in proportion to their amounts; what the positions do not make up of
the base is the rest, which only order lines take. Lines take one after the other; each has the rounded sum up to
and with it less the rounded sum before it, so that their bases add up to the whole to the last minor unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from payouts.rules.clauses import Deduction
from payouts.rules.facts import Facts, Item
from payouts.rules.rounding import half_up


@dataclass(frozen=True, slots=True)
class Remains:
    """An order's sums. `kept` / `kept_of` is what general refunds, those of no position, leave of it."""

    amount: int
    refunded: int
    items_total: int
    kept: int
    kept_of: int

    @property
    def is_gone(self) -> bool:
        """Whether everything was given back."""
        return self.amount > 0 and self.kept == 0


def remains_of(facts: Facts) -> Remains:
    """The sums of an order: refunds by position where known, the others over all that is left."""
    amount = max(facts.amount_minor, 0)
    refunded = min(max(facts.refunded_minor, 0), amount)
    total = sum(max(item.amount_minor, 0) for item in facts.items)
    by_item = total - sum(item.kept_minor for item in facts.items)
    if not by_item:
        kept, kept_of = (amount - refunded, amount) if refunded else (1, 1)
        return Remains(amount, refunded, total, kept, kept_of)
    scale = max(amount, total)
    kept = amount * scale - max(refunded * scale, by_item * amount)
    return Remains(amount, refunded, total, max(kept, 0), max(amount * (scale - by_item), 1))


def whole_base(facts: Facts, minus: Sequence[Deduction]) -> int:
    """The order's base before refunds: its amount less these, never below nothing."""
    base = max(facts.amount_minor, 0)
    for name in minus:
        base -= max(deduction(facts, name), 0)
    return max(base, 0)


def deduction(facts: Facts, name: Deduction) -> int:
    """What a word of `minus` stands for."""
    if name == "tax":
        return facts.tax_minor
    if name == "shipping":
        return facts.shipping_minor
    return facts.discount_minor if name == "discount" else facts.fees_minor


def rest_of(remains: Remains, base: int) -> int:
    """What of a base no position makes up."""
    return max(base - remains.items_total, 0)


def weight_of(items: Sequence[Item]) -> int:
    """What is left of positions."""
    return sum(item.kept_minor for item in items)


def taken_base(remains: Remains, base: int, *, before: int, taken: int) -> int:
    """The base of what a line takes (`taken`, a weight) after the lines above it took `before`."""
    of = max(base, remains.items_total)
    if not of:
        return 0
    whole = of * remains.kept_of
    up_to = half_up(base * (before + taken) * remains.kept, whole)
    return up_to - half_up(base * before * remains.kept, whole)
