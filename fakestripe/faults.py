"""The fault script: which calls go wrong, and how.

A rule matches calls by method, path (`*` is any run of characters) and idempotency key, counts
the calls it matches, and strikes from the `nth` on, `times` times (0: for ever), or every
`every`-th. The first rule that strikes a call decides; every matching rule counts it.
"""

from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from fakestripe.errors import Invalid
from fakestripe.store import Store

#: What each fault does. "Executed" means that the work was done and committed.
KINDS = {
    "fail_before": "an error (`status`, 500) before execution began; nothing executed, nothing stored",
    "fail_after": "executed and stored; then `answer`: lost (default), 500 (this answer only), stored_500",
    "stored_500": "a 500 that is stored under the key; executed only with `executed: true`",
    "conflict": "409 idempotency_key_in_use; nothing executed",
    "rate_limit": "429 (`code`: rate_limit or lock_timeout, `retry_after`); nothing executed",
    "error": "any error (`status`, `code`, `message`, `type`) out of the execution; stored as Stripe stores it",
    "slow": "`seconds` of waiting before the execution, or after it with `when: after`",
    "truncate": "executed; half of the answer, then the connection closes",
    "drop": "the connection closes without an answer, before the execution or `when: after` it",
}
NAMES = {"409": "conflict", "429": "rate_limit", "truncated": "truncate", "drop_connection": "drop"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One strike: the kind, and its options."""

    kind: str
    options: dict[str, Any] = field(default_factory=dict)

    def is_after(self) -> bool:
        """Whether it strikes after the execution."""
        return self.options.get("when") == "after"


@dataclass(slots=True)
class Rule:
    """One line of the script, and how often it matched and struck so far."""

    fault: str
    method: str = "*"
    path: str = "*"
    key: str = "*"
    nth: int = 1
    times: int = 1
    every: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    matched: int = 0
    struck: int = 0

    def meets(self, method: str, path: str, key: str) -> bool:
        """Count the call if it is this rule's. True when the rule strikes it."""
        is_match = self.method in ("*", method) and fnmatchcase(path, self.path) and fnmatchcase(key, self.key)
        if not is_match:
            return False
        self.matched += 1
        if self.every:
            strikes = self.matched % self.every == 0 and (not self.times or self.struck < self.times)
        else:
            strikes = self.matched >= self.nth and (not self.times or self.matched < self.nth + self.times)
        self.struck += strikes
        return strikes


class Script:
    """The rules in force. Kept in the store with their counts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.load()

    def load(self) -> None:
        """Read the script from before a restart."""
        self.rules = [Rule(**kept) for kept in self._store.setting("faults", [])]

    def write(self, rules: list[dict[str, Any]], *, is_added: bool = False) -> None:
        """Replace the script, or add to it. Raises Invalid for a rule that makes no sense."""
        new = [_read(rule) for rule in rules]
        self.rules = self.rules + new if is_added else new
        self._keep()

    def strike(self, method: str, path: str, key: str) -> Fault | None:
        """The fault that hits this call, if any."""
        if not self.rules:
            return None
        with self._store.reading():
            before = [(rule.matched, rule.struck) for rule in self.rules]
            struck = [rule for rule in self.rules if rule.meets(method, path, key)]
            if before != [(rule.matched, rule.struck) for rule in self.rules]:
                self._keep()
        return Fault(struck[0].fault, struck[0].options) if struck else None

    def state(self) -> list[dict[str, Any]]:
        """What the control surface shows."""
        return [asdict(rule) for rule in self.rules]

    def _keep(self) -> None:
        self._store.set("faults", self.state())


def _read(given: dict[str, Any]) -> Rule:
    if not isinstance(given, dict):
        raise Invalid(400, "A rule is an object.")
    rule = dict(given)
    match = rule.pop("match", {})
    kind = str(rule.pop("fault", ""))
    kind = NAMES.get(kind, kind)
    if kind not in KINDS:
        raise Invalid(400, f"Unknown fault {kind!r}. Known: {', '.join(KINDS)}.")
    counting = {name: rule.pop(name) for name in ("nth", "times", "every") if name in rule}
    if not isinstance(match, dict) or not set(match) <= {"method", "path", "key"}:
        raise Invalid(400, "match takes method, path and key.")
    if any(type(number) is not int or number < 0 for number in counting.values()):
        raise Invalid(400, "nth, times and every are whole numbers.")
    return Rule(kind, **match, **counting, options=rule)
