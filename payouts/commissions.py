"""Commissions: accrued, and approved when due. Every step an entry in the book; changes: payouts/adjustments.py."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction

from ledger.entries import Draft, Move, post_entry, post_many
from ledger.journal import Fact, record_events
from ledger.money import Money
from ledger.rows import insert_rows
from payouts import chart
from payouts.errors import NotYetDue
from payouts.models import Commission, FraudHold
from payouts.rules.prices import OrderFigures, Price, price
from payouts.rules.versions import RuleBook
from payouts.shares import share_trace
from tracking.models import Attribution, AttributionShare, Conversion


def figures_of(conversion: Conversion) -> OrderFigures:
    """The order's figures as the rules want them, with everything refunded so far."""
    currency = conversion.currency
    return OrderFigures(
        event=conversion.event,
        amount=conversion.amount,
        tax=Money(conversion.tax_minor, currency),
        shipping=Money(conversion.shipping_minor, currency),
        discount=Money(conversion.discount_minor, currency),
        refunded=conversion.refunded,
    )


def price_of(conversion: Conversion, attribution: Attribution, rules: RuleBook | None = None) -> Price | None:
    """What a conversion earns by the rules and terms of its own time; None when no rule fits.

    `rules` are those of its program, where they are loaded already.
    """
    if attribution.enrolment is None or attribution.terms is None:
        return None
    program = attribution.enrolment.program_id
    version = (rules or RuleBook([program])).version_at(program, conversion.occurred_at)
    if version is None:
        return None
    return price(list(version.lines.all()), figures_of(conversion), basis=attribution.terms.basis)


@transaction.atomic
def accrue_commission(conversion: Conversion, attribution: Attribution, priced: Price, *, at: datetime) -> Commission:
    """Book all that a conversion earned for whose it is; a second call returns the first."""
    draft = commission_of(conversion, attribution, priced, amount=priced.amount, at=at)
    known = Commission.objects.filter(conversion=conversion, enrolment=draft.enrolment_id).first()
    if known is not None:
        return known
    record_events(book_commissions([draft]))
    return draft


def commission_of(
    conversion: Conversion,
    part: Attribution | AttributionShare,
    priced: Price,
    *,
    amount: Money,
    at: datetime,
) -> Commission:
    """The row of what a conversion earned the partner of a part of it; nothing is written."""
    enrolment, terms = part.enrolment, part.terms
    if enrolment is None or terms is None:
        raise ValueError("nobody to accrue for")
    share = part if isinstance(part, AttributionShare) else None
    version = priced.line.rule_version
    return Commission(
        conversion=conversion,
        enrolment=enrolment,
        affiliate=enrolment.affiliate,
        merchant=conversion.merchant,
        program=enrolment.program,
        rule_line=priced.line,
        role=share.role if share else Commission.Role.WINNER,
        amount_minor=amount.minor,
        currency=amount.currency,
        accrued_at=at,
        due_at=conversion.occurred_at + timedelta(days=terms.hold_days),
        trace={
            **priced.trace,
            **(share_trace(share, priced) if share else {}),
            "rule": version.public_id,
            "rule_version": version.version,
            "rule_in_force_from": version.starts_at.isoformat(),
            "line": priced.line.position,
            "line_name": priced.line.name,
            "terms_version": terms.version,
            "window_days": terms.window_days,
            "hold_days": terms.hold_days,
        },
    )


def book_commissions(commissions: Sequence[Commission]) -> list[Fact]:
    """Write commissions and book them: Dr receivable / Cr pending. One of nothing has a row and no entry.

    Returns the events that say so, in the same order. Call it in a transaction.
    """
    insert_rows(commissions)
    post_many(
        [
            Draft(
                f"{one.public_id}:accrual",
                one.accrued_at,
                "commission.accrual",
                [Move(one.amount, debit=chart.receivable(one.merchant), credit=chart.pending(one.affiliate))],
                about=[one.public_id, one.affiliate.public_id, one.merchant.public_id],
            )
            for one in commissions
            if one.amount
        ]
    )
    return [_told("commission.accrued", one, at=one.accrued_at, amount=one.amount) for one in commissions]


@transaction.atomic
def approve_commission(commission: Commission, *, at: datetime) -> Commission:
    """End the hold: Dr pending / Cr payable.

    Approving twice changes nothing. Raises NotYetDue before the hold is over, while a dispute over the
    order is open and while a suspicion keeps it back.
    """
    locked: Commission = (
        Commission.objects.select_for_update(of=("self",))
        .select_related("affiliate", "merchant", "conversion")
        .get(pk=commission.pk)
    )
    if locked.status != Commission.Status.PENDING:
        return locked
    if locked.conversion.is_disputed:
        raise NotYetDue(f"{locked.public_id} is held while its order is disputed.")
    # Asked under the row's lock, which a hold takes too: one of the two sees the other.
    if locked.fraud_holds.filter(state=FraudHold.State.HELD).exists():
        raise NotYetDue(f"{locked.public_id} is held while a suspicion is answered.")
    if at < locked.due_at:
        raise NotYetDue(f"{locked.public_id} is held until {locked.due_at:%Y-%m-%d}.")
    locked.status = Commission.Status.APPROVED
    locked.approved_at = at
    locked.save(update_fields=["status", "approved_at"])
    if locked.remaining:
        _post(
            locked,
            "approval",
            [Move(locked.remaining, debit=chart.pending(locked.affiliate), credit=chart.payable(locked.affiliate))],
            at=at,
        )
    _tell("commission.approved", locked, at=at, amount=locked.remaining)
    return locked


def approve_due_commissions(*, at: datetime, limit: int = 1_000) -> int:
    """Approve what is due, each in a transaction of its own; how many were approved."""
    keys = list(Commission.objects.due(at).order_by("due_at").values_list("pk", flat=True)[:limit])
    for key in keys:
        # Disputed or held since it was read: it is not due any more, and the others are.
        with suppress(NotYetDue):
            approve_commission(Commission(pk=key), at=at)
    return len(keys)


def _post(commission: Commission, step: str, moves: list[Move], *, at: datetime, memo: str = "") -> None:
    post_entry(
        f"{commission.public_id}:{step}",
        at=at,
        kind=f"commission.{step.split(':')[0]}",
        moves=moves,
        memo=memo,
        about=[commission.public_id, commission.affiliate.public_id, commission.merchant.public_id],
    )


def _tell(event: str, commission: Commission, *, at: datetime, amount: Money, **data: str) -> None:
    record_events([_told(event, commission, at=at, amount=amount, **data)])


def _told(event: str, commission: Commission, *, at: datetime, amount: Money, **data: str) -> Fact:
    return Fact(
        event,
        commission.public_id,
        at,
        about=[commission.affiliate.public_id, commission.merchant.public_id],
        data={"amount": amount.major, "currency": amount.currency, **data},
    )
