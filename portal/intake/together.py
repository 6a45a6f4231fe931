"""Requests that wait at the same time are handled as one set: nobody waits for a clock, and nobody alone waits at all.

The first to come leads: it handles itself at once. Who comes while it works waits, and the first of those
leads the next set, of all that wait by then. So under load the sets grow by themselves.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class _Waiter[T, R]:
    """Somebody who waits, until it is led or leads."""

    what: T
    turn: threading.Event = field(default_factory=threading.Event)
    #: Its answer, once its set is done.
    answer: tuple[R] | None = None
    error: BaseException | None = None
    is_taken: bool = False
    #: It leads a set of its own; nobody else takes it.
    leads: bool = False


class Together[T, R]:
    """Has `work` done for many callers at once; it answers for each, in their order.

    No more than `most` in one set. Who waited `patience` seconds for the set in front leads one beside it.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R]], *, most: int, patience: float) -> None:
        self._work = work
        self._most = most
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: list[_Waiter[T, R]] = []
        self._leaders = 0

    def do(self, what: T) -> R:
        """Have this done with whatever else waits; raises what `work` raised for its set."""
        own: _Waiter[T, R] = _Waiter(what)
        with self._lock:
            self._waiting.append(own)
            if self._leaders == 0:
                self._leaders, own.leads = 1, True
        if not own.leads:
            self._wait(own)
        if own.leads:
            self._lead(own)
        if own.error is not None:
            raise own.error
        assert own.answer is not None, "whoever is taken is answered"
        return own.answer[0]

    def _wait(self, own: _Waiter[T, R]) -> None:
        """Wait until its set is done or it is its turn to lead, which it takes by itself when that lasts too long."""
        if not own.turn.wait(self._patience):
            with self._lock:
                if not own.is_taken and not own.leads:
                    self._leaders += 1
                    own.leads = True
                    return
        own.turn.wait()

    def _lead(self, own: _Waiter[T, R]) -> None:
        with self._lock:
            others = [one for one in self._waiting if not one.leads][: self._most - 1]
            members = [own, *others]
            self._waiting = [one for one in self._waiting if one not in members]
            for member in members:
                member.is_taken = True
        try:
            answers = self._work([member.what for member in members])
            for member, answer in zip(members, answers, strict=True):
                member.answer = (answer,)
        except BaseException as error:  # noqa: BLE001 - each of them raises it
            for member in members:
                member.error = error
        finally:
            with self._lock:
                following = next((one for one in self._waiting if not one.leads), None)
                if following is None:
                    self._leaders -= 1
                else:
                    following.leads = True
                    following.turn.set()
            for member in others:
                member.turn.set()
