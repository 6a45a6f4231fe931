"""POST /t/order and GET /t/p.gif: orders that shoppers' browsers report.

Nothing proves them. They are taken from pages of the program's own hosts only, never change what the
shop's server said, and may be made to wait for its word (payouts/browser_orders.py).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from affiliates.queries import hosts_of, merchant_by_name
from ledger.errors import Refusal
from payouts.browser_orders import record_browser_sale
from payouts.sales import Sale
from portal.click.visitors import CLICK_COOKIE
from portal.intake.arrivals import bring_clicks_in
from portal.intake.bodies import BodyUnreadable, read_json_object
from portal.intake.door import Intake, Outcome, take
from portal.intake.fields import NumberText, printable, refuse
from portal.intake.orders import ORDER_FIELDS, ignored_in, read_order
from portal.intake.referrals import with_referral
from portal.intake.replay import Kept, register
from portal.intake.verdicts import verdict_of_sale
from portal.reasons import reason_of
from tracking.click_ids import click_key
from tracking.destinations import DestinationRefused, ascii_host, is_host_allowed
from tracking.macros import unfilled_macro

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Merchant

#: The smallest picture there is: one transparent point.
DOT = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")

_OWN = frozenset({*ORDER_FIELDS, "merchant", "consent", "via", "page"})
_AMOUNTS = ("amount", "tax", "shipping", "discount")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)
_MOST_PARAMETERS = 60


class NotFromTheShop(Refusal):
    """The page that reports the order is none of the program's."""

    code = "origin_not_allowed"


@csrf_exempt
def order(request: HttpRequest) -> HttpResponse:
    """An order as the tag sends it: JSON as text/plain, which no browser asks leave for."""
    if request.method == "OPTIONS":
        return _with_leave(request, HttpResponse(status=HTTPStatus.NO_CONTENT))
    return _with_leave(request, take(request, door="tag", handle=_take_order, word=_word))


@csrf_exempt
def pixel(request: HttpRequest) -> HttpResponse:
    """An order in a picture's address. The picture always comes; what became of the order stands in headers."""
    return take(request, door="pixel", handle=_take_pixel, word=_draw)


def _take_order(intake: Intake) -> Outcome:
    _only(intake, "POST")
    source = read_json_object(intake.readable_body())
    return _take(intake, source, "tag")


def _take_pixel(intake: Intake) -> Outcome:
    _only(intake, "GET")
    return _take(intake, parameters_of(intake.request.META.get("QUERY_STRING", "")), "pixel")


def _only(intake: Intake, method: str) -> None:
    if intake.row.method != method:
        intake.headers["Allow"] = method
        raise refuse("method", f"{intake.row.method} does nothing here. Send a {method}.", code="method_not_allowed")


def _take(intake: Intake, source: dict[str, Any], door: str) -> Outcome:
    merchant = merchant_named(source)
    # From here on its merchant sees it among its events, whatever is wrong with it.
    intake.owner = merchant
    check_page(intake.request.headers, merchant)
    if not source.get("click_id"):
        source["click_id"] = _click_of_cookie(intake.request)
    facts = read_browser_order(source, merchant, door=door, at=intake.at)
    if facts.click_id is not None:
        bring_clicks_in([facts.click_id], at=intake.at)
    return outcome_of(record_browser_sale(merchant, facts, at=intake.at), ignored=ignored_in(source, _OWN))


def _again(kept: Kept) -> Outcome:
    """A kept order, handled as it would be now. Where its page is allowed now, it is taken."""
    check_page(kept.row.headers, kept.merchant)
    door = kept.row.door
    body = kept.body
    source = parameters_of(body.decode("latin-1")) if door == "pixel" else read_json_object(body)
    facts = read_browser_order(source, kept.merchant, door=door, at=kept.at)
    facts = facts if facts.is_dated else replace(facts, occurred_at=kept.received_at)
    return outcome_of(record_browser_sale(kept.merchant, facts, at=kept.at), ignored=ignored_in(source, _OWN))


register("tag", _again)
register("pixel", _again)


