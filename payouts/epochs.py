"""Which life of the database this is: a run's rows may be older than Stripe's books after a restore (fault 8).

An epoch ends when the server is started again (a restored copy of its files, a standby that took
over) and when the table of runs is made or filled anew (a restored dump). What was written in
the present epoch cannot have been forgotten; everything older is compared with Stripe before it
is sent or called off.
"""

from django.db import connection

from payouts.models import PayoutRun


def database_epoch() -> str:
    """The present epoch's name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM pg_postmaster_start_time())::text,"
            " pg_relation_filenode('payouts_payoutrun'::regclass)::text"
        )
        return ".".join(cursor.fetchone())


def is_of_this_epoch(run: PayoutRun) -> bool:
    """Whether the run was prepared, or compared with Stripe's books, in the present epoch."""
    return bool(run.notes.get("epoch") == database_epoch())
