"""The sender that production uses: our database on one side, Stripe on the other."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from ledger.money import Money
from payouts import stripe, transfers
from payouts.models import Payout, PayoutRun
from payouts.provider import Transfer
from payouts.sender import Sender


def stripe_sender(*, clock: transfers.Clock = transfers.database_clock) -> Sender:
    """A sender over Stripe, or the stand-in when no key is set. `clock` is another only where a year is played back."""
    return transfers.sender_with(_stripe_provider(), clock=clock)


def our_transfers(since: datetime) -> Sequence[Transfer]:
    """Every transfer this installation made at Stripe since then. Raises payouts.stripe.Unavailable."""
    return _stripe_provider().list_our_transfers(since)


def available_funds() -> dict[str, Money]:
    """What the network's own Stripe balance holds for sending, by currency. Raises payouts.stripe.Unavailable."""
    return {currency: funds.available for currency, funds in stripe.gateway().balance().items()}


def _stripe_provider() -> stripe.StripeProvider:
    return stripe.StripeProvider(
        gateway=stripe.gateway(),
        instance=settings.NETWORK_INSTANCE,
        run_of=_run_of,
        opened_at=_opened_at,
    )


def _run_of(payout_id: str) -> str:
    return Payout.objects.select_related("run").get(pk=Payout.key_of(payout_id)).run.public_id


def _opened_at(run_id: str) -> datetime:
    prepared_at: datetime = PayoutRun.objects.values_list("prepared_at", flat=True).get(pk=PayoutRun.key_of(run_id))
    return prepared_at
