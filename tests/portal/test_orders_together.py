"""Requests that wait at the same moment share a set: each has its own answer, row and verdict, and nobody waits for nothing."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from ledger.audit import verify_books
from portal.intake.together import Together
from tests.factories.world import make_click
from tests.portal.shop import CONVERSIONS, open_shop, order
from tracking.inbox_audit import verify_inbox
from tracking.models import Conversion, InboxRequest

# ── Who leads, who waits ─────────────────────────────────────────────────────────────────


class Work:
    """Doubles numbers; stands still while it is told to, and knows the sets it was given."""

    def __init__(self) -> None:
        self.sets: list[list[int]] = []
        self.may_go = threading.Event()
        self.may_go.set()

    def __call__(self, numbers):
        self.sets.append(sorted(numbers))
        self.may_go.wait(10)
        if 13 in numbers:
            raise RuntimeError("a bad number")
        return [2 * number for number in numbers]


def _until(condition) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


def test_who_is_alone_is_handled_at_once_and_who_waits_is_handled_together():
    work = Work()
    together = Together(work, most=10, patience=10)

    assert together.do(1) == 2

    work.may_go.clear()
    with ThreadPoolExecutor(6) as threads:
        first = threads.submit(together.do, 2)
        _until(lambda: len(work.sets) == 2)
        others = [threads.submit(together.do, number) for number in (3, 4, 5, 6)]
        _until(lambda: len(together._waiting) == 4)
        work.may_go.set()
        answers = [one.result(10) for one in (first, *others)]

    assert answers == [4, 6, 8, 10, 12]
    assert work.sets == [[1], [2], [3, 4, 5, 6]]
    assert together.do(7) == 14


def test_no_set_is_larger_than_it_may_be():
    work = Work()
    together = Together(work, most=3, patience=10)
    work.may_go.clear()

    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(together.do, 0)
        _until(lambda: work.sets == [[0]])
        others = [threads.submit(together.do, number) for number in range(1, 8)]
        _until(lambda: len(together._waiting) == 7)
        work.may_go.set()
        assert [one.result(10) for one in (first, *others)] == [2 * number for number in range(8)]

    assert [len(one) for one in work.sets] == [1, 3, 3, 1]


def test_who_waits_too_long_leads_a_set_beside_the_one_that_hangs():
    work = Work()
    together = Together(work, most=10, patience=0.1)
    work.may_go.clear()

    with ThreadPoolExecutor(3) as threads:
        hanging = threads.submit(together.do, 1)
        _until(lambda: work.sets == [[1]])
        waiting = threads.submit(together.do, 2)
        _until(lambda: work.sets == [[1], [2]])
        work.may_go.set()
        assert [hanging.result(10), waiting.result(10)] == [2, 4]

    assert together._leaders == 0


def test_a_set_that_fails_fails_for_its_members_only():
    together = Together(Work(), most=10, patience=10)

    with pytest.raises(RuntimeError, match="bad number"):
        together.do(13)

    assert together.do(1) == 2


# ── Over HTTP ────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
def test_orders_at_the_same_moment_have_each_their_own_answer():
    """Good ones, one twice, one that cannot be read, one with a wrong key, one of another content: none spoils another."""
    shop = open_shop()
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=30))
    known = order("known", click_id=click.public_id)
    assert shop.post(known).status_code == 201
    asked = {f"o{number}": (order(f"o{number}", click_id=click.public_id), 201) for number in range(8)}
    asked |= {
        "again": (known, 200),
        "other": (order("known", amount="1.00"), 409),
        "unread": (order("bad", amount="many"), 400),
    }
    barrier = threading.Barrier(len(asked))

    def post(name):
        barrier.wait(10)
        try:
            return name, shop.post(asked[name][0])
        finally:
            connection.close()

    with ThreadPoolExecutor(len(asked)) as threads:
        answers = dict(threads.map(post, asked))

    assert {name: answer.status_code for name, answer in answers.items()} == {
        name: status for name, (_order, status) in asked.items()
    }
    for number in range(8):
        answer = answers[f"o{number}"].json()
        assert Conversion.objects.get(order_ref=f"o{number}").public_id == answer["id"]
        assert answer["commissions"][0]["affiliate"] == shop.world.affiliate.public_id
    rows = {json.loads(bytes(row.body))["order_id"] + row.verdict: row for row in InboxRequest.objects.all()}
    assert sorted(rows) == sorted(
        [
            *(f"o{number}accepted" for number in range(8)),
            "knownaccepted",
            "knownduplicate",
            "knownrejected",
            "badrejected",
        ]
    )
    assert rows["badrejected"].field == "amount"
    assert list(verify_books()) == []
    assert list(verify_inbox(at=shop.at)) == []


class Dead(BaseException):
    """The process ends here."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", [CONVERSIONS, f"{CONVERSIONS}/batch"])
def test_a_process_that_dies_at_any_statement_has_answered_nothing_that_is_lost(path):
    """Fault 24: at every statement in turn. The row stays set aside or has its verdict; sent again, the order counts once."""
    shop = open_shop()
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=30))
    at_statement, answered = 0, False
    while not answered:
        at_statement += 1
        orders = [order(f"{at_statement}-{name}", click_id=click.public_id) for name in "ab"]
        body = orders[0] if path == CONVERSIONS else orders
        left = iter(range(at_statement - 1))

        def die(execute, statement, params, many, context, left=left):
            if next(left, None) is None:
                raise Dead
            return execute(statement, params, many, context)

        with connection.execute_wrapper(die):
            try:
                answered = shop.post(body, path).status_code < 300
            except Dead:
                connection.close()
        before = Conversion.objects.filter(order_ref__startswith=f"{at_statement}-").count()
        again = shop.post(body, path)
        assert again.status_code in {200, 201}
        told = [again.json()] if path == CONVERSIONS else again.json()["data"]
        expected = len(told)
        assert before in {0, expected}
        assert [one["verdict"] for one in told] == (["duplicate"] if before else ["accepted"]) * expected
        assert Conversion.objects.filter(order_ref__startswith=f"{at_statement}-").count() == expected

    assert at_statement > 15
    assert list(verify_books()) == []
    assert set(InboxRequest.objects.filter(verdict="quarantined").values_list("reason", flat=True)) <= {"being_read"}
