"""What a set of rules is made of: lines, boosts, caps, bonuses and uplines. Amounts are whole minor units."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from payouts.rules.conditions import ALWAYS, Group

type Level = Literal["order", "item"]
type Deduction = Literal["tax", "shipping", "discount", "fees"]
type Measure = Literal["order.amount", "order.base", "order.quantity"]
type Count = Literal["revenue", "orders"]
type Period = Literal["day", "week", "month", "total"]

LEVELS: tuple[Level, ...] = ("order", "item")
MEASURES: tuple[Measure, ...] = ("order.amount", "order.base", "order.quantity")
COUNTS: tuple[Count, ...] = ("revenue", "orders")
DEDUCTIONS: tuple[Deduction, ...] = ("tax", "shipping", "discount", "fees")
#: What a program's terms take off the amount before anything is paid on it.
BASES: dict[str, tuple[Deduction, ...]] = {"net": (), "gross": ("tax", "shipping", "discount")}


@dataclass(frozen=True, slots=True)
class Pay:
    """What is paid: a part of the base (0.2 is 20 %), a fixed amount, both, or nothing at all."""

    percent: Decimal | None = None
    flat: int | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether it is an exclusion."""
        return self.percent is None and self.flat is None


@dataclass(frozen=True, slots=True)
class Band:
    """What is paid from a size of the order on, up to the next band."""

    start: int
    pay: Pay


@dataclass(frozen=True, slots=True)
class Bands:
    """Pay by the size of the order; the first band starts at 0."""

    by: Measure
    rows: tuple[Band, ...]

    def of(self, size: int) -> int:
        """Which band a size falls into, by its place."""
        return max((place for place, band in enumerate(self.rows) if size >= band.start), default=0)


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `minus` None takes the terms' basis; `first` and `months` limit what a subscription pays for."""

    name: str
    event: str = "sale"
    level: Level = "order"
    when: Group = ALWAYS
    pay: Pay | Bands = Pay()
    minus: tuple[Deduction, ...] | None = None
    minimum: int | None = None
    maximum: int | None = None
    first: int | None = None
    months: int | None = None

    @property
    def is_exclusion(self) -> bool:
        """Whether it pays nothing on purpose."""
        return isinstance(self.pay, Pay) and self.pay.is_nothing


@dataclass(frozen=True, slots=True)
class Days:
    """Recurring days: of the week (0 is Monday), of the month, or dates (month, day, and a year or None)."""

    weekdays: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    dates: frozenset[tuple[int | None, int, int]] = frozenset()

    def has(self, at: datetime) -> bool:
        """Whether a moment, in its own zone, lies on one of them."""
        return (
            at.weekday() in self.weekdays
            or at.day in self.month_days
            or (None, at.month, at.day) in self.dates
            or (at.year, at.month, at.day) in self.dates
        )


@dataclass(frozen=True, slots=True)
class Boost:
    """A campaign or a member day: adds to a rate, multiplies what a line pays, or adds an amount once per order."""

    name: str
    event: str = "sale"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    days: Days | None = None
    when: Group = ALWAYS
    add: Decimal | None = None
    times: Decimal | None = None
    flat: int | None = None
    stacks: bool = False


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit of commission (`commission`) or of paid orders (`orders`) in a period; past it, `beyond`."""

    name: str
    of: Literal["partner", "program"]
    per: Period
    commission: int | None = None
    orders: int | None = None
    beyond: Literal["review", "nothing"] = "review"


@dataclass(frozen=True, slots=True)
class Tier:
    """What a bonus pays from a revenue or a number of orders on."""

    start: int
    percent: Decimal | None = None
    flat: int | None = None


@dataclass(frozen=True, slots=True)
class Bonus:
    """A bonus on what a partner sold in a month, on top of what each order earned."""

    name: str
    mode: Literal["all", "marginal", "fixed"]
    by: Count
    tiers: tuple[Tier, ...]
    event: str = "sale"
    when: Group = ALWAYS
    takes_effect: Literal["retroactive", "next_day"] = "retroactive"


@dataclass(frozen=True, slots=True)
class Upline:
    """What the partner gets who invited the one that sold: level 1 is the inviter, 2 the inviter's inviter."""

    level: int
    of: Literal["commission", "sale"]
    percent: Decimal
    minimum: int | None = None
    months: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """A whole document, checked. Lines are asked in their order."""

    currency: str
    lines: tuple[Line, ...]
    boosts: tuple[Boost, ...] = ()
    caps: tuple[Cap, ...] = ()
    bonuses: tuple[Bonus, ...] = ()
    uplines: tuple[Upline, ...] = ()
