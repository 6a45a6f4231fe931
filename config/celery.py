"""The Celery app and the timetable of periodic tasks.

A message is only a hint: every task looks in the database for what is to be done, so a
lost or doubled message costs a poll, never a fact.
"""

import os
from datetime import timedelta

from celery import Celery
from celery.app.utils import Settings
from celery.schedules import crontab
from celery.signals import celeryd_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("affiliate_network")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["ledger", "affiliates", "tracking", "payouts", "portal.outbound", "portal.doors"])


@celeryd_init.connect
def listen_for_messages(conf: Settings, **_more: object) -> None:
    """Have the worker woken by the database instead of asking it every second.

    Only the worker: every channel with this option makes the queue's trigger anew, and two who
    do so at once get in each other's way.
    """
    if conf.broker_url == "pgmq://":
        conf.broker_transport_options = {**conf.broker_transport_options, "use_notify": True}


app.conf.beat_schedule = {
    "deliver waiting events": {"task": "ledger.deliver_waiting_events", "schedule": timedelta(seconds=20)},
    "send waiting mails": {"task": "portal.send_waiting_mails", "schedule": timedelta(seconds=20)},
    "call waiting endpoints": {"task": "portal.make_waiting_calls", "schedule": timedelta(seconds=20)},
    "approve due commissions": {"task": "payouts.approve_due_commissions", "schedule": timedelta(minutes=5)},
    "accept claims left unanswered": {"task": "payouts.decide_overdue_claims", "schedule": timedelta(minutes=5)},
    "look for fraud": {"task": "payouts.look_for_fraud", "schedule": crontab(hour="4", minute="5")},
    "release suspicions left unanswered": {
        "task": "payouts.release_overdue_findings",
        "schedule": timedelta(minutes=5),
    },
    "decide over held sales": {"task": "payouts.retry_held_sales", "schedule": timedelta(seconds=30)},
    "carry on with payout runs": {"task": "payouts.continue_runs", "schedule": timedelta(seconds=30)},
    "handle stored Stripe events": {"task": "payouts.handle_waiting_stripe_events", "schedule": timedelta(seconds=30)},
    "catch up on Stripe events": {"task": "payouts.catch_up_stripe_events", "schedule": timedelta(minutes=15)},
    "reconcile payouts with Stripe": {"task": "payouts.reconcile_runs", "schedule": timedelta(minutes=15)},
    "compare all transfers with Stripe": {
        "task": "payouts.compare_everything",
        "schedule": crontab(hour="3", minute="40"),
    },
    "seal the book": {"task": "ledger.seal_entries", "schedule": timedelta(minutes=10)},
    "verify the books": {"task": "ledger.verify_books", "schedule": crontab(hour="3", minute="10")},
    "deal with what dead processes left in the inbox": {
        "task": "portal.sweep_inbox",
        "schedule": timedelta(minutes=1),
    },
    "go on with uploads": {"task": "portal.continue_uploads", "schedule": timedelta(minutes=1)},
    "go on with bulk replays": {"task": "portal.continue_replays", "schedule": timedelta(minutes=1)},
    "empty old uploads": {"task": "portal.forget_old_uploads", "schedule": crontab(hour="2", minute="45")},
    "verify the inbox": {"task": "portal.verify_inbox", "schedule": crontab(hour="3", minute="20")},
    "fit attribution models": {"task": "tracking.fit_models", "schedule": crontab(hour="1", minute="20")},
    "forget old idempotency keys": {
        "task": "tracking.forget_old_idempotency_keys",
        "schedule": crontab(hour="2", minute="35"),
    },
    "root the log": {"task": "tracking.root_log", "schedule": crontab(minute="12")},
    "root what came late": {
        "task": "tracking.root_log",
        "schedule": crontab(hour="2", minute="50"),
        # A click may have waited in a door's spool for weeks.
        "kwargs": {"hours": 24 * 40},
    },
    "look at the pages links lead to": {"task": "tracking.check_link_targets", "schedule": timedelta(minutes=10)},
    "fetch product feeds": {"task": "tracking.fetch_feeds", "schedule": timedelta(minutes=5)},
    "verify merchants' link hosts": {"task": "tracking.verify_domains", "schedule": timedelta(minutes=10)},
    "forget old clicks' addresses": {"task": "tracking.forget_addresses", "schedule": crontab(hour="2", minute="20")},
    "copy changed orders for reports": {"task": "payouts.copy_changed_orders", "schedule": timedelta(seconds=20)},
    "condense past clicks": {"task": "tracking.condense_clicks", "schedule": crontab(minute="25")},
    "make next month's click partition": {
        "task": "tracking.make_partitions",
        "schedule": crontab(hour="2", minute="5"),
    },
}
