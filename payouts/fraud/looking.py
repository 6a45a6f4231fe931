"""A program judged over its last thirty days; what is new of it is kept, and held where the merchant's rules say so."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from affiliates.models import Program
from payouts.fraud.holding import hold_commissions
from payouts.fraud.policies import WINDOW, facts_of, holders_of_accounts, policy_of
from payouts.fraud.steps import Side, note
from tracking.fraud.facts import Finding
from tracking.fraud.judging import Verdict, judge
from tracking.fraud.policies import HOLD, NOTICE, RulePolicy, read_policies
from tracking.models import FraudFinding, FraudPolicy

_S = FraudFinding.State


def look_at_program(program: Program, *, at: datetime) -> list[FraudFinding]:
    """Judge a program's last thirty days and keep what was found; new findings only. Twice at once is once."""
    policy = policy_of(program)
    policies = read_policies(policy.rules)
    partners = facts_of(program, ends_at=at)
    verdicts = judge(partners, policies, payout_holders=holders_of_accounts())
    found = [
        keep_finding(program, verdict, finding, policies[finding.rule], days=policy.answer_days, at=at)
        for verdict in verdicts
        for finding in verdict.findings
    ]
    FraudPolicy.objects.update_or_create(program=program, defaults={"looked_at": at})
    return [one for one in found if one is not None]


def programs_to_look_at() -> list[Program]:
    """Every program in which orders may still come: those that are open or paused."""
    standing = [Program.Status.OPEN, Program.Status.PAUSED]
    return list(Program.objects.filter(status__in=standing).select_related("merchant").order_by("pk"))


@transaction.atomic
def keep_finding(
    program: Program, verdict: Verdict, finding: Finding, policy: RulePolicy, *, days: int, at: datetime
) -> FraudFinding | None:
    """Keep a finding unless it says nothing new; orders that came to one that still stands are added to it."""
    # Two looks at one program at once keep one finding, one after the other.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 17))", [str(program.pk)])
    place = UUID(verdict.place)
    # An order is in two windows of thirty days at most.
    before = FraudFinding.objects.filter(enrolment=place, rule=finding.rule, window_ends_at__gt=at - 2 * WINDOW)
    rows = list(before.select_related("enrolment__affiliate", "program__merchant").order_by("found_at"))
    known = {subject for row in rows for subject in row.subjects}
    fresh = [subject for subject in finding.subjects if subject not in known]
    # Appealed after it was confirmed, a finding stands only for what it was about then.
    live = next((row for row in rows if row.is_live and row.decided_at is None), None)
    if live is not None:
        _add(live, finding, fresh, at=at)
        return None
    if rows and not _says_something_new(finding, fresh):
        return None
    action = policy.action if fresh or policy.action == NOTICE else "review"
    kept: FraudFinding = FraudFinding.objects.create(
        program=program,
        enrolment_id=place,
        rule=finding.rule,
        window_starts_at=at - WINDOW,
        window_ends_at=at,
        p_value=finding.p,
        tests=verdict.tests,
        cut=verdict.cut,
        numbers=dict(finding.numbers),
        tested=tests_of(verdict),
        subjects=fresh,
        at_risk_minor=finding.at_risk,
        currency=program.currency,
        state={HOLD: _S.HELD, NOTICE: _S.NOTED}.get(action, _S.OPEN),
        found_at=at,
        answer_due_at=at + timedelta(days=days) if action == HOLD else None,
    )
    more: dict[str, Any] = {}
    if kept.state == _S.HELD:
        held = hold_commissions(kept, fresh, at=at)
        more["held"] = held.major
        if not kept.holds.exists():
            # Nothing was earned with these orders: there is nothing to keep back and nothing to appeal.
            kept.state, kept.answer_due_at = _S.OPEN, None
            kept.save(update_fields=["state", "answer_due_at"])
    note(kept, "found", side=Side.HOUSE, by=None, at=at, orders=len(fresh), **more)
    return kept


def _says_something_new(finding: Finding, fresh: list[str]) -> bool:
    """Whether what was decided before does not answer this already.

    A fact is about each order by itself. A share is about all of them: it is worth asking again when at
    least half of what it is about has not been decided.
    """
    if finding.p is None:
        return bool(fresh)
    return bool(fresh) and 2 * len(fresh) >= len(finding.subjects)


def _add(live: FraudFinding, finding: Finding, fresh: list[str], *, at: datetime) -> None:
    """Add orders to a finding that still stands. Its numbers and its promised date stay what they were."""
    if not fresh:
        return
    locked = FraudFinding.objects.select_for_update(of=("self",)).get(pk=live.pk)
    if not locked.is_live or locked.decided_at is not None:
        return
    locked.subjects = [*locked.subjects, *fresh]
    locked.at_risk_minor = max(locked.at_risk_minor, finding.at_risk)
    locked.save(update_fields=["subjects", "at_risk_minor"])
    live.subjects, live.at_risk_minor = locked.subjects, locked.at_risk_minor
    more: dict[str, Any] = {}
    if locked.state in {_S.HELD, _S.APPEALED}:
        more["held"] = hold_commissions(locked, fresh, at=at).major
    note(live, "grew", side=Side.HOUSE, by=None, at=at, text=str(len(fresh)), orders=len(fresh), **more)


def tests_of(verdict: Verdict) -> list[dict[str, Any]]:
    """Every test that was run on the partner, with its numbers, as a finding keeps them."""
    standing = {one.rule for one in verdict.findings}
    tested: Iterable[Finding] = getattr(verdict, "tested", verdict.findings)
    return [
        {"rule": one.rule, "p": one.p, "numbers": dict(one.numbers), "fired": one.rule in standing} for one in tested
    ]
