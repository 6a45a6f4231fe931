"""Who and what there is in the simulated world."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from payouts.protocol import PayoutState
from payouts.provider import Answer


@dataclass(frozen=True, slots=True)
class Act:
    """An effect of broken procedures only: do anything to the world it is given, in one transaction."""

    deed: Callable[[Any], object]


@dataclass(slots=True)
class Payee:
    """An affiliate: what they truly earned, and what our books say of it."""

    name: str
    earned: int = 0
    account: str = ""
    fingerprint: str = ""
    accounts: set[str] = field(default_factory=set)
    is_frozen: bool = False
    barred_at: float = -1.0  # when frozen; meaningful while frozen
    changed_at: float = -1.0  # when the account last changed
    payable: int = 0
    in_transit: int = 0
    cash: int = 0


@dataclass(slots=True)
class Run:
    """A payout run."""

    run_id: str
    payout_ids: set[str] = field(default_factory=set)
    is_cancelled: bool = False
    cancelled_at: float = -1.0
    is_paused: bool = False


@dataclass(slots=True)
class Frozen:
    """What was approved, noted apart from the row so that nobody can change it."""

    payee: Payee
    run: Run
    amount: int
    destination: str
    fingerprint: str


@dataclass(slots=True, eq=False)
class Task:
    """A worker in the middle of a procedure."""

    name: str
    steps: Generator[Any, Any, Any]
    answer: Any = None
    is_waiting: bool = False
    effect: type | None = None

    def deliver(self, answer: Answer) -> None:
        """A late answer arrives."""
        self.answer = answer
        self.is_waiting = False


@dataclass(frozen=True, slots=True)
class Backup:
    """What the database held at one instant."""

    states: dict[str, PayoutState]
    payees: list[tuple[Payee, int, str, str, bool, int, int, int]]
    runs: list[tuple[Run, bool, bool]]
