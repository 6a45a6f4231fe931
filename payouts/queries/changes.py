"""What an order and its commission went through (D12): refunds, amendments, disputes, claims, with what each changed.

The amounts are those of the book: an entry about the commission names its cause in its reference.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ledger.money import Money
from payouts.models import Claim, Commission
from payouts.queries.explanations import Change, FindingFact, LedgerLine, Viewer
from tracking.models import ConversionRevision, Dispute, Refund

#: Fields of an order that hold money, and those whose values a partner may read.
MONEY_FIELDS = frozenset({"amount", "tax", "shipping", "discount", "fees"})
_FOR_PARTNERS = MONEY_FIELDS - {"fees"}

_SIGNS = {"accrual": 1, "addition": 1, "reversal": -1}


def changes_of(
    commission: Commission,
    *,
    refunds: Sequence[Refund],
    revisions: Sequence[ConversionRevision],
    disputes: Sequence[Dispute],
    claims: Sequence[Claim],
    findings: Sequence[FindingFact],
    ledger: Sequence[LedgerLine],
    viewer: Viewer,
) -> tuple[Change, ...]:
    """Everything that happened to the order since it was booked, in order, with what was left of the commission."""
    effects = _effects(commission, ledger)
    found = [_booked(commission, effects)]
    found += [one for refund in refunds for one in _of_refund(commission, refund, effects)]
    found += [_of_revision(revision, effects, commission.currency, viewer=viewer) for revision in revisions]
    found += [one for dispute in disputes for one in _of_dispute(dispute)]
    found += [
        _of_claim(claim) for claim in claims if viewer != "partner" or claim.affiliate_id == commission.affiliate_id
    ]
    found += [one for finding in findings for one in _of_finding(commission, finding, effects, ledger)]
    left = Money.zero(commission.currency)
    told = []
    # The order of one instant is the order of the list: a stable sort keeps it.
    for change in sorted(found, key=lambda one: one.at):
        left += change.effect or Money.zero(commission.currency)
        told.append(change.with_left(left))
    return tuple(told)


def _effects(commission: Commission, ledger: Iterable[LedgerLine]) -> Mapping[str, Money]:
    """What each cause changed of the commission, by the rest of the entry's reference."""
    found: dict[str, Money] = {}
    for line in ledger:
        step, _colon, cause = line.reference.removeprefix(f"{commission.public_id}:").partition(":")
        sign = _SIGNS.get(step, 0)
        if sign:
            effect = Money(sign * line.amount.minor, commission.currency)
            found[cause] = found.get(cause, Money.zero(commission.currency)) + effect
    return found


def _booked(commission: Commission, effects: Mapping[str, Money]) -> Change:
    return Change(
        commission.accrued_at, "booked", effect=effects.get("", Money.zero(commission.currency)),
        order=commission.conversion.amount if commission.conversion.version == 1 else None,
    )  # fmt: skip


def _of_refund(commission: Commission, refund: Refund, effects: Mapping[str, Money]) -> Iterable[Change]:
    zero = Money.zero(commission.currency)
    amount = Money(refund.amount_minor, commission.currency)
    taken = effects.get(refund.public_id, zero)
    if refund.is_told_twice or refund.apart_at is not None:
        yield Change(refund.at, "refund_told_twice", reason=refund.reason, effect=taken)
    else:
        yield Change(refund.at, "refunded", reason=refund.reason, effect=taken, order=zero - amount)
    if refund.apart_at is not None:
        apart = effects.get(f"{refund.public_id}:apart", zero)
        yield Change(refund.apart_at, "refunds_apart", reason=refund.reason, effect=apart, order=zero - amount)
    if refund.voided_at is not None:
        back = effects.get(f"{refund.public_id}:void", zero)
        yield Change(refund.voided_at, "refund_void", reason=refund.void_reason, effect=back, order=amount)


def _of_revision(
    revision: ConversionRevision, effects: Mapping[str, Money], currency: str, *, viewer: Viewer
) -> Change:
    shown = revision.changes
    if viewer == "partner":
        shown = {name: pair for name, pair in shown.items() if name in _FOR_PARTNERS}
    before, after = shown.get("amount", (None, None))
    order = None
    if before is not None and after is not None:
        order = Money.parse(str(after), currency) - Money.parse(str(before), currency)
    return Change(
        revision.at,
        "amended",
        reason=revision.reason,
        effect=effects.get(revision.public_id, Money.zero(currency)),
        order=order,
        fields=tuple((name, str(pair[0]), str(pair[1])) for name, pair in sorted(shown.items())),
        hidden=len(revision.changes) - len(shown),
        by=revision.door if viewer != "partner" else "",
    )


def _of_dispute(dispute: Dispute) -> Iterable[Change]:
    yield Change(dispute.opened_at, "dispute_opened")
    if dispute.closed_at is not None:
        yield Change(dispute.closed_at, f"dispute_{dispute.status}")


def _of_finding(
    commission: Commission, finding: FindingFact, effects: Mapping[str, Money], ledger: Sequence[LedgerLine]
) -> Iterable[Change]:
    """Kept back and let go; or confirmed, and after an appeal perhaps given back: what the book says of each."""
    if finding.was_held:
        yield Change(finding.held_at, "held_back", note=finding.id)
    ended = f"fraud_{finding.state}" if finding.ended_at is not None else ""
    for step in ("confirmed", "released"):
        cause = f"{finding.id}:{step}"
        at = next((line.at for line in ledger if line.reference.endswith(f":{cause}")), None)
        if at is not None:
            yield Change(at, f"fraud_{step}", effect=effects.get(cause), note=finding.id)
        elif ended == f"fraud_{step}" and finding.ended_at is not None:
            yield Change(finding.ended_at, ended, note=finding.id)


def _of_claim(claim: Claim) -> Change:
    when: datetime = claim.decided_at or claim.opened_at
    return Change(when, f"claim_{claim.status}" if claim.decided_at else "claim_opened", note=claim.public_id)
