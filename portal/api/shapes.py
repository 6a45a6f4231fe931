"""The shapes of what goes in and out, for the API's document. Bodies are read by portal/intake, not by these."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

AMOUNT = r"^[0-9]{1,16}(\.[0-9]{1,6})?$"

Verdict = Literal["accepted", "duplicate", "unattributed", "held", "rejected"]


class Lenient(Schema):
    """Something sent to us: unknown fields are ignored and named in the answer."""

    model_config = ConfigDict(extra="allow")


class CustomerIn(Lenient):
    """Who bought. The address is never kept, only a pseudonym of it."""

    id: str | None = Field(None, max_length=128, examples=["c-77"])
    email: str | None = Field(None, max_length=320, examples=["kim@example.com"])
    status: Literal["new", "returning", "lapsed"] | None = None
    country: str | None = Field(None, pattern="^[A-Za-z]{2}$", examples=["US"])


class ItemIn(Lenient):
    """One line of the order."""

    sku: str | None = Field(None, max_length=128, examples=["PRO-1"])
    category: str | None = Field(None, max_length=128, examples=["plans"])
    quantity: int | None = Field(None, ge=1, le=1_000_000)
    amount: str | None = Field(None, pattern=AMOUNT, examples=["62.00"])


class OrderIn(Lenient):
    """An order. Amounts are decimal text in major units with the currency's own digits."""

    order_id: str = Field(min_length=1, max_length=128, examples=["1042"])
    event: str | None = Field(None, max_length=40, examples=["sale"], description="sale when left out")
    amount: str = Field(
        pattern=AMOUNT, examples=["62.00"], description="the commissionable net, unless the terms say gross"
    )
    currency: str = Field(pattern="^[A-Za-z]{3}$", examples=["USD"])
    click_id: str | None = Field(None, max_length=255, description="from the visitor's first page, unchanged")
    coupon: str | None = Field(None, max_length=64, examples=["MAYA10"])
    customer: CustomerIn | None = None
    tax: str | None = Field(None, pattern=AMOUNT, examples=["5.00"])
    shipping: str | None = Field(None, pattern=AMOUNT, examples=["7.00"])
    discount: str | None = Field(None, pattern=AMOUNT, examples=["0.00"])
    items: list[ItemIn] | None = Field(None, max_length=200)
    occurred_at: datetime | None = Field(None, examples=["2026-11-03T14:02:00Z"])
    test: bool | None = Field(None, description="a test order books nothing; always true with a test key")
    metadata: dict[str, str | int | bool | None] | None = None


class OrdersIn(Lenient):
    """Up to 1,000 orders; a bare list of them is taken too."""

    conversions: list[OrderIn] = Field(max_length=1_000)


class AmendmentIn(Lenient):
    """What of an order changes; what is left out stays."""

    amount: str | None = Field(None, pattern=AMOUNT, examples=["80.00"])
    currency: str | None = Field(None, pattern="^[A-Za-z]{3}$", description="the order's own; it cannot change")
    click_id: str | None = Field(None, max_length=255, description="while the order is nobody's")
    coupon: str | None = Field(None, max_length=64, description="while the order is nobody's")
    customer: CustomerIn | None = None
    tax: str | None = Field(None, pattern=AMOUNT)
    shipping: str | None = Field(None, pattern=AMOUNT)
    discount: str | None = Field(None, pattern=AMOUNT)
    items: list[ItemIn] | None = Field(None, max_length=200)
    metadata: dict[str, str | int | bool | None] | None = None
    reference: str | None = Field(None, max_length=128, examples=["am-1"], description="your own number of the change")


class RefundedItemIn(Lenient):
    """Pieces of one of the order's items."""

    sku: str = Field(min_length=1, max_length=128)
    quantity: int | None = Field(None, ge=1, le=1_000_000, description="1 when left out")


class RefundIn(Lenient):
    """Money of an order given back; without an amount, all that is left."""

    amount: str | None = Field(None, pattern=AMOUNT, examples=["20.00"])
    currency: str | None = Field(None, pattern="^[A-Za-z]{3}$")
    items: list[RefundedItemIn] | None = Field(
        None, max_length=200, description="instead of an amount: the items that came back"
    )
    reason: Literal[
        "item_returned", "cancelled", "out_of_stock", "payment_failed", "chargeback", "duplicate", "fraud",
        "terms_breach", "other",
    ] | None = None  # fmt: skip
    reference: str | None = Field(
        None, max_length=128, examples=["rf-1"], description="your own number; the Idempotency-Key when left out"
    )


