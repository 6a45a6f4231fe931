"""Keys in Crockford's base32."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.base32 import ALPHABET, decode, encode


@given(st.uuids())
def test_every_key_comes_back(key):
    text = encode(key)

    assert len(text) == 26
    assert set(text) <= set(ALPHABET)
    assert decode(text) == decode(text.upper()) == key


@given(st.uuids(), st.uuids())
def test_texts_sort_as_keys_do(one, other):
    assert (encode(one) < encode(other)) == (one < other)


def test_what_a_person_misreads_is_put_right():
    assert decode("OoIiLl" + "0" * 20) == decode("001111" + "0" * 20)


def test_known_values():
    assert encode(uuid.UUID(int=0)) == "0" * 26
    assert encode(uuid.UUID(int=2**128 - 1)) == "7" + "z" * 25
    assert decode("01ARZ3NDEKTSV4RRFFQ69G5FAV") == uuid.UUID("01563e3a-b5d3-d676-4c61-efb99302bd5b")


@pytest.mark.parametrize(
    "text", ["", "0" * 25, "0" * 27, "8" + "0" * 25, "u" * 26, "_" * 26, "１" * 26, "-" * 26, " " * 26]
)
def test_any_other_text_is_refused(text):
    with pytest.raises(ValueError):
        decode(text)
