"""Findings for tests, kept by the verb that the nightly look keeps them with."""

from datetime import datetime

from payouts.fraud import looking
from payouts.models import Commission
from tests.factories.world import World
from tracking.fraud.facts import Finding
from tracking.fraud.judging import Verdict
from tracking.fraud.policies import DEFAULTS, RulePolicy
from tracking.models import Conversion, FraudFinding


def find(
    world: World,
    *conversions: Conversion,
    at: datetime,
    rule: str = "F1",
    action: str = "hold",
    p: float | None = 3e-7,
    days: int = 14,
) -> FraudFinding:
    """A finding about these orders, as the look at a program keeps it."""
    kept = find_or_none(world, *conversions, at=at, rule=rule, action=action, p=p, days=days)
    assert kept is not None
    return kept


def find_or_none(
    world: World,
    *conversions: Conversion,
    at: datetime,
    rule: str = "F1",
    action: str = "hold",
    p: float | None = 3e-7,
    days: int = 14,
) -> FraudFinding | None:
    """The same, or None when it said nothing new."""
    worth = sum(one.remaining.minor for one in Commission.objects.filter(conversion__in=conversions))
    finding = Finding(
        rule,
        p,
        {
            "count": len(conversions),
            "of": 40,
            "seconds": 20.0,
            "usual": 0.01,
            "allowed": 0.03,
            "near_count": len(conversions),
            "near_seconds": 60.0,
            "near_usual": 0.12,
            "near_allowed": 0.36,
        },
        worth,
        tuple(str(one.pk) for one in conversions),
    )
    verdict = Verdict(place=str(world.enrolment.pk), findings=(finding,), tests=9, cut=0.002)
    usual = DEFAULTS[rule]
    policy = RulePolicy(rule, usual.threshold, usual.least, usual.most, action)
    return looking.keep_finding(world.program, verdict, finding, policy, days=days, at=at)
