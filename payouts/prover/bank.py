"""The provider's side of the simulated world: books of its own, and the idempotency rules of Stripe v1.

Keys are kept 24 hours with the first answer given after carrying out began, failures included;
a refusal before that (validation, limits) is not kept. Other parameters under a kept key are an
`idempotency_error`; a second request while the first is being carried out is turned away.
"""

from collections.abc import Callable
from enum import Enum
from random import Random

from payouts.protocol import NO_FUNDS
from payouts.provider import Accepted, Answer, Busy, Refused, Transfer, TransferCall, Unsure

DAY = 86_400.0
SLOWEST = 79.0
#: How late a request may be carried out, and how long a listing may not show a new transfer.
#: Together they stay below `Rules.QUIET`; that is the one promise the world keeps.
LATEST = 480.0
LONGEST_LAG = 110.0
LONGEST_APPROVAL = 6 * 3_600.0

#: What can become of a request.
FATES = (
    "busy",
    "lost",  # never arrives
    "answer_lost",
    "late",  # the caller gives up; it is carried out minutes later
    "slow",
    "failed",  # 500, nothing done
    "failed_after",  # 500, but the transfer was made
    "not_authorised",
    "refused",  # a refusal before carrying out, which is not kept: the payee's standing flickers
    "on_approval",  # a refusal nobody has heard of; a person at the provider may still approve it
    "died_before",
    "died_after",
    "died_late",
    "died_on_approval",
)


class NoAnswer(Enum):
    """Instead of an answer."""

    WAITING = "it comes later"
    DEAD = "the worker did not live to hear it"


WAITING = NoAnswer.WAITING
DEAD = NoAnswer.DEAD


class Bank:
    """Transfers, keys, balance and payees' standing, as the provider alone knows them."""

    def __init__(self, dice: Random, *, fates: tuple[str, ...], lag: float, balance: int) -> None:
        self.dice = dice
        self.fates = fates
        self.lag = lag
        self.balance = balance
        self.now = 0.0
        self.transfers: dict[str, Transfer] = {}
        self.visible_at: dict[str, float] = {}
        self.keys: dict[str, tuple[float, TransferCall, Answer]] = {}
        self.under_way: list[tuple[float, TransferCall, Callable[[Answer], None] | None]] = []
        self.awaiting_approval: list[tuple[float, TransferCall]] = []
        self.running: set[str] = set()
        self.closed: set[str] = set()
        self.news: list[Transfer] = []
        self.on_transfer: Callable[[TransferCall, bool], None] = lambda call, was_approved: None

    def create(self, call: TransferCall, deliver: Callable[[Answer], None]) -> Answer | NoAnswer:
        """One request meets its fate; a late answer goes to `deliver`."""
        fates = self.fates
        fate = fates[int(self.dice.random() * len(fates))]
        if fate == "ok":
            return self.carry_out(call)
        if fate == "died_before":
            return DEAD
        if fate == "died_after":
            self.carry_out(call)
            return DEAD
        if fate == "busy":
            return Busy()
        if fate in ("lost", "not_authorised"):
            return Unsure()
        if fate == "refused" and call.key not in self.keys and call.key not in self.running:
            return Refused("account_invalid")
        if fate == "answer_lost":
            self.carry_out(call)
            return Unsure()
        if fate in ("late", "died_late"):
            self.under_way.append((self.now + self.dice.random() * LATEST, call, None))
            return Unsure() if fate == "late" else DEAD
        if fate == "refused" or call.key in self.keys or call.key in self.running:
            return self.carry_out(call)
        if fate == "slow":
            self.running.add(call.key)
            self.under_way.append((self.now + SLOWEST, call, deliver))
            return WAITING
        if fate in ("on_approval", "died_on_approval"):
            if self.dice.random() < 0.7:
                due = self.now + self.dice.random() * LONGEST_APPROVAL
                self.awaiting_approval.append((due, call))
            refused = self.keep(call, Refused("approval_required"))
            return refused if fate == "on_approval" else DEAD
        if fate == "failed_after":
            self.make(call, was_approved=False)
        return self.keep(call, Unsure(key_is_spent=True))

    def carry_out(self, call: TransferCall) -> Answer:
        """The request arrives: answer from memory, refuse, or make the transfer."""
        if call.key in self.running:
            return Busy()
        kept = self.keys.get(call.key)
        if kept is not None:
            at, first_call, answer = kept
            if self.now - at < DAY:
                return answer if first_call == call else Refused("idempotency_error")
        if call.destination in self.closed:
            return Refused("account_invalid")
        if self.balance < call.amount_minor:
            return self.keep(call, Refused(NO_FUNDS))
        return self.keep(call, Accepted(self.make(call, was_approved=False)))

    def keep(self, call: TransferCall, answer: Answer) -> Answer:
        """Remember the first answer under the key."""
        self.keys[call.key] = (self.now, call, answer)
        return answer

    def make(self, call: TransferCall, *, was_approved: bool) -> Transfer:
        """Money moves."""
        transfer = Transfer(
            f"tr_{len(self.transfers)}",
            call.payout_id,
            call.amount_minor,
            call.currency,
            call.destination,
        )
        self.transfers[transfer.id] = transfer
        self.visible_at[transfer.id] = self.now + self.dice.random() * self.lag
        self.balance -= call.amount_minor
        self.news.append(transfer)
        self.on_transfer(call, was_approved)
        return transfer

    def reverse(self, transfer: Transfer) -> None:
        """Take a transfer back whole."""
        back = Transfer(
            transfer.id,
            transfer.payout_id,
            transfer.amount_minor,
            transfer.currency,
            transfer.destination,
            transfer.amount_minor,
        )
        self.transfers[transfer.id] = back
        self.balance += transfer.amount_minor
        self.news.append(back)

    def advance(self, now: float) -> None:
        """Let time pass; what was under way happens at its hour."""
        if self.under_way:
            due = sorted((item for item in self.under_way if item[0] <= now), key=lambda item: item[0])
            self.under_way = [item for item in self.under_way if item[0] > now]
            for at, call, deliver in due:
                self.now = at
                if deliver is None:
                    self.carry_out(call)
                else:
                    self.running.discard(call.key)
                    deliver(self.carry_out(call))
        if self.awaiting_approval:
            for at, call in [item for item in self.awaiting_approval if item[0] <= now]:
                self.awaiting_approval.remove((at, call))
                self.now = at
                self.make(call, was_approved=True)
        self.now = now

    def list_transfers(self, payout_ids: set[str]) -> list[Transfer]:
        """What a listing shows now, which may lag behind."""
        return [
            transfer
            for transfer in self.transfers.values()
            if transfer.payout_id in payout_ids and self.visible_at[transfer.id] <= self.now
        ]

    def grow_calm(self) -> None:
        """From now on nothing fails; approvals still pending are refused."""
        self.fates = ("ok",)
        self.lag = 0.0
        self.awaiting_approval.clear()
        self.closed.clear()
        self.balance = 10**9

    def received(self, accounts: set[str]) -> int:
        """What the accounts hold of ours, in minor units."""
        return sum(
            transfer.amount_minor - transfer.reversed_minor
            for transfer in self.transfers.values()
            if transfer.destination in accounts
        )
