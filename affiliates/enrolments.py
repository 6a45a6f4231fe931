"""An affiliate's place in a program: applied for, approved or declined, suspended, left."""

from datetime import datetime

from django.db import transaction

from affiliates.errors import AffiliateNotActive, NotInState, ProgramNotOpen
from affiliates.models import Affiliate, Enrolment, Program, User
from affiliates.own_codes import issue_own_code
from ledger.journal import record_event

_S = Enrolment.Status

#: Why an application may be declined: (code, what the applicant reads).
DECLINE_REASONS = tuple(Enrolment.DeclineReason.choices)


@transaction.atomic
def join_program(affiliate: Affiliate, program: Program, *, message: str = "", at: datetime) -> Enrolment:
    """Apply for a place; where the program approves at once, the place itself.

    Joining twice returns the place there is. Raises ProgramNotOpen, AffiliateNotActive.
    """
    known = Enrolment.objects.filter(affiliate=affiliate, program=program).first()
    if known is not None and known.status != _S.LEFT:
        return known
    if affiliate.status == Affiliate.Status.CLOSED:
        raise AffiliateNotActive(affiliate, affiliate.get_status_display())
    terms = program.terms_at(at)
    if program.status != Program.Status.OPEN or terms is None:
        raise ProgramNotOpen(program)
    enrolment, is_new = Enrolment.objects.get_or_create(
        affiliate=affiliate,
        program=program,
        defaults={"terms": terms, "message": message, "applied_at": at},
    )
    if not is_new:
        enrolment = _move(enrolment, (_S.LEFT,), _S.APPLIED, "", by=None, at=at)
    _tell("enrolment.applied", enrolment, by=None, at=at)
    if program.approval == Program.Approval.AUTO:
        return approve_enrolment(enrolment, by=None, at=at)
    return enrolment


@transaction.atomic
def approve_enrolment(enrolment: Enrolment, *, by: User | None, at: datetime) -> Enrolment:
    """Give the affiliate its place, and its code where the program makes one for everybody.

    Raises NotInState when it is not waiting or suspended.
    """
    waiting = (_S.APPLIED, _S.SUSPENDED, _S.DECLINED)
    place = _move(enrolment, waiting, _S.APPROVED, "enrolment.approved", by=by, at=at)
    if place.program.code_pattern:
        issue_own_code(place, by=by, at=at)
    return place


def decline_enrolment(enrolment: Enrolment, *, reason: str, by: User | None, at: datetime) -> Enrolment:
    """Decline an application for one of the closed list's reasons, which the applicant reads."""
    reason = Enrolment.DeclineReason(reason)
    return _move(enrolment, (_S.APPLIED,), _S.DECLINED, "enrolment.declined", by=by, at=at, reason=reason)


def suspend_enrolment(enrolment: Enrolment, *, by: User | None, at: datetime) -> Enrolment:
    """Count no new clicks for the place; what was earned stays owed."""
    return _move(enrolment, (_S.APPROVED,), _S.SUSPENDED, "enrolment.suspended", by=by, at=at)


def leave_program(enrolment: Enrolment, *, by: User | None, at: datetime) -> Enrolment:
    """Give the place up."""
    return _move(enrolment, (_S.APPROVED, _S.APPLIED, _S.SUSPENDED), _S.LEFT, "enrolment.left", by=by, at=at)


@transaction.atomic
def set_credit_class(enrolment: Enrolment, credit_class: str, *, by: User | None, at: datetime) -> Enrolment:
    """Say how a partner's clicks rank against others' from now on; orders that are decided stay decided."""
    credit_class = Enrolment.CreditClass(credit_class)
    locked: Enrolment = Enrolment.objects.select_for_update(of=("self",)).get(pk=enrolment.pk)
    if locked.credit_class != credit_class:
        before, locked.credit_class = locked.credit_class, credit_class
        locked.save(update_fields=["credit_class", "updated_at"])
        record_event(
            "enrolment.credit_class_set",
            locked.public_id,
            at=at,
            actor=by.public_id if by else "",
            about=[
                locked.affiliate.public_id,
                locked.program.public_id,
                locked.program.merchant.public_id,
            ],
            data={"credit_class": credit_class, "before": before},
        )
    return locked


@transaction.atomic
def _move(
    enrolment: Enrolment,
    before: tuple[Enrolment.Status, ...],
    after: Enrolment.Status,
    event: str,
    *,
    by: User | None,
    at: datetime,
    reason: str = "",
) -> Enrolment:
    locked: Enrolment = Enrolment.objects.select_for_update(of=("self",)).get(pk=enrolment.pk)
    if locked.status not in before:
        raise NotInState(locked, locked.get_status_display())
    locked.status = after
    locked.decline_reason = reason
    if after != _S.APPLIED:
        locked.decided_at = at
        locked.decided_by = by
    locked.save()
    if event:
        _tell(event, locked, by=by, at=at, reason=reason)
    return locked


def _tell(event: str, enrolment: Enrolment, *, by: User | None, at: datetime, reason: str = "") -> None:
    record_event(
        event,
        enrolment.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[
            enrolment.affiliate.public_id,
            enrolment.program.public_id,
            enrolment.program.merchant.public_id,
        ],
        data={"reason": reason} if reason else {},
    )