def parameters_of(query: str) -> dict[str, Any]:
    """A picture's parameters, each once. Raises BodyUnreadable, InputRefused."""
    try:
        pairs = parse_qsl(
            query.encode("latin-1", "replace").decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except UnicodeDecodeError:
        raise BodyUnreadable(
            "The query is not UTF-8. Encode it as UTF-8.", code="body_not_utf8", field="query"
        ) from None
    except ValueError:
        raise BodyUnreadable(f"The query has more than {_MOST_PARAMETERS} parameters.", field="query") from None
    values: dict[str, Any] = {}
    for name, value in pairs:
        if values.setdefault(name, value) != value:
            shown = printable(name)
            raise refuse(shown, f"{shown} came twice with two values. Send it once.", code="field_doubled")
    if "test" in values:
        values["test"] = values["test"].lower() in {"1", "true", "yes"}
    return values


def merchant_named(source: Mapping[str, Any]) -> "Merchant":
    """The merchant an order names by slug or id. Raises InputRefused."""
    name = source.get("merchant")
    found = merchant_by_name(name) if isinstance(name, str) else None
    if found is None:
        raise refuse(
            "merchant",
            "merchant is missing or unknown. Send the data-merchant of the snippet in Setup, unchanged.",
            code="merchant_unknown",
        )
    return found


def check_page(headers: Mapping[str, str], merchant: "Merchant") -> None:
    """Raise NotFromTheShop unless the browser says that the page is on a host of one of the merchant's programs."""
    address = headers.get("Origin", "")
    if address in {"", "null"}:
        address = headers.get("Referer", "")
    if not address:
        raise NotFromTheShop(
            "The browser did not say which page this comes from. Send Referrer-Policy: strict-origin-when-cross-origin, "
            "or report the order from your server.",
            code="origin_missing",
            field="Origin",
        )
    try:
        parts = urlsplit(address)
        host, port = ascii_host(parts.hostname or ""), str(parts.port or "")
    except (ValueError, DestinationRefused):
        host, port = "", ""
    allowed = hosts_of(merchant)
    if not host or not is_host_allowed(host, allowed, port=port, allow_local=settings.ALLOW_LOCAL_DESTINATIONS):
        raise NotFromTheShop(
            f"{printable(host or address)} is not among the program's hosts. Add it to the program, or report the "
            "order from your server.",
            field="Origin",
        )


def read_browser_order(source: Mapping[str, Any], merchant: "Merchant", *, door: str, at: datetime) -> Any:
    """The facts of an order. JavaScript's numbers are read as they were written, never as floats.

    Raises what `read_order` raises, and InputRefused for a macro that a template did not fill in.
    """
    told = {name: _as_text(name, value) for name, value in source.items()}
    for name, value in told.items():
        macro = unfilled_macro(value) if isinstance(value, str) and name in _OWN else ""
        if macro:
            raise refuse(
                name,
                f"{name} is {printable(macro)}: the page did not fill this placeholder in.",
                code="macro_not_filled",
            )
    via = told.get("via")
    told = with_referral(told, via if isinstance(via, str) else "", merchant, is_test=told.get("test") is True, at=at)
    facts = read_order(told, is_test=False, at=at, default_currency=merchant.currency).facts
    return replace(facts, source=door)


def _as_text(name: str, value: object) -> object:
    """A number where text belongs, as the page wrote it."""
    if name == "items" and isinstance(value, list):
        return [
            {key: _as_text(key, inner) for key, inner in item.items()} if isinstance(item, dict) else item
            for item in value
        ]
    if name in {*_AMOUNTS, "order_id", "sku"} and isinstance(value, int | NumberText) and not isinstance(value, bool):
        text = str(value)
        return text if _NUMBER.fullmatch(text) else value
    return value


def _click_of_cookie(request: HttpRequest) -> str | None:
    """The click that the door itself remembered, where the shop's own domain leads to us; None otherwise."""
    value = request.COOKIES.get(CLICK_COOKIE, "")
    try:
        return value if value and click_key(value) else None
    except ValueError:
        return None


def outcome_of(sale: Sale, *, ignored: tuple[str, ...]) -> Outcome:
    """The answer for a shopper's browser: what became of the order, and nothing about partners or money."""
    conversion = sale.conversion
    verdict, reason, row = verdict_of_sale(sale)
    words = reason_of(reason) if reason else None
    payload = {
        "verdict": verdict,
        "reason": reason or None,
        "order_id": conversion.order_ref,
        "id": conversion.public_id,
        "test": conversion.is_test,
        "field": (words.field or None) if words else None,
        "detail": words.developer if words else None,
        "ignored": list(ignored),
    }
    status = HTTPStatus.CREATED if sale.is_new else HTTPStatus.OK
    return Outcome(status, payload, row, reason=reason, conversion=conversion)


def _word(intake: Intake, outcome: Outcome) -> HttpResponse:
    return JsonResponse(
        outcome.payload,
        status=int(outcome.status),
        headers={**intake.headers, "Request-Id": intake.row.public_id, "Cache-Control": "no-store"},
    )


def _draw(intake: Intake, outcome: Outcome) -> HttpResponse:
    """The picture; 200 or 4xx, since some shops' systems look at the status."""
    headers = {
        **intake.headers,
        "X-Verdict": str(outcome.payload.get("verdict", outcome.verdict)),
        "X-Reason": outcome.reason or "none",
        "Request-Id": intake.row.public_id,
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    status = int(outcome.status) if outcome.status >= HTTPStatus.BAD_REQUEST else HTTPStatus.OK
    return HttpResponse(DOT, content_type="image/gif", status=status, headers=headers)


def _with_leave(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Let the page read the answer. Whether the order is taken is another question."""
    origin = request.headers.get("Origin", "")
    if origin and origin != "null":
        response["Access-Control-Allow-Origin"] = origin if origin.isascii() and origin.isprintable() else "null"
        response["Access-Control-Allow-Credentials"] = "true"
    response["Access-Control-Allow-Methods"] = "POST"
    response["Access-Control-Allow-Headers"] = "Content-Type"
    response["Access-Control-Max-Age"] = "86400"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Vary"] = "Origin"
    return response
