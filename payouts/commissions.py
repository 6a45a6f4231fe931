"""Commissions: accrued, approved when due, taken back when goods come back. Every step an entry in the book."""

from datetime import datetime, timedelta

from django.db import transaction

from ledger.accounts import balance_of
from ledger.entries import Move, post_entry
from ledger.journal import record_event
from ledger.money import Money
from payouts import chart
from payouts.errors import NotYetDue
from payouts.models import Commission, PayoutItem
from payouts.rules import OrderFigures, Price, price, version_at
from tracking.models import Attribution, Conversion, Refund


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


def price_of(conversion: Conversion, attribution: Attribution) -> Price | None:
    """What a conversion earns by the rules and terms of its own time; None when no rule fits."""
    if attribution.enrolment is None or attribution.terms is None:
        return None
    version = version_at(attribution.enrolment.program, conversion.occurred_at)
    if version is None:
        return None
    return price(list(version.lines.all()), figures_of(conversion), basis=attribution.terms.basis)


@transaction.atomic
def accrue_commission(conversion: Conversion, attribution: Attribution, priced: Price, *, at: datetime) -> Commission:
    """Book what a conversion earned: Dr receivable / Cr pending. A commission of nothing has a row and no entry."""
    enrolment, terms = attribution.enrolment, attribution.terms
    if enrolment is None or terms is None:
        raise ValueError("nobody to accrue for")
    version = priced.line.rule_version
    commission, is_new = Commission.objects.get_or_create(
        conversion=conversion,
        enrolment=enrolment,
        defaults={
            "affiliate": enrolment.affiliate,
            "merchant": conversion.merchant,
            "program": enrolment.program,
            "rule_line": priced.line,
            "amount_minor": priced.amount.minor,
            "currency": priced.amount.currency,
            "accrued_at": at,
            "due_at": conversion.occurred_at + timedelta(days=terms.hold_days),
            "trace": {
                **priced.trace,
                "rule": version.public_id,
                "rule_version": version.version,
                "rule_in_force_from": version.starts_at.isoformat(),
                "line": priced.line.position,
                "line_name": priced.line.name,
                "terms_version": terms.version,
                "window_days": terms.window_days,
                "hold_days": terms.hold_days,
            },
        },
    )
    if not is_new:
        return commission
    if commission.amount:
        _post(
            commission,
            "accrual",
            [
                Move(
                    commission.amount,
                    debit=chart.receivable(conversion.merchant),
                    credit=chart.pending(enrolment.affiliate),
                )
            ],
            at=at,
        )
    _tell("commission.accrued", commission, at=at, amount=commission.amount)
    return commission


@transaction.atomic
def approve_commission(commission: Commission, *, at: datetime) -> Commission:
    """End the hold: Dr pending / Cr payable.

    Approving twice changes nothing. Raises NotYetDue before the hold is over.
    """
    locked: Commission = (
        Commission.objects.select_for_update(of=("self",)).select_related("affiliate", "merchant").get(pk=commission.pk)
    )
    if locked.status != Commission.Status.PENDING:
        return locked
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
        approve_commission(Commission(pk=key), at=at)
    return len(keys)


@transaction.atomic
def reduce_commission(commission: Commission, refund: Refund, *, at: datetime) -> Commission:
    """Take back what a refund leaves unearned (fault 26).

    The commission becomes what the rules of its time give for what is left of the order, never
    more than before: commission = f(order as it is now), bounded by 0 and the original. The money
    comes out of pending; once approved out of payable; once in a payout it is recoverable and
    netted from later payouts (fault 25).
    """
    # NO KEY: a run that reserves the commission meanwhile waits for the affiliate, not for this row.
    locked: Commission = (
        Commission.objects.select_for_update(of=("self",), no_key=True)
        .select_related("affiliate", "merchant", "conversion__attribution__terms", "rule_line")
        .get(pk=commission.pk)
    )
    conversion = refund.conversion
    terms = locked.conversion.attribution.terms
    priced = price([locked.rule_line], figures_of(conversion), basis=terms.basis if terms else "net")
    target = priced.amount if priced else Money.zero(locked.currency)
    taken = locked.remaining - target
    if taken.minor <= 0:
        return locked
    was_pending = locked.status == Commission.Status.PENDING
    locked.reversed_minor += taken.minor
    if not locked.remaining:
        locked.status = Commission.Status.REVERSED
    locked.save(update_fields=["reversed_minor", "status"])
    moves = _reversal_moves(locked, taken, was_pending=was_pending)
    _post(locked, f"reversal:{refund.public_id}", moves, at=at, memo=refund.reason)
    _tell("commission.reversed", locked, at=at, amount=taken, reason=refund.reason)
    return locked


def _reversal_moves(commission: Commission, taken: Money, *, was_pending: bool) -> list[Move]:
    to = chart.receivable(commission.merchant)
    if was_pending:
        return [Move(taken, debit=chart.pending(commission.affiliate), credit=to)]
    payable = _locked_balance(commission, taken.currency)
    in_payout = PayoutItem.objects.filter(commission=commission, released_at=None).exists()
    owed = Money.zero(taken.currency) if in_payout else payable
    from_payable = min(owed, taken)
    return [
        Move(from_payable, debit=chart.payable(commission.affiliate), credit=to),
        Move(taken - from_payable, debit=chart.recoverable(commission.affiliate), credit=to),
    ]


def _locked_balance(commission: Commission, currency: str) -> Money:
    """The payable balance, with the affiliate's row held so that no run takes it in the meantime."""
    type(commission.affiliate).objects.select_for_update(no_key=True).get(pk=commission.affiliate_id)
    return balance_of(chart.payable(commission.affiliate), currency)


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
    record_event(
        event,
        commission.public_id,
        at=at,
        about=[commission.affiliate.public_id, commission.merchant.public_id],
        data={"amount": amount.major, "currency": amount.currency, **data},
    )
