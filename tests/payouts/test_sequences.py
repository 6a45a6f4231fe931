"""Any order of sales, refunds and runs: no cent is lost, none is paid twice, the books agree (faults 14, 22–26)."""

import itertools
import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.models import F, Sum

from affiliates import lifecycle
from affiliates.models import Affiliate
from ledger.accounts import balance_of
from ledger.audit import verify_books
from ledger.errors import Refusal
from ledger.money import Money
from payouts import chart, commissions, methods, runs, sales, transfers
from payouts.models import Commission, Payout, PayoutItem, PayoutRun
from payouts.protocol import NO_FUNDS
from payouts.provider import Accepted, Busy, Refused, Transfer, Unsure
from tests.factories.standin import make_desk
from tests.factories.world import make_sale, make_world
from tracking.models import Conversion

pytestmark = pytest.mark.django_db

#: What the provider may be like when a run is sent. "made" and "lost" fall silent after and before the transfer is made.
MOODS = [
    "well",
    "well",
    "made",
    "lost",
    "failed",
    "failed but made",
    "busy",
    "account_closed",
    "nobody_knows",
    NO_FUNDS,
    "dies",
]


class WorkerDies(Exception):
    """A worker killed right after its request was carried out."""


class MoodyBank:
    """A provider whose books say what was really paid, whatever it answers."""

    def __init__(self):
        self.mood = "well"
        self.numbers = itertools.count(1)
        self.transfers = {}
        self.by_key = {}

    def create_transfer(self, call):
        if call.key in self.by_key:
            return Accepted(self.transfers[self.by_key[call.key]])
        if self.mood == "busy":
            return Busy()
        if self.mood in {"lost", "failed"}:
            return Unsure(key_is_spent=self.mood == "failed")
        if self.mood in {"account_closed", "nobody_knows", NO_FUNDS}:
            return Refused(self.mood)
        made = Transfer(
            f"tr_{next(self.numbers):06d}", call.payout_id, call.amount_minor, call.currency, call.destination
        )
        self.transfers[made.id], self.by_key[call.key] = made, made.id
        if self.mood == "dies":
            raise WorkerDies
        if self.mood == "made":
            return Unsure()
        if self.mood == "failed but made":
            return Unsure(key_is_spent=True)
        return Accepted(made)

    def list_transfers(self, payout_id):
        return [one for one in self.transfers.values() if one.payout_id == payout_id]

    def list_run_transfers(self, run_id):
        ours = {one.public_id for one in Payout.objects.filter(run_id=PayoutRun.key_of(run_id))}
        return [one for one in self.transfers.values() if one.payout_id in ours]

    def retrieve_transfer(self, transfer_id):
        return self.transfers.get(transfer_id)

    def reverse(self, transfer_id):
        one = self.transfers[transfer_id]
        self.transfers[transfer_id] = replace(one, reversed_minor=one.amount_minor)


