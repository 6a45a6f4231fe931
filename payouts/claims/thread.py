"""The steps of a claim: a note that both sides read, and an event."""

from datetime import datetime

from affiliates.models import User
from ledger.journal import record_event
from payouts.errors import ClaimNotInState, ClaimRefused
from payouts.models import Claim, ClaimNote

LONGEST_TEXT = 4_000

#: The journal's name of each step.
_EVENTS = {
    "opened": "claim.opened",
    "commented": "claim.commented",
    "asked_back": "claim.asked_back",
    "answered": "claim.answered",
    "accepted": "claim.accepted",
    "declined": "claim.declined",
    "appealed": "claim.appealed",
    "escalated": "claim.escalated",
    "confirmed": "claim.confirmed",
    "withdrawn": "claim.withdrawn",
}


def lock_claim(claim: Claim, *states: str) -> Claim:
    """The claim with its row held until the transaction ends. Raises ClaimNotInState when it is in none of the states."""
    locked: Claim = (
        Claim.objects.select_for_update(of=("self",))
        .select_related("affiliate", "merchant", "program", "enrolment", "conversion", "commission")
        .get(pk=claim.pk)
    )
    if locked.status not in states:
        raise ClaimNotInState(locked, locked.status)
    return locked


def read_text(text: str, *, is_needed: bool = False, field: str = "text") -> str:
    """What somebody wrote, trimmed. Raises ClaimRefused when it is missing or too long."""
    trimmed = text.replace("\x00", "").strip()
    if is_needed and not trimmed:
        raise ClaimRefused("Write a sentence.", field=field)
    if len(trimmed) > LONGEST_TEXT:
        raise ClaimRefused(f"At most {LONGEST_TEXT} signs.", field=field)
    return trimmed


def note(
    claim: Claim, step: str, *, side: str, by: User | None, at: datetime, text: str = "", **data: str
) -> ClaimNote:
    """Write a step down and tell the journal: `claim.<step>`."""
    line = ClaimNote.objects.create(claim=claim, side=side, step=step, text=text, author=by, at=at)
    record_event(
        _EVENTS[step],
        claim.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[claim.affiliate.public_id, claim.merchant.public_id],
        data={"kind": claim.kind, "order_ref": claim.order_ref, "side": side, **data},
    )
    return line


def replied(claim: Claim, *, at: datetime) -> list[str]:
    """Mark the merchant's first reply; the fields to save."""
    if claim.first_reply_at is not None:
        return []
    claim.first_reply_at = at
    return ["first_reply_at"]


def resume(claim: Claim, *, at: datetime) -> list[str]:
    """Let the clock run on after an answer: the deadline moves by as long as it stood still; the fields to save."""
    assert claim.paused_at is not None
    stood_still = max(at - claim.paused_at, at - at)
    claim.deadline_at += stood_still
    if claim.first_reply_at is None:
        claim.reply_due_at += stood_still
    claim.paused_at = None
    return ["deadline_at", "reply_due_at", "paused_at"]
