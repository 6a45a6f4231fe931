"""The way in: prove a design on many schedules, hunt the mutants, replay one schedule."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from payouts.prover.mutants import MUTANTS
from payouts.prover.oracle import Verdict
from payouts.prover.rivals import MODELS
from payouts.prover.schedules import OURS, Design, play

#: After how many schedules without a catch a mutant counts as a survivor.
PATIENCE = 100_000


@dataclass(slots=True)
class Proof:
    """What many schedules came to: in how many of them which thing went wrong."""

    design: str
    seed: int
    schedules: int = 0
    transfers: int = 0
    over_paid: int = 0
    lost: int = 0
    stuck: int = 0
    forbidden: int = 0
    misposted: int = 0
    seconds: float = 0.0
    #: The first verdicts that were not clean, to be replayed by their index.
    examples: list[Verdict] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Did every schedule end well?"""
        return not (self.over_paid or self.lost or self.stuck or self.forbidden or self.misposted)

    @property
    def rate(self) -> float:
        """Schedules a second, on this one core."""
        return self.schedules / self.seconds if self.seconds else 0.0

    def lines(self) -> list[str]:
        """The proof as it is printed."""
        return [
            f"design {self.design}",
            f"schedules {self.schedules}",
            f"transfers {self.transfers}",
            f"over-paid {self.over_paid}",
            f"lost {self.lost}",
            f"stuck {self.stuck}",
            f"forbidden {self.forbidden}",
            f"wrong-ledger {self.misposted}",
            f"seed {self.seed}",
            f"rate {self.rate:.0f} schedules/s",
        ]


@dataclass(frozen=True, slots=True)
class Catch:
    """A mutant, and the number of schedules it took to see it break something; None: it survived."""

    mutant: Design
    after: int | None
    fault: str = ""


def prove(design: Design = OURS, *, schedules: int, seed: int) -> Proof:
    """Play schedules 0 to `schedules` of the seed and count what went wrong."""
    proof = Proof(design.name, seed)
    began = time.perf_counter()
    for index in range(schedules):
        verdict = play(design, seed=seed, index=index)
        proof.schedules += 1
        proof.transfers += verdict.transfers
        if not verdict.is_clean:
            proof.over_paid += bool(verdict.over_paid)
            proof.lost += bool(verdict.lost)
            proof.stuck += bool(verdict.stuck)
            proof.forbidden += bool(verdict.forbidden)
            proof.misposted += bool(verdict.misposted)
            if len(proof.examples) < 3:
                proof.examples.append(verdict)
    proof.seconds = time.perf_counter() - began
    return proof


def catch(mutant: Design, *, seed: int, patience: int = PATIENCE) -> Catch:
    """Play schedules until the mutant breaks something, or patience ends."""
    for index in range(patience):
        verdict = play(mutant, seed=seed, index=index)
        if not verdict.is_clean:
            return Catch(mutant, index + 1, verdict.faults[0])
    return Catch(mutant, None)


def replay(design: Design, *, seed: int, index: int) -> tuple[Verdict, list[str]]:
    """Play one schedule again, with every step told."""
    trace: list[str] = []
    verdict = play(design, seed=seed, index=index, trace=trace)
    return verdict, trace


def find_design(name: str) -> Design | None:
    """The model or mutant of this name."""
    return MODELS.get(name) or next((mutant for mutant in MUTANTS if mutant.name == name), None)


def run_proof(name: str, *, schedules: int, seed: int, write: Callable[[str], object]) -> bool:
    """Prove a design and print the result; true when it is clean. Unknown names raise KeyError."""
    design = find_design(name)
    if design is None:
        raise KeyError(name)
    proof = prove(design, schedules=schedules, seed=seed)
    for line in proof.lines():
        write(line)
    for verdict in proof.examples:
        write(f"e.g. --seed {seed} --only {verdict.index}: {verdict.faults[0]}")
    return proof.is_clean


def run_replay(name: str, *, seed: int, index: int, write: Callable[[str], object]) -> bool:
    """Replay one schedule and print every step; true when it is clean. Unknown names raise KeyError."""
    design = find_design(name)
    if design is None:
        raise KeyError(name)
    verdict, trace = replay(design, seed=seed, index=index)
    for line in [*trace, *verdict.faults, "clean" if verdict.is_clean else "NOT CLEAN"]:
        write(line)
    return verdict.is_clean


def run_mutants(*, seed: int, write: Callable[[str], object], patience: int = PATIENCE) -> bool:
    """Hunt every mutant and print the table; true when none survived."""
    survivors = 0
    write(f"{'mutant':32} {'caught after':>12}  what it breaks")
    for mutant in MUTANTS:
        caught = catch(mutant, seed=seed, patience=patience)
        survivors += caught.after is None
        write(f"{mutant.name:32} {caught.after or 'SURVIVED':>12}  {mutant.breaks}")
    write(f"mutants {len(MUTANTS)}")
    write(f"survived {survivors}")
    write(f"seed {seed}")
    return not survivors