class Office:
    """The network in the hands of chance: every step takes two numbers and does what can be done just then."""

    def __init__(self, worlds, desk, at):
        self.worlds, (self.maker, self.checker), self.now = worlds, desk, at
        self.bank = MoodyBank()
        self.sender = transfers.sender_with(self.bank, clock=lambda: self.now)
        self.labels = itertools.count(1)

    def one(self, rows, number):
        found = list(rows.order_by("pk"))
        return found[number % len(found)] if found else None

    def sale(self, a, b):
        ago = timedelta(days=40 if a % 3 else 1)
        digits = 0 if self.worlds[a % len(self.worlds)].merchant.currency == "JPY" else 2
        make_sale(self.worlds[a % len(self.worlds)], str(Decimal(b * 37 + 1).scaleb(-digits)), at=self.now - ago)

    def refund(self, a, b):
        sale = self.one(Conversion.objects.filter(refunded_minor__lt=F("amount_minor")), a)
        if sale is not None:
            part = (
                None
                if b % 3 == 0
                else Money(1 + (sale.amount_minor - sale.refunded_minor - 1) * (b % 7) // 7, sale.currency)
            )
            sales.refund_sale(sale, amount=part, reference=f"r{next(self.labels)}", at=self.now)

    def approve_due(self, a, b):
        commissions.approve_due_commissions(at=self.now - timedelta(microseconds=1))

    def wait(self, a, b):
        self.now += [timedelta(minutes=7), timedelta(hours=3), timedelta(hours=21), timedelta(days=9)][a % 4]

    def prepare(self, a, b):
        start = self.now - timedelta(days=31)
        runs.prepare_run(f"R{next(self.labels)}", starts_at=start, ends_at=self.now, by=self.maker, at=self.now)

    def review(self, a, b):
        run = self.one(PayoutRun.objects.filter(status__in=["prepared", "submitted", "approved"]), a)
        if run is None:
            return
        forward = {
            "prepared": lambda: runs.submit_run(run, by=self.maker, at=self.now),
            "submitted": lambda: runs.approve_run(run, by=self.checker, at=self.now),
            "approved": lambda: runs.start_run(run, by=self.checker, at=self.now),
        }
        forward[run.status]()

    def exclude(self, a, b):
        payout = self.one(Payout.objects.all(), a)
        if payout is not None:
            runs.exclude_payout(payout, note="x", by=self.maker, at=self.now)

    def cancel(self, a, b):
        run = self.one(PayoutRun.objects.all(), a)
        if run is not None and b % 2:
            runs.cancel_run(run, by=self.maker, at=self.now)

    def send(self, a, b):
        run = self.one(PayoutRun.objects.filter(status="sending"), b)
        self.bank.mood = MOODS[a % len(MOODS)]
        if run is not None:
            transfers.send_run(
                run, self.sender, funds=lambda: {c: Money(10**12, c) for c in ("USD", "HUF", "JPY")} if b % 2 else {}
            )

    def news(self, a, b):
        for told in list(self.bank.transfers.values())[a % 3 :: 1 + b % 2]:
            transfers.settle_transfer(self.sender, told)
        self.close(a, b)

    def close(self, a, b):
        for run in PayoutRun.objects.all():
            runs.close_finished_run(run, at=self.now)

    def reconcile(self, a, b):
        run = self.one(PayoutRun.objects.all(), a)
        if run is not None:
            transfers.reconcile(run, self.sender)

    def come_back(self, a, b):
        made = sorted(self.bank.transfers)
        if made and b % 2:
            self.bank.reverse(made[a % len(made)])

    def resume(self, a, b):
        payout = self.one(Payout.objects.filter(state="blocked"), a)
        if payout is not None:
            transfers.resume_payout(payout, clock=lambda: self.now)

    def freeze(self, a, b):
        affiliate = Affiliate.objects.get(pk=self.worlds[a % len(self.worlds)].affiliate.pk)
        if affiliate.status == "active" and b % 3 == 0:
            lifecycle.freeze_affiliate(affiliate, reason="x", by=None, at=self.now)
        elif affiliate.status == "frozen":
            lifecycle.unfreeze_affiliate(affiliate, by=None, at=self.now)

    def another_bank(self, a, b):
        method = methods.method_of(self.worlds[a % len(self.worlds)].affiliate)
        if b % 4 == 0:
            methods.apply_standing(method, status="verified", fingerprint=f"fp-{b}", reason="", at=self.now)

    def restart(self, a, b):
        for run in PayoutRun.objects.all():
            run.notes["epoch"] = "before"
            run.save(update_fields=["notes"])

    def finish(self):
        """The provider is well again, time passes, everybody does their work: nothing may stay open but what waits for a person."""
        self.bank.mood = "well"
        for _ in range(3):
            for run in PayoutRun.objects.filter(status="sending"):
                transfers.reconcile(run, self.sender)
                transfers.send_run(
                    run.refreshed(), self.sender, funds=lambda: {c: Money(10**12, c) for c in ("USD", "HUF", "JPY")}
                )
            self.now += timedelta(hours=14)
        self.news(0, 0)


STEPS = [
    "sale", "sale", "sale", "refund", "refund", "approve_due", "approve_due", "wait", "prepare", "prepare", "review", "review",
    "review", "review", "exclude", "cancel", "send", "send", "news", "close", "reconcile", "come_back", "resume", "freeze",
    "another_bank", "restart",
]  # fmt: skip


#: Most of what can go wrong needs money on its way first.
BEGINNING = [
    *(("sale", a, b) for a, b in ((0, 20), (1, 30), (2, 25), (1, 9), (4, 40), (5, 3))),
    ("approve_due", 0, 0), ("prepare", 0, 0), ("review", 0, 0),
]  # fmt: skip
#: … and then: nothing more, a run that is being sent, one that fell silent, a debt netted from the next payout.
TURNS = [
    [("review", 0, 0)],
    [("review", 0, 0)] * 2,
    [*[("review", 0, 0)] * 2, ("send", 2, 0), ("wait", 2, 0), ("send", 0, 0)],
    [
        *[("review", 0, 0)] * 2, ("send", 0, 0), ("news", 0, 0), *[("refund", n, 0) for n in range(6)],
        *(("sale", a, 59) for a in (1, 2, 4, 5)), ("sale", 4, 50), ("approve_due", 0, 0), ("wait", 0, 0), ("prepare", 0, 0),
    ],
]  # fmt: skip


def check(office):
    """What must be true after every step."""
    for world in office.worlds:
        currency, affiliate = world.merchant.currency, world.affiliate
        earned = Commission.objects.filter(affiliate=affiliate).aggregate(
            a=Sum("amount_minor"), r=Sum("reversed_minor")
        )
        payouts = [transfers.state_of(one) for one in Payout.objects.filter(affiliate=affiliate)]
        paid = sum(one.amount_minor for one in payouts if one.state == "paid")
        transit = sum(one.amount_minor for one in payouts if one.is_reserved)
        pending, payable, recoverable = (
            balance_of(account(affiliate), currency).minor
            for account in (chart.pending, chart.payable, chart.recoverable)
        )
        assert (earned["a"] or 0) - (earned["r"] or 0) == paid + transit + payable + pending - recoverable
        assert min(pending, payable, recoverable) >= 0
        # Nobody's commissions are worth more than what is payable for them: the next run can pay them all.
        assert payable >= open_minor(affiliate)
        # A payout that the books call settled or out really is at the provider, once; what was given back is not.
        for one in payouts:
            standing = [t for t in office.bank.list_transfers(one.payout_id) if t.reversed_minor < t.amount_minor]
            assert len(standing) <= 1
            if standing:
                assert one.is_reserved or one.state == "paid", one
                assert one.destination == standing[0].destination
    for run in PayoutRun.objects.all():
        for currency in ("USD", "HUF", "JPY"):
            reserved = sum(
                one.amount_minor
                for one in Payout.objects.filter(run=run, currency=currency)
                if transfers.state_of(one).is_reserved
            )
            assert balance_of(chart.in_transit(run), currency).minor == reserved
            assert not (reserved and run.status in {"closed", "cancelled"})
    live = Commission.objects.filter(items__released_at=None, items__isnull=False)
    assert live.count() == live.distinct().count()


def open_minor(affiliate):
    """What is left of the approved commissions that are in no live payout."""
    left = Commission.objects.filter(affiliate=affiliate, status="approved").exclude(
        pk__in=PayoutItem.objects.filter(released_at=None).values("commission")
    )
    return left.aggregate(sum=Sum(F("amount_minor") - F("reversed_minor")))["sum"] or 0


def live_through(steps, office):
    """Play the steps; a refusal is an answer, a dead worker is not the end."""
    for number, (name, a, b) in enumerate(steps):
        try:
            with transaction.atomic():
                # Sending commits payout by payout; a worker's death undoes none of them.
                if name != "send":
                    getattr(office, name)(a, b)
            if name == "send":
                office.send(a, b)
        except (Refusal, WorkerDies):
            pass
        if number >= len(BEGINNING) and name not in {"sale", "wait", "restart", "freeze"}:
            check(office)
    office.finish()
    check(office)
    assert [str(one) for one in verify_books()] == []
    connection.check_constraints()
    for run in PayoutRun.objects.filter(status="sending", alarm=""):
        held = [transfers.state_of(one) for one in run.payouts.all() if one.state != "paid"]
        assert any(one.is_reserved for one in held), "nothing waits, and the run is open"
        assert {one.state for one in held if one.is_reserved} <= {"blocked", "sent"}, held


def play(at, seeds):
    """One story for each seed, each undone before the next."""
    worlds = [make_world(at, currency=currency, hold_days=30) for currency in ("USD", "HUF", "JPY", "USD")]
    desk = make_desk(at)
    for seed in seeds:
        chance = random.Random(seed)
        steps = [
            (chance.choice(STEPS), chance.randrange(60), chance.randrange(60)) for _ in range(chance.randrange(10, 36))
        ]
        before = transaction.savepoint()
        try:
            live_through([*BEGINNING, *TURNS[seed % len(TURNS)], *steps], Office(worlds, desk, at))
        except BaseException as error:
            error.add_note(f"seed {seed}: {steps}")
            raise
        finally:
            transaction.savepoint_rollback(before)


@pytest.fixture(autouse=True)
def _any_amount_is_paid(settings):
    settings.PAYOUT_MINIMUMS = {}


def test_any_order_of_events_keeps_every_cent(at):
    play(at, range(24))


@pytest.mark.slow
def test_any_order_of_events_keeps_every_cent_at_length(at):
    play(at, range(24, 324))
