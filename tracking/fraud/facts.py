"""What the rules are told: plain values, no database. Times are seconds, amounts minor units of one currency."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class OrderFact:
    """One order that a partner was credited with, and what is known of how it came."""

    id: str
    at: datetime
    commission: int = 0
    #: Click to order; None without a click.
    seconds: float | None = None
    #: How long before the winning click another partner's click of the same visitor was.
    other_click_before: float | None = None
    is_coupon: bool = False
    #: The code won without a click of its owner, though another partner's click was less than a day old, or before
    #: the code began.
    is_leaked: bool = False
    refunded_days: float | None = None
    click_country: str = ""
    country: str = ""
    #: Where its click came from: the /24 or /48, and as near as a household: the address or the /64.
    network: str = ""
    home: str = ""
    clicked_at: datetime | None = None
    visitor: str = ""
    #: Pseudonyms: of the customer's address, of its plain spelling, of its own domain; and ordinary, disposable, random.
    customer: str = ""
    customer_alike: str = ""
    customer_domain: str = ""
    address_kind: str = ""
    #: Its commission was approved and nothing of it was taken back or confirmed as fraud.
    is_settled: bool = False

    @property
    def hour(self) -> int:
        """The hour of the clock it fell in, counted from 1970."""
        return int(self.at.timestamp() // 3600)


@dataclass(frozen=True, slots=True)
class Networks:
    """Over how many networks (/24, /48) a partner's counted clicks are spread; `first` are the five largest."""

    clicks: int = 0
    distinct: int = 0
    largest: int = 0
    first_five: int = 0
    bits: float = 0.0
    first: frozenset[str] = frozenset()


@dataclass(slots=True)
class PartnerFacts:
    """One partner in one program over the window."""

    place: str
    affiliate: str
    orders: list[OrderFact] = field(default_factory=list)
    approved_at: datetime | None = None
    #: Followed links: all, those that count, those of programs, those loaded inside other pages, those of advertisements.
    clicks: int = 0
    counted: int = 0
    invalid: int = 0
    embedded: int = 0
    paid: int = 0
    #: Counted clicks whose country and whose browser's language are known, and those where they differ.
    spoken: int = 0
    foreign: int = 0
    networks: Networks = field(default_factory=Networks)
    #: Gaps between counted clicks: how many, mean, standard deviation, mean of the natural logarithm.
    gaps: int = 0
    gap_mean: float = 0.0
    gap_deviation: float = 0.0
    gap_log: float = 0.0
    #: Counted clicks by hour, in the six-hour spans in which it had orders.
    hours: dict[int, int] = field(default_factory=dict)
    #: Postbacks in its name with a wrong signature, and orders older than the click they name.
    forged: int = 0
    older_than_click: int = 0
    #: Who its people are: pseudonyms of addresses, of their plain spellings, of their own domains; their sign-ins'
    #: browsers and networks; the digests of its payout accounts.
    people: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    alikes: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    homes: tuple[tuple[str, datetime], ...] = ()
    fingerprints: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one partner: a test that was made, or a fact.

    `p` is None for a fact and for a test that could not be made for want of events (then `numbers` has `few`).
    `subjects` are ids of the orders it is about.
    """

    rule: str
    p: float | None
    numbers: Mapping[str, Any]
    at_risk: int = 0
    subjects: tuple[str, ...] = ()

    @property
    def is_few(self) -> bool:
        """Whether there was too little to test."""
        return "few" in self.numbers
