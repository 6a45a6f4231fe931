"""How much a conversion earns: pure arithmetic over a rule version.

`price` sees no database: a version's lines, the order's figures and the terms go in; the
amount and the whole trace come out. The same function prices live sales and explains them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ledger.money import Money
from payouts.models import RuleLine


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """What of an order matters for its price."""

    event: str
    amount: Money
    tax: Money
    shipping: Money
    discount: Money
    refunded: Money


@dataclass(frozen=True, slots=True)
class Price:
    """What a conversion earns by one line, and how that was worked out (JSON values only)."""

    line: RuleLine
    amount: Money
    trace: dict[str, Any]


def commission_base(order: OrderFigures, *, basis: str) -> Money:
    """What the rate is applied to, before refunds.

    net: the reported amount is commissionable as it is. gross: tax, shipping and discount are
    taken off it, never below nothing.
    """
    if basis == "net":
        return order.amount
    base = order.amount - order.tax - order.shipping - order.discount
    return max(base, Money.zero(base.currency))


def base_after_refunds(order: OrderFigures, *, basis: str) -> Money:
    """The base less the refunded share of the order; rounded half up once."""
    base = commission_base(order, basis=basis)
    if not order.refunded:
        return base
    if order.refunded >= order.amount:
        return Money.zero(base.currency)
    kept = Decimal(order.amount.minor - order.refunded.minor) / Decimal(order.amount.minor)
    return base.share(kept)


def price(lines: Sequence[RuleLine], order: OrderFigures, *, basis: str) -> Price | None:
    """What the order earns by the first line whose event fits; None when no line fits.

    percent: base after refunds × rate, half up. flat: the fixed amount while anything of the
    order is left, nothing once all of it was refunded.
    """
    tried: list[dict[str, Any]] = []
    for line in sorted(lines, key=lambda line: line.position):
        if line.event != order.event:
            tried.append(
                {"line": line.position, "name": line.name, "why": "event", "wants": line.event, "is": order.event}
            )
            continue
        base = base_after_refunds(order, basis=basis)
        if line.kind == RuleLine.Kind.PERCENT:
            amount = base.share(line.rate)
        else:
            is_gone = bool(order.amount) and order.refunded >= order.amount
            amount = Money(0 if is_gone else line.flat_minor, base.currency)
        return Price(line, amount, _trace(line, order, base, amount, basis=basis, tried=tried))
    return None


def _trace(
    line: RuleLine, order: OrderFigures, base: Money, amount: Money, *, basis: str, tried: list[dict[str, Any]]
) -> dict[str, Any]:
    steps: list[dict[str, str]] = [{"what": "amount", "amount": order.amount.major}]
    if basis != "net":
        steps += [
            {"what": name, "amount": (-part).major}
            for name, part in (("tax", order.tax), ("shipping", order.shipping), ("discount", order.discount))
            if part
        ]
    if order.refunded:
        steps.append({"what": "refunded", "amount": (base - commission_base(order, basis=basis)).major})
    return {
        "currency": amount.currency,
        "basis": basis,
        "base_steps": steps,
        "base": base.major,
        "kind": line.kind,
        "rate": f"{line.rate.normalize():f}",
        "amount": amount.major,
        "rounding": "half_up",
        "did_not_apply": tried,
    }
