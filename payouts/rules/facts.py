"""What the rules may know of an order, its customer, its partner and its click: plain values, read beforehand.

Amounts are whole minor units of `Facts.currency`. A text that is not known is empty, a number None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Item:
    """One position of an order. `amount_minor` is for all of its `quantity`; `key` tells it from the others."""

    key: str
    amount_minor: int
    sku: str = ""
    category: str = ""
    quantity: int = 1
    refunded_minor: int = 0

    @property
    def is_gone(self) -> bool:
        """Whether all of it was given back."""
        return 0 < self.amount_minor <= self.refunded_minor

    @property
    def kept_minor(self) -> int:
        """What is left of its amount."""
        return max(self.amount_minor - max(self.refunded_minor, 0), 0)


@dataclass(frozen=True, slots=True)
class Customer:
    """Who bought. `status` is new, returning or lapsed; empty when the shop did not say."""

    status: str = ""
    country: str = ""
    orders_before: int | None = None


@dataclass(frozen=True, slots=True)
class Partner:
    """Whom the order belongs to, as of the order. `rate_cut` is the part taken away as a penalty (0.25 is a quarter)."""

    id: str = ""
    tier: str = ""
    segments: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    country: str = ""
    joined_days: int | None = None
    rate_cut: Decimal = Decimal(0)
    rate_cut_reason: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """The link that led there. `subs` are sub1 to sub10 in their order."""

    code: str = ""
    host: str = ""
    subs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Click:
    """The click that led there."""

    country: str = ""
    device: str = ""
    os: str = ""
    referrer_host: str = ""


@dataclass(frozen=True, slots=True)
class Inviter:
    """A partner up the chain of invitations, the nearest first. `months` since the one below joined through it."""

    partner: str
    months: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """An order with everything its price may depend on. `at` is aware, in the program's time zone.

    `charge` is the number of a subscription's payment (1 is the first), `month` the whole months since the
    customer's first order (0 in the first month). Refunds are those so far: in all, and by item where known.
    """

    event: str
    currency: str
    amount_minor: int
    at: datetime
    tax_minor: int = 0
    shipping_minor: int = 0
    discount_minor: int = 0
    fees_minor: int = 0
    refunded_minor: int = 0
    items: tuple[Item, ...] = ()
    coupon: str = ""
    country: str = ""
    metadata: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    is_renewal: bool = False
    charge: int | None = None
    month: int | None = None
    customer: Customer = Customer()
    partner: Partner = Partner()
    link: Link = Link()
    click: Click = Click()
    role: str = "winner"
    inviters: tuple[Inviter, ...] = ()

    @property
    def quantity(self) -> int:
        """How many pieces; an order without positions is one piece."""
        return sum(item.quantity for item in self.items) if self.items else 1
