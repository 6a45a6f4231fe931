"""What the door, the drain and the attribution ask of the click table, one click or visitor at a time."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from tracking.click_ids import smallest_key
from tracking.models import Click

_SAMPLES = 400
_WINDOW = timedelta(days=30)


def look_up() -> list[dict[str, object]]:
    """Look-ups of clicks drawn at random from the whole table; each asked once, so mostly cold."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, visitor_id, link_id, clicked_at FROM tracking_click TABLESAMPLE SYSTEM (0.2)")
        drawn = cursor.fetchall()
    step = max(1, len(drawn) // _SAMPLES)
    drawn = drawn[::step][:_SAMPLES]
    print(
        f"\nthe click table, {len(drawn)} look-ups each\n  {'':34}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'partitions':>12}"
    )
    asked: dict[str, Callable[[Any], Any]] = {
        "by click id": lambda row: Click.objects.filter(pk=row[0]),
        "a visitor's touches of 30 days": lambda row: Click.objects.filter(
            visitor_id=row[1], clicked_at__lte=row[3], clicked_at__gte=row[3] - _WINDOW
        ).order_by("-clicked_at")[:200],
        "latest 50 clicks of a link": lambda row: Click.objects.filter(link_id=row[2]).order_by("-clicked_at")[:50],
        "clicks of one day, counted": lambda row: Click.objects.filter(
            pk__gte=smallest_key(_midnight(row[3])), pk__lt=smallest_key(_midnight(row[3]) + timedelta(days=1))
        ),
    }
    found: list[dict[str, object]] = []
    for name, question in asked.items():
        is_count = name.endswith("counted")
        rows = drawn[:20] if is_count else drawn
        times = sorted(_took(question(row), is_count=is_count) for row in rows)
        middle, late, latest = (statistics.median(times), times[int(len(times) * 0.95)], times[int(len(times) * 0.99)])
        partitions = _partitions(question(drawn[0]))
        print(f"  {name:34}{middle:>9.2f}{late:>9.2f}{latest:>9.2f}{partitions:>12}")
        found.append({
            "case": f"click table, {name}, p95", "value": round(late, 3), "unit": "ms", "p50": round(middle, 3),
            "p99": round(latest, 3), "partitions": partitions,
        })  # fmt: skip
    return found


def _took(question: Any, *, is_count: bool) -> float:
    since = time.perf_counter()
    if is_count:
        question.count()
    else:
        list(question)
    return (time.perf_counter() - since) * 1000


def _partitions(question: Any) -> int:
    """How many partitions the plan looks into."""
    plan = question.explain()
    return len({line.split(" on ")[1].split()[0] for line in plan.splitlines() if " on tracking_click_2" in line})


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
