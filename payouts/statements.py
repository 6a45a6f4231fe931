"""Statements: what an affiliate earned, lost and was paid, frozen when the payout settles."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.journal import record_event
from ledger.money import Money
from payouts.models import Payout, Statement

#: A number has 40 signs: what the currency and the payout's part leave for the label.
_LABEL_SIGNS = 27


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One commission in a payout."""

    commission: str
    order_at: datetime
    program: str
    order_amount: Money
    amount: Money


def issue_statement(payout: Payout, *, at: datetime) -> Statement:
    """Issue the payout's statement; a second call returns the first.

    Its number is the run's label and the random part of the payout's id, unique for ever.
    """
    gross = sum(payout.items.values_list("amount_minor", flat=True))
    figures: dict[str, Any] = {
        "commissions": payout.items.count(),
        "gross_minor": gross,
        "carried_minor": payout.amount_minor + payout.netted_minor - gross,
        "netted_minor": payout.netted_minor,
        "paid_minor": payout.amount_minor,
        "period": [payout.run.starts_at.isoformat(), payout.run.ends_at.isoformat()],
        "label": payout.run.label,
        "transfer": payout.transfer_id or "",
        "payee": {"name": payout.affiliate.name, "country": payout.affiliate.country},
    }
    statement, is_new = Statement.objects.get_or_create(
        payout=payout,
        defaults={
            "affiliate": payout.affiliate,
            "number": f"{payout.run.label[:_LABEL_SIGNS]}-{payout.currency}-{payout.public_id[-8:].upper()}",
            "currency": payout.currency,
            "issued_at": at,
            "figures": figures,
        },
    )
    if is_new:
        record_event(
            "statement.issued",
            statement.public_id,
            at=at,
            about=[payout.affiliate.public_id, payout.public_id],
            data={"number": statement.number, "amount": payout.amount.major, "currency": payout.currency},
        )
    return statement


def lines_of_payout(payout: Payout) -> list[StatementLine]:
    """The commissions in a payout, oldest order first."""
    items = payout.items.select_related("commission__conversion", "commission__program").order_by(
        "commission__conversion__occurred_at", "pk"
    )
    return [
        StatementLine(
            commission=item.commission.public_id,
            order_at=item.commission.conversion.occurred_at,
            program=item.commission.program.name,
            order_amount=item.commission.conversion.amount,
            amount=Money(item.amount_minor, payout.currency),
        )
        for item in items
    ]
