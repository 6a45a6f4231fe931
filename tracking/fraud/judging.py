"""Which findings stand. Many tests over many partners find something by chance: what is found is corrected for both.

A partner's smallest p times its number of tests (Bonferroni) is the partner's own; over partners
Benjamini-Hochberg keeps the share of the wrongly suspected under q. Facts need no correction.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tracking.fraud import clicks, orders, people, times
from tracking.fraud.baseline import Baseline
from tracking.fraud.facts import Finding, PartnerFacts
from tracking.fraud.policies import FALSE_SHARE, RULES, RulePolicy
from tracking.fraud.tails import benjamini_hochberg

type Test = Callable[[PartnerFacts, Baseline, float], Finding]

TESTS: Mapping[str, Test] = {
    "F1": times.short_times,
    "F2": times.late_times,
    "F3": times.regular_times,
    "F4": times.taken_over,
    "F5": clicks.low_rate,
    "F6": clicks.few_networks,
    "F7": clicks.programs,
    "F10": orders.leaked_codes,
    "F11": orders.many_refunds,
    "F12": orders.throwaway_addresses,
    "F13": times.burst,
    "F14": clicks.other_country,
    "F15": clicks.embedded,
    "F16": clicks.bought,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was tested of one partner and what of it stands, with the p that had to be beaten.

    `tested` holds every rule that is on, in the order of their numbers, whether it fired or not; `tests` counts those
    that were really made, and `corrected` is the smallest p of theirs times that number. A test stands when its p
    times `tests` is at most `cut`, the bar of Benjamini and Hochberg over the program's partners.
    """

    place: str
    findings: tuple[Finding, ...]
    tests: int
    cut: float
    tested: tuple[Finding, ...] = ()
    corrected: float = 1.0


@dataclass(frozen=True, slots=True)
class HitPartner:
    """One partner whom a threshold would find; the honest orders among those it is about, and their commission."""

    partner: PartnerFacts
    finding: Finding
    honest_orders: int
    honest_commission: int


@dataclass(frozen=True, slots=True)
class WouldHit:
    """What a rule would have found with a threshold. Commission in minor units of the program's currency.

    An honest order is one whose commission was approved, of which nothing was refunded, and which nobody
    confirmed as fraud.
    """

    rows: tuple[HitPartner, ...]
    orders: int = 0
    commission: int = 0
    honest_orders: int = 0
    honest_commission: int = 0

    def __iter__(self) -> Iterator[tuple[PartnerFacts, Finding]]:
        """Each partner with what would be found of it."""
        return iter([(row.partner, row.finding) for row in self.rows])

    @property
    def partners(self) -> int:
        """How many partners it would have found."""
        return len(self.rows)


def usual_of(partners: Sequence[PartnerFacts], policies: Mapping[str, RulePolicy]) -> Baseline:
    """What is usual among the partners, at the thresholds set."""
    return Baseline.of(
        partners,
        short_seconds=policies["F1"].threshold,
        handover_seconds=policies["F4"].threshold,
        late_hours=policies["F2"].threshold,
    )


def judge(
    partners: Sequence[PartnerFacts],
    policies: Mapping[str, RulePolicy],
    *,
    payout_holders: Mapping[str, int] | None = None,
    q: float = FALSE_SHARE,
) -> list[Verdict]:
    """The partners against whom something stands, with everything that was tested."""
    return [one for one in examine(partners, policies, payout_holders=payout_holders, q=q) if one.findings]


def examine(
    partners: Sequence[PartnerFacts],
    policies: Mapping[str, RulePolicy],
    *,
    payout_holders: Mapping[str, int] | None = None,
    q: float = FALSE_SHARE,
) -> list[Verdict]:
    """Every partner's verdict, also of those against whom nothing stands."""
    usual = usual_of(partners, policies)
    facts = _facts(partners, policies, payout_holders or {})
    tested = {
        one.place: [test(one, usual, policies[rule].threshold) for rule, test in TESTS.items() if policies[rule].is_on]
        for one in partners
    }
    made = {place: [found for found in own if found.p is not None] for place, own in tested.items()}
    corrected = {
        place: min(1.0, min((found.p or 0.0 for found in own), default=1.0) * len(own) if own else 1.0)
        for place, own in made.items()
    }
    cut = benjamini_hochberg(list(corrected.values()), q)
    verdicts = []
    for one in partners:
        own = made[one.place]
        standing = [found for found in own if (found.p or 0.0) * len(own) <= cut]
        known = [found for found in facts[one.place] if found.numbers["stands"]]
        verdicts.append(
            Verdict(
                one.place,
                (*known, *sorted(standing, key=lambda found: found.p or 0.0)),
                len(own),
                cut,
                tuple(sorted((*facts[one.place], *tested[one.place]), key=lambda found: RULES.index(found.rule))),
                corrected[one.place],
            )
        )
    return verdicts


def would_hit(
    rule: str,
    partners: Sequence[PartnerFacts],
    policies: Mapping[str, RulePolicy],
    threshold: float,
    *,
    payout_holders: Mapping[str, int] | None = None,
) -> WouldHit:
    """Whom the rule would find with another threshold, and how much honest business it would touch.

    The rule is asked alone: its test is corrected over the partners, not for the other rules.
    """
    alone = {
        name: replace(policy, threshold=threshold, is_on=True) if name == rule else replace(policy, is_on=False)
        for name, policy in policies.items()
    }
    by_place = {one.place: one for one in partners}
    rows = []
    orders_hit = commission_hit = 0
    for verdict in judge(partners, alone, payout_holders=payout_holders):
        one = by_place[verdict.place]
        for finding in verdict.findings:
            subjects = set(finding.subjects)
            honest = [order.commission for order in one.orders if order.id in subjects and order.is_settled]
            rows.append(HitPartner(one, finding, len(honest), sum(honest)))
            orders_hit += len(subjects)
            commission_hit += finding.at_risk
    return WouldHit(
        tuple(rows),
        orders_hit,
        commission_hit,
        sum(row.honest_orders for row in rows),
        sum(row.honest_commission for row in rows),
    )


def _facts(
    partners: Sequence[PartnerFacts], policies: Mapping[str, RulePolicy], holders: Mapping[str, int]
) -> dict[str, list[Finding]]:
    circles = people.circles_of(partners)
    strangers = people.strangers_of(partners)
    same = people.duplicates(partners, holders, policies["F9"].threshold)
    found: dict[str, list[Finding]] = {}
    for one in partners:
        made = (
            people.self_referrals(one, circles, policies["F8"].threshold, strangers[one.place]),
            same[one.place],
            people.forged(one, policies["F17"].threshold),
        )
        found[one.place] = [finding for finding in made if policies[finding.rule].is_on]
    return found
