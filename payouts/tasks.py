"""The payouts' tasks: they read the clock, carry ids, call one verb, and decide nothing."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from celery import shared_task
from django.conf import settings
from django.db import connection
from django.utils import timezone

from payouts import commissions, order_lines, providers, runs, sales, stripe_events, transfers, whole_books
from payouts.claims import deciding
from payouts.fraud import answering, looking
from payouts.models import PayoutRun

log = logging.getLogger(__name__)

_SECONDS_OF_COPYING = 60.0


@shared_task(name="payouts.approve_due_commissions")
def approve_due_commissions() -> None:
    """Approve the commissions whose hold is over."""
    while commissions.approve_due_commissions(at=timezone.now()):
        pass


@shared_task(name="payouts.retry_held_sales")
def retry_held_sales() -> None:
    """Decide again over sales whose click had not arrived."""
    sales.retry_held_sales(at=timezone.now())


@shared_task(name="payouts.decide_overdue_claims")
def decide_overdue_claims() -> None:
    """Accept the claims whose merchant let the deadline pass."""
    while deciding.decide_overdue_claims(at=timezone.now()):
        pass


@shared_task(name="payouts.look_for_fraud")
def look_for_fraud() -> None:
    """Judge every program's last thirty days; one that cannot be judged now does not keep the others waiting."""
    at = timezone.now()
    for program in looking.programs_to_look_at():
        try:
            looking.look_at_program(program, at=at)
        except Exception:
            log.exception("program %s is looked at again tomorrow", program.public_id)


@shared_task(name="payouts.release_overdue_findings")
def release_overdue_findings() -> None:
    """Release what was kept back under a suspicion and not answered by the promised date."""
    while answering.release_overdue_findings(at=timezone.now()):
        pass


@shared_task(name="payouts.send_run")
def send_run(run_id: str) -> None:
    """Send what of a run can go now."""
    _send(PayoutRun.objects.get(pk=run_id))


@shared_task(name="payouts.continue_runs")
def continue_runs() -> None:
    """Carry on with runs being sent: what a crash or a lost message left, and what was unsure."""
    for run in PayoutRun.objects.filter(status=PayoutRun.Status.SENDING).order_by("approved_at"):
        with _kept_apart(run):
            _send(run)


@shared_task(name="payouts.handle_waiting_stripe_events")
def handle_waiting_stripe_events() -> None:
    """Handle stored events."""
    stripe_events.handle_waiting_events(providers.stripe_sender(), at=timezone.now())
    for run in PayoutRun.objects.filter(status=PayoutRun.Status.SENDING):
        runs.close_finished_run(run, at=timezone.now())


@shared_task(name="payouts.catch_up_stripe_events")
def catch_up_stripe_events() -> None:
    """Fetch what Stripe told and we did not hear, and handle it."""
    if stripe_events.catch_up(at=timezone.now()):
        handle_waiting_stripe_events()


@shared_task(name="payouts.reconcile_runs")
def reconcile_runs() -> None:
    """Compare runs being sent with Stripe's books; close those that came to their end."""
    for run in PayoutRun.objects.filter(status=PayoutRun.Status.SENDING):
        with _kept_apart(run):
            transfers.reconcile(run, providers.stripe_sender())
            runs.close_finished_run(run, at=timezone.now())


@shared_task(name="payouts.compare_everything")
def compare_everything() -> None:
    """Compare all the transfers we made at Stripe with our payouts, those of closed runs and of lost ones too."""
    whole_books.compare_everything(providers.our_transfers, providers.stripe_sender())


@contextmanager
def _kept_apart(run: PayoutRun) -> Iterator[None]:
    """Whatever goes wrong with one run is logged and tried again; the other runs go on."""
    try:
        yield
    except Exception:
        log.exception("run %s stopped short and is taken up again", run.public_id)


def _send(run: PayoutRun) -> None:
    # One worker a run at a time is enough; a second would only queue on the same rows.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 7))", [str(run.pk)])
        if not cursor.fetchone()[0]:
            return
        try:
            pause = partial(time.sleep, 1 / settings.PAYOUT_SENDS_PER_SECOND)
            if not whole_books.are_compared():
                compare_everything()
            transfers.send_run(run, providers.stripe_sender(), pause=pause, funds=providers.available_funds)
            runs.close_finished_run(run, at=timezone.now())
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 7))", [str(run.pk)])


def _hint(run_id: str) -> object:
    try:
        return send_run.delay(run_id)
    except Exception:  # noqa: BLE001 - without a broker the poll of `continue_runs` does it
        log.warning("no broker: run %s waits for the next poll", run_id)
        return None


runs.on_run_started(_hint)


@shared_task(name="payouts.copy_changed_orders")
def copy_changed_orders() -> None:
    """Copy what reports read of changed orders; what is left waits for the next turn."""
    until = time.monotonic() + _SECONDS_OF_COPYING
    while order_lines.copy_changed_orders() and time.monotonic() < until:
        pass
