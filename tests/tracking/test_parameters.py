"""What a link's query says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.parameters import ALIASES, LONGEST_VALUE, OURS, deep_link_of, read_parameters


def test_every_one_of_our_own_names_is_kept():
    query = "&".join(f"{name}=v{number}" for number, name in enumerate(sorted(OURS)))

    assert read_parameters(query) == {name: f"v{number}" for number, name in enumerate(sorted(OURS))}


@pytest.mark.parametrize("name", sorted(ALIASES))
def test_every_foreign_name_becomes_ours_and_keeps_its_own(name):
    assert read_parameters(f"{name}=x") == {ALIASES[name]: "x", "foreign": {name: "x"}}


def test_impacts_capitals_are_understood():
    assert read_parameters("subId2=a&sharedId=b") == {
        "sub2": "a",
        "source_id": "b",
        "foreign": {"subId2": "a", "sharedId": "b"},
    }


def test_the_first_of_two_values_is_kept_and_ours_beats_foreign():
    assert read_parameters("sub1=a&sub1=b")["sub1"] == "a"
    assert read_parameters("aff_sub=foreign&sub1=own")["sub1"] == "own"
    assert read_parameters("aff_sub=first&s1=second")["sub1"] == "first"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("x" * 256, "too_long"),
        ("%ff", "not_utf8"),
        ("%ed%a0%80", "not_utf8"),
        ("a%00", "control_character"),
        ("%7f", "control_character"),
    ],
)
def test_what_cannot_be_kept_is_named(value, problem):
    assert read_parameters(f"sub1={value}&sub2=ok") == {"sub2": "ok", "problems": [f"sub1:{problem}"]}


def test_a_value_of_just_the_longest_length_is_kept():
    assert read_parameters(f"sub1={'é' * LONGEST_VALUE}") == {"sub1": "é" * LONGEST_VALUE}


def test_a_query_without_end_is_read_to_a_limit_and_noted():
    assert read_parameters("x=1&" * 200 + "sub1=a") == {"problems": ["query:too_many_fields"]}


@given(st.text(max_size=200))
def test_no_query_breaks_the_reading_and_the_result_is_storable(query):
    params = read_parameters(query)

    assert "\\u0000" not in json.dumps(params)
    json.dumps(params, ensure_ascii=False).encode()
    assert all(len(value) <= LONGEST_VALUE for value in params.values() if isinstance(value, str))


@pytest.mark.parametrize(
    ("query", "address"),
    [
        ("sub1=a", None),
        ("url=https%3A%2F%2Fa.example%2F%3Fb%3Dc%26d", "https://a.example/?b=c&d"),
        ("url=", ""),
        ("url=%ff", "%ff"),
        ("u=12345", None),
        ("u=https%3A%2F%2Fa.example", "https://a.example"),
        ("redirect=https%3A%2F%2Fa.example&url=https%3A%2F%2Fb.example", "https://b.example"),
        ("murl=https%3A%2F%2Fa.example&mpre=https%3A%2F%2Fb.example", "https://a.example"),
    ],
)
def test_a_deep_link_is_found(query, address):
    assert deep_link_of(query) == address
