"""Which findings stand. Many tests over many partners find something by chance: what is found is corrected for both.

A partner's smallest p times its number of tests (Bonferroni) is the partner's own; over partners
Benjamini-Hochberg keeps the share of the wrongly suspected under q. Facts need no correction.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tracking.fraud import clicks, orders, people
from tracking.fraud.baseline import Baseline
from tracking.fraud.facts import Finding, OrderFact, PartnerFacts
from tracking.fraud.policies import FALSE_SHARE, RulePolicy
from tracking.fraud.tails import benjamini_hochberg

type Test = Callable[[PartnerFacts, Baseline, float], Finding | None]

TESTS: Mapping[str, Test] = {
    "F1": clicks.short_times,
    "F2": clicks.late_times,
    "F3": clicks.regular_times,
    "F4": clicks.taken_over,
    "F5": clicks.low_rate,
    "F6": clicks.few_networks,
    "F7": clicks.programs,
    "F10": orders.leaked_codes,
    "F11": orders.many_refunds,
    "F12": orders.throwaway_addresses,
    "F13": clicks.burst,
    "F14": clicks.other_country,
    "F15": clicks.embedded,
    "F16": clicks.bought,
}
#: With fewer partners a median is the suspect's own: no rule compares.
LEAST_PARTNERS = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """What stands against one partner, and the p that had to be beaten."""

    place: str
    findings: tuple[Finding, ...]
    tests: int
    cut: float


def usual_of(partners: Sequence[PartnerFacts], policies: Mapping[str, RulePolicy]) -> Baseline:
    """What is usual among the partners, at the thresholds set."""
    return Baseline.of(
        partners,
        short_seconds=policies["F1"].threshold,
        handover_seconds=policies["F4"].threshold,
        throwaway=_is_throwaway,
    )


def judge(
    partners: Sequence[PartnerFacts],
    policies: Mapping[str, RulePolicy],
    *,
    payout_holders: Mapping[str, int] | None = None,
    q: float = FALSE_SHARE,
) -> list[Verdict]:
    """The partners against whom something stands, with each test that stands."""
    usual = usual_of(partners, policies)
    tests = {one.place: _tested(one, usual, policies, len(partners)) for one in partners}
    corrected = {
        place: min(1.0, min((found.p for found in own if found.p is not None), default=1.0) * max(len(own), 1))
        for place, own in tests.items()
    }
    cut = benjamini_hochberg(list(corrected.values()), q)
    facts = _facts(partners, policies, payout_holders or {})
    verdicts = []
    for one in partners:
        own = tests[one.place]
        standing = [found for found in own if found.p is not None and cut and found.p * len(own) <= cut]
        kept = (*facts.get(one.place, ()), *sorted(standing, key=lambda found: found.p or 0.0))
        if kept:
            verdicts.append(Verdict(one.place, kept, len(own), cut))
    return verdicts


def _tested(
    one: PartnerFacts, usual: Baseline, policies: Mapping[str, RulePolicy], partners: int
) -> list[Finding]:
    if partners < LEAST_PARTNERS:
        return []
    found = (test(one, usual, policies[rule].threshold) for rule, test in TESTS.items() if policies[rule].is_on)
    return [row for row in found if row is not None]


def _facts(
    partners: Sequence[PartnerFacts], policies: Mapping[str, RulePolicy], holders: Mapping[str, int]
) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}

    def add(place: str, finding: Finding | None) -> None:
        if finding is not None:
            found.setdefault(place, []).append(finding)

    circles = people.circles_of(partners)
    same = people.duplicates(partners, holders, policies["F9"].threshold) if policies["F9"].is_on else {}
    for one in partners:
        if policies["F8"].is_on:
            add(one.place, people.self_referrals(one, circles, policies["F8"].threshold))
        add(one.place, same.get(one.place))
        if policies["F17"].is_on:
            add(one.place, people.forged(one, policies["F17"].threshold))
    return found


def would_hit(
    rule: str, partners: Sequence[PartnerFacts], policies: Mapping[str, RulePolicy], threshold: float
) -> Iterable[tuple[PartnerFacts, Finding]]:
    """Whom the rule would find with another threshold, one test of it alone corrected over the partners."""
    moved = {**policies, rule: RulePolicy(rule, threshold, threshold, threshold, policies[rule].action)}
    only = {
        name: policy if name == rule else RulePolicy(name, policy.threshold, 0, 0, policy.action, is_on=False)
        for name, policy in moved.items()
    }
    by_place = {one.place: one for one in partners}
    holders: dict[str, int] = {}
    for print_ in (print_ for one in partners for print_ in one.fingerprints):
        holders[print_] = holders.get(print_, 0) + 1
    for verdict in judge(partners, only, payout_holders=holders):
        yield from ((by_place[verdict.place], found) for found in verdict.findings)


def _is_throwaway(order: OrderFact) -> bool:
    return bool(order.customer_email) and orders.is_throwaway(order.customer_email)
