"""What a price's trace holds, as JSON values: each line that was asked, and how each part was worked out."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol

from payouts.rules.bases import Remains, deduction
from payouts.rules.clauses import Bands, Boost, Deduction, Line, Pay
from payouts.rules.conditions import Values, tried
from payouts.rules.facts import Facts, Item
from payouts.rules.rounding import half_up, text


class Walk:
    """Keeps what was asked of each line. Without `detail`, only the lines that took something."""

    def __init__(self, *, detail: bool) -> None:
        self.detail = detail
        self.rows: list[dict[str, Any]] = []
        self.untaken: dict[str, Any] | None = None

    def skip(self, position: int, line: Line, why: str, found: str | None) -> None:
        """A line that was not asked at all."""
        if self.detail:
            row: dict[str, Any] = {"line": position, "name": line.name, "fits": False, "why": why}
            if why == "event":
                row |= {"wants": line.event, "is": found}
            self.rows.append(row)

    def fit(self, position: int, line: Line, values: Values) -> None:
        """A line that took something, when nothing more is kept."""
        self.rows.append({"line": position, "name": line.name, "fits": True, **_charges(line, values.facts)})

    def ask(self, position: int, line: Line, values: Values, *, charges: bool) -> bool:
        """Ask an order line, every condition of it; whether it fits."""
        met, asked = tried(line.when, values)
        fits = met and charges
        row: dict[str, Any] = {"line": position, "name": line.name, "fits": fits}
        if not fits:
            row["why"] = "charges" if met else "conditions"
        if line.first is not None or line.months is not None:
            row |= _charges(line, values.facts)
        row["conditions"] = asked
        self.rows.append(row)
        return fits

    def ask_items(
        self, position: int, line: Line, values: Values, left: Sequence[Item], *, charges: bool
    ) -> list[Item]:
        """Ask an item line about each position that is left; those it takes."""
        taken: list[Item] = []
        rows: list[dict[str, Any]] = []
        for item in left:
            met, row = tried(line.when, values, item=item)
            if met and charges:
                taken.append(item)
            rows.append({"item": item.key, "fits": met and charges, "conditions": row})
        self.rows.append(
            {"line": position, "name": line.name, "fits": bool(taken)}
            | ({} if taken else {"why": "conditions" if charges else "charges"})
            | _charges(line, values.facts)
            | {"items": rows}
        )
        return taken

    def close(self, position: int, lines: Sequence[Line]) -> None:
        """The lines below an order line that took the rest."""
        if self.detail:
            self.rows += [
                {"line": after, "name": line.name, "fits": False, "why": "taken", "by": position}
                for after, line in enumerate(lines[position:], start=position + 1)
            ]

    def leave(self, items: Sequence[Item], facts: Facts, *, has_rest: bool) -> None:
        """What no line took: it earns nothing."""
        if items or has_rest:
            amount = sum(item.amount_minor for item in items) if facts.items else facts.amount_minor
            self.untaken = {
                "items": [item.key for item in items],
                "has_rest": has_rest,
                "amount": text(amount, facts.currency),
            }


def _charges(line: Line, facts: Facts) -> dict[str, Any]:
    """Where in a subscription an order stands: payment 2 of 3, or month 3 of 12."""
    if line.first is not None:
        return {"charges": {"charge": 1 if facts.charge is None else facts.charge, "of": line.first}}
    if line.months is not None:
        return {"charges": {"month": (facts.month or 0) + 1, "of": line.months}}
    return {}


class Share(Protocol):
    """What engine.Share holds of a line's part."""

    position: int
    line: Line
    items: tuple[Item, ...]
    has_rest: bool
    minus: tuple[Deduction, ...]
    whole: int
    before: int
    taken: int
    base: int
    is_gone: bool
    pay: Pay
    band: int | None
    measure: int
    pieces: int
    rate: Decimal | None
    percent_minor: int
    flat_minor: int
    boost_minor: int
    bounded: int
    amount: int


