"""What a partner does: make a claim, answer, add proof, take it to the network, withdraw it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from affiliates.models import Enrolment, User
from ledger.money import Money
from payouts.claims import clock
from payouts.claims.papers import Paper, check_paper, keep_paper
from payouts.claims.policies import policy_of
from payouts.claims.thread import lock_claim, note, read_text, resume
from payouts.errors import ClaimNotInState, ClaimOpenAlready, ClaimRefused
from payouts.models import Claim, ClaimFile, ClaimNote, Commission, OrderQuestion
from payouts.queries.why_not import Answer, why_not_me

_S, _K = Claim.Status, Claim.Kind
_PARTNER = ClaimNote.Side.PARTNER


@dataclass(frozen=True, slots=True)
class ClaimDraft:
    """What a partner writes. `amount` is the order's, `expected` the commission it expects."""

    order_ref: str
    ordered_on: date
    amount: Money | None = None
    expected: Money | None = None
    text: str = ""
    papers: Sequence[Paper] = ()


def claim_order(
    place: Enrolment, draft: ClaimDraft, *, question: OrderQuestion | None = None, by: User | None, at: datetime
) -> Claim:
    """Claim an order that is not this partner's. What the event log says of it is attached.

    Raises ClaimRefused, ClaimOpenAlready, PaperRefused.
    """
    number = draft.order_ref.strip()
    if not number or len(number) > 128 or "\x00" in number:
        raise ClaimRefused("Give the order number, up to 128 signs.", field="order_ref")
    zone = ZoneInfo(place.program.merchant.time_zone)
    if draft.ordered_on > at.astimezone(zone).date():
        raise ClaimRefused("The order's day lies ahead.", field="ordered_on")
    answer = why_not_me(place, number, ordered_on=draft.ordered_on, amount=draft.amount, at=at)
    if answer.situation in {"already_yours", "refunded"}:
        raise ClaimRefused("This order is yours already. Question its amount instead.", field="order_ref")
    is_known = answer.conversion is not None and not answer.conversion.is_test
    if not is_known and draft.amount is None:
        raise ClaimRefused("Give the order's amount: nobody reported it.", field="amount")
    kind = _K.DECLINED if is_known else _K.UNTRACKED
    conversion = answer.conversion if is_known else None
    # An order that the shop knows is named as the shop names it, so that two spellings are one claim.
    ref = conversion.order_ref if conversion is not None else number
    return _open(
        place,
        kind,
        ref,
        draft,
        evidence=evidence_of(answer),
        by=by,
        at=at,
        question=question,
        conversion=conversion,
    )


def question_amount(commission: Commission, kind: str, draft: ClaimDraft, *, by: User | None, at: datetime) -> Claim:
    """Question what a commission of one's own is. `incorrect`: the order's amount is; `amount`: the commission is.

    Raises ClaimRefused, ClaimOpenAlready, PaperRefused.
    """
    if kind not in {_K.INCORRECT, _K.AMOUNT}:
        raise ClaimRefused("Say what is not right.", field="kind")
    if kind == _K.INCORRECT and draft.amount is None:
        raise ClaimRefused("Give the order's right amount.", field="amount")
    if kind == _K.AMOUNT and draft.expected is None and not draft.text.strip():
        raise ClaimRefused("Give the commission you expect, or say what is not right.", field="expected")
    conversion = commission.conversion
    evidence = {
        "situation": "already_yours",
        "reason": conversion.reason,
        "numbers": {"commission": commission.remaining.major, "order": conversion.amount.major},
        "touches": [],
    }
    return _open(
        commission.enrolment,
        kind,
        conversion.order_ref,
        draft,
        evidence=evidence,
        by=by,
        at=at,
        conversion=conversion,
        commission=commission,
    )


@transaction.atomic
def comment_as_partner(claim: Claim, text: str, *, papers: Sequence[Paper] = (), by: User, at: datetime) -> ClaimNote:
    """Write to the merchant; an answer to what was asked back lets the clock run on.

    Raises ClaimNotInState, ClaimRefused, PaperRefused.
    """
    locked = lock_claim(claim, *Claim.LIVE)
    said = read_text(text, is_needed=not papers)
    for paper in papers:
        keep_paper(locked, paper, by=by, at=at)
    if locked.status != _S.INCOMPLETE:
        return note(locked, "commented", side=_PARTNER, by=by, at=at, text=said)
    fields = resume(locked, at=at)
    locked.status = _S.OPEN
    locked.save(update_fields=["status", *fields])
    return note(locked, "answered", side=_PARTNER, by=by, at=at, text=said)


