"""The tamper-evident log: nothing under a published root can be left out or changed unseen (X5)."""

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from tests.factories.world import make_click, make_sale, make_world
from tracking.models import LogRoot
from tracking.receipts import roots
from tracking.receipts.merkle import leaf_hash, path_of, root_by_path, root_of
from tracking.receipts.proofs import check, decisions_on, receipt_for_click, receipt_for_event
from tracking.receipts.roots import root_log
from tracking.receipts.verify import verify_log

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)
CHECKER = Path(__file__).resolve().parents[2] / "portal" / "log" / "check_receipt.py"

leaves = st.lists(st.binary(max_size=8), min_size=1, max_size=40)


@pytest.fixture
def world(db):
    return make_world(NOON)


def by_the_rfc(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hashlib.sha256(b"\x01" + by_the_rfc(hashes[:split]) + by_the_rfc(hashes[split:])).digest()


@given(leaves)
def test_a_root_is_the_one_of_the_rfc(contents):
    hashes = [leaf_hash(content) for content in contents]

    assert root_of(hashes) == by_the_rfc(hashes)


@given(leaves, st.data())
def test_every_leaf_has_a_path_to_the_root_and_no_other_leaf_fits_it(contents, data):
    hashes = [leaf_hash(content) for content in contents]
    position = data.draw(st.integers(0, len(hashes) - 1))
    path = path_of(hashes, position)

    assert root_by_path(hashes[position], position, len(hashes), path) == root_of(hashes)
    assert root_by_path(leaf_hash(b"another, longer than any"), position, len(hashes), path) != root_of(hashes)
    assert root_by_path(hashes[position], len(hashes), len(hashes), path) is None
    assert root_by_path(hashes[position], position, len(hashes), [*path, b"\0" * 32]) is None


def test_an_hour_is_rooted_once_and_the_roots_form_a_chain(world):
    for minute in (1, 20, 59):
        make_click(world.link, at=NOON + timedelta(minutes=minute))
    make_click(world.link, at=NOON + timedelta(minutes=61), is_counted=False)

    made = root_log(at=LATER + timedelta(minutes=20), since=NOON)
    again = root_log(at=LATER + timedelta(minutes=40), since=NOON)

    assert [(root.number, root.hour, root.size) for root in made] == [
        (1, NOON, 3),
        (2, NOON + timedelta(hours=1), 1),
    ]
    assert made[1].previous == roots.digest_of(made[0].statement, made[0].signature)
    assert again == []
    assert list(verify_log()) == []


def test_the_running_hour_waits_until_it_is_over(world):
    make_click(world.link, at=NOON + timedelta(minutes=5))

    assert root_log(at=NOON + timedelta(hours=1, minutes=9), since=NOON) == []
    assert len(root_log(at=NOON + timedelta(hours=1, minutes=10), since=NOON)) == 1


def test_a_late_click_gets_a_further_root_of_its_hour_and_no_root_changes(world):
    make_click(world.link, at=NOON + timedelta(minutes=5))
    root_log(at=LATER, since=NOON)
    late = make_click(world.link, at=NOON + timedelta(minutes=4))

    (second,) = root_log(at=LATER + timedelta(hours=1), since=NOON)

    assert (second.hour, second.size, second.keys) == (NOON, 1, [late.pk])
    assert list(verify_log()) == []


def test_a_large_hour_has_several_roots_and_every_click_one_receipt(world, monkeypatch):
    monkeypatch.setattr(roots, "MOST_LEAVES", 4)
    clicks = [make_click(world.link, at=NOON + timedelta(minutes=minute)) for minute in range(10)]

    made = root_log(at=LATER, since=NOON)

    assert [root.size for root in made] == [4, 4, 2]
    for click in clicks:
        receipt = receipt_for_click(click)
        assert receipt is not None
        assert check(receipt.as_data()) == []
        assert json.loads(receipt.content)["click"] == click.public_id


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        ("UPDATE tracking_click SET is_counted = false, uncounted_reason = 'bot'", "a row under it was changed"),
        ("UPDATE tracking_click SET affiliate_id = gen_random_uuid()", "a row under it was changed"),
        ("DELETE FROM tracking_click", "1 of its 1 rows are gone"),
    ],
)
def test_whoever_changes_or_removes_a_click_is_found_out(world, harm, what):
    click = make_click(world.link, at=NOON + timedelta(minutes=5))
    root_log(at=LATER, since=NOON)

    with connection.cursor() as cursor:
        cursor.execute(harm)

    (difference,) = verify_log()
    assert what in str(difference)
    receipt = receipt_for_click(click)
    assert receipt is None or check(receipt.as_data()) == ["the path does not lead to the root"]


def test_a_root_cannot_be_changed_or_taken_away(world):
    make_click(world.link, at=NOON + timedelta(minutes=5))
    root_log(at=LATER, since=NOON)

    for harm in ("UPDATE tracking_logroot SET size = 0", "DELETE FROM tracking_logroot"):
        with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
            connection.cursor().execute(harm)

    assert LogRoot.objects.get().size == 1


def test_the_decisions_on_an_order_are_in_the_log_for_those_they_are_about(world):
    sale = make_sale(world, at=NOON)
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    root_log(at=hour + timedelta(hours=1, minutes=30), since=hour)

    events = decisions_on(sale.conversion.public_id, reader_id=world.affiliate.public_id)
    receipts = [receipt_for_event(event) for event in events]

    assert "conversion.attributed" in {event.name for event in events}
    assert [check(receipt.as_data()) for receipt in receipts if receipt] == [[] for _ in events]
    assert decisions_on(sale.conversion.public_id, reader_id="aff_nobody") == []


def test_the_checker_proves_a_receipt_and_refuses_a_forged_one_without_the_network(world, tmp_path):
    clicks = [make_click(world.link, at=NOON + timedelta(minutes=minute)) for minute in range(5)]
    root_log(at=LATER, since=NOON)
    receipt = receipt_for_click(clicks[2])
    assert receipt is not None
    good, forged = receipt.as_data(), receipt.as_data()
    forged["leaf"] = forged["leaf"].replace('"counted":true', '"counted":false')
    (tmp_path / "good.json").write_text(json.dumps(good))
    (tmp_path / "forged.json").write_text(json.dumps(forged))

    proven = subprocess.run([sys.executable, CHECKER, tmp_path / "good.json"], capture_output=True, text=True)
    refused = subprocess.run([sys.executable, CHECKER, tmp_path / "forged.json"], capture_output=True, text=True)

    assert (proven.returncode, proven.stdout[:6]) == (0, "PROVEN")
    assert (refused.returncode, refused.stderr[:10]) == (1, "NOT PROVEN")


def test_a_statement_signed_by_another_key_proves_nothing(world, settings):
    click = make_click(world.link, at=NOON + timedelta(minutes=5))
    root_log(at=LATER, since=NOON)
    receipt = receipt_for_click(click)
    assert receipt is not None
    data = receipt.as_data()
    data["log"]["public_key"] = "11" * 32

    assert check(data) == ["the signature is not of this key"]
    assert check({}) == ["unreadable: KeyError('log')"]
