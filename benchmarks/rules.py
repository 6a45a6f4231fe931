"""./run bench rules: pricing one order under 200 lines, and replaying a million, against plain pandas masks.

Processor time is measured, so that other work on the machine does not count. The same orders and the same lines twice: as a document that the product compiles, and as masks written by hand in the
plainest pandas there is. Both give the same cents, which is checked. One core, no database.
"""

import argparse
import json
import os
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from payouts.rules.clauses import Rules
from payouts.rules.documents import read_document
from payouts.rules.engine import price_order
from payouts.rules.facts import Customer, Facts, Partner
from payouts.rules.reports import price_orders

RESULTS = Path(__file__).resolve().parent / "results" / "rules.json"
LINES = 200
MOST_RATIO = 4.0
MOST_MS = 1.0
MOST_MB = 500
_COUNTRIES = ("DE", "US", "GB", "FR", "TW", "CN", "AT", "BR", "JP", "IT")
_TIERS = ("", "bronze", "silver", "gold")
_STATUSES = ("new", "returning", "lapsed")
_COUPONS = ("", "MAYA10", "SAVE5", "WINTER", "BLACK")


@dataclass(frozen=True, slots=True)
class Plain:
    """One line as a hand-written replay has it."""

    countries: tuple[str, ...]
    tier: str
    status: str
    least: int
    coupon: str
    ppm: int
    flat: int
    maximum: int


def main() -> None:
    """Prices, measures, prints one table, writes the results."""
    parser = argparse.ArgumentParser(prog="./run bench rules", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="orders that are replayed")
    parser.add_argument("--runs", type=int, default=3, help="how often each way replays them; the median counts")
    options = parser.parse_args()
    # One core, so that both are measured alike.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    lines = _lines()
    rules = _document(lines)
    orders = _orders(options.rows)
    one = _single(rules, orders)
    before = _resident_mb()
    ours: list[float] = []
    plain: list[float] = []
    for _run in range(options.runs):
        took, masks = _timed(lambda: _by_masks(lines, orders))
        plain.append(took)
        took, found = _timed(lambda: price_orders(rules, orders))
        ours.append(took)
        if not (found["amount"].to_numpy() == masks.to_numpy()).all():
            sys.exit("The two ways differ.")
    memory = _peak_mb()
    _sample(rules, orders, found)
    ratio = statistics.median(ours) / statistics.median(plain)
    results = [
        {"case": f"one order, {LINES} lines, full trace, p50", "value": one[0], "unit": "ms", "baseline": MOST_MS, "ratio": one[0] / MOST_MS},
        {"case": f"one order, {LINES} lines, short trace, p50", "value": one[1], "unit": "ms", "baseline": MOST_MS, "ratio": one[1] / MOST_MS},
        {"case": f"replay of {options.rows:,} orders", "value": statistics.median(ours), "unit": "s", "baseline": statistics.median(plain), "ratio": ratio},
        {"case": "peak memory, the table and both ways included", "value": memory, "unit": "MB", "baseline": MOST_MB, "ratio": memory / MOST_MB},
    ]  # fmt: skip
    print(f"{'':52}{'value':>10}{'baseline':>11}{'ratio':>8}")
    for row in results:
        print(f"{row['case']:52}{row['value']:>8.3f} {row['unit']:<2}{row['baseline']:>10.3f}{row['ratio']:>8.2f}")
    met = ratio <= MOST_RATIO and max(one) <= MOST_MS and memory <= MOST_MB
    print(
        f"\n{'met' if met else 'MISSED'}: at most {MOST_RATIO:.0f} × plain masks, {MOST_MS:.0f} ms for one, {MOST_MB} MB;"
        f" the table alone {before:.0f} MB, load average {os.getloadavg()[0]:.1f}"
    )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _lines() -> list[Plain]:
    chance = random.Random(1)
    found = [
        Plain(
            countries=tuple(sorted(chance.sample(_COUNTRIES, chance.randint(1, 4)))),
            tier=chance.choice(_TIERS[1:]),
            status=chance.choice(_STATUSES),
            least=chance.randrange(15_000, 40_000),
            coupon=chance.choice(_COUPONS[1:]),
            ppm=chance.randrange(1, 40) * 5000,
            flat=chance.choice([0, 0, 100]),
            maximum=chance.randrange(2000, 9000),
        )
        for _line in range(LINES - 1)
    ]
    # Large orders first: nothing stands above a line that would take all that fits it.
    found.sort(key=lambda line: -line.least)
    return [*found, Plain((), "", "", 0, "", 80_000, 0, 10**9)]


