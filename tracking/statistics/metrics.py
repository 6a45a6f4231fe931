"""Every figure of a report: its formula, its click class, and how it is worked out.

Pure. A figure whose denominator is zero, or whose parts cannot be known for the question asked, is None.
Figures of money are of one currency; currencies are never summed together. The formulas are those that
networks use (EPC, CR, AOV, CTR as in Everflow, CJ and RedTrack; approval rate as in Awin), each with its
numerator and denominator said in words. docs/statistics.md lists them; a test compares.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.currencies import digits
from ledger.money import Money

type Text = str | Promise

#: Digits that a figure per click has beyond its currency's own: $0.0342.
_FINER = 2


class Unit(StrEnum):
    """What kind of thing a figure is."""

    NUMBER = "number"
    RATE = "rate"
    MONEY = "money"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Average:
    """Money by something, in major units; finer than the currency's own digits where it is per click."""

    value: Decimal
    currency: str

    @property
    def minor(self) -> int:
        """Whole minor units, rounded half up."""
        return int(self.value.scaleb(digits(self.currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))

    def to_decimal(self) -> Decimal:
        """In major units."""
        return self.value


type Value = int | Decimal | Money | Average | None


@dataclass(frozen=True, slots=True)
class Takings:
    """What orders brought in one currency, in its minor units."""

    orders: int = 0
    sales: int = 0
    refunds: int = 0
    commission: int = 0

    def __add__(self, other: "Takings") -> "Takings":
        return Takings(
            self.orders + other.orders,
            self.sales + other.sales,
            self.refunds + other.refunds,
            self.commission + other.commission,
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums behind all figures of one group.

    The four click sums are None where the question is about something that no click has (an item, a
    coupon). The seconds are of the orders with a click: their median and 90th percentile.
    """

    gross_clicks: int | None = 0
    clicks: int | None = 0
    unique_clicks: int | None = 0
    views: int | None = 0
    orders: int = 0
    new_customers: int = 0
    approved: int = 0
    reversed: int = 0
    median_seconds: Decimal | None = None
    late_seconds: Decimal | None = None
    takings: dict[str, Takings] = field(default_factory=dict)

    def without_clicks(self) -> "Figures":
        """The same, where clicks cannot be known."""
        return replace(self, gross_clicks=None, clicks=None, unique_clicks=None, views=None)

    def of(self, currency: str) -> Takings:
        """What came in a currency."""
        return self.takings.get(currency, Takings())


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: what it is called, its formula in words, and how to work it out.

    `clicks` is the class of click it stands on ("counted", "all", "unique", "" for none);
    `better` says which way is good, "" for neither.
    """

    key: str
    label: Text
    unit: Unit
    formula: Text
    work_out: Callable[[Figures, str], Value]
    numerator: str = ""
    denominator: str = ""
    clicks: str = ""
    better: str = "up"

    @property
    def is_money(self) -> bool:
        """Whether it has a currency."""
        return self.unit == Unit.MONEY

    def of(self, figures: Figures, currency: str = "") -> Value:
        """The figure; None where it has no meaning."""
        return self.work_out(figures, currency)


def share(part: int | None, whole: int | None) -> Decimal | None:
    """part ÷ whole, to six digits; None without a whole."""
    if part is None or not whole:
        return None
    return (Decimal(part) / Decimal(whole)).quantize(Decimal("0.000001"), rounding=ROUND_HALF_UP)


def per(amount_minor: int, number: int | None, currency: str, *, finer: bool) -> Average | None:
    """Money ÷ number in major units; None when there is nothing to divide by."""
    if not number:
        return None
    places = digits(currency)
    exact = Decimal(amount_minor).scaleb(-places) / Decimal(number)
    step = Decimal(1).scaleb(-places - (_FINER if finer else 0))
    return Average(exact.quantize(step, rounding=ROUND_HALF_UP), currency)


def _less(whole: int | None, part: int | None) -> int | None:
    return None if whole is None or part is None else whole - part


_ALL = (
    Metric("clicks", _("Clicks"), Unit.NUMBER,
           _("Followed links that count: without bots, prefetches and what the program does not count."),
           lambda f, _c: f.clicks, "counted clicks", clicks="counted"),
    Metric("gross_clicks", _("Gross clicks"), Unit.NUMBER, _("All followed links, whether they count or not."),
           lambda f, _c: f.gross_clicks, "all clicks", clicks="all"),
    Metric("unique_clicks", _("Unique clicks"), Unit.NUMBER,
           _("Counted clicks that are their visitor's first within the program's window (24 hours unless changed)."),
           lambda f, _c: f.unique_clicks, "unique clicks", clicks="unique"),
    Metric("invalid_clicks", _("Invalid clicks"), Unit.NUMBER, _("Gross clicks less counted clicks."),
           lambda f, _c: _less(f.gross_clicks, f.clicks), "all clicks − counted clicks", clicks="all", better="down"),
    Metric("views", _("Views"), Unit.NUMBER, _("Counted impressions of advertisements."),
           lambda f, _c: f.views, "counted views"),
    Metric("ctr", _("CTR"), Unit.RATE, _("Click-through rate: counted clicks ÷ views."),
           lambda f, _c: share(f.clicks, f.views), "counted clicks", "counted views", "counted"),
    Metric("conversions", _("Conversions"), Unit.NUMBER,
           _("Orders that were accepted and credited, at the time they happened. Test orders never count."),
           lambda f, _c: f.orders, "credited orders"),
    Metric("new_customers", _("New customers"), Unit.NUMBER, _("Conversions whose shop says the customer is new."),
           lambda f, _c: f.new_customers, "credited orders of new customers"),
    Metric("sales", _("Gross sales"), Unit.MONEY, _("The orders' amounts as reported, before refunds."),
           lambda f, c: Money(f.of(c).sales, c), "amounts as reported"),
    Metric("refunds", _("Refunds"), Unit.MONEY, _("What was given back of these orders so far, whenever that was."),
           lambda f, c: Money(f.of(c).refunds, c), "refunds of these orders", better="down"),
    Metric("revenue", _("Revenue"), Unit.MONEY, _("Gross sales less refunds."),
           lambda f, c: Money(f.of(c).sales - f.of(c).refunds, c), "gross sales − refunds"),
    Metric("commission", _("Commission"), Unit.MONEY, _("What is left of these orders' commissions after reversals."),
           lambda f, c: Money(f.of(c).commission, c), "commission − reversals"),
    Metric("cr", _("CR"), Unit.RATE, _("Conversion rate: conversions ÷ counted clicks."),
           lambda f, _c: share(f.orders, f.clicks), "conversions", "counted clicks", "counted"),
    Metric("unique_cr", _("Unique CR"), Unit.RATE, _("Conversions ÷ unique clicks."),
           lambda f, _c: share(f.orders, f.unique_clicks), "conversions", "unique clicks", "unique"),
    Metric("epc", _("EPC"), Unit.MONEY, _("Earnings per click: commission ÷ counted clicks (not × 100)."),
           lambda f, c: per(f.of(c).commission, f.clicks, c, finer=True), "commission", "counted clicks", "counted"),
    Metric("rpc", _("RPC"), Unit.MONEY, _("Revenue per click: revenue ÷ counted clicks."),
           lambda f, c: per(f.of(c).sales - f.of(c).refunds, f.clicks, c, finer=True),
           "revenue", "counted clicks", "counted"),
    Metric("aov", _("AOV"), Unit.MONEY, _("Average order value: gross sales ÷ conversions of the currency."),
           lambda f, c: per(f.of(c).sales, f.of(c).orders, c, finer=False), "gross sales", "conversions"),
    Metric("cost_share", _("Cost share"), Unit.RATE, _("Commission ÷ revenue, in one currency."),
           lambda f, c: share(f.of(c).commission, f.of(c).sales - f.of(c).refunds), "commission", "revenue",
           better="down"),
    Metric("reversal_rate", _("Reversal rate"), Unit.RATE,
           _("Of the conversions of this period, those that were wholly taken back since: reversed ÷ conversions."),
           lambda f, _c: share(f.reversed, f.orders), "reversed conversions of the cohort", "conversions",
           better="down"),
    Metric("refund_rate", _("Refund rate"), Unit.RATE, _("Refunds ÷ gross sales of the same orders, in one currency."),
           lambda f, c: share(f.of(c).refunds, f.of(c).sales), "refunds of these orders", "gross sales",
           better="down"),
    Metric("approval_rate", _("Approval rate"), Unit.RATE,
           _("Approved ÷ (approved + reversed) conversions. What still waits is in neither."),
           lambda f, _c: share(f.approved, f.approved + f.reversed),
           "approved conversions", "approved + reversed conversions"),
    Metric("time_to_convert", _("Time to convert"), Unit.SECONDS,
           _("Median of the time from the click that won to the order."),
           lambda f, _c: f.median_seconds, "order time − click time", better=""),
    Metric("time_to_convert_p90", _("Time to convert, 90 %"), Unit.SECONDS,
           _("Nine of ten conversions come within this time of the click that won."),
           lambda f, _c: f.late_seconds, "order time − click time", better=""),
)  # fmt: skip

METRICS: dict[str, Metric] = {metric.key: metric for metric in _ALL}

#: Rates of money, which need a currency though they have none themselves.
OF_ONE_CURRENCY = frozenset({"cost_share", "refund_rate"})
