"""Refunds: money of an order given back, counted once however many ways tell of it.

A shop's own events and its calls of the API often tell of the same refund, without a number in common. Two refunds
of one order of the same amount, told by two ways within `NEAR` of each other, are one: the first counts, the other is
kept beside it as told twice. Which ones count is worked out anew from all of an order's refunds (`twins_of`), so it
does not matter in which order they came. `tell_apart` says that two are two.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

from ledger.journal import record_event
from ledger.money import Money
from tracking.errors import InputRefused, RefundTooLarge
from tracking.items import worth_of_items
from tracking.models import Conversion, Refund

#: So far apart two ways may tell of the same refund; with a reference in common it does not matter.
NEAR = timedelta(days=7)
#: Stripe tells what a charge gave back in all, so that one word of its can stand for several refunds.
_CUMULATIVE = frozenset({"stripe"})
_MOST_PARTS = 10
#: What an origin begins with that is no word of a way of its own.
_WAYS = {"": "api", "void": "api"}
#: A bank's claim and an order counted twice are no refunds that another way would tell of.
_ALONE = frozenset({"chargeback", "duplicate"})


@dataclass(frozen=True, slots=True)
class Told:
    """A refund as far as it can be compared: the way that told of it, how much, when, and what it is called."""

    key: UUID
    way: str
    minor: int
    at: datetime
    names: frozenset[str] = frozenset()

    def is_near(self, other: "Told") -> bool:
        """Whether both may be one refund as far as their times and names go."""
        return bool(self.names & other.names) or abs(self.at - other.at) <= NEAR


def twins_of(refunds: Iterable[Told]) -> dict[UUID, UUID]:
    """Of each refund that another way had told before: the one that counts in its place.

    A way without a name is never compared. The result depends on the refunds, not on their order.
    """
    groups: list[list[Told]] = []
    for one in sorted(refunds, key=lambda told: (told.at, told.key)):
        fitting = [group for group in groups if _fits(one, group)]
        if fitting:
            named = [group for group in fitting if one.names & group[0].names]
            (named or fitting)[0].append(one)
        else:
            groups.append([one])
    twins = {one.key: group[0].key for group in groups for one in group[1:]}
    alone = [group[0] for group in groups if len(group) == 1 and group[0].way]
    return twins | _sums(alone)


def _fits(one: Told, group: Sequence[Told]) -> bool:
    ways = {other.way for other in group}
    first = group[0]
    return bool(one.way and first.way and one.minor == first.minor and one.way not in ways and one.is_near(first))


def _sums(alone: Sequence[Told]) -> dict[UUID, UUID]:
    """One word for several: a cumulative sum whose parts another way told one by one. The parts count."""
    twins: dict[UUID, UUID] = {}
    used: set[UUID] = set()
    for whole in sorted((one for one in alone if one.way in _CUMULATIVE), key=lambda one: (-one.minor, one.key)):
        for way in sorted({one.way for one in alone} - {whole.way}):
            parts = [one for one in alone if one.way == way and one.key not in used and one.is_near(whole)]
            found = _parts_of(whole.minor, [one for one in parts if one.minor < whole.minor][:_MOST_PARTS])
            if found:
                used |= {one.key for one in found}
                twins[whole.key] = found[0].key
                break
    return twins


def _parts_of(minor: int, parts: Sequence[Told]) -> tuple[Told, ...]:
    for size in range(2, len(parts) + 1):
        for chosen in combinations(parts, size):
            if sum(one.minor for one in chosen) == minor:
                return chosen
    return ()


def record_refund(
    conversion: Conversion,
    *,
    amount: Money | None,
    reference: str,
    reason: str = "",
    origin: str = "",
    way: str = "",
    items: list[dict[str, Any]] | None = None,
    at: datetime,
) -> tuple[Refund, bool]:
    """Take money of an order back, all of what is left when `amount` is None; idempotent by reference.

    With `items` ([{"sku", "quantity"}]) the amount is what these items of the order cost. `origin` names the thing
    it belongs to, where that may grow or fall (payouts/converging.py); `way` who tells of it, else read from the
    origin. A refund that another way told of before takes nothing (`is_told_twice`). Returns the refund and whether
    it is new. Raises RefundTooLarge, and InputRefused when the same reference comes with another amount. Locks the
    conversion's row: call it in a transaction.
    """
    locked = Conversion.objects.select_for_update().get(pk=conversion.pk)
    known = Refund.objects.filter(conversion=locked, reference=reference).first()
    if known is not None:
        if (amount is not None and amount.minor != known.amount_minor) or (items and items != known.items):
            raise InputRefused("This reference was used for another amount.", code="refund_conflict", field="amount")
        return known, False
    if amount is not None and amount.currency != locked.currency:
        raise InputRefused(f"The order is in {locked.currency}.", code="currency_mismatch", field="currency")
    live = _live(locked)
    refund = Refund(
        conversion=locked, reference=reference, reason=reason, origin=origin, way=way or way_of(origin), items=items or [],
        at=at, recorded_at=at,
    )  # fmt: skip
    refund.amount_minor = _amount(locked, refund, live, asked=amount, items=items).minor
    refund.save(force_insert=True)
    _settle(locked, [*live, refund])
    conversion.refunded_minor = locked.refunded_minor
    amount = Money(refund.amount_minor, locked.currency)
    told = {"amount": amount.major, "currency": amount.currency, "reason": reason, "reference": reference}
    about = [refund.public_id, locked.merchant.public_id]
    if refund.is_told_twice:
        record_event("conversion.refund_told_twice", locked.public_id, at=at, about=about, data=told)
    else:
        record_event("conversion.refunded", locked.public_id, at=at, about=about, data=told)
    return refund, True


def void_refund(refund: Refund, *, reason: str, at: datetime) -> bool:
    """Let a refund count no more: its dispute was won, or it failed. Whether it stood until now.

    What another way told of it counts on. Locks the conversion's row: call it in a transaction.
    """
    locked = Conversion.objects.select_for_update().get(pk=refund.conversion_id)
    is_live = Refund.objects.filter(pk=refund.pk, voided_at=None).update(voided_at=at, void_reason=reason)
    if not is_live:
        return False
    _settle(locked, _live(locked))
    amount = Money(refund.amount_minor, locked.currency)
    record_event(
        "conversion.refund_voided",
        locked.public_id,
        at=at,
        about=[refund.public_id, locked.merchant.public_id],
        data={"amount": amount.major, "currency": amount.currency, "reason": reason, "reference": refund.reference},
    )
    return True


def tell_apart(refund: Refund, *, actor: str = "", at: datetime) -> bool:
    """Say that a refund that was taken for another's repetition is one of its own; it counts from now on.

    Whether that was news. Raises RefundTooLarge when not so much of the order is left. Locks the conversion's row:
    call it in a transaction.
    """
    locked = Conversion.objects.select_for_update().get(pk=refund.conversion_id)
    fresh = Refund.objects.get(pk=refund.pk)
    if fresh.apart_at is not None or fresh.voided_at is not None or not fresh.is_told_twice:
        return False
    if locked.amount_minor - locked.refunded_minor < fresh.amount_minor:
        raise RefundTooLarge(f"Only {locked.amount - locked.refunded} of the order is left.", field="amount")
    Refund.objects.filter(pk=fresh.pk).update(apart_at=at)
    _settle(locked, _live(locked))
    amount = Money(fresh.amount_minor, locked.currency)
    record_event(
        "conversion.refunds_told_apart",
        locked.public_id,
        at=at,
        actor=actor,
        about=[fresh.public_id, locked.merchant.public_id],
        data={"amount": amount.major, "currency": amount.currency, "reference": fresh.reference},
    )
    return True


def is_told(conversion: Conversion, amount: Money, *, origin: str, at: datetime) -> bool:
    """Whether a refund of this amount would be one that another way told of before."""
    asked = Refund(conversion=conversion, reference="", origin=origin, way=way_of(origin), at=at)
    return _is_told(asked, _live(conversion), amount)


def way_of(origin: str) -> str:
    """Who tells of a refund of this origin: "stripe" of "stripe:re_1"; empty for what nobody else would tell of."""
    way, _colon, name = origin.partition(":")
    if way in {"dispute", "duplicate"} or name.startswith("dispute:"):
        return ""
    return _WAYS.get(way, way)[:16]


def _amount(
    locked: Conversion,
    refund: Refund,
    live: Sequence[Refund],
    *,
    asked: Money | None,
    items: list[dict[str, Any]] | None,
) -> Money:
    """How much it is: what another way told of before may be more than what is left. Raises RefundTooLarge, InputRefused."""
    left = locked.amount - locked.refunded
    wanted = asked
    if items:
        wanted = worth_of_items(locked, items)
    elif asked is None:
        told_by_it = sum(one.amount_minor for one in live if _way(one) == refund.way)
        wanted = locked.amount - Money(told_by_it, locked.currency)
    assert wanted is not None
    if wanted.minor > 0 and _is_told(refund, live, wanted):
        return wanted
    if asked is None or items:
        wanted = min(wanted, left) if items else left
    if not wanted or wanted.minor < 0:
        raise InputRefused("There is nothing left to refund.", code="refund_empty", field="amount")
    if left < wanted:
        raise RefundTooLarge(f"Only {left} of the order is left.", field="amount")
    return wanted


def _is_told(refund: Refund, live: Sequence[Refund], amount: Money) -> bool:
    asked = Told(refund.pk, _way(refund), amount.minor, refund.at, _names(refund))
    known = [_told(one) for one in live]
    return asked.key in twins_of([*known, asked])


def _settle(locked: Conversion, live: Sequence[Refund]) -> None:
    """Write down which of an order's refunds count, and what they come to."""
    twins = twins_of(_told(one) for one in live)
    counted = 0
    for one in live:
        twin = twins.get(one.pk)
        if one.twin_id != twin:
            one.twin_id = twin
            Refund.objects.filter(pk=one.pk).update(twin=twin)
        counted += 0 if twin else one.amount_minor
    locked.refunded_minor = counted
    locked.save(update_fields=["refunded_minor"])


def _live(conversion: Conversion) -> list[Refund]:
    return list(Refund.objects.filter(conversion=conversion, voided_at=None).order_by("at", "pk"))


def _told(refund: Refund) -> Told:
    return Told(refund.pk, _way(refund), refund.amount_minor, refund.at, _names(refund))


def refund_way(refund: Refund) -> str:
    """Who told of it: api, manual, upload, dub, or a shop's kind; empty for a bank's claim."""
    return refund.way or way_of(refund.origin)


def _way(refund: Refund) -> str:
    if refund.apart_at is not None or refund.reason in _ALONE:
        return ""
    return refund_way(refund)


def _names(refund: Refund) -> frozenset[str]:
    """What it is called by whoever told of it."""
    own = refund.origin.rpartition(":")[2] if ":" in refund.origin else refund.reference
    return frozenset({own} - {""})
