"""What people and time do with a finding. Whoever is first decides; the row's lock says who was.

The merchant gains by a confirmation, so it may hold, release and ask, and the network confirms. An appeal does
not lengthen the promise; when that is over, the doubt is for the partner.
"""

from datetime import datetime, timedelta

from django.db import transaction

from affiliates.models import User
from payouts.errors import FraudFindingNotInState
from payouts.fraud.holding import hold_commissions, let_go, take_away
from payouts.fraud.policies import policy_of
from payouts.fraud.steps import Side, lock_finding, note, read_text
from payouts.models import FraudHold
from tracking.models import FraudFinding

_S = FraudFinding.State

#: So long after a confirmation that came before any appeal, the partner may still appeal.
APPEAL_TIME = timedelta(days=30)


def may_appeal(finding: FraudFinding, *, at: datetime) -> bool:
    """Whether the partner may appeal: once, while it is held, or within thirty days of a confirmation."""
    if finding.appealed_at is not None:
        return False
    if finding.state == _S.HELD:
        return True
    return finding.state == _S.CONFIRMED and finding.decided_at is not None and at <= finding.decided_at + APPEAL_TIME


@transaction.atomic
def hold_finding(finding: FraudFinding, text: str = "", *, side: str, by: User, at: datetime) -> FraudFinding:
    """Keep back the commissions of a finding that was only to be looked at; the partner hears and can appeal.

    Raises FraudFindingNotInState, FraudAnswerRefused.
    """
    locked = lock_finding(finding, _S.OPEN)
    said = read_text(text)
    locked.state = _S.HELD
    locked.answer_due_at = at + timedelta(days=policy_of(locked.program).answer_days)
    locked.save(update_fields=["state", "answer_due_at"])
    held = hold_commissions(locked, locked.subjects, at=at)
    note(locked, "held", side=side, by=by, at=at, text=said, held=held.major)
    return locked


@transaction.atomic
def appeal_finding(finding: FraudFinding, text: str, *, by: User, at: datetime) -> FraudFinding:
    """The partner says why it is wrong; the network answers by the date that was promised.

    Raises FraudFindingNotInState, FraudAnswerRefused.
    """
    locked = lock_finding(finding, _S.HELD, _S.CONFIRMED)
    if not may_appeal(locked, at=at):
        raise FraudFindingNotInState(locked, locked.state)
    said = read_text(text, is_needed=True)
    if locked.state == _S.CONFIRMED:
        locked.answer_due_at = at + timedelta(days=policy_of(locked.program).answer_days)
    locked.state, locked.appealed_at = _S.APPEALED, at
    locked.save(update_fields=["state", "appealed_at", "answer_due_at"])
    note(locked, "appealed", side=Side.PARTNER, by=by, at=at, text=said)
    return locked


@transaction.atomic
def ask_network(finding: FraudFinding, text: str, *, by: User, at: datetime) -> FraudFinding:
    """The merchant says that it is fraud and asks the network to confirm it.

    Raises FraudFindingNotInState, FraudAnswerRefused.
    """
    locked = lock_finding(finding, _S.HELD, _S.APPEALED)
    if locked.asked_at is not None:
        raise FraudFindingNotInState(locked, "asked")
    said = read_text(text, is_needed=True)
    locked.asked_at = at
    locked.save(update_fields=["asked_at"])
    note(locked, "asked", side=Side.MERCHANT, by=by, at=at, text=said)
    return locked


@transaction.atomic
def release_finding(
    finding: FraudFinding, text: str = "", *, side: str = Side.HOUSE, by: User | None, at: datetime
) -> FraudFinding:
    """Not fraud: what was kept back goes on. Without a person it is the promised time that is over.

    Raises FraudFindingNotInState, FraudAnswerRefused.
    """
    locked = lock_finding(finding, *FraudFinding.LIVE)
    if side == Side.MERCHANT and locked.decided_at is not None:
        # The network confirmed it before: only the network takes that back.
        raise FraudFindingNotInState(locked, locked.state)
    said = read_text(text)
    _decide(locked, _S.RELEASED, by=by, at=at)
    let_go(locked, at=at)
    note(locked, "released", side=side, by=by, at=at, text=said, automatic=by is None)
    return locked


@transaction.atomic
def confirm_finding(finding: FraudFinding, text: str, *, by: User, at: datetime) -> FraudFinding:
    """The network says that it is fraud: what was kept back is reversed for good.

    Only what is held: the partner has been told and asked. Raises FraudFindingNotInState, FraudAnswerRefused.
    """
    locked = lock_finding(finding, _S.HELD, _S.APPEALED)
    said = read_text(text, is_needed=True)
    _decide(locked, _S.CONFIRMED, by=by, at=at)
    take_away(locked, at=at)
    lost = sum(
        FraudHold.objects.filter(finding=locked, state=FraudHold.State.CONFIRMED).values_list("amount_minor", flat=True)
    )
    note(locked, "confirmed", side=Side.NETWORK, by=by, at=at, text=said, lost_minor=lost)
    return locked


def release_overdue_findings(*, at: datetime, limit: int = 200) -> int:
    """Release what nobody answered in the promised time, each in a transaction of its own; how many."""
    keys = list(
        FraudFinding.objects.filter(state__in=[_S.HELD, _S.APPEALED], answer_due_at__lte=at)
        .order_by("answer_due_at")
        .values_list("pk", flat=True)[:limit]
    )
    return sum(_release_overdue(key, at=at) for key in keys)


@transaction.atomic
def _release_overdue(key: object, *, at: datetime) -> bool:
    row = (
        FraudFinding.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(pk=key, state__in=[_S.HELD, _S.APPEALED], answer_due_at__lte=at)
        .first()
    )
    if row is None:
        return False
    release_finding(row, by=None, at=at)
    return True


def _decide(row: FraudFinding, state: str, *, by: User | None, at: datetime) -> None:
    row.state, row.decided_at, row.is_automatic = state, at, by is None
    row.save(update_fields=["state", "decided_at", "is_automatic"])