def _document(lines: list[Plain]) -> Rules:
    rows = []
    for number, line in enumerate(lines, start=1):
        asked = [
            {"field": "order.country", "op": "any_of", "value": list(line.countries)},
            {"field": "partner.tier", "op": "is", "value": line.tier},
            {"field": "customer.status", "op": "is", "value": line.status},
            {"field": "order.coupon", "op": "is", "value": line.coupon},
            {"field": "order.amount", "op": "at_least", "value": f"{line.least / 100:.2f}"},
        ]
        rows.append(
            {
                "name": f"Line {number}",
                "when": {"all": asked} if line.countries else {},
                "pay": {"percent": f"{Decimal(line.ppm) / 1_000_000:f}", "flat": f"{line.flat / 100:.2f}"},
                "maximum": f"{line.maximum / 100:.2f}",
            }
        )
    return read_document({"lines": rows}, currency="USD")


def _orders(rows: int) -> pd.DataFrame:
    chance = np.random.default_rng(1)

    def words(values: tuple[str, ...]) -> "pd.Categorical[str]":
        return pd.Categorical.from_codes(
            chance.integers(0, len(values), rows).astype(np.int8), categories=pd.Index(values)
        )

    return pd.DataFrame(
        {
            "event": pd.Categorical.from_codes(np.zeros(rows, dtype=np.int8), categories=pd.Index(["sale"])),
            "currency": pd.Categorical.from_codes(np.zeros(rows, dtype=np.int8), categories=pd.Index(["USD"])),
            "at": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(rows) * 25, unit="s"),
            "order.amount": (chance.random(rows) ** 2 * 50_000).astype(np.int64),
            "order.country": words(_COUNTRIES),
            "partner.tier": words(_TIERS),
            "customer.status": words(_STATUSES),
            "order.coupon": words(_COUPONS),
        }
    )


def _by_masks(lines: list[Plain], orders: pd.DataFrame) -> "pd.Series[Any]":
    """The replay as somebody would write it for these very lines: one mask for each, first match wins."""
    amount = pd.Series(0, index=orders.index, dtype="int64")
    is_open = pd.Series(True, index=orders.index)
    for line in lines:
        mask = is_open & (orders["order.amount"] >= line.least)
        if line.countries:
            mask &= orders["order.country"].isin(line.countries)
            mask &= orders["partner.tier"] == line.tier
            mask &= orders["customer.status"] == line.status
            mask &= orders["order.coupon"] == line.coupon
        earned = (2 * orders.loc[mask, "order.amount"] * line.ppm + 1_000_000) // 2_000_000 + line.flat
        amount[mask] = earned.clip(upper=line.maximum)
        is_open &= ~mask
    return amount


def _facts(row: Mapping[Any, Any]) -> Facts:
    return Facts(
        event="sale",
        currency="USD",
        amount_minor=int(row["order.amount"]),
        at=row["at"].to_pydatetime(),
        country=row["order.country"],
        coupon=row["order.coupon"],
        customer=Customer(row["customer.status"]),
        partner=Partner(tier=row["partner.tier"]),
    )


def _single(rules: Rules, orders: pd.DataFrame) -> tuple[float, float]:
    """The median of pricing one order, in milliseconds: with the full trace, and with the short one."""
    facts = [_facts(row) for row in orders.head(400).to_dict("records")]
    found = []
    for detail in (True, False):
        took = []
        for one in facts:
            start = time.process_time()
            price_order(rules, one, detail=detail)
            took.append((time.process_time() - start) * 1000)
        found.append(statistics.median(took))
    return found[0], found[1]


def _sample(rules: Rules, orders: pd.DataFrame, found: pd.DataFrame) -> None:
    """Ends the program when one order alone earns something else than in the table."""
    places = np.linspace(0, len(orders) - 1, min(2000, len(orders))).astype(int)
    for place, row in zip(places, orders.iloc[places].to_dict("records"), strict=True):
        if price_order(rules, _facts(row), detail=False).amount.minor != found["amount"].iloc[place]:
            sys.exit(f"Order {place} earns something else alone.")


def _timed[T](work: Callable[[], T]) -> tuple[float, T]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
