"""Public ids: a round trip, in the order of time, and nothing else is accepted."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.ids import new_uuid7, public_id_of, time_of_uuid7, uuid_from_public_id

KEYS = st.uuids()


@given(KEYS)
def test_a_public_id_leads_back_to_its_key(key):
    assert uuid_from_public_id(public_id_of("comm", key), "comm") == key


@given(KEYS, KEYS)
def test_public_ids_sort_as_their_keys_do(one, other):
    assert (one < other) == (public_id_of("x", one) < public_id_of("x", other))


@given(st.text(max_size=40))
def test_other_text_is_no_public_id(text):
    try:
        key = uuid_from_public_id(text, "comm")
    except ValueError:
        return
    assert isinstance(key, UUID)
    assert text.startswith("comm_")


def test_look_alikes_are_read_as_meant():
    key = UUID(int=1)

    assert uuid_from_public_id(public_id_of("a", key).replace("1", "l").replace("0", "O"), "a") == key


def test_a_key_carries_its_time_and_74_random_bits():
    at = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    keys = {new_uuid7(at) for _ in range(1000)}

    assert len(keys) == 1000
    assert {time_of_uuid7(key) for key in keys} == {at}
    assert {key.version for key in keys} == {7}


def test_another_kind_of_id_is_refused():
    with pytest.raises(ValueError, match="no comm_"):
        uuid_from_public_id(public_id_of("pay", UUID(int=5)), "comm")
