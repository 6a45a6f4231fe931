"""The API's operations: what each is called, takes and answers. The work is done by the modules beside it."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query
from ninja.security import HttpBearer

from portal.api import (
    amendments,
    asset_calls,
    conversions,
    coupons,
    explaining,
    findings,
    link_making,
    lists,
    performance,
    products,
    receipts,
    shapes,
)
from portal.api.cursors import LARGEST_PAGE, PAGE
from portal.api.document import Api, takes
from portal.intake.keys import bearer_key

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="rows a page")]
Cursor = Annotated[str, Query(max_length=4000, description="`next` of the page before")]

_OTHERS = ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


class BearerKey(HttpBearer):
    """Authorization: Bearer sk_live_… | sk_test_… | pk_…"""

    def __call__(self, request: HttpRequest) -> "ApiKey":
        """The key, left in request.auth. Raises KeyRefused."""
        return bearer_key(request, at=timezone.now())

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Not asked: the whole header is read above."""
        raise NotImplementedError


api = Api(
    title="Affiliate network",
    version="1.0.0",
    description=(
        "Report orders, and read what became of them. A refusal is problem+json and names the field and the remedy; "
        "every request to an intake is kept with its verdict. Amounts are decimal text in major units."
    ),
    docs_url=None,
)
_key = BearerKey()
api.add_router("", asset_calls.router, auth=_key)


def _of(request: HttpRequest) -> "ApiKey":
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    return key


@api.post(
    "/conversions",
    response={201: shapes.ConversionOut, 200: shapes.ConversionOut},
    openapi_extra=takes(shapes.OrderIn),
    tags=["Conversions"],
    summary="Report an order",
)
def report_conversion(request: HttpRequest) -> HttpResponse:
    """201 the first time, 200 when the same order comes again, 409 when it comes with other content."""
    return conversions.report_one(request)


@api.post(
    "/conversions/batch",
    response={200: shapes.BatchOut},
    openapi_extra=takes(shapes.OrdersIn),
    tags=["Conversions"],
    summary="Report up to 1,000 orders",
)
def report_conversions(request: HttpRequest) -> HttpResponse:
    """One verdict each, in the same order; a bad order spoils no other."""
    return conversions.report_many(request)


@api.post(
    "/conversions/{conversion_id}/refund",
    response={201: shapes.RefundOut, 200: shapes.RefundOut},
    openapi_extra=takes(shapes.RefundIn, is_required=False),
    tags=["Conversions"],
    summary="Refund an order, all of it or a part",
)
def refund_conversion(request: HttpRequest, conversion_id: str) -> HttpResponse:
    """201 the first time, 200 when the same reference comes again."""
    return conversions.refund_one(request, conversion_id)


@api.post(
    "/conversions/{conversion_id}/refunds/apart",
    response={200: shapes.RefundOut},
    openapi_extra=takes(shapes.ApartIn),
    tags=["Conversions"],
    summary="Say that two refunds are two",
)
def tell_refunds_apart(request: HttpRequest, conversion_id: str) -> HttpResponse:
    """A refund that was taken for another's repetition (`told_twice`) counts from now on."""
    return conversions.tell_apart(request, conversion_id)


@api.api_operation(_OTHERS, "/conversions", include_in_schema=False, url_name="report_conversion")
def other_methods(request: HttpRequest) -> HttpResponse:
    """An intake takes POST only; what else comes is kept too."""
    return conversions.refuse_method(request)


@api.api_operation(_OTHERS, "/conversions/batch", include_in_schema=False, url_name="report_conversions")
def other_methods_of_batch(request: HttpRequest) -> HttpResponse:
    """An intake takes POST only."""
    return conversions.refuse_method(request)


@api.api_operation(
    _OTHERS, "/conversions/{conversion_id}/refund", include_in_schema=False, url_name="refund_conversion"
)
def other_methods_of_refund(request: HttpRequest, conversion_id: str) -> HttpResponse:
    """An intake takes POST only."""
    return conversions.refuse_method(request)


@api.get(
    "/conversions/{conversion_id}",
    auth=_key,
    response=shapes.ConversionDetail,
    tags=["Conversions"],
    summary="Read an order",
)
def get_conversion(request: HttpRequest, conversion_id: str) -> HttpResponse:
    """The order as it stands: verdict, attribution, commissions, refunds."""
    return lists.get_conversion(_of(request), conversion_id)


