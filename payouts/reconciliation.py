"""Two sets of books side by side: what we believe was sent, and what the provider holds."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from payouts.protocol import PayoutState, State
from payouts.provider import Transfer


@dataclass(frozen=True, slots=True)
class Comparison:
    """What each payout and each transfer turned out to be.

    `matched` and `to_settle` explain themselves; everything else is an alarm.
    """

    #: Payouts: both books agree, nothing to do.
    matched: list[str] = field(default_factory=list)
    #: New knowledge: record, settle or give back.
    to_settle: list[Transfer] = field(default_factory=list)
    #: Payouts we call sent that the provider does not have.
    missing: list[str] = field(default_factory=list)
    #: Transfers for no payout of ours.
    foreign: list[Transfer] = field(default_factory=list)
    #: Transfers beside the recorded one, or whose money we gave back.
    unexpected: list[Transfer] = field(default_factory=list)
    #: Transfers of another amount, currency or destination.
    differing: list[Transfer] = field(default_factory=list)
    #: Second standing transfers for one payout.
    doubled: list[Transfer] = field(default_factory=list)

    @property
    def alarms(self) -> list[str]:
        """One line for each disagreement, stable in wording: `kind payout-or-transfer-id`."""
        return [
            *(f"missing {payout_id}" for payout_id in self.missing),
            *(f"foreign {transfer.id}" for transfer in self.foreign),
            *(f"unexpected {transfer.id}" for transfer in self.unexpected),
            *(f"differing {transfer.id}" for transfer in self.differing),
            *(f"doubled {transfer.id}" for transfer in self.doubled),
        ]


def compare_run(payouts: Mapping[str, PayoutState], transfers: Iterable[Transfer], *, at: datetime) -> Comparison:
    """Compare a run's payouts, read at `at`, with the provider's transfers, listed after that.

    The order matters: a payout recorded between the two readings then shows as something to
    settle, never as missing. A payout is missing only once it is quiet, because a listing may
    lag behind. Several runs, or all of them, may be compared in one go the same way.
    """
    comparison = Comparison()
    by_payout: defaultdict[str, list[Transfer]] = defaultdict(list)
    for transfer in transfers:
        if transfer.payout_id in payouts:
            by_payout[transfer.payout_id].append(transfer)
        else:
            comparison.foreign.append(transfer)
    for payout_id, payout in payouts.items():
        own = by_payout.get(payout_id, [])
        if not own:
            _compare_without_transfer(comparison, payout, at)
        for transfer in own:
            _compare_with_transfer(comparison, payout, transfer)
        standing = [transfer for transfer in own if transfer.reversed_minor < transfer.amount_minor]
        comparison.doubled.extend(standing[1:])
    return comparison


def _compare_without_transfer(comparison: Comparison, payout: PayoutState, at: datetime) -> None:
    if payout.transfer_id is None:
        comparison.matched.append(payout.payout_id)
    elif payout.quiet_at is None or payout.quiet_at <= at:
        comparison.missing.append(payout.payout_id)


def _compare_with_transfer(comparison: Comparison, payout: PayoutState, transfer: Transfer) -> None:
    frozen = (payout.amount_minor, payout.currency, payout.destination)
    is_standing = transfer.reversed_minor < transfer.amount_minor
    if frozen != (transfer.amount_minor, transfer.currency, transfer.destination):
        comparison.differing.append(transfer)
    elif payout.transfer_id not in (None, transfer.id):
        if is_standing:
            comparison.unexpected.append(transfer)
    elif payout.state == State.PAID and not transfer.reversed_minor:
        comparison.matched.append(payout.payout_id)
    elif payout.is_reserved or payout.state == State.PAID:
        comparison.to_settle.append(transfer)
    elif is_standing:
        # Its money is payable again in our books, but the provider's transfer stands.
        comparison.unexpected.append(transfer)
    else:
        comparison.matched.append(payout.payout_id)
