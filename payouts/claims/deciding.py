"""What the merchant, the network and time do with a claim. Whoever is first decides; the row's lock says who was."""

from datetime import datetime, timedelta

from django.db import transaction

from affiliates.models import User
from ledger.money import Money
from payouts.claims import granting
from payouts.claims.policies import policy_of
from payouts.claims.thread import lock_claim, note, read_text, replied, resume
from payouts.errors import ClaimNotGrantable, ClaimRefused
from payouts.models import Claim, ClaimNote, Commission

_S = Claim.Status
_Side = ClaimNote.Side


@transaction.atomic
def comment_as_merchant(claim: Claim, text: str, *, by: User, at: datetime) -> ClaimNote:
    """Write to the partner; the first words keep the promise. Raises ClaimNotInState, ClaimRefused."""
    return _comment(claim, text, side=_Side.MERCHANT, by=by, at=at)


@transaction.atomic
def comment_as_network(claim: Claim, text: str, *, by: User, at: datetime) -> ClaimNote:
    """Write to both sides. Raises ClaimNotInState, ClaimRefused."""
    return _comment(claim, text, side=_Side.NETWORK, by=by, at=at)


@transaction.atomic
def ask_back(claim: Claim, text: str, *, by: User, at: datetime) -> Claim:
    """Ask the partner for more; both clocks stand still until it answers. Raises ClaimNotInState, ClaimRefused."""
    locked = lock_claim(claim, _S.OPEN)
    said = read_text(text, is_needed=True)
    locked.status = _S.INCOMPLETE
    locked.paused_at = at
    locked.save(update_fields=["status", "paused_at", *replied(locked, at=at)])
    note(locked, "asked_back", side=_Side.MERCHANT, by=by, at=at, text=said)
    return locked


@transaction.atomic
def accept_claim(
    claim: Claim,
    *,
    by: User,
    at: datetime,
    text: str = "",
    amount: Money | None = None,
    extra: Money | None = None,
    side: str = _Side.MERCHANT,
) -> Claim:
    """Grant what is claimed, or with `amount` (the order's) or `extra` (the commission to add) what is right.

    Raises ClaimNotInState, ClaimNotGrantable, ClaimRefused.
    """
    states = (_S.APPEALED,) if side == _Side.NETWORK else (_S.OPEN, _S.INCOMPLETE)
    locked = lock_claim(claim, *states)
    said = read_text(text)
    granted = granting.grant(locked, amount=amount, extra=extra, actor=by.public_id, at=at)
    return _accepted(locked, granted, side=side, by=by, at=at, text=said)


@transaction.atomic
def decline_claim(claim: Claim, reason: str, *, by: User, at: datetime, text: str = "") -> Claim:
    """Say no, with one of the nine reasons; the partner may take it to the network.

    Raises ClaimNotInState, ClaimRefused.
    """
    locked = lock_claim(claim, _S.OPEN, _S.INCOMPLETE)
    if reason not in Claim.DeclineReason.values:
        raise ClaimRefused("Choose a reason of the list.", field="reason")
    return _declined(locked, reason, side=_Side.MERCHANT, step="declined", by=by, at=at, text=read_text(text))


@transaction.atomic
def confirm_decline(claim: Claim, reason: str, *, by: User, at: datetime, text: str = "") -> Claim:
    """The network's no: final. Raises ClaimNotInState, ClaimRefused."""
    locked = lock_claim(claim, _S.APPEALED)
    if reason not in Claim.DeclineReason.values:
        raise ClaimRefused("Choose a reason of the list.", field="reason")
    # What the network refused is not appealed again, even when silence brought it there.
    locked.appealed_at = locked.appealed_at or at
    return _declined(
        locked, reason, side=_Side.NETWORK, step="confirmed", by=by, at=at, text=read_text(text), more=["appealed_at"]
    )


