"""Where an affiliate is paid: set up at Stripe by an account link, watched by its webhooks."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from affiliates.models import Affiliate, User
from ledger.journal import record_event
from payouts import stripe
from payouts.models import PayoutMethod

_S = PayoutMethod.Status


def method_of(affiliate: Affiliate) -> PayoutMethod | None:
    """The affiliate's present payout method."""
    return PayoutMethod.objects.filter(affiliate=affiliate).exclude(status=_S.REPLACED).first()


def start_onboarding(affiliate: Affiliate, *, refresh_url: str, return_url: str, by: User | None, at: datetime) -> str:
    """The address at Stripe where the affiliate sets up its account; made at the first call.

    The address is a bearer token that works once and for minutes: hand it to the browser, never
    store, log or mail it. Raises payouts.stripe.Unavailable when Stripe does not answer.
    """
    method = method_of(affiliate) or _add_method(affiliate, by=by, at=at)
    return stripe.gateway().onboarding_link(method.account, refresh_url=refresh_url, return_url=return_url)


def refresh_method(method: PayoutMethod, *, at: datetime) -> PayoutMethod:
    """Read the account's standing at Stripe and write it down. Commutative: call it on any news.

    A changed bank account restarts the waiting time before money goes there (fault 24).
    """
    standing = stripe.gateway().payee_status(method.account)
    return apply_standing(
        method, status=standing.status, fingerprint=standing.fingerprint, reason=standing.reason, at=at
    )


@transaction.atomic
def apply_standing(method: PayoutMethod, *, status: str, fingerprint: str, reason: str, at: datetime) -> PayoutMethod:
    """Write an account's standing down: pending, verified or restricted."""
    locked = PayoutMethod.objects.select_for_update().select_related("affiliate").get(pk=method.pk)
    if locked.status == _S.REPLACED:
        # News of an account that is the affiliate's no more.
        return locked
    before = (locked.status, locked.fingerprint)
    is_first = not locked.fingerprint
    # No fingerprint is no news: an account sent back to onboarding must not come out of it as a first one.
    is_changed = fingerprint not in {"", locked.fingerprint}
    if is_changed:
        # The first account of a new member has nobody to protect; a changed one may be a hijack.
        wait = timedelta(0) if is_first else timedelta(days=settings.PAYOUT_METHOD_HOLD_DAYS)
        locked.usable_from = at + wait
        locked.fingerprint = fingerprint
    locked.status = _S(status)
    locked.status_reason = reason
    if locked.status == _S.VERIFIED and locked.verified_at is None:
        locked.verified_at = at
    locked.save()
    if before != (locked.status, locked.fingerprint):
        record_event(
            "payout_method.changed",
            locked.public_id,
            at=at,
            about=[locked.affiliate.public_id],
            data={
                "status": locked.status,
                "account_changed": is_changed and not is_first,
                "usable_from": locked.usable_from.isoformat() if locked.usable_from else "",
            },
        )
    return locked


def _add_method(affiliate: Affiliate, *, by: User | None, at: datetime) -> PayoutMethod:
    # The account's id is asked for outside a transaction; the key makes a second asking the same account.
    account = stripe.gateway().create_payee(
        email=affiliate.contact_email,
        country=affiliate.country or "US",
        key=f"payee-{affiliate.public_id}",
        metadata={"affiliate": affiliate.public_id, "instance": settings.NETWORK_INSTANCE},
    )
    with transaction.atomic():
        method, is_new = PayoutMethod.objects.get_or_create(
            account=account,
            defaults={"affiliate": affiliate, "country": affiliate.country, "added_at": at},
        )
        if is_new:
            record_event(
                "payout_method.added",
                method.public_id,
                at=at,
                actor=by.public_id if by else "",
                about=[affiliate.public_id],
            )
    return method
