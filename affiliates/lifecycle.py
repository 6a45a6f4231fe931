"""Freeze, unfreeze, close, restore: a member's standing (S002). Books and links are always kept."""

from datetime import datetime

from django.db import transaction

from affiliates.errors import NotInState
from affiliates.models import Affiliate, User
from ledger.journal import record_event

_S = Affiliate.Status


def freeze_affiliate(affiliate: Affiliate, *, reason: str, by: User | None, at: datetime) -> Affiliate:
    """Stop payouts; the member keeps earning. Unsent payouts stop before their next step (fault 23)."""
    return _move(affiliate, (_S.ACTIVE,), _S.FROZEN, "affiliate.frozen", reason=reason, by=by, at=at)


def unfreeze_affiliate(affiliate: Affiliate, *, by: User | None, at: datetime) -> Affiliate:
    """Let payouts go out again."""
    return _move(affiliate, (_S.FROZEN,), _S.ACTIVE, "affiliate.unfrozen", reason="", by=by, at=at)


def close_affiliate(affiliate: Affiliate, *, reason: str, by: User | None, at: datetime) -> Affiliate:
    """End the membership; what is owed stays owed."""
    return _move(affiliate, (_S.ACTIVE, _S.FROZEN), _S.CLOSED, "affiliate.closed", reason=reason, by=by, at=at)


def restore_affiliate(affiliate: Affiliate, *, by: User | None, at: datetime) -> Affiliate:
    """Bring a closed member back as it was."""
    return _move(affiliate, (_S.CLOSED,), _S.ACTIVE, "affiliate.restored", reason="", by=by, at=at)


@transaction.atomic
def _move(
    affiliate: Affiliate,
    before: tuple[Affiliate.Status, ...],
    after: Affiliate.Status,
    event: str,
    *,
    reason: str,
    by: User | None,
    at: datetime,
) -> Affiliate:
    locked = Affiliate.objects.select_for_update().get(pk=affiliate.pk)
    if locked.status not in before:
        raise NotInState(locked, locked.get_status_display())
    was = locked.status
    locked.status = after
    locked.status_reason = reason
    locked.save(update_fields=["status", "status_reason"])
    record_event(
        event,
        locked.public_id,
        at=at,
        actor=by.public_id if by else "",
        data={"reason": reason, "was": was},
    )
    return locked
