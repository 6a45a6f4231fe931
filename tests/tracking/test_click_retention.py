"""Addresses are kept as long as the operator says, then shortened, hashed or forgotten (feature C15)."""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from tests.factories.doors import ClickDatabase, click_database
from tests.tracking.test_drain_uniques import AT as CLICKED_AT
from tests.tracking.test_drain_uniques import a_click, put
from tracking.drain import Drainer, connect
from tracking.retention import FORGET, HASH, SHORTEN, forget_addresses
from tracking.spool import SpoolWriter

AFTER = CLICKED_AT + timedelta(hours=5)


@pytest.fixture(scope="module")
def shared() -> Iterator[ClickDatabase]:
    """A database for this module."""
    with click_database(settings.DATABASE_URL) as database:
        yield database


@pytest.fixture
def database(shared: ClickDatabase) -> ClickDatabase:
    """The module's database, with two old clicks and a new one."""
    shared.execute("TRUNCATE tracking_click, tracking_click_hour, tracking_click_retention")
    put(shared, a_click(0), a_click(60, None, ip="2001:db8:1:2::77"), a_click(360))
    return shared


def addresses(database: ClickDatabase) -> list[tuple[str | None, bool]]:
    """The clicks' addresses in order, and whether an anonymous key is there."""
    rows = database.execute("SELECT host(ip), anonymous_key IS NOT NULL FROM tracking_click ORDER BY id")
    return [(ip, has_key) for ip, has_key in rows]


def forget(database: ClickDatabase, afterwards: str) -> int:
    return forget_addresses(database.connection, before=AFTER, afterwards=afterwards, secret="a secret")


@pytest.mark.parametrize(
    ("afterwards", "expected"),
    [
        (SHORTEN, [("203.0.113.0", False), ("2001:db8:1::", False), ("203.0.113.7", False)]),
        (FORGET, [(None, False), (None, False), ("203.0.113.7", False)]),
    ],
)
def test_old_addresses_go_and_new_ones_stay(database, afterwards, expected):
    assert addresses(database)[1] == ("2001:db8:1:2::77", True)

    assert forget(database, afterwards) == 2

    assert addresses(database) == expected
    assert forget(database, afterwards) == 0
    assert addresses(database) == expected


def test_hashed_addresses_are_equal_where_they_were_and_hashed_once(database):
    put(database, a_click(30, 1))
    key = hashlib.sha256(b"click addresses\0a secret").digest()
    digest = hmac.digest(key, b"2026-03/203.0.113.7", "sha256").hex()
    expected = str(ipaddress.IPv6Address(int("fd" + digest[:30], 16)))

    assert forget(database, HASH) == 3
    database.execute("TRUNCATE tracking_click_retention")
    assert forget(database, HASH) == 0

    first, second, *_ = [ip for ip, _ in addresses(database)]
    assert first == second == expected


def test_a_click_that_arrives_too_late_is_shortened_at_once(database, tmp_path):
    now = datetime.now(UTC)
    minutes = (now - timedelta(days=40) - CLICKED_AT).total_seconds() / 60
    with closing(SpoolWriter.claim(tmp_path)) as writer:
        writer.append_many([a_click(minutes, None)])

    with closing(connect(database.url)) as connection:
        Drainer(keep_days=30).drain_all(connection, tmp_path)

    assert addresses(database)[-1] == ("203.0.113.0", False)


def test_partitions_beside_the_months_are_treated_too(database):
    put(database, a_click(0, ip="198.51.100.9"))
    database.execute("UPDATE tracking_click SET ip = '198.51.100.9' WHERE host(ip) = '203.0.113.7'")
    put(database, a_click(-40 * 365 * 24 * 60, ip="198.51.100.9"))

    forget(database, SHORTEN)

    assert database.execute("SELECT host(ip) FROM tracking_click_default") == [("198.51.100.0",)]