def decide_overdue_claims(*, at: datetime, limit: int = 200) -> int:
    """Accept every claim whose merchant let the deadline pass, each in a transaction of its own; how many moved on."""
    keys = list(
        Claim.objects.filter(status=_S.OPEN, deadline_at__lte=at)
        .order_by("deadline_at")
        .values_list("pk", flat=True)[:limit]
    )
    return sum(_decide_by_silence(key, at=at) for key in keys)


@transaction.atomic
def _decide_by_silence(key: object, *, at: datetime) -> bool:
    """Accept one overdue claim; where nothing can be worked out, or it is too much for silence, hand it to the network."""
    claim = (
        Claim.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("affiliate", "merchant", "program", "enrolment", "conversion", "commission")
        .filter(pk=key, status=_S.OPEN, deadline_at__lte=at)
        .first()
    )
    if claim is None:
        return False
    try:
        with transaction.atomic():
            granted = _granted_by_silence(claim, at=at)
    except ClaimNotGrantable as refusal:
        claim.status = _S.APPEALED
        claim.escalated_at = at
        claim.save(update_fields=["status", "escalated_at"])
        note(claim, "escalated", side=_Side.HOUSE, by=None, at=at, text=refusal.message)
        return True
    claim.is_automatic = True
    if granted.commission is not None and granted.amount:
        # The merchant said nothing yet: it has the whole hold from now to give the money of a returned order back.
        _hold_from(granted.commission, at=at)
    _accepted(claim, granted, side=_Side.HOUSE, by=None, at=at, text="")
    return True


def _granted_by_silence(claim: Claim, *, at: datetime) -> granting.Granted:
    limit = policy_of(claim.merchant).silent_limit_minor
    if limit is not None and granting.worth_of(claim, at=at).minor > limit:
        raise ClaimNotGrantable("This is more than silence grants.")
    return granting.grant(claim, at=at)


def _hold_from(commission: Commission, *, at: datetime) -> None:
    hold = timedelta(days=int(commission.trace.get("hold_days") or 0))
    if commission.status == Commission.Status.PENDING and commission.due_at < at + hold:
        commission.due_at = at + hold
        commission.save(update_fields=["due_at"])


def _comment(claim: Claim, text: str, *, side: str, by: User, at: datetime) -> ClaimNote:
    locked = lock_claim(claim, *Claim.LIVE)
    said = read_text(text, is_needed=True)
    if side == _Side.MERCHANT and (fields := replied(locked, at=at)):
        locked.save(update_fields=fields)
    return note(locked, "commented", side=side, by=by, at=at, text=said)


def _accepted(claim: Claim, granted: granting.Granted, *, side: str, by: User | None, at: datetime, text: str) -> Claim:
    fields = _end(claim, _S.ACCEPTED, side=side, by=by, at=at)
    claim.granted = granted.commission
    claim.save(update_fields=[*fields, "granted", "conversion", "is_automatic"])
    amount = granted.amount
    note(claim, "accepted", side=side, by=by, at=at, text=text, amount=amount.major, currency=amount.currency)
    return claim


def _declined(
    claim: Claim,
    reason: str,
    *,
    side: str,
    step: str,
    by: User,
    at: datetime,
    text: str,
    more: list[str] | None = None,
) -> Claim:
    fields = _end(claim, _S.DECLINED, side=side, by=by, at=at)
    claim.decline_reason = reason
    claim.save(update_fields=[*fields, "decline_reason", *(more or [])])
    note(claim, step, side=side, by=by, at=at, text=text, reason=reason)
    return claim


def _end(claim: Claim, status: str, *, side: str, by: User | None, at: datetime) -> list[str]:
    fields = resume(claim, at=at) if claim.paused_at is not None else []
    if side == _Side.MERCHANT:
        fields += replied(claim, at=at)
    claim.status = status
    claim.decided_at = at
    claim.decided_by = by
    return ["status", "decided_at", "decided_by", *fields]
