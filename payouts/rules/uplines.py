"""What the partners get who invited the one that sold, up to ten levels, on top of the commission."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.money import Money
from payouts.rules.clauses import Upline
from payouts.rules.facts import Facts, Inviter
from payouts.rules.rounding import portion, text


@dataclass(frozen=True, slots=True)
class UplinePart:
    """What one inviter gets of an order."""

    level: int
    partner: str
    amount: Money


def pay_uplines(
    uplines: Sequence[Upline], facts: Facts, *, commission: int, base: int
) -> tuple[list[UplinePart], list[dict[str, Any]]]:
    """Each level's part of the commission that is paid, or of the order's base after refunds, and the trace.

    A chain that comes back to somebody it had already ends there.
    """
    parts: list[UplinePart] = []
    rows: list[dict[str, Any]] = []
    for upline in uplines:
        row: dict[str, Any] = {"level": upline.level, "of": upline.of, "percent": f"{upline.percent:f}"}
        inviter, why = _inviter(facts, upline)
        if inviter is None:
            rows.append(row | {"why": why})
            continue
        source = commission if upline.of == "commission" else base
        exact = portion(source, upline.percent)
        minor = max(exact, upline.minimum or 0) if source > 0 and upline.percent else 0
        row |= {"partner": inviter.partner, "source": text(source, facts.currency), "months": inviter.months}
        if upline.minimum:
            row["minimum"] = text(upline.minimum, facts.currency)
        rows.append(row | {"amount": text(minor, facts.currency)})
        if minor:
            parts.append(UplinePart(upline.level, inviter.partner, Money(minor, facts.currency)))
    return parts, rows


def _inviter(facts: Facts, upline: Upline) -> tuple[Inviter | None, str]:
    if upline.level > len(facts.inviters):
        return None, "nobody"
    seen = {facts.partner.id}
    for inviter in facts.inviters[: upline.level]:
        if inviter.partner in seen:
            return None, "circular"
        seen.add(inviter.partner)
    inviter = facts.inviters[upline.level - 1]
    if upline.months is not None and inviter.months >= upline.months:
        return None, "months_over"
    return inviter, ""
