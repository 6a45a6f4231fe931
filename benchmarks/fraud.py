"""./run bench fraud: what the fraud rules find in programs whose truth is known, and what it takes for a large one.

Twenty programs of benchmarks/fraud_world.py on seeds that nothing was tuned on, each with some 240 honest partners and 34
cheats of 17 kinds, judged as each night judges. Then a program of a thousand partners is written to the database, its
facts are read by the product's own questions and judged, and the same program without any cheat is judged too.
"""

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import transaction  # noqa: E402 - what is below needs the settings

from benchmarks.fraud_partners import make_world  # noqa: E402
from benchmarks.fraud_rows import load_world  # noqa: E402
from benchmarks.fraud_world import END, START, WorldPartner, facts_of  # noqa: E402
from tracking.fraud.gathering import gather  # noqa: E402
from tracking.fraud.judging import Verdict, examine  # noqa: E402
from tracking.fraud.policies import DEFAULTS  # noqa: E402

RESULTS = Path(__file__).resolve().parent / "results" / "fraud.json"
#: Rules and worlds were tuned on seeds 1 to 20; these were not looked at.
UNSEEN = range(101, 121)
GOALS = {
    "precision": 0.90, "recall": 0.85, "money_precision": 0.90, "money_recall": 0.90, "honest_flagged": 0.02,
    "kind": 0.70, "adaptive": 0.60,
}  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What was found of what there was; money is commission in minor units."""

    cheats: int = 0
    found: int = 0
    honest: int = 0
    accused: int = 0
    cheated_minor: int = 0
    found_minor: int = 0
    accused_minor: int = 0
    kinds: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    own_rule: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    doses: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def add(self, world: Iterable[WorldPartner], verdicts: Iterable[Verdict]) -> None:
        """Count one world's verdicts against its truth. Any finding accuses, whatever its action."""
        fired = {verdict.place: {finding.rule for finding in verdict.findings} for verdict in verdicts}
        for one in world:
            rules = fired.get(one.name, set())
            if not one.is_fraud:
                self.honest += 1
                self.accused += bool(rules)
                self.accused_minor += one.commission if rules else 0
                continue
            self.cheats += 1
            self.found += bool(rules)
            self.cheated_minor += one.commission
            self.found_minor += one.commission if rules else 0
            for table, key, is_found in (
                (self.kinds, one.kind, bool(rules)),
                (self.own_rule, one.kind, one.kind in rules),
                (self.doses, one.dose, bool(rules)),
            ):
                table[key][0] += is_found
                table[key][1] += 1

    def figures(self) -> dict[str, Any]:
        """Shares between 0 and 1."""
        return {
            "precision": _share(self.found, self.found + self.accused),
            "recall": _share(self.found, self.cheats),
            "money_precision": _share(self.found_minor, self.found_minor + self.accused_minor),
            "money_recall": _share(self.found_minor, self.cheated_minor),
            "honest_flagged": round(self.accused / max(self.honest, 1), 4),
            "honest": self.honest,
            "cheats": self.cheats,
            "kinds": _shares(self.kinds),
            "by_own_rule": _shares(self.own_rule),
            "doses": _shares(self.doses),
        }


def judge_worlds(seeds: Sequence[int], *, partners: int = 240, cheats: int = 2) -> Tally:
    """The rules' verdicts on worlds of these seeds, counted."""
    tally = Tally()
    for seed in seeds:
        world = make_world(seed, partners=partners, cheats=cheats)
        tally.add(world, examine(facts_of(world), DEFAULTS))
    return tally


def time_large_program(partners: int) -> dict[str, Any]:
    """Seconds to gather and judge one large program in the database; nothing of it stays."""
    world = make_world(1001, partners=partners - 34, cheats=2)
    with transaction.atomic():
        loaded = load_world(world)
        begun = time.perf_counter()
        facts = gather(
            loaded.program, starts_at=START, ends_at=END, earned=loaded.earned, fingerprints=loaded.fingerprints
        )
        gathered = time.perf_counter()
        verdicts = examine(facts, DEFAULTS)
        judged = time.perf_counter()
        transaction.set_rollback(True)
    tally = Tally()
    tally.add(world, [replace(verdict, place=loaded.names.get(verdict.place, verdict.place)) for verdict in verdicts])
    return {
        "partners": len(world),
        "clicks": sum(len(one.clicks) for one in world),
        "orders": sum(len(one.orders) for one in world),
        "gather_seconds": round(gathered - begun, 2),
        "judge_seconds": round(judged - gathered, 2),
        "precision": _share(tally.found, tally.found + tally.accused),
        "recall": _share(tally.found, tally.cheats),
    }


