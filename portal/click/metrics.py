"""The door's own figures in Prometheus' text format. Plain counters, touched by one thread."""

from collections.abc import Mapping, Sequence
from typing import Any

_COMMIT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_MEANINGS = {
    "clicks_recorded_total": "clicks made durable",
    "clicks_unrecorded_total": "clicks redirected without a record",
    "clicks_answered_early_total": "clicks answered before a hanging disk",
    "clicks_unknown_total": "requests for an unknown code",
    "clicks_destination_refused_total": "deep links refused",
}

#: One door's figures: counters, uncounted clicks by reason, commits by bucket with their number and seconds, gauges.
type Snapshot = dict[str, Any]


class Metrics:
    """Counts of one door process since its start."""

    def __init__(self) -> None:
        self.recorded = 0
        self.unrecorded = 0
        self.early_answers = 0
        self.unknown = 0
        self.refused_destinations = 0
        self.uncounted: dict[str, int] = {}
        self._commits = 0
        self._commit_seconds = 0.0
        self._commit_buckets = [0] * len(_COMMIT_BUCKETS)

    def observe_commit(self, count: int, is_durable: bool, seconds: float) -> None:
        """One batch came back from the disk."""
        if is_durable:
            self.recorded += count
        else:
            self.unrecorded += count
        self._commits += 1
        self._commit_seconds += seconds
        for index, limit in enumerate(_COMMIT_BUCKETS):
            if seconds <= limit:
                self._commit_buckets[index] += 1
                break

    def observe_early_answers(self, count: int) -> None:
        """Visitors were let pass before a hanging disk had their clicks."""
        self.early_answers += count

    def observe_uncounted(self, reason: str) -> None:
        """A click is recorded that does not count."""
        self.uncounted[reason] = self.uncounted.get(reason, 0) + 1

    def snapshot(self, gauges: Mapping[str, float]) -> Snapshot:
        """Everything as it is now, with the gauges given."""
        return {
            "counters": {
                "clicks_recorded_total": self.recorded,
                "clicks_unrecorded_total": self.unrecorded,
                "clicks_answered_early_total": self.early_answers,
                "clicks_unknown_total": self.unknown,
                "clicks_destination_refused_total": self.refused_destinations,
            },
            "uncounted": dict(self.uncounted),
            "commits": [*self._commit_buckets, self._commits, self._commit_seconds],
            "gauges": dict(gauges),
        }


def text_of(doors: Mapping[int, Snapshot]) -> str:
    """The figures of all doors, each with its number as a label; a name's lines stand together."""
    lines = []
    for name, meaning in _MEANINGS.items():
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} counter"]
        lines += [f'{name}{{door="{door}"}} {one["counters"].get(name, 0)}' for door, one in doors.items()]
    lines.append("# TYPE clicks_uncounted_total counter")
    lines += [
        f'clicks_uncounted_total{{door="{door}",reason="{reason}"}} {count}'
        for door, one in doors.items()
        for reason, count in sorted(one["uncounted"].items())
    ]
    lines.append("# TYPE click_commit_seconds histogram")
    for door, one in doors.items():
        lines += _histogram(f'door="{door}"', one["commits"])
    for name in dict.fromkeys(name for one in doors.values() for name in one["gauges"]):
        lines.append(f"# TYPE {name} gauge")
        lines += [
            f'{name}{{door="{door}"}} {one["gauges"][name]:.15g}'
            for door, one in doors.items()
            if name in one["gauges"]
        ]
    return "\n".join([*lines, ""])


def _histogram(label: str, commits: Sequence[float]) -> list[str]:
    *buckets, number, seconds = commits
    lines, below = [], 0.0
    for limit, count in zip(_COMMIT_BUCKETS, buckets, strict=True):
        below += count
        lines.append(f'click_commit_seconds_bucket{{{label},le="{limit}"}} {below:.15g}')
    return [
        *lines,
        f'click_commit_seconds_bucket{{{label},le="+Inf"}} {number:.15g}',
        f"click_commit_seconds_sum{{{label}}} {seconds:.6f}",
        f"click_commit_seconds_count{{{label}}} {number:.15g}",
    ]
