"""The sender that production uses: our database on one side, Stripe on the other."""

from datetime import datetime

from django.conf import settings

from payouts import stripe, transfers
from payouts.models import Payout, PayoutRun
from payouts.sender import Sender


def stripe_sender(*, clock: transfers.Clock = transfers.database_clock) -> Sender:
    """A sender over Stripe, or the stand-in when no key is set. `clock` is another only where a year is played back."""
    provider = stripe.StripeProvider(
        gateway=stripe.gateway(),
        instance=settings.NETWORK_INSTANCE,
        run_of=_run_of,
        opened_at=_opened_at,
    )
    return transfers.sender_with(provider, clock=clock)


def _run_of(payout_id: str) -> str:
    return Payout.objects.select_related("run").get(pk=Payout.key_of(payout_id)).run.public_id


def _opened_at(run_id: str) -> datetime:
    prepared_at: datetime = PayoutRun.objects.values_list("prepared_at", flat=True).get(pk=PayoutRun.key_of(run_id))
    return prepared_at
