"""What the rules are told: plain values, no database. Times are seconds, amounts minor units of one currency."""

from collections import Counter
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
    #: The code won although another partner's click was less than a day old, or before the code began.
    is_leaked: bool = False
    refunded_days: float | None = None
    click_country: str = ""
    country: str = ""
    prefix: str = ""
    customer_key: str = ""
    customer_email: str = ""


@dataclass(slots=True)
class PartnerFacts:
    """One partner in one program over the window."""

    place: str
    affiliate: str
    orders: list[OrderFact] = field(default_factory=list)
    clicks: int = 0
    counted: int = 0
    invalid: int = 0
    embedded: int = 0
    paid: int = 0
    prefixes: Counter[str] = field(default_factory=Counter)
    #: Mean and standard deviation of the gaps between counted clicks, and how many gaps.
    gap_mean: float = 0.0
    gap_deviation: float = 0.0
    gaps: int = 0
    forged: int = 0
    older_than_click: int = 0
    #: Pseudonyms of its people's addresses, the digest of its payout account, where its people are.
    email_keys: frozenset[str] = frozenset()
    fingerprints: frozenset[str] = frozenset()
    home_prefixes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found of one partner. `p` is None for a fact; `subjects` are ids of orders."""

    rule: str
    p: float | None
    numbers: Mapping[str, Any]
    at_risk: int = 0
    subjects: tuple[str, ...] = ()
