"""The merchants' shops tell of their orders: signed webhooks of Stripe, Shopify and WooCommerce.

Every request has a row in the inbox. What is signed is kept event by event (tracking/shops/) and its
order is brought to what all its events together say (payouts/converging.py), in the request: it takes
some milliseconds and may be done again at any time. What is not signed is refused and changes nothing.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from affiliates.shops import merchant_by_slug, secrets_of, signing_shops
from ledger.errors import Refusal
from payouts.converging import hear
from payouts.stripe_shops import ShopEventRefused, read_shop_event
from portal.intake.arrivals import bring_clicks_in
from portal.intake.bodies import LARGEST_BODY, read_json_object
from portal.intake.door import ACCEPTED, DUPLICATE, REJECTED, TEST, Intake, Outcome, take
from portal.intake.fields import CLOCKS_DIFFER_BY, refuse
from portal.intake.replay import Kept, ReplayRefused, register
from tracking.pseudonyms import customer_of_address, signs_of_address
from tracking.shops import shopify_events, stripe_events, woocommerce_events
from tracking.shops.orders import Notice
from tracking.shops.reading import readable_click

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ShopConnection

#: WooCommerce greets a new webhook's address with its number, unsigned.
_PING = re.compile(rb"webhook_id=[0-9]{1,12}", re.ASCII)

#: Rows that were never proved to be the shop's are not handled again.
_UNPROVED = frozenset({"shop_signature_wrong", "shop_event_old", "not_found", "method_not_allowed"})

type Headers = Mapping[str, str]


@csrf_exempt
def stripe(request: HttpRequest, merchant_slug: str) -> HttpResponse:
    """POST /hooks/stripe/<merchant>/: an event of the merchant's own Stripe."""
    return take(
        request, door="stripe", handle=lambda intake: _handle(intake, "stripe", merchant_slug), keep=LARGEST_BODY
    )


@csrf_exempt
def shopify(request: HttpRequest, merchant_slug: str) -> HttpResponse:
    """POST /hooks/shopify/<merchant>/: an event of the merchant's Shopify shop."""
    return take(
        request, door="shopify", handle=lambda intake: _handle(intake, "shopify", merchant_slug), keep=LARGEST_BODY
    )


@csrf_exempt
def woocommerce(request: HttpRequest, merchant_slug: str) -> HttpResponse:
    """POST /hooks/woocommerce/<merchant>/: an event of the merchant's WooCommerce shop."""
    return take(
        request,
        door="woocommerce",
        handle=lambda intake: _handle(intake, "woocommerce", merchant_slug),
        keep=LARGEST_BODY,
    )


def _handle(intake: Intake, kind: str, slug: str) -> Outcome:
    if intake.row.method != "POST":
        intake.headers["Allow"] = "POST"
        raise refuse("method", f"{intake.row.method} does nothing here. Send a POST.", code="method_not_allowed")
    try:
        shops = signing_shops(slug, kind)
        body = intake.readable_body()
        if kind == "woocommerce" and _PING.fullmatch(body.strip()):
            intake.owner = shops[0].merchant
            return _answer(ACCEPTED, "shop_ping")
        shop, event = _proved(shops, kind, body, intake)
    except Refusal:
        # The merchant sees what was refused at its address, too.
        intake.owner = merchant_by_slug(slug)
        raise
    intake.owner = shop.merchant
    return _told(shop, _notice(kind, event, intake.request.headers, body, at=intake.at), at=intake.at, drains=True)


def _proved(
    shops: "list[ShopConnection]", kind: str, body: bytes, intake: Intake
) -> "tuple[ShopConnection, Mapping[str, Any]]":
    """The connection whose secret signed the event, and the event. Raises ShopEventRefused, BodyUnreadable."""
    given = intake.request.headers
    if kind == "stripe":
        refused: Refusal | None = None
        for shop in shops:
            try:
                return shop, read_shop_event(
                    body, given.get("Stripe-Signature", ""), secrets_of(shop, at=intake.at), at=intake.at
                )
            except ShopEventRefused as refusal:
                # A signature that fits says more than one that does not.
                refused = refusal if refused is None or refused.code == "shop_signature_wrong" else refused
        raise refused or ShopEventRefused("No shop is connected.")
    name = "X-Shopify-Hmac-Sha256" if kind == "shopify" else "X-WC-Webhook-Signature"
    for shop in shops:
        if any(_fits(body, given.get(name, ""), secret) for secret in secrets_of(shop, at=intake.at)):
            return shop, read_json_object(body)
    raise ShopEventRefused(f"{name} is missing or does not fit. Check the webhook's secret.", field=name)