class LinkDraftIn(Lenient):
    """What a link is made of; sub-ids stand in the address it is shared as."""

    destination: str | None = Field(None, max_length=2000, description="the program's landing page when left out")
    label: str | None = Field(None, max_length=120)
    code: str | None = Field(None, max_length=40, description="3 to 40 letters, digits, - or _")
    sub1: str | None = Field(None, max_length=255)
    sub2: str | None = Field(None, max_length=255)
    sub3: str | None = Field(None, max_length=255)
    sub4: str | None = Field(None, max_length=255)
    sub5: str | None = Field(None, max_length=255)
    sub6: str | None = Field(None, max_length=255)
    sub7: str | None = Field(None, max_length=255)
    sub8: str | None = Field(None, max_length=255)
    sub9: str | None = Field(None, max_length=255)
    sub10: str | None = Field(None, max_length=255)
    source_id: str | None = Field(None, max_length=255)
    affiliate_click_id: str | None = Field(None, max_length=255)
    utm: dict[str, str] | None = Field(
        None, description="utm_source … utm_id instead of the program's; an empty text leaves one out"
    )


class LinkChangeIn(LinkDraftIn):
    """What is to change about a link; a new code leaves the old one working."""

    aliases: list[str] | None = Field(None, max_length=20, description="other codes that lead here, for ever")
    routing: list[dict[str, Any]] | None = Field(None, max_length=50, description="rules, the first that fits decides")


class LinkIn(LinkChangeIn):
    """A tracking link to be made. A merchant's key names the affiliate; a partner's key may leave it out."""

    program: str | None = Field(None, description="the program's id or slug; may be left out where there is only one")
    affiliate: str | None = None


class LinksIn(Lenient):
    """Links to be made in one place."""

    program: str | None = Field(None, description="the program's id or slug; may be left out where there is only one")
    affiliate: str | None = None
    links: list[LinkDraftIn] = Field(max_length=200)


class Problem(Schema):
    """A refusal (RFC 9457): `field` names what to mend, `detail` says how."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    field: str | None
    detail: str


class AttributionOut(Schema):
    """Whose the order is, and by which click."""

    model: str
    affiliate: str
    click: str | None
    program: str


class CommissionOfOrder(Schema):
    """What the order earned one affiliate."""

    id: str
    affiliate: str
    amount: str
    reversed: str
    currency: str
    status: str
    due_at: datetime


class WouldEarn(Schema):
    """What a test order would have earned."""

    affiliate: str
    amount: str
    currency: str


class ConversionOut(Schema):
    """What became of an order."""

    id: str
    verdict: Verdict
    reason: str | None
    test: bool
    attribution: AttributionOut | None
    commissions: list[CommissionOfOrder]
    would_earn: WouldEarn | None
    explain_url: str
    recorded_verdict: str
    field: str | None
    detail: str | None
    ignored: list[str]


class ConversionDetail(ConversionOut):
    """An order as it stands."""

    order_id: str
    event: str
    amount: str
    refunded: str
    currency: str
    tax: str
    shipping: str
    discount: str
    coupon: str
    customer: dict[str, str]
    items: list[dict[str, Any]]
    metadata: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime


class BatchOut(Schema):
    """One verdict each, in the order they were sent; `summary` counts them."""

    data: list[dict[str, Any]]
    summary: dict[str, int]


class ApartIn(Schema):
    """A refund that was taken for another's repetition and is one of its own."""

    refund: str = Field(max_length=60, examples=["rfnd_06f3…"])


class RefundOut(Schema):
    """A refund, and what it left."""

    id: str
    conversion: str
    reference: str
    amount: str
    currency: str
    reason: str
    refunded: str
    left: str
    verdict: Literal["accepted", "duplicate"]
    #: The refund that another way had told of before and that counts in place of this one.
    told_twice: str | None = None
    commissions: list[CommissionOfOrder]
    ignored: list[str]


class OrderForPartner(Schema):
    """What of an order a partner reads that has a part of it."""

    id: str
    event: str
    amount: str
    refunded: str
    currency: str
    occurred_at: datetime
    commissions: list[CommissionOfOrder]


class ExplainOut(Schema):
    """The whole decision as data; a partner reads its own part of it."""

    conversion: ConversionDetail | OrderForPartner
    attribution: dict[str, Any] | None
    decisions: list[dict[str, Any]]
    requests: list[dict[str, Any]]


class ClickOut(Schema):
    """One follow of a link."""

    id: str
    clicked_at: datetime
    link: str
    program: str
    affiliate: str
    destination: str
    referrer: str
    country: str
    language: str
    params: dict[str, Any]
    counted: bool
    uncounted_reason: str | None


class RootOut(Schema):
    """A published root of the log."""

    number: int
    kind: str
    size: int
    root: str
    statement: str
    signature: str
    public_key: str