def part_trace(
    share: Share, facts: Facts, remains: Remains, boosts: Sequence[Boost], chosen: Sequence[int], amount: int
) -> dict[str, Any]:
    """How one part was worked out, step by step; every figure that is needed to work it out again."""
    currency = facts.currency
    line = share.line
    row: dict[str, Any] = {
        "line": share.position,
        "name": line.name,
        "items": [item.key for item in share.items],
        "has_rest": share.has_rest,
        "order_base": text(share.whole, currency),
        "base_steps": base_steps(share, facts),
        "share": {
            "before": text(share.before, currency),
            "taken": text(share.taken, currency),
            "of": text(max(share.whole, remains.items_total), currency),
        },
        "kept": [remains.kept, remains.kept_of],
        "base": text(share.base, currency),
        "is_gone": share.is_gone,
    }
    if share.pay.is_nothing:
        return row | {"nothing": True, "amount": text(0, currency)}
    if share.band is not None and isinstance(line.pay, Bands):
        row["band"] = _band(line.pay, share.band, share.measure, currency)
    if share.pay.percent is not None:
        row |= {"percent": f"{share.pay.percent:f}", "rate": f"{share.rate or Decimal(0):f}"}
    row["percent_amount"] = text(share.percent_minor, currency)
    if share.pay.flat is not None:
        row |= {"flat": text(share.pay.flat, currency), "pieces": share.pieces}
    row["flat_amount"] = text(share.flat_minor, currency)
    row["boosts"] = [_boost(boosts[place], place, currency) for place in chosen]
    row["boost_amount"] = text(share.boost_minor, currency)
    row["before_limits"] = text(share.bounded, currency)
    if line.minimum is not None:
        row["minimum"] = text(line.minimum, currency)
    if line.maximum is not None:
        row["maximum"] = text(line.maximum, currency)
    return row | {"whole": text(share.amount, currency), "amount": text(amount, currency)}


def base_steps(share: Share, facts: Facts) -> list[dict[str, str]]:
    """The base as a sum people read: the amount, what is taken off, what other lines took, what was given back."""
    currency = facts.currency
    total = max(facts.amount_minor, 0)
    steps = [{"what": "amount", "amount": text(total, currency)}]
    for name in share.minus:
        minor = min(max(deduction(facts, name), 0), total - share.whole)
        if minor:
            total -= minor
            steps.append({"what": name, "amount": text(-minor, currency)})
    is_refunded = facts.refunded_minor > 0 or any(item.refunded_minor > 0 for item in share.items)
    part = _part_of(share, facts) if is_refunded else share.base
    if part != total:
        steps.append({"what": "other_items", "amount": text(part - total, currency)})
    if share.base != part:
        steps.append({"what": "refunded", "amount": text(share.base - part, currency)})
    return steps


def _part_of(share: Share, facts: Facts) -> int:
    """What the share would be of the order's base had nothing been given back; for reading only."""
    all_items = sum(max(item.amount_minor, 0) for item in facts.items)
    mine = sum(max(item.amount_minor, 0) for item in share.items)
    mine += max(share.whole - all_items, 0) if share.has_rest else 0
    of = max(share.whole, all_items)
    return half_up(share.whole * mine, of) if of else 0


def _band(bands: Bands, place: int, size: int, currency: str) -> dict[str, Any]:
    def write(number: int) -> Any:
        return number if bands.by == "order.quantity" else text(number, currency)

    following = bands.rows[place + 1].start if place + 1 < len(bands.rows) else None
    row = {"by": bands.by, "is": write(size), "from": write(bands.rows[place].start)}
    return row if following is None else row | {"to": write(following), "missed_by": write(following - size)}


def _boost(boost: Boost, place: int, currency: str) -> dict[str, Any]:
    row: dict[str, Any] = {"boost": place + 1, "name": boost.name}
    if boost.add is not None:
        row["add"] = f"{boost.add:f}"
    if boost.times is not None:
        row["times"] = f"{boost.times:f}"
    if boost.flat is not None:
        row["flat"] = text(boost.flat, currency)
    return row