@api.patch(
    "/conversions/{conversion_id}",
    response=shapes.ConversionOut,
    openapi_extra=takes(shapes.AmendmentIn),
    tags=["Conversions"],
    summary="Amend an order",
    url_name="get_conversion",
)
def amend_conversion(request: HttpRequest, conversion_id: str) -> HttpResponse:
    """Only what is sent changes; what the order earns follows. 200, and `duplicate` when nothing differs."""
    return amendments.amend_one(request, conversion_id)


@api.get(
    "/conversions/{conversion_id}/explain",
    auth=_key,
    response=shapes.ExplainOut,
    tags=["Conversions"],
    summary="Read the whole decision over an order",
)
def explain_conversion(request: HttpRequest, conversion_id: str) -> HttpResponse:
    """Touches with why each won or lost, parts, rule conditions, base, rounding, history, ledger entries.

    With a partner's key: an order of which the partner has a part, nothing of the others but when and why.
    """
    return explaining.explain_conversion(_of(request), conversion_id)


@api.get("/clicks/{click_id}", auth=_key, response=shapes.ClickOut, tags=["Links"], summary="Read a click")
def get_click(request: HttpRequest, click_id: str) -> HttpResponse:
    """A click on one of your programs or links, and why it does not count when it does not."""
    return lists.get_click(_of(request), click_id)


@api.get(
    "/clicks/{click_id}/receipt",
    auth=_key,
    response=shapes.ReceiptOut,
    tags=["Links"],
    summary="Prove that a click is in the published log",
)
def get_click_receipt(request: HttpRequest, click_id: str) -> HttpResponse:
    """The click's leaf, its way up to the signed root of its hour, and the statement. 404 until the hour is rooted."""
    return receipts.get_click_receipt(_of(request), click_id)


@api.get(
    "/conversions/{conversion_id}/receipts",
    auth=_key,
    response=shapes.Receipts,
    tags=["Conversions"],
    summary="Prove that the decisions on an order are in the published log",
)
def list_conversion_receipts(request: HttpRequest, conversion_id: str) -> HttpResponse:
    """One receipt for each event that is about the order and about you; those of the running hour come later."""
    return receipts.list_conversion_receipts(_of(request), conversion_id)


@api.get("/links", auth=_key, response=shapes.Links, tags=["Links"], summary="List links")
def list_links(request: HttpRequest, limit: Limit = PAGE, cursor: Cursor = "") -> HttpResponse:
    """Newest first: a merchant's programs' links, or a partner's own."""
    return lists.list_links(request, _of(request), limit=limit, cursor=cursor)


@api.post(
    "/links",
    response={201: shapes.LinkOut},
    openapi_extra=takes(shapes.LinkIn),
    tags=["Links"],
    summary="Make a link",
)
def create_link(request: HttpRequest) -> HttpResponse:
    """The same page under the same label gives the same link again."""
    return link_making.make_link(request)


@api.post(
    "/links/batch",
    response={200: shapes.LinkResults},
    openapi_extra=takes(shapes.LinksIn),
    tags=["Links"],
    summary="Make up to 200 links",
)
def create_links(request: HttpRequest) -> HttpResponse:
    """One verdict each, in the same order: new, known or refused. A bad one spoils no other."""
    return link_making.make_links(request)


@api.get("/links/{code}", auth=_key, response=shapes.LinkOut, tags=["Links"], summary="Read a link")
def get_link(request: HttpRequest, code: str) -> HttpResponse:
    """By its code, another code that leads to it, or its id."""
    return lists.get_link(_of(request), code)


@api.patch(
    "/links/{code}",
    response={200: shapes.LinkOut},
    openapi_extra=takes(shapes.LinkChangeIn),
    tags=["Links"],
    summary="Change a link",
)
def change_link(request: HttpRequest, code: str) -> HttpResponse:
    """What is sent is changed, the rest stays. Codes shared before go on working for ever."""
    return link_making.change_link(request, code)


@api.get("/coupons", auth=_key, response=shapes.Coupons, tags=["Coupons"], summary="List coupon codes")
def list_coupons(request: HttpRequest, limit: Limit = PAGE, cursor: Cursor = "") -> HttpResponse:
    """Newest first: a merchant's codes, or those a partner was given."""
    return coupons.list_coupons(request, _of(request), limit=limit, cursor=cursor)


@api.post(
    "/coupons",
    response={201: shapes.CouponOut},
    openapi_extra=takes(shapes.CouponIn),
    tags=["Coupons"],
    summary="Make a coupon code",
)
def create_coupon(request: HttpRequest) -> HttpResponse:
    """A code for an affiliate, or without one a code of the shop itself. Upper and lower case are the same."""
    return coupons.make_coupon(request)