def _fits(body: bytes, given: str, secret: str) -> bool:
    expected = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    return hmac.compare_digest(expected, given.strip().encode("utf-8", "replace"))


def _notice(kind: str, event: Mapping[str, Any], headers: Headers, body: bytes, *, at: datetime) -> Notice | None:
    """What an event says, its customer's address replaced; None for one that is not used. Raises InputRefused."""
    found = _READERS[kind](event, headers, body, at)
    if found is None:
        return None
    if found.happened_at - at > CLOCKS_DIFFER_BY:
        raise refuse("created", "The event lies in the future.", code="instant_in_future")
    address = str(found.facts.get("email", ""))
    if "@" not in address:
        return replace(found, facts={**found.facts, "email": ""})
    hidden = {"email": customer_of_address(address), "email_signs": str(signs_of_address(address))}
    return replace(found, facts={**found.facts, **hidden})


def _told(shop: "ShopConnection", notice: Notice | None, *, at: datetime, drains: bool) -> Outcome:
    if notice is None:
        return _answer(ACCEPTED, "event_not_used")
    click = readable_click(str(notice.facts.get("click", "")))
    if click and drains:
        bring_clicks_in([UUID(click)], at=at)
    heard = hear(shop, notice, at=at)
    if heard.is_waiting:
        return _answer(ACCEPTED, "shop_paused")
    if heard.sale is None:
        return _answer(ACCEPTED if heard.is_new else DUPLICATE, "waits_for_order" if heard.is_new else "same_event")
    conversion = heard.sale.conversion
    if not heard.is_new:
        return _answer(TEST if conversion.is_test else DUPLICATE, "same_event", conversion)
    if conversion.is_test:
        return _answer(TEST, conversion.reason, conversion)
    return _answer(REJECTED if conversion.verdict == "rejected" else ACCEPTED, conversion.reason, conversion)


def _answer(verdict: str, reason: str, conversion: Any = None) -> Outcome:
    """200 for all that is the shop's own word: a shop that hears of an error takes its webhook away."""
    payload = {
        "verdict": verdict,
        "reason": reason or None,
        "conversion_id": conversion.public_id if conversion is not None else None,
    }
    return Outcome(HTTPStatus.OK, payload, verdict, reason=reason, conversion=conversion)


def _again(kept: Kept) -> Outcome:
    """A kept event once more: its signature was proved when it came."""
    if kept.row.reason in _UNPROVED:
        raise ReplayRefused(
            "This event was never proved to be the shop's. Send it again from the shop.", code="replay_without_owner"
        )
    kind = kept.row.door
    shops = signing_shops(kept.merchant.slug, kind)
    event = read_json_object(kept.body)
    return _told(shops[0], _notice(kind, event, kept.row.headers, kept.body, at=kept.at), at=kept.at, drains=False)


def _event_id(headers: Headers, name: str, body: bytes) -> str:
    """The shop's own id for the event, else what its body is."""
    given = re.sub(r"[^!-~]", "", _header(headers, name))[:100]
    return given or f"body_{hashlib.sha256(body).hexdigest()}"


def _header(headers: Headers, name: str) -> str:
    """A header of a request, or of a kept row, whose names may be spelled otherwise."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")


def _read_shopify(event: Mapping[str, Any], headers: Headers, body: bytes, at: datetime) -> Notice | None:
    del at
    topic = _header(headers, "X-Shopify-Topic")[:60]
    return shopify_events.read(topic, _event_id(headers, "X-Shopify-Webhook-Id", body), event)


def _read_woocommerce(event: Mapping[str, Any], headers: Headers, body: bytes, at: datetime) -> Notice | None:
    topic = _header(headers, "X-WC-Webhook-Topic")[:60]
    return woocommerce_events.read(topic, _event_id(headers, "X-WC-Webhook-Delivery-ID", body), event, at=at)


_READERS: dict[str, Callable[[Mapping[str, Any], Headers, bytes, datetime], Notice | None]] = {
    "stripe": lambda event, _headers, _body, _at: stripe_events.read(event),
    "shopify": _read_shopify,
    "woocommerce": _read_woocommerce,
}

for _kind in _READERS:
    register(_kind, _again)
