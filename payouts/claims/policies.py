"""What each merchant promises to whoever claims."""

from dataclasses import dataclass
from datetime import datetime, time

from django.db import transaction

from affiliates.models import Merchant, User
from ledger.journal import record_event
from payouts.errors import ClaimRefused
from payouts.models import ClaimPolicy

MOST_REPLY_MINUTES = 2_880
MOST_DEADLINE_DAYS = 60


@dataclass(frozen=True, slots=True)
class Promise:
    """A policy before it is written down; `silent_limit_minor` None: silence grants whatever the amount."""

    reply_minutes: int = 10
    deadline_days: int = 14
    opens_at: time = time(9)
    closes_at: time = time(17)
    works_weekends: bool = False
    silent_limit_minor: int | None = None


def policy_of(merchant: Merchant) -> ClaimPolicy:
    """The merchant's policy; the defaults when it never said anything."""
    return ClaimPolicy.objects.filter(pk=merchant.pk).first() or ClaimPolicy(merchant=merchant)


@transaction.atomic
def set_policy(merchant: Merchant, promise: Promise, *, by: User | None, at: datetime) -> ClaimPolicy:
    """Change what is promised from now on; claims that are open keep the promise they were given.

    Raises ClaimRefused with the field.
    """
    if not 1 <= promise.reply_minutes <= MOST_REPLY_MINUTES:
        raise ClaimRefused(f"Between 1 and {MOST_REPLY_MINUTES} minutes.", field="reply_minutes")
    if not 1 <= promise.deadline_days <= MOST_DEADLINE_DAYS:
        raise ClaimRefused(f"Between 1 and {MOST_DEADLINE_DAYS} days.", field="deadline_days")
    if promise.opens_at >= promise.closes_at:
        raise ClaimRefused("The office closes after it opens.", field="closes_at")
    if promise.silent_limit_minor is not None and promise.silent_limit_minor < 0:
        raise ClaimRefused("The limit is 0 or more.", field="silent_limit")
    policy, _is_new = ClaimPolicy.objects.update_or_create(
        merchant=merchant,
        defaults={
            "reply_minutes": promise.reply_minutes,
            "deadline_days": promise.deadline_days,
            "opens_at": promise.opens_at,
            "closes_at": promise.closes_at,
            "works_weekends": promise.works_weekends,
            "silent_limit_minor": promise.silent_limit_minor,
        },
    )
    record_event(
        "claim_policy.changed",
        merchant.public_id,
        at=at,
        actor=by.public_id if by else "",
        data={"reply_minutes": promise.reply_minutes, "deadline_days": promise.deadline_days},
    )
    return policy
