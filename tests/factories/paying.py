"""Payout runs in tests: a provider that keeps books of its own, and a month paid through the real verbs."""

import itertools
from datetime import datetime, timedelta

from payouts import runs, transfers
from payouts.models import Payout, PayoutRun
from payouts.provider import Accepted, Answer, Refused, Transfer, TransferCall
from tests.factories.world import make_user

_numbers = itertools.count(1)


class Bank:
    """A provider that makes every transfer it is asked for, once a key, unless told to refuse with a code."""

    def __init__(self, *, refuses: str = "") -> None:
        self.refuses = refuses
        self.transfers: dict[str, Transfer] = {}
        self.by_key: dict[str, Transfer] = {}

    def create_transfer(self, call: TransferCall) -> Answer:
        if self.refuses:
            return Refused(self.refuses)
        if call.key not in self.by_key:
            made = Transfer(
                f"tr_{next(_numbers):08d}", call.payout_id, call.amount_minor, call.currency, call.destination
            )
            self.by_key[call.key] = self.transfers[made.id] = made
        return Accepted(self.by_key[call.key])

    def list_transfers(self, payout_id: str) -> list[Transfer]:
        return [one for one in self.transfers.values() if one.payout_id == payout_id]

    def list_run_transfers(self, run_id: str) -> list[Transfer]:
        return list(self.transfers.values())

    def retrieve_transfer(self, transfer_id: str) -> Transfer | None:
        return self.transfers.get(transfer_id)


def prepare(at: datetime, *, label: str = "") -> PayoutRun:
    """A run over everything approved before `at`, prepared by somebody of finance."""
    start = at - timedelta(days=31)
    return runs.prepare_run(label or f"RUN-{next(_numbers)}", starts_at=start, ends_at=at, by=make_user("maker"), at=at)


def start(run: PayoutRun, *, at: datetime) -> PayoutRun:
    """Submit, have it approved by a second person, start."""
    run = runs.submit_run(run, by=run.prepared_by, at=at)
    checker = make_user("checker")
    return runs.start_run(runs.approve_run(run, by=checker, at=at), by=checker, at=at)


def send(run: PayoutRun, bank: Bank, *, at: datetime) -> PayoutRun:
    """Send every payout of a started run: accepted, not settled yet."""
    transfers.send_run(run, transfers.sender_with(bank, clock=lambda: at))
    return run.refreshed()


def settle(run: PayoutRun, bank: Bank, *, at: datetime) -> PayoutRun:
    """The news of every transfer arrives."""
    sender = transfers.sender_with(bank, clock=lambda: at)
    for payout in Payout.objects.filter(run=run, state=Payout.State.SENT):
        transfers.settle_transfer(sender, bank.transfers[payout.transfer_id])
    return runs.close_finished_run(run, at=at)


def pay(at: datetime, *, label: str = "") -> PayoutRun:
    """A whole run in one go: prepared, approved by two, sent, settled."""
    bank = Bank()
    run = start(prepare(at, label=label), at=at)
    return settle(send(run, bank, at=at), bank, at=at)
