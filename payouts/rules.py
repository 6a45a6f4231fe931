"""How much a conversion earns: pure arithmetic over a rule version, and publishing new versions.

`price` sees no database: a version's lines, the order's figures and the terms go in; the
amount and the whole trace come out. The same function prices live sales and explains them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from affiliates.models import Program, User
from ledger.journal import record_event
from ledger.money import Money
from payouts.errors import RuleLineRefused, RulesInThePast
from payouts.models import RuleLine, RuleVersion


@dataclass(frozen=True, slots=True)
class LineDraft:
    """A rule line before it is published: `rate` is a fraction (0.2 is 20 %), `flat` an amount."""

    name: str
    kind: str
    event: str = "sale"
    rate: Decimal = Decimal(0)
    flat: Money | None = None


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


def version_at(program: Program, at: datetime) -> RuleVersion | None:
    """The version in force when something happened: the latest start not after it, then the latest version."""
    return (
        program.rule_versions.filter(starts_at__lte=at)
        .prefetch_related("lines")
        .order_by("-starts_at", "-version")
        .first()
    )


@transaction.atomic
def publish_rules(
    program: Program,
    lines: Sequence[LineDraft],
    *,
    starts_at: datetime,
    at: datetime,
    by: User | None = None,
    note: str = "",
) -> RuleVersion:
    """Publish the next version. Raises RulesInThePast, RuleLineRefused; nothing published is ever edited."""
    if starts_at < at:
        raise RulesInThePast("New rules may not start in the past.", field="starts_at")
    if not lines:
        raise RuleLineRefused("A version needs at least one line.", field="lines")
    Program.objects.select_for_update().get(pk=program.pk)
    last = program.rule_versions.order_by("-version").first()
    version = RuleVersion.objects.create(
        program=program,
        version=last.version + 1 if last else 1,
        starts_at=starts_at,
        recorded_at=at,
        published_by=by,
        note=note,
    )
    RuleLine.objects.bulk_create(
        _checked_line(version, position, draft) for position, draft in enumerate(lines, start=1)
    )
    record_event(
        "rules.published",
        version.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[program.public_id, program.merchant.public_id],
        data={"version": version.version, "starts_at": starts_at.isoformat()},
    )
    return version


def _checked_line(version: RuleVersion, position: int, draft: LineDraft) -> RuleLine:
    if draft.kind == RuleLine.Kind.PERCENT:
        if not Decimal(0) <= draft.rate <= Decimal(1):
            raise RuleLineRefused("A rate is between 0 and 100 percent.", field="rate")
        flat_minor, rate = 0, draft.rate
    elif draft.kind == RuleLine.Kind.FLAT:
        if draft.flat is None or draft.flat.minor < 0:
            raise RuleLineRefused("A fixed line needs an amount of 0 or more.", field="flat")
        if draft.flat.currency != version.program.currency:
            raise RuleLineRefused(f"The program pays in {version.program.currency}.", field="flat")
        flat_minor, rate = draft.flat.minor, Decimal(0)
    else:
        raise RuleLineRefused("A line pays percent or flat.", field="kind")
    return RuleLine(
        rule_version=version,
        position=position,
        name=draft.name,
        event=draft.event,
        kind=draft.kind,
        rate=rate,
        flat_minor=flat_minor,
    )


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
