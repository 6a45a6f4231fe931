"""Payouts about whose commissions a finding stands: somebody of finance accepts or excludes each before a run goes on.

The commissions were approved before they were suspected, so nothing keeps them back by itself.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from affiliates.models import User
from ledger.journal import record_event
from payouts.errors import PayoutNotInState, RunHasSuspicion
from payouts.fraud.steps import read_text
from payouts.models import FraudHold, Payout, PayoutRun

_H = FraudHold.State


def standing_holds() -> QuerySet[FraudHold]:
    """The marks of findings that stand and that nobody of finance accepted, for `Exists` by commission."""
    return FraudHold.objects.filter(state__in=FraudHold.STANDING, accepted_at=None)


def has_suspicion() -> Exists:
    """Of a payout: whether a finding about one of its commissions stands that nobody accepted."""
    return Exists(
        standing_holds().filter(commission__items__payout=OuterRef("pk"), commission__items__released_at=None)
    )


def require_no_suspicion(run: PayoutRun) -> None:
    """Raises RunHasSuspicion when a line of the run has a finding that stands and is not accepted."""
    lines = Payout.objects.filter(run=run, state=Payout.State.READY).filter(has_suspicion())
    names = list(lines.order_by("affiliate__name").values_list("affiliate__name", flat=True)[:5])
    if names:
        raise RunHasSuspicion(
            f"A finding about commissions in this run stands: {', '.join(names)}. Accept or exclude each line first."
        )


def holds_in(payout: Payout) -> QuerySet[FraudHold]:
    """The findings that stand about a payout's commissions, accepted ones too, with what they are about."""
    return (
        FraudHold.objects.filter(
            state__in=FraudHold.STANDING, commission__items__payout=payout, commission__items__released_at=None
        )
        .select_related("finding", "commission__conversion", "commission__merchant", "accepted_by")
        .order_by("finding", "pk")
    )


@transaction.atomic
def accept_suspicion(payout: Payout, *, note: str, by: User, at: datetime) -> int:
    """Let a payout go although a finding about it stands, with the reason; how many marks that is.

    What is confirmed later is recovered from what is paid next. Raises PayoutNotInState, FraudAnswerRefused.
    """
    said = read_text(note, is_needed=True, field="note")
    locked = Payout.objects.select_for_update(of=("self",)).select_related("run", "affiliate").get(pk=payout.pk)
    if locked.state != Payout.State.READY:
        raise PayoutNotInState(locked, locked.get_state_display())
    keys = list(holds_in(locked).filter(accepted_at=None).values_list("pk", flat=True))
    done = FraudHold.objects.filter(pk__in=keys).update(accepted_at=at, accepted_by=by, accepted_note=said)
    if done:
        record_event(
            "payout.suspicion_accepted",
            locked.public_id,
            at=at,
            actor=by.public_id,
            about=[locked.affiliate.public_id, locked.run.public_id],
            data={"note": said},
        )
    return done
