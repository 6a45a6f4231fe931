"""The door's own figures in Prometheus' text format. Plain counters, touched by one thread."""

from collections.abc import Mapping

_COMMIT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


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

    def text(self, door: int, gauges: Mapping[str, float]) -> str:
        """Everything, with the door's number as a label, and the gauges given."""
        label = f'door="{door}"'
        lines = []
        counters = {
            "clicks_recorded_total": ("clicks made durable", self.recorded),
            "clicks_unrecorded_total": ("clicks redirected without a record", self.unrecorded),
            "clicks_answered_early_total": (
                "clicks answered before a hanging disk",
                self.early_answers,
            ),
            "clicks_unknown_total": ("requests for an unknown code", self.unknown),
            "clicks_destination_refused_total": ("deep links refused", self.refused_destinations),
        }
        for name, (meaning, value) in counters.items():
            lines += [
                f"# HELP {name} {meaning}",
                f"# TYPE {name} counter",
                f"{name}{{{label}}} {value}",
            ]
        lines.append("# TYPE clicks_uncounted_total counter")
        lines += [
            f'clicks_uncounted_total{{{label},reason="{reason}"}} {count}'
            for reason, count in sorted(self.uncounted.items())
        ]
        lines.append("# TYPE click_commit_seconds histogram")
        below = 0
        for limit, count in zip(_COMMIT_BUCKETS, self._commit_buckets, strict=True):
            below += count
            lines.append(f'click_commit_seconds_bucket{{{label},le="{limit}"}} {below}')
        lines += [
            f'click_commit_seconds_bucket{{{label},le="+Inf"}} {self._commits}',
            f"click_commit_seconds_sum{{{label}}} {self._commit_seconds:.6f}",
            f"click_commit_seconds_count{{{label}}} {self._commits}",
        ]
        for name, gauge in gauges.items():
            lines += [f"# TYPE {name} gauge", f"{name}{{{label}}} {gauge:g}"]
        return "\n".join([*lines, ""])
