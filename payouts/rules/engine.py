"""What an order earns by a document of rules, with a trace of everything that was asked on the way.

Pure: rules, facts and what the caps had so far go in; amounts and a trace of JSON values come out. The same function
prices live sales, explains them, tries one order and replays history (reports.py is its twin for whole tables).

Lines are asked in their order. An item line takes the positions that fit it and that no line above took; an order
line takes the rest and ends the walk. Each step leaves whole minor units: a part is base × rate, rounded half up,
plus its flat amount; then boosts, minimum, maximum; then a partner's rate cut over all parts; then the caps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from ledger.money import Money
from payouts.rules import boosts as boosting
from payouts.rules.bases import Remains, remains_of, rest_of, taken_base, weight_of, whole_base
from payouts.rules.clauses import BASES, Bands, Deduction, Line, Pay, Rules
from payouts.rules.conditions import Values, holds
from payouts.rules.facts import Facts, Item
from payouts.rules.limits import Overflow, Usage, within_caps
from payouts.rules.rounding import portion, text
from payouts.rules.traces import Walk, part_trace
from payouts.rules.uplines import UplinePart, pay_uplines

_UNUSED: Final[Usage] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Part:
    """What one line pays for what it took. `line_position` counts from 1; `flat` is the fixed amount in `amount`."""

    line_position: int
    item_keys: tuple[str, ...]
    base: Money
    rate: Decimal
    flat: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class Priced:
    """What an order earns. `amount` is payable, `overflow` lies beyond caps; the parts add up to both together.

    `reason` names why `amount` is nothing: currency, no_line_fits, excluded, refunded, rate_cut, over_cap,
    rate_is_zero; empty when there is something to pay.
    """

    amount: Money
    base: Money
    parts: tuple[Part, ...]
    uplines: tuple[UplinePart, ...]
    overflow: tuple[Overflow, ...]
    reason: str
    trace: Mapping[str, Any]

    @property
    def whole(self) -> Money:
        """What was earned before caps."""
        return sum((one.amount for one in self.overflow), self.amount)


@dataclass(slots=True)
class Share:
    """What a line took of an order, and what it makes of it."""

    position: int
    line: Line
    items: tuple[Item, ...]
    has_rest: bool
    minus: tuple[Deduction, ...]
    whole: int  # the order's base as the line counts it, before refunds
    before: int
    taken: int
    base: int
    is_gone: bool
    pay: Pay
    band: int | None
    measure: int
    pieces: int
    rate: Decimal | None = None
    percent_minor: int = 0
    flat_minor: int = 0
    boost_minor: int = 0
    bounded: int = 0
    amount: int = 0


def price_order(
    rules: Rules, facts: Facts, *, basis: str = "net", usage: Usage = _UNUSED, detail: bool = True
) -> Priced:
    """What an order earns. Never raises on an order, whatever it holds: a result, or `reason` says why nothing.

    `basis` is the terms' (net: the amount as reported; gross: less tax, shipping and discount) where a line says
    nothing else. `usage` is what each cap's period had before this order. Without `detail` the trace leaves out the
    lines and boosts that were asked and did not apply.
    """
    currency = facts.currency
    if currency != rules.currency:
        nothing = Money(0, currency)
        why = {"currency": currency, "wants": rules.currency, "reason": "currency", "amount": "0"}
        return Priced(nothing, nothing, (), (), (), "currency", why)
    values = Values(facts, lambda minor: text(minor, currency))
    remains = remains_of(facts)
    walk = Walk(detail=detail)
    shares = _taken(rules.lines, values, remains, BASES.get(basis, ()), walk)
    values.base = whole_base(facts, BASES.get(basis, ()))
    places = boosting.fitting(rules.boosts, values) if rules.boosts else []
    chosen = _best(rules, shares, places)
    _pay(rules, shares, chosen)
    whole = sum(share.amount for share in shares)
    cut = min(max(facts.partner.rate_cut, Decimal(0)), Decimal(1))
    amounts = _cut([share.amount for share in shares], cut, currency)
    earned = sum(amounts)
    within, overflow, cap_rows = within_caps(rules.caps, earned, currency, usage)
    base = sum(share.base for share in shares)
    up, up_rows = pay_uplines(rules.uplines, facts, commission=within, base=base)
    reason = "" if within else _reason(shares, whole, earned, overflow)
    trace: dict[str, Any] = {
        "currency": currency,
        "event": facts.event,
        "basis": basis,
        "order": text(facts.amount_minor, currency),
        "refunded": text(facts.refunded_minor, currency),
        "lines": walk.rows,
        "parts": [
            part_trace(share, facts, remains, rules.boosts, chosen, amount)
            for share, amount in zip(shares, amounts, strict=True)
        ],
        "boosts": boosting.trace_of(rules.boosts, values, places, chosen) if detail else [],
        "untaken": walk.untaken,
        "whole": text(whole, currency),
        "rate_cut": None
        if not cut
        else {
            "cut": f"{cut:f}",
            "reason": facts.partner.rate_cut_reason,
            "before": text(whole, currency),
            "after": text(earned, currency),
        },
        "caps": cap_rows,
        "uplines": up_rows,
        "base": text(base, currency),
        "amount": text(within, currency),
        "rounding": "half_up",
        "reason": reason,
    }
    return Priced(
        amount=Money(within, currency),
        base=Money(base, currency),
        parts=tuple(_part(share, amount, currency) for share, amount in zip(shares, amounts, strict=True)),
        uplines=tuple(up),
        overflow=tuple(overflow),
        reason=reason,
        trace=trace,
    )


# ── The walk ─────────────────────────────────────────────────────────────────────────────


def _taken(
    lines: Sequence[Line], values: Values, remains: Remains, basis: tuple[Deduction, ...], walk: Walk
) -> list[Share]:
    """What each line takes, in order; ends with the first order line that fits."""
    facts = values.facts
    left = list(facts.items)
    shares: list[Share] = []
    before = 0
    for position, line in enumerate(lines, start=1):
        if line.event != facts.event:
            walk.skip(position, line, "event", facts.event)
            continue
        minus = basis if line.minus is None else line.minus
        values.base = whole_base(facts, minus)
        if line.level == "item":
            items = _fitting_items(position, line, values, left, walk)
            if not items:
                continue
            gone = {id(item) for item in items}
            left = [item for item in left if id(item) not in gone]
            share = _share(position, line, minus, tuple(items), values, remains, before=before, rest=0)
            before += share.taken
            shares.append(share)
            continue
        rest = rest_of(remains, values.base)
        if facts.items and not left and not rest:
            walk.skip(position, line, "nothing_left", None)
            continue
        if not _fits(position, line, values, walk):
            continue
        shares.append(
            _share(position, line, minus, tuple(left), values, remains, before=before, rest=rest, has_rest=True)
        )
        walk.close(position, lines)
        return shares
    walk.leave(left, facts, has_rest=not facts.items or bool(rest_of(remains, whole_base(facts, basis))))
    return shares


def _charges_fit(line: Line, facts: Facts) -> bool:
    """Whether a subscription's payment is among those a line pays for; one that is not numbered is the first."""
    if line.first is not None:
        return (1 if facts.charge is None else facts.charge) <= line.first
    return line.months is None or (facts.month or 0) < line.months