def missed_goals(figures: dict[str, Any]) -> list[str]:
    """Which goals the figures miss; none is what is wanted."""
    missed = [
        name for name in ("precision", "recall", "money_precision", "money_recall") if figures[name] < GOALS[name]
    ]
    missed += ["honest_flagged"] if figures["honest_flagged"] > GOALS["honest_flagged"] else []
    missed += [f"kind {kind}" for kind, share in figures["kinds"].items() if share < GOALS["kind"]]
    missed += ["adaptive"] if figures["doses"].get("adaptive", 1.0) < GOALS["adaptive"] else []
    return missed


def main(arguments: Sequence[str]) -> int:
    """Judge, print, write the results; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="./run bench fraud", description=__doc__)
    parser.add_argument("--first", type=int, default=UNSEEN.start, help="first seed")
    parser.add_argument("--worlds", type=int, default=len(UNSEEN), help="how many programs")
    parser.add_argument("--partners", type=int, default=1000, help="partners of the large program; 0 leaves it out")
    said = parser.parse_args(arguments)
    figures = judge_worlds(range(said.first, said.first + said.worlds)).figures()
    print(f"{said.worlds} programs, {figures['honest']} honest partners, {figures['cheats']} cheats")
    for name in ("precision", "recall", "money_precision", "money_recall", "honest_flagged"):
        print(f"  {name.replace('_', ' '):<16} {figures[name]:.3f}  (goal {GOALS[name]:.2f})")
    print("  found, by kind:  " + "  ".join(f"{kind} {share:.2f}" for kind, share in figures["kinds"].items()))
    print("  by its own rule: " + "  ".join(f"{kind} {share:.2f}" for kind, share in figures["by_own_rule"].items()))
    print("  by boldness:     " + "  ".join(f"{dose} {share:.2f}" for dose, share in figures["doses"].items()))
    honest = judge_worlds(range(said.first, said.first + max(said.worlds // 4, 1)), partners=300, cheats=0)
    print(f"  without any cheat: {honest.accused} of {honest.honest} partners accused (goal at most 2 %)")
    figures["without_cheats"] = {"honest": honest.honest, "accused": honest.accused}
    if said.partners:
        figures["large_program"] = large = time_large_program(said.partners)
        print(
            f"  {large['partners']} partners, {large['clicks']:,} clicks, {large['orders']:,} orders: gathered in"
            f" {large['gather_seconds']} s, judged in {large['judge_seconds']} s"
        )
    missed = missed_goals(figures)
    RESULTS.write_text(json.dumps(_rows(figures), indent=2) + "\n", encoding="utf-8")
    print("All goals are met." if not missed else f"Missed: {', '.join(missed)}.")
    return 1 if missed else 0


def _rows(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures as the other benchmarks write theirs; what stands as the baseline is the goal."""
    rows = [(name.replace("_", " "), figures[name], GOALS[name]) for name in GOALS if name in figures]
    rows += [(f"recall of {kind}", share, GOALS["kind"]) for kind, share in figures["kinds"].items()]
    rows += [(f"recall, {dose}", share, GOALS["adaptive"]) for dose, share in figures["doses"].items()]
    without = figures["without_cheats"]
    rows += [("honest flagged without any cheat", without["accused"] / without["honest"], GOALS["honest_flagged"])]
    found = [
        {"case": case, "value": round(value, 4), "unit": "share", "baseline": goal, "ratio": round(value / goal, 3)}
        for case, value, goal in rows
    ]
    large = figures.get("large_program", {})
    for name in ("gather_seconds", "judge_seconds"):
        if name in large:
            case = f"{large['partners']} partners, {large['clicks']} clicks, {large['orders']} orders, {name[:-8]}"
            found.append({"case": case, "value": large[name], "unit": "s", "baseline": None, "ratio": None})
    return found


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 1.0


def _shares(table: dict[str, list[int]]) -> dict[str, float]:
    return {key: _share(*table[key]) for key in sorted(table, key=lambda key: (len(key), key))}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
