"""What the book says when a payout is settled, given back or comes back: one entry each, once."""

from datetime import datetime

from ledger.entries import Move, post_entry
from ledger.money import Money
from payouts import chart
from payouts.models import Payout


def settle(payout: Payout, *, at: datetime) -> None:
    """The money is the affiliate's: Dr in_transit / Cr cash."""
    _post(payout, "settlement", [Move(payout.amount, debit=chart.in_transit(payout.run), credit=chart.CASH)], at=at)


def give_back(payout: Payout, *, at: datetime) -> None:
    """The payout never left: the reservation's mirror image, and its commissions are free again."""
    back = Move(payout.amount, debit=chart.in_transit(payout.run), credit=chart.payable(payout.affiliate))
    _post(payout, "release", [back, _netting_undone(payout)], at=at)
    _free_items(payout, at=at)


def take_return(payout: Payout, *, at: datetime) -> None:
    """A settled transfer came back whole: Dr cash / Cr payable, and its commissions are free again.

    What the payout had netted is owed back again too, or its commissions would be worth more than
    what is payable for them.
    """
    back = Move(payout.amount, debit=chart.CASH, credit=chart.payable(payout.affiliate))
    _post(payout, "return", [back, _netting_undone(payout)], at=at)
    _free_items(payout, at=at)


def _netting_undone(payout: Payout) -> Move:
    netted = Money(payout.netted_minor, payout.currency)
    return Move(netted, debit=chart.recoverable(payout.affiliate), credit=chart.payable(payout.affiliate))


def _free_items(payout: Payout, *, at: datetime) -> None:
    payout.items.filter(released_at=None).update(released_at=at)


def _post(payout: Payout, step: str, moves: list[Move], *, at: datetime) -> None:
    post_entry(
        f"{payout.public_id}:{step}",
        at=at,
        kind=f"payout.{step}",
        moves=moves,
        about=[payout.public_id, payout.affiliate.public_id, payout.run.public_id],
    )
