"""How people came to their orders: the touches in order, how many, and how long it took (K2, K3).

The touches are those that the decision over the order looked at. Views, clicks, codes: what could count. For a
partner every other partner is nobody: neither name nor key leaves this module.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from affiliates.models import Affiliate
from ledger.ids import public_id_of
from ledger.money import Money
from payouts.queries.statistics import SECONDS, lines_of
from tracking.statistics.questions import Question

#: Orders whose touches are read; the latest ones.
MOST_ORDERS = 20_000
#: Paths that are told.
_MOST_PATHS = 200
#: Touches of a path; what came before them is summed up.
LONGEST_PATH = 12
#: The upper edges of the lags, in seconds; the last group has none.
LAGS = (60, 600, 3_600, 6 * 3_600, 86_400, 3 * 86_400, 7 * 86_400, 14 * 86_400, 30 * 86_400)
#: Touches that cannot have led to the order.
_NO_TOUCH = frozenset({"click_after_order", "click_not_counted", "click_of_another_merchant", "click_unknown"})


@dataclass(frozen=True, slots=True)
class Step:
    """One touch of a path: its kind, and the partner's public id and name; both empty for somebody else's."""

    kind: str
    affiliate: str
    name: str


@dataclass(frozen=True, slots=True)
class Path:
    """Touches in their order, and the orders that came this way."""

    steps: tuple[Step, ...]
    orders: int
    revenue: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Journeys:
    """The answer: paths by orders, orders by number of touches, and by time since the first and the winning touch."""

    orders: int
    paths: tuple[Path, ...]
    lengths: tuple[tuple[int, int], ...]
    since_click: tuple[int, ...]
    since_first: tuple[int, ...]
    median_seconds: Decimal | None
    late_seconds: Decimal | None
    is_cut: bool


def journeys_of(question: Question) -> Journeys:
    """How the question's orders came about, in three queries."""
    rows = _orders(question)
    own = question.scope.affiliate_id
    own_id = public_id_of(Affiliate.ID_PREFIX, own) if own else ""
    paths: Counter[tuple[tuple[str, str], ...]] = Counter()
    revenue: dict[tuple[tuple[str, str], ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    lengths: Counter[int] = Counter()
    firsts: list[float] = []
    for occurred_at, currency, kept, candidates in rows:
        touches = _touches(candidates, occurred_at)
        lengths[len(touches)] += 1
        if touches:
            firsts.append((occurred_at - touches[0][0]).total_seconds())
        steps = _steps(touches, own_id)
        paths[steps] += 1
        revenue[steps][currency] += kept
    names = _names(affiliate for path in paths for _kind, affiliate in path)
    told = sorted(paths, key=lambda path: (-paths[path], len(path), path))[:_MOST_PATHS]
    since_click, median, late = _lags(question)
    return Journeys(
        orders=sum(paths.values()),
        paths=tuple(
            Path(
                tuple(Step(kind, affiliate, names.get(affiliate, "")) for kind, affiliate in path),
                paths[path],
                tuple(Money(amount, code) for code, amount in sorted(revenue[path].items())),
            )
            for path in told
        ),
        lengths=tuple(sorted(lengths.items())),
        since_click=since_click,
        since_first=_histogram(firsts),
        median_seconds=median,
        late_seconds=late,
        is_cut=len(rows) >= MOST_ORDERS,
    )


def _orders(question: Question) -> list[tuple[datetime, str, int, Any]]:
    lines = lines_of(question)
    statement = (
        "SELECT l.occurred_at, l.currency, l.amount_minor - l.refunded_minor, decision.candidates::text"  # noqa: S608
        f" FROM {lines.source} LEFT JOIN tracking_attribution decision ON decision.conversion_id = l.conversion_id"
        f" WHERE {' AND '.join(lines.conditions)} ORDER BY l.occurred_at DESC, l.conversion_id LIMIT {MOST_ORDERS}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, lines.values)
        return list(cursor.fetchall())


def _lags(question: Question) -> tuple[tuple[int, ...], Decimal | None, Decimal | None]:
    """Orders by the time since the click that won, over all of them; its median and 90th percentile."""
    lines = lines_of(question)
    buckets = ", ".join(
        f"count(*) FILTER (WHERE width_bucket(seconds, %(edges)s::numeric[]) = {number})"
        for number in range(len(LAGS) + 1)
    )
    statement = (
        f"SELECT {buckets}, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY seconds)"  # noqa: S608 - ours
        f" FROM (SELECT {SECONDS}::numeric AS seconds FROM {lines.source} WHERE {' AND '.join(lines.conditions)}"
        " AND l.click_id IS NOT NULL) AS lags"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, lines.values | {"edges": list(LAGS)})
        row = cursor.fetchone()
    assert row is not None
    median, late = (Decimal(str(round(value, 3))) for value in row[-1]) if row[-1] else (None, None)
    return tuple(int(number) for number in row[:-1]), median, late


def _touches(candidates: Any, occurred_at: datetime) -> list[tuple[datetime, str, str]]:
    """(at, kind, affiliate) of what may have led to the order, first one first."""
    found = [
        (datetime.fromisoformat(one["at"]), str(one.get("kind") or "click"), str(one["affiliate"]))
        for one in _read(candidates)
        if one.get("affiliate") and one.get("at") and one.get("reason") not in _NO_TOUCH
    ]
    return sorted(one for one in found if one[0] <= occurred_at)


def _read(candidates: Any) -> Sequence[dict[str, Any]]:
    return json.loads(candidates) if isinstance(candidates, str) else candidates or ()


def _steps(touches: Iterable[tuple[datetime, str, str]], own_id: str) -> tuple[tuple[str, str], ...]:
    """The path: touches of one partner that follow each other are one step; strangers have no key."""
    steps: list[tuple[str, str]] = []
    for _at, kind, affiliate in touches:
        step = (kind, affiliate if not own_id or affiliate == own_id else "")
        if not steps or steps[-1] != step:
            steps.append(step)
    return tuple(steps[-LONGEST_PATH:])


def _histogram(seconds: Iterable[float]) -> tuple[int, ...]:
    counts = [0] * (len(LAGS) + 1)
    for value in seconds:
        counts[next((number for number, edge in enumerate(LAGS) if value < edge), len(LAGS))] += 1
    return tuple(counts)


def _names(affiliates: Iterable[str]) -> dict[str, str]:
    keys = {Affiliate.key_of(one) for one in affiliates if one}
    return {one.public_id: one.name for one in Affiliate.objects.filter(pk__in=keys)}