@api.get("/products", auth=_key, response=products.Products, tags=["Links"], summary="List products")
def list_products(
    request: HttpRequest,
    limit: Limit = PAGE,
    cursor: Cursor = "",
    q: Annotated[
        str, Query(max_length=200, description="words of title, brand, category or SKU; all must be there")
    ] = "",
    category: Annotated[str, Query(max_length=300)] = "",
    brand: Annotated[str, Query(max_length=100)] = "",
    program: Annotated[str, Query(max_length=60, description="the program's slug")] = "",
    currency: Annotated[str, Query(max_length=3)] = "",
    least: Annotated[Decimal | None, Query(alias="price_from", ge=0, le=10**12)] = None,
    most: Annotated[Decimal | None, Query(alias="price_to", ge=0, le=10**12)] = None,
) -> HttpResponse:
    """Newest first: what a partner may promote, each with its own tracked link, or what a merchant's programs sell."""
    asked = products.question_of(q, category, brand, program, currency, least, most)
    return products.list_products(request, _of(request), asked, limit=limit, cursor=cursor)


@api.get("/affiliates", auth=_key, response=shapes.Affiliates, tags=["Affiliates"], summary="List affiliates")
def list_affiliates(
    request: HttpRequest,
    limit: Limit = PAGE,
    cursor: Cursor = "",
    status: Literal["", "applied", "approved", "declined", "suspended", "left"] = "",
) -> HttpResponse:
    """The places in a merchant's programs, newest first."""
    return lists.list_affiliates(request, _of(request), limit=limit, cursor=cursor, status=status)


@api.get("/commissions", auth=_key, response=shapes.Commissions, tags=["Money"], summary="List commissions")
def list_commissions(
    request: HttpRequest,
    limit: Limit = PAGE,
    cursor: Cursor = "",
    status: Literal["", "pending", "approved", "reversed"] = "",
) -> HttpResponse:
    """Newest first: what a merchant owes, or what a partner earned."""
    return lists.list_commissions(request, _of(request), limit=limit, cursor=cursor, status=status)


@api.get("/payouts", auth=_key, response=shapes.Payouts, tags=["Money"], summary="List payouts")
def list_payouts(
    request: HttpRequest,
    limit: Limit = PAGE,
    cursor: Cursor = "",
    state: Literal["", "ready", "sending", "unsure", "sent", "paid", "blocked", "cancelled"] = "",
) -> HttpResponse:
    """Newest first: a partner's payouts, or a merchant's part of each payout."""
    return lists.list_payouts(request, _of(request), limit=limit, cursor=cursor, state=state)


@api.get("/fraud/findings", auth=_key, response=shapes.Findings, tags=["Fraud"], summary="List findings")
def list_findings(
    request: HttpRequest,
    limit: Limit = PAGE,
    cursor: Cursor = "",
    state: Literal["", "noted", "open", "held", "appealed", "released", "confirmed"] = "",
    rule: Annotated[str, Query(max_length=4, description="F1 to F17")] = "",
) -> HttpResponse:
    """Newest first: what looks unusual about a merchant's partners, each with every test that was run."""
    return findings.list_findings(request, _of(request), limit=limit, cursor=cursor, state=state, rule=rule)


@api.get(
    "/fraud/findings/{finding_id}", auth=_key, response=shapes.FindingOut, tags=["Fraud"], summary="Read a finding"
)
def get_finding(request: HttpRequest, finding_id: str) -> HttpResponse:
    """The finding as it stands, with its numbers and orders."""
    return findings.get_finding(_of(request), finding_id)


@api.get("/reports/performance", auth=_key, response=shapes.Performance, tags=["Reports"], summary="Performance")
def report_performance(
    request: HttpRequest,
    first: Annotated[
        date | None, Query(alias="from", description="the first day; four weeks back when left out")
    ] = None,
    last: Annotated[date | None, Query(alias="to", description="the last day; today when left out")] = None,
    group_by: Literal[
        "day", "week", "month", "program", "affiliate", "link", "sub1", "country", "device", "event", "coupon"
    ] = "day",
    metrics: Annotated[
        str,
        Query(
            max_length=1000,
            description="further figures, with commas between them",
        ),
    ] = "",
    limit: Limit = PAGE,
    cursor: Cursor = "",
) -> HttpResponse:
    """Clicks, orders, revenue and commission. conversion_rate = orders / counted_clicks.

    The figures are those of the report screens. Of an event and a coupon no clicks are known.
    """
    return performance.report_performance(
        request, _of(request), first=first, last=last, group_by=group_by, metrics=metrics, limit=limit, cursor=cursor
    )
