"""Many orders in one transaction are what each by itself would have been: row for row, answer for answer. A6, C1, C4, D1–D10."""

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain
from uuid import uuid4

import pytest
from django.db import connection, transaction
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ledger.audit import verify_books
from ledger.errors import Refusal
from ledger.ids import new_uuid7
from payouts.sales import Report, record_sale, record_sales, waves
from tests.factories.attribution import make_scene
from tests.factories.world import facts, make_click, make_world
from tracking.models import Click, Conversion

AT = datetime(2026, 11, 3, 14, 2, tzinfo=UTC)

_TABLES = {
    "tracking_conversion": "merchant_id, order_ref, event, is_test",
    "tracking_attribution": "conversion_id",
    "tracking_attributionshare": "attribution_id, position",
    "tracking_customerbinding": "program_id, kind, key",
    "tracking_conversionrevision": "conversion_id, number",
    "payouts_commission": "conversion_id, enrolment_id, number",
    "ledger_entry": "reference",
    "ledger_posting": "entry_id, number",
    "ledger_account": "name, currency",
    "ledger_event": "id",
    "ledger_delivery": "id",
}
_PUBLIC_ID = re.compile(r"\b(conv|comm|bind|attr|evt|ent|rev|crev)_[0-9a-hjkmnp-tv-z]{26}\b")


def written() -> dict[str, list[str]]:
    """Every row that orders write, without the keys and clocks that differ each time, in an order of its own."""
    found = {}
    with connection.cursor() as cursor:
        known = {}
        for table in _TABLES:
            cursor.execute(f"SELECT to_jsonb(row) FROM {table} AS row")
            rows = [json.loads(row) if isinstance(row, str) else row for (row,) in cursor.fetchall()]
            known[table] = rows
    names: dict[str, str] = {}
    for row in known["tracking_conversion"]:
        names[row["id"]] = f"order {row['order_ref']} {row['event']} {row['is_test']}"
    for row in known["ledger_account"]:
        names[row["id"]] = row["name"]
    for table, rows in known.items():
        for row in rows:
            for name in (
                "recorded_at",
                "xact",
                "next_try_at",
                "decided_at",
                "accrued_at",
                "at",
                "effective_at",
                "revised_at",
            ):
                row.pop(name, None)
            # What a decision saw lists versions of terms in the order in which clicks were found.
            if "inputs" in row:
                row["inputs"]["settings"] = sorted(row["inputs"].get("settings", []), key=lambda one: one["terms"])
            own = row.pop("id", None)
            if table == "ledger_delivery":
                row.pop("event_id")
            for name in ("conversion_id", "attribution_id", "entry_id", "debit_id", "credit_id"):
                if row.get(name):
                    row[name] = names.get(row[name], "it")
            if table == "tracking_attribution":
                names[own] = f"attribution of {row['conversion_id']}"
        found[table] = sorted(_PUBLIC_ID.sub(r"\1", json.dumps(row, sort_keys=True)) for row in rows)
    return found


def one_by_one(reports) -> list[object]:
    """What became of each order, recorded by itself."""
    return [_told(lambda one=one: record_sale(one.merchant, one.facts, at=AT)) for one in reports]


def in_sets(reports) -> list[object]:
    """What became of each order, recorded in as few sets as possible."""
    found: dict[int, object] = {}
    for numbers in waves(reports):
        sales = record_sales([reports[number] for number in numbers], at=AT)
        for number, sale in zip(numbers, sales, strict=True):
            one = reports[number]
            found[number] = (
                _summary(sale)
                if sale is not None
                else _told(lambda one=one: record_sale(one.merchant, one.facts, at=AT))
            )
    return [found[number] for number in range(len(reports))]


def _told(record) -> object:
    try:
        with transaction.atomic():
            return _summary(record())
    except Refusal as refusal:
        return refusal.code


def _summary(sale) -> object:
    return (
        sale.conversion.order_ref,
        sale.is_new,
        sale.conversion.verdict,
        sale.conversion.reason,
        sale.attribution.reason if sale.attribution else None,
        sorted((one.amount_minor, one.role) for one in sale.commissions),
        sale.would_earn.amount.minor if sale.would_earn else None,
    )


def both_ways(reports) -> tuple[object, object]:
    """Answers and rows of the same orders by both ways, each undone afterwards."""
    found = []
    for way in (one_by_one, in_sets):
        with transaction.atomic():
            answers = way(reports)
            found.append((answers, written()))
            transaction.set_rollback(True)
    return found[0], found[1]


_TERMS = [
    {},
    {"lifetime_days": 90},
    {"cross_device": True, "lifetime_days": 30},
    {"attribution_model": "linear", "assist_rate": Decimal("0.02")},
    {"attribution_model": "time_decay", "coupon_policy": "involved"},
    {"attribution_model": "last_click", "assist_rate": Decimal("0.05"), "assist_daily_cap_minor": 300},
    {"unassigned_code": "no_commission", "cross_device": True},
]


