"""What a program's merchant wants of each rule, and what another threshold would have hit in its own history."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, Sum

from affiliates.models import Program, User
from ledger.journal import record_event
from ledger.money import Money
from payouts.models import Commission, PayoutMethod
from tracking.fraud.facts import PartnerFacts
from tracking.fraud.gathering import gather
from tracking.fraud.judging import WouldHit, would_hit
from tracking.fraud.policies import RULES, FraudPolicyRefused, RulePolicy, read_policies
from tracking.models import FraudPolicy

#: So long is looked at at once.
WINDOW = timedelta(days=30)
#: So many windows back a threshold is tried: ninety days.
WINDOWS_TRIED = 3
MOST_ANSWER_DAYS = 60


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule would have found in the program's own last days, at one threshold.

    `honest_*` are those whose commission was approved and of which nothing was ever taken back.
    """

    rule: str
    threshold: float
    partners: int
    orders: int
    commission: Money
    honest_orders: int
    honest_commission: Money


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried: the hits by rule, over how many days, and whether the time was enough for all rules."""

    hits: Mapping[str, Hit]
    days: int
    is_whole: bool


def policy_of(program: Program) -> FraudPolicy:
    """The program's policy; the defaults when its merchant never said anything."""
    return FraudPolicy.objects.filter(pk=program.pk).first() or FraudPolicy(program=program)


def rules_of(program: Program) -> dict[str, RulePolicy]:
    """Each rule as it holds for the program."""
    return read_policies(policy_of(program).rules)


@transaction.atomic
def set_policy(
    program: Program, rules: Mapping[str, Mapping[str, Any]], *, answer_days: int, by: User, at: datetime
) -> FraudPolicy:
    """Change what is looked for from now on; what is held keeps the date it was promised.

    Raises FraudPolicyRefused with the field.
    """
    if not 1 <= answer_days <= MOST_ANSWER_DAYS:
        raise FraudPolicyRefused(f"Between 1 and {MOST_ANSWER_DAYS} days.", field="answer_days")
    usual = read_policies({})
    kept = {
        rule: {"on": one.is_on, "threshold": one.threshold, "action": one.action}
        for rule, one in read_policies(rules).items()
        if one != usual[rule]
    }
    policy, _is_new = FraudPolicy.objects.update_or_create(
        program=program, defaults={"rules": kept, "answer_days": answer_days}
    )
    record_event(
        "fraud_policy.changed",
        program.public_id,
        at=at,
        actor=by.public_id,
        about=[program.merchant.public_id],
        data={"rules": kept, "answer_days": answer_days},
    )
    return policy


def facts_of(program: Program, *, ends_at: datetime) -> list[PartnerFacts]:
    """Every partner's facts over the thirty days before, with its payout accounts and what its orders earned."""
    starts_at = ends_at - WINDOW
    rows = (
        Commission.objects.filter(
            program=program, conversion__occurred_at__gt=starts_at, conversion__occurred_at__lte=ends_at
        )
        .values("conversion", "enrolment")
        .annotate(
            earned=Sum("amount_minor") - Sum("reversed_minor"),
            taken=Sum("reversed_minor"),
            waiting=Count("pk", filter=~Q(status=Commission.Status.APPROVED)),
        )
    )
    earned: dict[tuple[UUID, UUID], int] = {}
    settled: set[tuple[UUID, UUID]] = set()
    for row in rows:
        key = (row["conversion"], row["enrolment"])
        earned[key] = row["earned"]
        if not row["taken"] and not row["waiting"]:
            settled.add(key)
    prints: dict[UUID, set[str]] = {}
    methods = PayoutMethod.objects.filter(affiliate__enrolments__program=program).exclude(fingerprint="")
    for affiliate, fingerprint in methods.values_list("affiliate", "fingerprint"):
        prints.setdefault(affiliate, set()).add(fingerprint)
    return gather(program, starts_at=starts_at, ends_at=ends_at, earned=earned, fingerprints=prints, settled=settled)


def holders_of_accounts() -> dict[str, int]:
    """How many members of the whole network are paid to each account, by its fingerprint."""
    methods = PayoutMethod.objects.exclude(fingerprint="").exclude(status=PayoutMethod.Status.REPLACED)
    return dict(methods.values_list("fingerprint").annotate(Count("affiliate", distinct=True)))


def try_policy(
    program: Program, rules: Mapping[str, Mapping[str, Any]], *, at: datetime, seconds: float = 5.0
) -> Trial:
    """What these rules would have found in the program's own last ninety days, rule by rule; nothing is kept.

    Looked at as each night does, thirty days at once. After `seconds` no further window is begun: the answer
    then says over how many days it is. Raises FraudPolicyRefused.
    """
    policies = read_policies(rules)
    wanted = [rule for rule in RULES if policies[rule].is_on]
    ends_by = time.monotonic() + seconds
    tallies: dict[str, _Tally] = {}
    holders = holders_of_accounts()
    windows = 0
    while windows < WINDOWS_TRIED and (windows == 0 or time.monotonic() < ends_by):
        partners = facts_of(program, ends_at=at - windows * WINDOW)
        for rule in wanted if windows == 0 else list(tallies):
            # Within the first window the rules that the time is too short for are left out and not guessed.
            if windows or not tallies or time.monotonic() < ends_by:
                tally = tallies.setdefault(rule, _Tally())
                tally.add(would_hit(rule, partners, policies, policies[rule].threshold, payout_holders=holders))
        windows += 1
    hits = {
        rule: Hit(
            rule,
            policies[rule].threshold,
            len(tally.places),
            tally.orders,
            Money(tally.minor, program.currency),
            tally.honest_orders,
            Money(tally.honest_minor, program.currency),
        )
        for rule, tally in tallies.items()
    }
    return Trial(hits, windows * WINDOW.days, is_whole=windows == WINDOWS_TRIED and len(tallies) == len(wanted))


@dataclass(slots=True)
class _Tally:
    """What one rule hit so far. An order lies in one window only, so orders add up; partners are told apart."""

    places: set[str] = field(default_factory=set)
    orders: int = 0
    minor: int = 0
    honest_orders: int = 0
    honest_minor: int = 0

    def add(self, found: WouldHit) -> None:
        """Add one window's hits."""
        self.places |= {row.partner.place for row in found.rows}
        self.orders += found.orders
        self.minor += found.commission
        self.honest_orders += found.honest_orders
        self.honest_minor += found.honest_commission