def _fits(position: int, line: Line, values: Values, walk: Walk) -> bool:
    charges = _charges_fit(line, values.facts)
    if not walk.detail:
        met = charges and holds(line.when, values)
        if met:
            walk.fit(position, line, values)
        return met
    return walk.ask(position, line, values, charges=charges)


def _fitting_items(position: int, line: Line, values: Values, left: Sequence[Item], walk: Walk) -> list[Item]:
    if not left:
        walk.skip(position, line, "no_items" if not values.facts.items else "nothing_left", None)
        return []
    charges = _charges_fit(line, values.facts)
    if not walk.detail:
        found = [item for item in left if charges and holds(line.when, values, item=item)]
        if found:
            walk.fit(position, line, values)
        return found
    return walk.ask_items(position, line, values, left, charges=charges)


def _share(
    position: int,
    line: Line,
    minus: tuple[Deduction, ...],
    items: tuple[Item, ...],
    values: Values,
    remains: Remains,
    *,
    before: int,
    rest: int,
    has_rest: bool = False,
) -> Share:
    facts = values.facts
    taken = weight_of(items) + rest
    base = taken_base(remains, values.base, before=before, taken=taken)
    has_open = any(not item.is_gone for item in items) or rest > 0 or not items
    pay, band, measure = _pay_of(line, facts, values.base)
    pieces = sum(item.quantity for item in items if not item.is_gone) if line.level == "item" else 1
    gone = remains.is_gone or not has_open
    return Share(
        position=position,
        line=line,
        items=items,
        has_rest=has_rest,
        minus=minus,
        whole=values.base,
        before=before,
        taken=taken,
        base=base,
        is_gone=gone,
        pay=pay,
        band=band,
        measure=measure,
        pieces=max(pieces, 0),
    )


