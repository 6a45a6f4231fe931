"""What is wrong with a set of rules: each problem at its path, with what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.errors import Refusal

KINDS: Final = (
    "form",
    "empty",
    "too_many",
    "too_deep",
    "unknown_field",
    "unknown_op",
    "value",
    "amount",
    "currency",
    "rate_over",
    "band_hole",
    "contradiction",
    "unreachable",
    "twice",
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (`lines.2.when.all.0.value`), which of KINDS, and the remedy in a sentence."""

    path: str
    kind: str
    message: str


class RulesRefused(Refusal):
    """A document of rules cannot be kept. `problems` has all that is wrong; `field` is the path of the first."""

    code = "rules_invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(first.message, field=first.path)


class Notes:
    """Collects problems while a document is read, so that all of them are told at once."""

    #: Beyond this many, somebody sent another kind of file.
    MOST = 100

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, path: str, kind: str, message: str) -> None:
        """Keep one problem; the first hundred are enough."""
        if len(self.problems) < self.MOST:
            self.problems.append(Problem(path, kind, message))

    def refuse(self) -> None:
        """Raise RulesRefused when there is any problem."""
        if self.problems:
            raise RulesRefused(self.problems)
