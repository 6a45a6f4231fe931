"""What an event says, and what all events of one order say together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Notice:
    """What one event of a shop says, in JSON values only.

    Notices that share one of `keys` are of the same order; `context` names what several orders
    share (a subscription, a customer), from which an order may learn its click.
    """

    event_id: str
    topic: str
    happened_at: datetime
    keys: tuple[str, ...]
    context: tuple[str, ...] = ()
    is_test: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taking:
    """Money of an order that went back: `part` of `whole` of what the customer paid, for one reason.

    `name` is the thing that grows or falls: a charge, a refund, a cancellation.
    """

    name: str
    part: int
    whole: int
    reason: str


@dataclass(frozen=True, slots=True)
class Contest:
    """A dispute over an order's payment: open, lost or won; `part` of `whole` of what was paid."""

    name: str
    status: str
    part: int
    whole: int


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order as all of its events together describe it. Amounts in minor units.

    `goods` is what the goods cost after discounts, without tax and shipping. `refs` are the numbers
    the order may be known by, the best one first.
    """

    refs: tuple[str, ...]
    currency: str
    goods: int
    tax: int
    shipping: int
    discount: int
    occurred_at: datetime
    click: str = ""
    coupon: str = ""
    customer: str = ""
    email: str = ""
    #: What may be known of the address: tracking.pseudonyms.Signs as text.
    email_signs: str = ""
    customer_status: str = ""
    country: str = ""
    items: tuple[Mapping[str, Any], ...] = ()
    subscription: str = ""
    is_renewal: bool = False
    is_test: bool = False
    takings: tuple[Taking, ...] = ()
    contests: tuple[Contest, ...] = ()


def latest(notices: Iterable[Notice], *, rank: Mapping[str, int] | None = None) -> Notice | None:
    """The newest of some notices: by its time, then its topic's rank, then its id, so that there is always one answer."""
    rank = rank or {}
    return max(notices, key=lambda one: (one.happened_at, rank.get(one.topic, 0), one.event_id), default=None)


def first_text(notices: Iterable[Notice], name: str) -> str:
    """The first text that any of the notices has under a name, in the order of their times."""
    ordered = sorted(notices, key=lambda one: (one.happened_at, one.event_id))
    return next((str(one.facts[name]) for one in ordered if one.facts.get(name)), "")
