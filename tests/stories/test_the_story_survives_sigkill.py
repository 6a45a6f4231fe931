"""The same story while its processes are killed at random: 0 answered clicks lost, 0 double rows, 0 cents wrong.

Faults 1, 2, 3, 6 and 14: web, worker, click door and drain get SIGKILL in the middle of their work.
"""

import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest

from ledger.ids import public_id_of
from tests.stories.town import Town
from tracking.click_ids import click_key

pytestmark = [pytest.mark.django_db, pytest.mark.stories]

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36"


@dataclass
class Walkers:
    """People who follow links and shops that report orders, whatever happens to the servers."""

    town: Town
    codes: list[str]
    key: str
    answered: list[str] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)
    is_over: threading.Event = field(default_factory=threading.Event)

    def follow(self, seed: int) -> None:
        """Follow links, one after another; an answered redirect is remembered, a broken connection is not."""
        dice = random.Random(seed)
        while not self.is_over.is_set():
            try:
                door = http.client.HTTPConnection("127.0.0.1", self.town.ports["click"], timeout=10)
                for _ in range(40):
                    door.request(
                        "GET",
                        f"/r/{dice.choice(self.codes)}?sub1=kill",
                        headers={"User-Agent": AGENT, "Accept-Language": "en"},
                    )
                    answer = door.getresponse()
                    answer.read()
                    assert answer.status == 302
                    self.answered.append(parse_qs(urlsplit(answer.headers["Location"]).query)["click_id"][0])
                    if self.is_over.is_set():
                        break
                    time.sleep(0.004)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
            finally:
                door.close()

    def buy(self, seed: int, count: int) -> None:
        """Report orders for answered clicks, each again and again until the network says it has it."""
        dice = random.Random(seed)
        for number in range(count):
            while not self.answered:
                time.sleep(0.05)
            order_id = f"K{seed}-{number}"
            amount = f"{dice.randint(20, 300)}.{dice.randint(0, 99):02d}"
            body = {"order_id": order_id, "amount": amount, "currency": "USD", "click_id": dice.choice(self.answered)}
            while not self._report(body):
                time.sleep(0.1)
            self.orders[order_id] = amount
            if dice.random() < 0.3:
                self._report(body)

    def _report(self, body: dict) -> bool:
        request = urllib.request.Request(
            f"{self.town.base}/api/v1/conversions",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status in {200, 201}
        except urllib.error.HTTPError as refusal:
            if refusal.code < 500:
                raise
            return False
        except (OSError, http.client.HTTPException):
            return False


SET_UP = """
from django.utils import timezone
from affiliates import enrolments, members, people
from affiliates.access import open_public_program
from payouts import methods
from portal.demo import standin
from tracking import links
at = timezone.now()
program = open_public_program("acme")
for n in range(6):
    user = people.add_person(f"walker{n}@demo.example", name=f"Walker {n}", at=at)
    affiliate = members.sign_up_affiliate(user, country="US", at=at)
    link = links.create_link(enrolments.join_program(affiliate, program, at=at), at=at)
    methods.start_onboarding(affiliate, refresh_url="http://127.0.0.1/", return_url="http://127.0.0.1/", by=user, at=at)
    method = methods.method_of(affiliate)
    standin.complete_onboarding(method.account, bank=f"{4000 + n}")
    methods.refresh_method(method, at=at)
    print("code", link.code)
standin.top_up(100_000_00, "USD")
"""

PAY = """
from datetime import timedelta
from django.utils import timezone
from affiliates.queries import user_by_email
from payouts import commissions, runs
now = timezone.now()
while commissions.approve_due_commissions(at=now + timedelta(days=31)): pass
maker, checker = user_by_email("finance@demo.example"), user_by_email("checker@demo.example")
run = runs.prepare_run("killed", starts_at=now - timedelta(days=30), ends_at=now + timedelta(days=60), by=maker, at=now)
runs.submit_run(run, by=maker, at=now)
runs.approve_run(run, by=checker, at=now)
runs.start_run(run, by=maker, at=now)
"""


def survive(town: Town, *, kills: int, orders: int, seed: int) -> None:
    """Play, kill, and count afterwards."""
    dice = random.Random(seed)
    codes = [
        line.split()[1] for line in town.manage("shell", "-v0", "-c", SET_UP).splitlines() if line.startswith("code ")
    ]
    key = json.loads((town.home / "demo.json").read_text())["merchants"][0]["secret_key"]
    walkers = Walkers(town, codes, key)
    crowd = [threading.Thread(target=walkers.follow, args=(n,)) for n in range(3)]
    shops = [threading.Thread(target=walkers.buy, args=(100 + n, orders // 2)) for n in range(2)]
    for one in (*crowd, *shops):
        one.start()
    for _ in range(kills):
        time.sleep(dice.uniform(0.05, 0.8))
        victim = dice.choice(["click", "click", "drain", "drain", "web", "worker"])
        town.kill(victim)
        town.start(victim)
    for one in shops:
        one.join(240)
        assert not one.is_alive(), town.log("web")
    walkers.is_over.set()
    for one in crowd:
        one.join(30)

    # A click that was stored and never answered counts too, so the number of rows says nothing: each is looked for.
    wanted = {click_key(one).hex for one in walkers.answered}
    lost = wanted
    end = time.monotonic() + 60
    while lost and time.monotonic() < end:
        time.sleep(0.5)
        lost = wanted - {row[0].hex for row in town.rows("SELECT id FROM tracking_click")}
    assert lost == set()
    assert town.rows("SELECT id FROM tracking_click GROUP BY id HAVING count(*) > 1") == []
    counted = town.rows("SELECT (SELECT count(*) FROM tracking_click), (SELECT sum(clicks) FROM tracking_click_count)")
    assert counted[0][0] == counted[0][1]

    wait_for(lambda: town.rows("SELECT count(*) FROM tracking_conversion WHERE verdict = 'held'") == [(0,)], 120, town)
    booked = dict(town.rows("SELECT order_ref, amount_minor FROM tracking_conversion"))
    assert booked == {order: int(amount.replace(".", "")) for order, amount in walkers.orders.items()}
    assert town.rows("SELECT conversion_id FROM payouts_commission GROUP BY 1 HAVING count(*) > 1") == []

    town.manage("shell", "-v0", "-c", PAY)
    for _ in range(max(kills // 4, 2)):
        time.sleep(dice.uniform(0.1, 1.0))
        town.kill("worker")
        town.start("worker")
    # A dead worker's payouts are nobody's until its lease is over; the story does not wait five minutes for that.
    time.sleep(1)
    town.execute("UPDATE payouts_payout SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL")
    wait_for(lambda: town.rows("SELECT status FROM payouts_payoutrun") == [("closed",)], 150, town)

    with urllib.request.urlopen(f"{town.stripe_base}/_control/books", timeout=10) as answer:
        groups = json.load(answer)["transfers"]["by_group"]
    paid = {
        public_id_of("pay", key): {"usd": {"count": 1, "amount": minor, "reversed": 0}}
        for key, minor in town.rows("SELECT id, amount_minor FROM payouts_payout WHERE state = 'paid'")
    }
    assert groups == paid
    owed = town.rows("SELECT sum(amount_minor - reversed_minor) FROM payouts_commission")[0][0]
    # Who earned less than the smallest payout keeps it as payable.
    kept = town.rows(
        "SELECT coalesce(sum(credits_minor - debits_minor), 0) FROM ledger_account WHERE kind = 'payable'"
    )[0][0]
    assert sum(one["usd"]["amount"] for one in paid.values()) + kept == owed
    assert town.trial_balance() == []
    town.manage("verify_books")
    received = town.rows(
        "SELECT count(*) = count(*) FILTER (WHERE verdict IN ('accepted','rejected','duplicate','test','quarantined')) "
        "FROM tracking_inboxrequest"
    )
    assert received == [(True,)]


def wait_for(is_done, seconds: float, town: Town) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < end, f"it did not happen in time: {town.log('worker')}"
        time.sleep(0.3)


def test_a_dozen_kills_lose_nothing(town: Town):
    """Faults 1, 2, 3, 6, 14 in short."""
    survive(town, kills=12, orders=24, seed=7)


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing(fresh_town: Town):
    """The same for long; goal 8."""
    survive(fresh_town, kills=100, orders=120, seed=11)
