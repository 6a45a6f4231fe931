"""Parameters on the way to the shop: filled in, never over what is there (B14)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.destinations import read_destination
from tracking.utm import UTM_NAMES, UtmRefused, compile_utm, read_utm

WHO = {"affiliate": "aff_1", "program": "tents", "link": "maya"}


def arrived(template, own=None, page="https://shop.example/p", params=None):
    destination = read_destination(page, allowed_hosts=None)
    utm = compile_utm(template, own, **WHO)
    return (utm.apply(destination, params) if utm else destination).with_click_id("clk_x")


def test_the_macros_are_filled_in_and_the_click_id_stays_last():
    template = {"utm_source": "{affiliate}", "utm_campaign": "{program}-{link}", "utm_term": "{sub1}"}

    assert arrived(template, params={"sub1": "a b&c"}) == (
        "https://shop.example/p?utm_source=aff_1&utm_campaign=tents-maya&utm_term=a%20b%26c&click_id=clk_x"
    )


def test_what_stands_in_the_address_is_never_overridden_and_an_empty_value_is_left_out():
    assert arrived({"utm_source": "x", "utm_term": "{sub1}"}, page="https://shop.example/p?utm_source=mail#top") == (
        "https://shop.example/p?utm_source=mail&click_id=clk_x#top"
    )


def test_a_link_may_replace_utm_values_and_leave_them_out_but_not_the_shops_own_mark():
    template = {"utm_source": "a", "utm_medium": "affiliate", "source": "aw"}

    assert arrived(template, {"utm_source": "maya", "utm_medium": "", "source": "mine"}) == (
        "https://shop.example/p?utm_source=maya&source=aw&click_id=clk_x"
    )


def test_too_long_an_address_stays_as_it_was():
    page = "https://shop.example/" + "a" * 1900

    assert arrived({"utm_source": "b" * 150}, page=page) == f"{page}?click_id=clk_x"


def test_only_what_a_click_says_is_asked_for_at_the_click():
    assert not compile_utm({"utm_source": "{affiliate}"}, **WHO).needs_parameters
    assert compile_utm({"utm_source": "{sub2}"}, **WHO).needs_parameters
    assert compile_utm({}, {"utm_source": ""}, **WHO) is None


@given(st.dictionaries(st.sampled_from(UTM_NAMES), st.text(min_size=1, max_size=30), max_size=6), st.text(max_size=20))
def test_the_host_never_changes_whatever_the_values_are(values, sub):
    page = arrived({name: value + "{sub1}" for name, value in values.items()}, params={"sub1": sub})

    assert page.startswith("https://shop.example/p?")
    assert page.endswith("click_id=clk_x")
    assert page.isascii()


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("x", "utm"),
        ({"click_id": "x"}, "utm.click_id"),
        ({"1st": "x"}, "utm.1st"),
        ({"utm_source": 7}, "utm.utm_source"),
        ({"utm_source": "{nobody}"}, "utm.utm_source"),
        ({"utm_source": "a\nb"}, "utm.utm_source"),
        ({"source": "aw"}, "utm.source"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_name(value, field):
    with pytest.raises(UtmRefused) as refused:
        read_utm(value, names=UTM_NAMES)

    assert refused.value.field == field