@transaction.atomic
def add_paper(claim: Claim, paper: Paper, *, by: User, at: datetime) -> ClaimFile:
    """Add proof to a claim that is not decided. Raises ClaimNotInState, PaperRefused."""
    return keep_paper(lock_claim(claim, *Claim.LIVE), paper, by=by, at=at)


@transaction.atomic
def appeal(claim: Claim, text: str, *, by: User, at: datetime) -> Claim:
    """Take a declined claim to the network, once and in time. Raises ClaimNotInState, ClaimRefused, ClaimOpenAlready."""
    locked = lock_claim(claim, _S.DECLINED)
    if locked.appealed_at is not None or locked.decided_at is None or at > clock.appeal_until(locked.decided_at):
        raise ClaimNotInState(locked, "decided for good")
    said = read_text(text, is_needed=True)
    locked.status = _S.APPEALED
    locked.appealed_at = at
    _save_live(locked, ["status", "appealed_at"])
    note(locked, "appealed", side=_PARTNER, by=by, at=at, text=said)
    return locked


@transaction.atomic
def withdraw(claim: Claim, *, by: User, at: datetime) -> Claim:
    """Call a claim back. Raises ClaimNotInState."""
    locked = lock_claim(claim, *Claim.LIVE)
    locked.status = _S.WITHDRAWN
    locked.paused_at = None
    locked.decided_at = at
    locked.save(update_fields=["status", "paused_at", "decided_at"])
    note(locked, "withdrawn", side=_PARTNER, by=by, at=at)
    return locked


def evidence_of(answer: Answer) -> dict[str, Any]:
    """An answer as it is attached to a claim: JSON values only."""
    return {
        "situation": answer.situation,
        "reason": answer.reason,
        "numbers": dict(answer.numbers),
        "touches": [dict(touch) for touch in answer.touches],
    }


@transaction.atomic
def _open(
    place: Enrolment,
    kind: str,
    order_ref: str,
    draft: ClaimDraft,
    *,
    evidence: dict[str, Any],
    by: User | None,
    at: datetime,
    **more: Any,
) -> Claim:
    currency = place.program.currency
    for name, amount in (("amount", draft.amount), ("expected", draft.expected)):
        if amount is not None and (amount.currency != currency or amount.minor <= 0):
            raise ClaimRefused(f"An amount in {currency} of more than nothing.", field=name)
    text = read_text(draft.text)
    for paper in draft.papers:
        check_paper(paper)
    merchant = place.program.merchant
    policy = policy_of(merchant)
    claim = Claim(
        affiliate=place.affiliate,
        enrolment=place,
        merchant=merchant,
        program=place.program,
        kind=kind,
        order_ref=order_ref,
        ordered_on=draft.ordered_on,
        amount_minor=draft.amount.minor if draft.amount else None,
        expected_minor=draft.expected.minor if draft.expected else None,
        currency=currency,
        text=text,
        evidence=evidence,
        opened_at=at,
        opened_by=by,
        reply_due_at=clock.reply_due_at(policy, merchant, since=at),
        deadline_at=clock.deadline_at(policy, since=at),
        **more,
    )
    _save_live(claim, None)
    for paper in draft.papers:
        keep_paper(claim, paper, by=by, at=at)
    note(claim, "opened", side=_PARTNER, by=by, at=at, text=text)
    return claim


def _save_live(claim: Claim, fields: list[str] | None) -> None:
    """Save a claim that becomes live; the database lets one live claim an order stand. Raises ClaimOpenAlready."""
    try:
        with transaction.atomic():
            if fields is None:
                claim.save(force_insert=True)
            else:
                claim.save(update_fields=fields)
    except IntegrityError:
        known = (
            Claim.objects.filter(
                affiliate=claim.affiliate_id,
                merchant=claim.merchant_id,
                order_ref=claim.order_ref,
                status__in=Claim.LIVE,
            )
            .exclude(pk=claim.pk)
            .first()
        )
        if known is None:
            raise
        raise ClaimOpenAlready(known) from None
