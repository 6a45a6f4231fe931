"""Click ids carry their instant and nothing else."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.base32 import encode
from tracking.click_ids import TimedIds, click_key, clicked_at_of, new_click_id

INSTANTS = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(INSTANTS)
def test_an_id_is_a_uuid7_of_its_millisecond(at):
    key = click_key(new_click_id(at))

    assert (key.version, key.variant) == (7, uuid.RFC_4122)
    assert abs(clicked_at_of(key) - at) <= timedelta(milliseconds=1)


def test_ids_do_not_repeat_and_sort_by_time():
    make = TimedIds().new
    early = [make(1_000) for _ in range(5_000)]
    late = [make(1_001) for _ in range(5_000)]

    assert len({*early, *late}) == 10_000
    assert max(early) < min(late)


def test_seventy_four_bits_are_random():
    make = TimedIds().new
    keys = [click_key(make(1_000)).int for _ in range(2_000)]

    ever_set = ever_clear = 0
    for key in keys:
        ever_set |= key
        ever_clear |= ~key
    assert (ever_set & ever_clear & (1 << 80) - 1).bit_count() == 74


@given(st.uuids())
def test_every_outward_form_is_understood(key):
    signs = encode(key)

    for text in (f"clk_{signs}", signs, f"clk_{signs.upper()}", str(key), key.hex, f" {key} "):
        assert click_key(text) == key


@pytest.mark.parametrize(
    "text", ["", "clk_", "clk_0", "x" * 26, "clk_" + "z" * 26, "g" * 32, "clk_\x00" + "0" * 25, "0" * 27]
)
def test_any_other_text_is_refused(text):
    with pytest.raises(ValueError):
        click_key(text)


def test_a_key_of_no_age_is_refused():
    with pytest.raises(ValueError, match="out of range"):
        clicked_at_of(uuid.UUID(int=(1 << 128) - 1))
