"""Money: whole minor units, exact rates, nothing lost (fault 13; goal 6)."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.currencies import digits
from ledger.errors import CurrencyMismatch, CurrencyUnknown, MoneyUnreadable
from ledger.money import Money

MINOR = st.integers(min_value=-(10**15), max_value=10**15)
RATES = st.decimals(min_value=0, max_value=1, places=6)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("80.00", "EUR", 8000),
        ("80", "EUR", 8000),
        ("1234", "JPY", 1234),
        ("1.234", "KWD", 1234),
        ("0.01", "USD", 1),
        ("5", "PTS", 5),
    ],
)
def test_text_is_read_with_the_currencys_own_digits(text, currency, minor):
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    [
        "62.005",
        "1e3",
        "NaN",
        "Infinity",
        "-1",
        "+1",
        "",
        " 1",
        "1,00",
        "1.",
        ".5",
        "0x10",
        "٣",
        "1_000",
        "9" * 17,
        "1" * 400,
    ],
)
def test_anything_else_is_refused_and_the_field_is_named(text):
    with pytest.raises(MoneyUnreadable) as caught:
        Money.parse(text, "USD", field="tax")

    assert caught.value.field == "tax"


@pytest.mark.parametrize("value", [62.0, 62, None, True, ["1"], {"a": 1}])
def test_numbers_that_are_no_text_are_refused(value):
    with pytest.raises(MoneyUnreadable):
        Money.parse(value, "USD")


@pytest.mark.parametrize("currency", ["usd", "US", "XXX", "XAU", "ABC", "", "USDT"])
def test_a_currency_nobody_issues_is_refused(currency):
    with pytest.raises(CurrencyUnknown):
        Money.parse("1", currency)


@pytest.mark.parametrize(
    ("currency", "places"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("HUF", 2), ("ISK", 0), ("PTS", 0)]
)
def test_digits_are_iso_4217s(currency, places):
    assert digits(currency) == places


def test_two_currencies_never_meet():
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") + Money(1, "EUR")


@given(MINOR, RATES)
def test_a_share_is_the_exact_product_rounded_half_up_once(minor, rate):
    exact = (Decimal(minor) * rate).quantize(Decimal(1), rounding=ROUND_HALF_UP)

    assert Money(minor, "USD").share(rate) == Money(int(exact), "USD")


@given(MINOR, st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_a_split_loses_nothing_and_is_fair_to_a_unit(minor, weights):
    parts = Money(minor, "USD").split(weights)

    assert sum(part.minor for part in parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        exact = Decimal(minor) * weight / sum(weights)
        assert abs(part.minor - exact) < 1


@given(MINOR, st.sampled_from(["USD", "JPY", "KWD", "HUF"]))
def test_what_is_written_is_read_back(minor, currency):
    amount = Money(minor, currency)

    assert Money.parse(amount.major, currency, negative=True) == amount


@given(st.integers(0, 10**12))
def test_forints_are_paid_in_whole_units_and_the_rest_stays(minor):
    paid, rest = Money(minor, "HUF").whole_units()

    assert paid + rest == Money(minor, "HUF")
    assert paid.minor % 100 == 0
    assert 0 <= rest.minor < 100