@pytest.mark.django_db
@pytest.mark.parametrize("terms", _TERMS, ids=lambda terms: ",".join(terms) or "plain")
def test_orders_in_sets_write_what_each_by_itself_writes(terms):
    scene = make_scene(AT, "Ann", "Bob", "Cora", **terms)
    browser = uuid4()
    scene.coupon("ANN10", "Ann")
    scene.coupon("BOB", "Bob", is_exclusive=True)
    other = make_world(AT)
    clicks = {
        "ann": scene.click("Ann", days=5, visitor=browser).pk,
        "bob": scene.click("Bob", days=2, visitor=browser).pk,
        "cora": scene.click("Cora", days=1).pk,
        "late": scene.click("Cora", days=40).pk,
        "robot": make_click(scene.world.link, at=AT - timedelta(days=1), is_counted=False).pk,
        "foreign": make_click(other.link, at=AT - timedelta(days=1)).pk,
        "coming": new_uuid7(AT),
        None: None,
    }
    merchants = [scene.world.merchant, other.merchant]
    order = st.builds(
        lambda merchant, number, amount, click, more: Report(
            merchants[merchant],
            facts(
                f"o{number}",
                amount,
                at=AT - timedelta(minutes=number),
                **more,
                **({"click": Click(pk=clicks[click])} if click else {}),
            ),
        ),
        st.sampled_from([0, 0, 0, 1]),
        st.integers(0, 9),
        st.sampled_from(["0", "10.00", "33.33", "129.90"]),
        st.sampled_from(list(clicks)),
        st.fixed_dictionaries(
            {
                "event": st.sampled_from(["sale", "sale", "lead"]),
                "coupon": st.sampled_from(["", "", "ann10", "BOB", "NOBODYS"]),
                "customer_ref": st.sampled_from(["", "c1", "c2", "c3"]),
                "customer_email_key": st.sampled_from(["", "", "email_1"]),
                "is_test": st.sampled_from([False, False, False, True]),
                "currency": st.sampled_from(["USD", "USD", "USD", "EUR"]),
                "source": st.sampled_from(["api", "api", "postback", "tag"]),
            }
        ),
    )

    # Not made smaller: an example is a few hundred statements.
    @settings(max_examples=4, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
    @given(st.lists(order, min_size=1, max_size=12))
    def check(reports):
        alone, together = both_ways(reports)

        assert together[0] == alone[0]
        for table in _TABLES:
            assert set(together[1][table]) ^ set(alone[1][table]) == set(), table
            assert together[1][table] == alone[1][table], table

    check()


def test_an_order_waits_for_the_order_that_it_looks_at(db):
    scene = make_scene(AT, "Ann", lifetime_days=90)
    plain = make_world(AT)

    def report(world, ref, customer):
        return Report(world.merchant, facts(ref, "1", at=AT, customer_ref=customer))

    reports = [
        report(scene.world, "1", "kim"),
        report(scene.world, "2", "kim"),
        report(scene.world, "3", "lee"),
        report(plain, "1", "kim"),
        report(plain, "2", "kim"),
        report(plain, "2", "kim"),
    ]

    assert waves(reports) == [[0, 2, 3, 4], [1, 5]]


@pytest.mark.django_db
def test_a_thousand_orders_take_as_many_queries_as_ten(django_assert_max_num_queries):
    world = make_world(AT)
    clicks = [make_click(world.link, at=AT - timedelta(days=1)) for _ in range(60)]

    def reports(names):
        return [Report(world.merchant, facts(name, "10.00", at=AT, click=clicks[n])) for n, name in enumerate(names)]

    with django_assert_max_num_queries(25):
        few = record_sales(reports([f"a{n}" for n in range(10)]), at=AT)
    with django_assert_max_num_queries(25):
        many = record_sales(reports([f"b{n}" for n in range(60)]), at=AT)

    assert {sale.conversion.verdict for sale in chain(few, many)} == {"accepted"}
    assert list(verify_books()) == []


@pytest.mark.django_db(transaction=True)
def test_the_same_orders_in_two_sets_at_once_count_once():
    world = make_world(AT)
    clicks = [make_click(world.link, at=AT - timedelta(days=1)) for _ in range(30)]
    orders = [Report(world.merchant, facts(f"o{n}", "10.00", at=AT, click=clicks[n])) for n in range(30)]
    barrier, found = threading.Barrier(4), []

    def report(reports):
        try:
            barrier.wait(10)
            answers = record_sales(reports, at=AT)
            # Who comes second waits for the first, and asks again by itself.
            found.append(
                [
                    sale or record_sale(one.merchant, one.facts, at=AT)
                    for sale, one in zip(answers, reports, strict=True)
                ]
            )
        finally:
            connection.close()

    ways = [orders, orders[::-1], orders[10:] + orders[:10], orders[::2] + orders[1::2]]
    threads = [threading.Thread(target=report, args=[way]) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(found) == 4
    assert sorted(sale.is_new for sale in chain(*found)) == [False] * 90 + [True] * 30
    assert Conversion.objects.count() == 30
    assert list(verify_books()) == []