def _pay_of(line: Line, facts: Facts, base: int) -> tuple[Pay, int | None, int]:
    """What a line pays for this order; bands look at the order as it was placed, before refunds."""
    if isinstance(line.pay, Pay):
        return line.pay, None, 0
    bands: Bands = line.pay
    size = {"order.amount": facts.amount_minor, "order.base": base, "order.quantity": facts.quantity}[bands.by]
    band = bands.of(size)
    return bands.rows[band].pay, band, size


# ── The money ────────────────────────────────────────────────────────────────────────────


def _best(rules: Rules, shares: Sequence[Share], places: Sequence[int]) -> list[int]:
    """Which boosts apply: of those that do not stack the best for the partner, the first listed of equals."""
    options = boosting.choices(rules.boosts, places)
    if len(options) == 1:
        return options[0]
    totals = []
    for option in options:
        _pay(rules, shares, option)
        totals.append(sum(share.amount for share in shares))
    return options[totals.index(max(totals))]


def _pay(rules: Rules, shares: Sequence[Share], chosen: Sequence[int]) -> None:
    """Work out what every share pays with these boosts. An added amount goes to the first share that pays."""
    extra = boosting.boosted_flat(rules.boosts, chosen)
    for share in shares:
        share.rate = boosting.boosted_rate(share.pay.percent, rules.boosts, chosen)
        share.percent_minor = share.flat_minor = share.boost_minor = share.amount = share.bounded = 0
        if share.is_gone or share.pay.is_nothing:
            continue
        share.percent_minor = portion(share.base, share.rate) if share.rate else 0
        share.flat_minor = (share.pay.flat or 0) * share.pieces
        share.amount = boosting.boosted_amount(share.percent_minor + share.flat_minor, rules.boosts, chosen)
        share.boost_minor, extra = extra, 0
        share.bounded = share.amount + share.boost_minor
        share.amount = max(share.bounded, share.line.minimum or 0)
        if share.line.maximum is not None:
            share.amount = min(share.amount, share.line.maximum)


def _cut(amounts: Sequence[int], cut: Decimal, currency: str) -> list[int]:
    """Amounts after a rate cut: the sum is rounded once and split over them by largest remainder."""
    whole = sum(amounts)
    if not cut or not whole:
        return list(amounts)
    return [part.minor for part in Money(portion(whole, 1 - cut), currency).split(amounts)]


def _reason(shares: Sequence[Share], whole: int, earned: int, overflow: Sequence[Overflow]) -> str:
    if not shares:
        return "no_line_fits"
    if earned:
        return "over_cap" if overflow else ""
    if whole:
        return "rate_cut"
    if all(share.pay.is_nothing for share in shares):
        return "excluded"
    return "refunded" if all(share.is_gone or share.pay.is_nothing for share in shares) else "rate_is_zero"


def _part(share: Share, amount: int, currency: str) -> Part:
    return Part(
        line_position=share.position,
        item_keys=tuple(item.key for item in share.items),
        base=Money(share.base, currency),
        rate=share.rate or Decimal(0),
        flat=Money(share.flat_minor, currency),
        amount=Money(amount, currency),
    )