class ReceiptOut(Schema):
    """Proof that a row is under a published root: leaf, place, audit path (RFC 6962), signed statement (Ed25519)."""

    v: int
    leaf: str
    position: int
    path: list[str]
    log: RootOut


class Receipts(Schema):
    """The receipts of an order's decisions."""

    data: list[ReceiptOut]


class TargetOut(Schema):
    """How the link's page answered when it was last looked at; `reason` is null when it is there."""

    status_code: int | None
    reason: str | None
    checked_at: datetime | None
    failing_since: datetime | None


class LinkOut(Schema):
    """A tracking link."""

    id: str
    url: str
    code: str
    aliases: list[str]
    destination: str
    label: str
    parameters: dict[str, str]
    utm: dict[str, str]
    routing: list[dict[str, Any]]
    target: TargetOut | None
    status: str
    program: str
    affiliate: str
    created_at: datetime


class AffiliateOut(Schema):
    """A partner's place in one of the merchant's programs."""

    id: str
    name: str
    country: str
    status: str
    program: str
    enrolment: str
    enrolment_status: str
    applied_at: datetime


class CommissionOut(CommissionOfOrder):
    """A commission in a list."""

    conversion: str
    order_id: str | None
    program: str
    merchant: str
    accrued_at: datetime
    approved_at: datetime | None
    payout: str | None
    state: str


class PayoutOut(Schema):
    """A payout; under a merchant's key the amount is the merchant's part of it."""

    id: str
    affiliate: str
    amount: str
    currency: str
    state: str
    run: str
    created_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None


class CurrencyTotals(Schema):
    """Orders, revenue (after refunds) and commission (after reversals) of one currency."""

    currency: str
    orders: int
    revenue: str
    commission: str


class PerformanceRow(Schema):
    """One group: its clicks where they are known, totals by currency, and the figures asked for.

    Figures of money are by currency; what is no whole number is decimal text, what has no meaning null.
    """

    key: str
    name: str
    clicks: int | None
    counted_clicks: int | None
    conversion_rate: str | None
    totals: list[CurrencyTotals]
    metrics: dict[str, int | str | dict[str, str | None] | None] = Field(examples=[{"epc": {"USD": "0.4200"}}])


class LinkResultOut(Schema):
    """What became of one link of many."""

    result: Literal["new", "known", "refused"]
    link: LinkOut | None
    problem: Problem | None


class LinkResults(Schema):
    """One verdict for each link, in the same order."""

    data: list[LinkResultOut]


class CouponIn(Lenient):
    """A coupon code to be made."""

    code: str = Field(min_length=1, max_length=64, examples=["MAYA10"])
    program: str | None = Field(None, description="the program's id or slug; may be left out where there is only one")
    affiliate: str | None = Field(None, description="whose it is; without one it is a code of the shop")
    exclusive: bool | None = Field(None, description="it always wins for its affiliate")
    policy: Literal["always", "involved", "winner"] | None = Field(None, description="as the terms say when left out")
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class CouponOut(Schema):
    """A coupon code."""

    id: str
    code: str
    program: str
    affiliate: str | None
    exclusive: bool
    policy: str | None
    starts_at: datetime
    ends_at: datetime | None
    state: str


class Coupons(Schema):
    """A page of coupon codes; `next` is the address of the following page."""

    data: list[CouponOut]
    next: str | None


class Links(Schema):
    """A page of links; `next` is the address of the following page."""

    data: list[LinkOut]
    next: str | None


class Affiliates(Schema):
    """A page of affiliates."""

    data: list[AffiliateOut]
    next: str | None


class Commissions(Schema):
    """A page of commissions."""

    data: list[CommissionOut]
    next: str | None


class TestOut(Schema):
    """One test that was run on a partner, whether it fired or not."""

    rule: str
    p: float | None
    numbers: dict[str, Any]
    fired: bool


class FindingOut(Schema):
    """One rule's finding about one partner, with its numbers; `p_value` null: a fact."""

    id: str
    rule: str
    state: str
    affiliate: str
    program: str
    p_value: float | None
    tests: int
    cut: float
    numbers: dict[str, Any]
    tested: list[TestOut]
    conversions: list[str]
    at_risk: str
    held: str
    currency: str
    window_starts_at: datetime
    window_ends_at: datetime
    found_at: datetime
    answer_due_at: datetime | None
    asked_at: datetime | None
    appealed_at: datetime | None
    decided_at: datetime | None
    automatic: bool


class Findings(Schema):
    """A page of findings."""

    data: list[FindingOut]
    next: str | None


class Payouts(Schema):
    """A page of payouts."""

    data: list[PayoutOut]
    next: str | None


class Performance(Schema):
    """A page of the report."""

    data: list[PerformanceRow]
    next: str | None
