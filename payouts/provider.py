"""What is said to a provider of transfers, and what it may answer: the words, not the wires.

`payouts/stripe.py` speaks them to Stripe, `payouts/prover/bank.py` plays the other side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TransferCall:
    """One request. One call is one request: the client underneath must not retry by itself."""

    payout_id: str  # also the transfer group, by which a listing finds it
    key: str
    amount_minor: int
    currency: str
    destination: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer as the provider's books hold it."""

    id: str
    payout_id: str
    amount_minor: int
    currency: str
    destination: str
    reversed_minor: int = 0


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider made the transfer, now or under an earlier use of the key."""

    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Refused:
    """A 4xx with a code about this request. Unknown codes belong here too: they free nothing."""

    code: str


@dataclass(frozen=True, slots=True)
class Unsure:
    """Silence, or a failure on their side; the transfer may exist.

    `key_is_spent`: an HTTP answer of class 5xx came back, which the provider keeps and repeats
    under this key. False for a timeout, a reset or a broken body, and for a refusal that is not
    about this request (401, 403).
    """

    key_is_spent: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """429, `lock_timeout` or 409 `idempotency_key_in_use`: this request was not carried out."""


type Answer = Accepted | Refused | Unsure | Busy


class TransferProvider(Protocol):
    """The four questions the sender asks.

    `create_transfer` answers whatever happened and raises nothing it understands. The three
    readings either answer in full (every page) or raise: the worker then dies as in a crash,
    its lease runs out, and the next one looks again. Reading less than everything is never
    an answer.
    """

    def create_transfer(self, call: TransferCall) -> Answer:
        """Send one request with the call's key, group, amount and destination, and wait for its end."""
        ...

    def list_transfers(self, payout_id: str) -> Sequence[Transfer]:
        """All transfers of the payout's group, reversed ones included."""
        ...

    def list_run_transfers(self, run_id: str) -> Sequence[Transfer]:
        """All transfers this installation made for the run (by creation time and metadata)."""
        ...

    def retrieve_transfer(self, transfer_id: str) -> Transfer | None:
        """The transfer as it is now; None when the provider knows none of this name for us."""
        ...
