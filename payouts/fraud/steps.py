"""The steps of a finding: a line that both sides read, and an event."""

from datetime import datetime

from affiliates.models import User
from ledger.journal import record_event
from payouts.errors import FraudAnswerRefused, FraudFindingNotInState
from tracking.models import FraudFinding, FraudStep

LONGEST_TEXT = 4_000

Side = FraudStep.Side

#: The journal's name of each step.
_EVENTS = {
    "found": "fraud.found",
    "grew": "fraud.grew",
    "held": "fraud.held",
    "asked": "fraud.asked",
    "appealed": "fraud.appealed",
    "released": "fraud.released",
    "confirmed": "fraud.confirmed",
}


def lock_finding(finding: FraudFinding, *states: str) -> FraudFinding:
    """The finding with its row held until the transaction ends.

    Raises FraudFindingNotInState when it is in none of the states.
    """
    locked: FraudFinding = (
        FraudFinding.objects.select_for_update(of=("self",))
        .select_related("enrolment__affiliate", "program__merchant")
        .get(pk=finding.pk)
    )
    if locked.state not in states:
        raise FraudFindingNotInState(locked, locked.state)
    return locked


def read_text(text: str, *, is_needed: bool = False, field: str = "text") -> str:
    """What somebody wrote, trimmed. Raises FraudAnswerRefused when it is missing or too long."""
    said = text.replace("\x00", "").strip()
    if is_needed and not said:
        raise FraudAnswerRefused("Write a sentence.", field=field)
    if len(said) > LONGEST_TEXT:
        raise FraudAnswerRefused(f"At most {LONGEST_TEXT} signs.", field=field)
    return said


def note(
    finding: FraudFinding, step: str, *, side: str, by: User | None, at: datetime, text: str = "", **data: object
) -> FraudStep:
    """Write a step down and tell the journal: `fraud.<step>`."""
    line: FraudStep = FraudStep.objects.create(finding=finding, step=step, side=side, author=by, text=text, at=at)
    record_event(
        _EVENTS[step],
        finding.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[finding.enrolment.affiliate.public_id, finding.program.merchant.public_id],
        data={
            "rule": finding.rule,
            "state": finding.state,
            "amount": finding.at_risk.major,
            "currency": finding.currency,
            "side": side,
            **data,
        },
    )
    return line
