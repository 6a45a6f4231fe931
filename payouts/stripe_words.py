"""What Stripe says, as plain values: transfers, funds, events, the two ways to fail, and amounts.

Nothing here knows the client; `payouts/stripe.py` turns its answers into these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ledger.currencies import digits
from ledger.errors import Refusal
from ledger.money import Money

#: Digits of Stripe's amounts where they are not two (docs.stripe.com/currencies). ISK and UGX
#: count two there although ISO 4217 gives them none.
STRIPE_DIGITS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "JPY": 0, "KMF": 0, "KRW": 0, "MGA": 0, "PYG": 0, "RWF": 0,
    "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip


class Unavailable(Exception):
    """No usable answer. `is_unsure`: the request may have been carried out all the same.

    `is_busy`: Stripe asked to come back later (429, or 409 while the key's first request runs).
    `status` is the HTTP status, None when no answer came.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int | None = None,
        is_unsure: bool = True,
        is_busy: bool = False,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.status = status
        self.is_unsure = is_unsure
        self.is_busy = is_busy


class Rejected(Exception):
    """A definitive no: nothing was carried out, and trying again changes nothing by itself."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message


class WebhookRefused(Refusal):
    """A webhook that is not Stripe's, not for us, or not of now."""

    code = "webhook_refused"


@dataclass(frozen=True, slots=True)
class StripeTransfer:
    """A transfer as Stripe's books hold it."""

    id: str
    amount: Money
    reversed_amount: Money
    destination: str
    group: str
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reversal:
    """Money taken back from a transfer."""

    id: str
    transfer: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Funds:
    """What the network's own Stripe balance holds in one currency."""

    available: Money
    pending: Money


@dataclass(frozen=True, slots=True)
class Event:
    """News from Stripe. It only says what to read again; `payload` is the JSON as it came."""

    id: str
    type: str
    created_at: datetime
    account: str
    object_id: str
    is_livemode: bool
    is_thin: bool
    payload: Mapping[str, Any]


def to_stripe(amount: Money) -> int:
    """The amount in Stripe's smallest unit. Raises Rejected for what Stripe cannot carry exactly."""
    places = STRIPE_DIGITS.get(amount.currency, 2)
    theirs: int = 10**places
    ours: int = 10 ** digits(amount.currency)
    minor, rest = divmod(amount.minor * theirs, ours)
    if rest or (places == 3 and minor % 10):
        raise Rejected("amount_unsupported", f"Stripe cannot carry {amount} exactly.")
    return minor


def from_stripe(minor: int, currency: str) -> Money:
    """An amount of Stripe's as ours. Raises ValueError for what the ledger cannot write exactly."""
    code = currency.upper()
    ours: int = 10 ** digits(code)
    theirs: int = 10 ** STRIPE_DIGITS.get(code, 2)
    whole, rest = divmod(minor * ours, theirs)
    if rest:
        raise ValueError(f"{minor} {code} at Stripe is no whole number of minor units")
    return Money(whole, code)
