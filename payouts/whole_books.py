"""All our transfers at Stripe beside all our payouts: what comparing run by run cannot see (fault 8).

A restored database may have forgotten whole runs; their commissions look unpaid and would be paid
again under new names. Their transfers still carry this installation's name at Stripe.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from ledger.journal import events_about, record_event
from payouts.epochs import database_epoch
from payouts.models import Payout, PayoutRun
from payouts.provider import Transfer
from payouts.reconciliation import Comparison, compare_run
from payouts.sender import Sender
from payouts.transfers import database_clock, pause_run, state_of

#: How far back transfers are listed: further than the oldest backup anybody should restore.
LOOK_BACK = timedelta(days=45)

_S = PayoutRun.Status


def are_compared() -> bool:
    """Whether everything was compared, and agreed or was looked at, in this epoch of the database."""
    last = events_about("stripe").filter(name="stripe.compared").first()
    return last is not None and last.data.get("epoch") == database_epoch()


def compare_everything(list_since: Callable[[datetime], Sequence[Transfer]], sender: Sender) -> Comparison:
    """Compare every recent transfer of ours with its payout; settle what we missed, report the rest.

    A disagreement that no person has looked at pauses every run that is not closed yet, and while
    it stands nothing counts as compared. Raises payouts.stripe.Unavailable.
    """
    at, epoch = database_clock(), database_epoch()
    alarms: list[str] = []
    for _look in range(2):
        transfers = list_since(at - LOOK_BACK)
        payouts = {one.public_id: state_of(one) for one in Payout.objects.filter(pk__in=_keys_of(transfers))}
        comparison = compare_run(payouts, transfers, at=at)
        for transfer in comparison.to_settle:
            sender.settle_one(transfer)
        alarms = sorted(set(comparison.alarms) - _seen_alarms())
        if not alarms:
            break
        # Something may have happened between the two readings: only what is there twice is reported.
    if alarms:
        for run in PayoutRun.objects.exclude(status__in=[_S.CLOSED, _S.CANCELLED]).order_by("pk"):
            pause_run(run, alarms, at=at)
        record_event("stripe.disagrees", "stripe", at=at, data={"alarms": alarms[:100]})
    elif not are_compared():
        record_event("stripe.compared", "stripe", at=at, data={"epoch": epoch, "transfers": len(transfers)})
    return comparison


def _keys_of(transfers: Sequence[Transfer]) -> list[object]:
    keys: list[object] = []
    for transfer in transfers:
        try:
            keys.append(Payout.key_of(transfer.payout_id))
        except ValueError:
            continue
    return keys


def _seen_alarms() -> set[str]:
    """The lines that a person has looked at, in whatever run."""
    notes = PayoutRun.objects.filter(notes__has_key="seen_alarms").values_list("notes", flat=True)
    return {line for note in notes for line in note["seen_alarms"]}
