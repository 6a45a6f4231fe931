"""Currencies: ISO 4217 digits, Stripe's payout special cases, and the house's own assets."""

from functools import cache

from babel.core import get_global
from babel.numbers import get_currency_precision

from ledger.errors import CurrencyUnknown

#: Assets the house issues itself, with their digits. PTS is no ISO 4217 code.
HOUSE_ASSETS = {"PTS": 0}

#: Stripe pays these out in whole major units only, although ISO 4217 gives them digits.
#: Source: docs.stripe.com/currencies#special-cases.
STRIPE_WHOLE_UNIT_PAYOUTS = frozenset({"HUF", "ISK", "TWD", "UGX"})

#: ISO 4217 digits where CLDR (which serves display) says otherwise.
_ISO_DIGITS = {
    "HUF": 2,
    "ISK": 0,
    "TWD": 2,
    "UGX": 0,
    "COP": 2,
    "IDR": 2,
    "LAK": 2,
    "MMK": 2,
    "IQD": 3,
    "IRR": 2,
    "RSD": 2,
    "PKR": 2,
}

#: Codes of funds, metals and tests that no merchant sells in.
_NOT_MONEY = frozenset({"XAU", "XAG", "XPD", "XPT", "XTS", "XXX", "XDR", "XBA", "XBB", "XBC", "XBD", "XSU", "XUA"})


@cache
def _issued() -> frozenset[str]:
    """Every code that some territory uses today, from CLDR."""
    today: set[str] = set()
    for uses in get_global("territory_currencies").values():
        today.update(code for code, _start, end, tender in uses if end is None and tender)
    return frozenset(today - _NOT_MONEY)


def is_known(currency: str) -> bool:
    """Whether `currency` is an ISO 4217 code in use, or an asset of the house."""
    return currency in HOUSE_ASSETS or currency in _issued()


@cache
def digits(currency: str) -> int:
    """How many decimal digits the currency's minor unit has: USD 2, JPY 0, KWD 3, PTS 0.

    Raises CurrencyUnknown.
    """
    if currency in HOUSE_ASSETS:
        return HOUSE_ASSETS[currency]
    if not is_known(currency):
        raise CurrencyUnknown(
            f"{currency!r} is not a currency. Send an ISO 4217 code such as USD or EUR.", field="currency"
        )
    return _ISO_DIGITS.get(currency, get_currency_precision(currency))
