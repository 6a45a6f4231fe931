"""A stand-in for the merchants' shops, so that a demo link leads somewhere and an order can be placed.

Like a real shop it knows nothing of us but the tag's snippet and its API key: an order is reported
by the tag on the page that thanks for it, by the shop's server at /api/v1/conversions over HTTP, or
by both. Off in production.
"""

import json
import secrets
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from ledger.money import Money
from portal.demo import facts
from portal.demo.cast import SHOPS, Shop

#: Who reports an order: the page, the shop's server, or one and the other.
_WAYS = ("tag", "server", "both")
#: The tag tells the click door of visits by direct links.
_POLICY: dict[str, Any] = {**settings.SECURE_CSP, "connect-src": [CSP.SELF, settings.CLICK_BASE_URL]}


def _shop(slug: str) -> Shop:
    found = next((shop for shop in SHOPS if shop.slug == slug), None)
    if settings.PRODUCTION or found is None:
        raise Http404
    return found


def _products(shop: Shop) -> list[dict[str, Any]]:
    factors = (1.0, 0.62, 1.9, 1.35, 0.28)
    whole = shop.currency == "JPY"
    return [
        {
            "number": number,
            "name": name,
            "price": Money(int(shop.typical * factors[number - 1]) * (1 if whole else 100), shop.currency),
        }
        for number, name in enumerate(shop.products, start=1)
    ]


@require_safe
@csp_override(_POLICY)
def shop(request: HttpRequest, slug: str) -> HttpResponse:
    """The shop's page. The tag keeps the click; the order form has it too, for the server."""
    return render(request, "portal/shop.html", _context(request, _shop(slug), request.GET.get("click_id", "")))


@require_POST
@csp_override(_POLICY)
def buy(request: HttpRequest, slug: str) -> HttpResponse:
    """Place an order. The page that thanks for it has the tag report it, unless the server alone does."""
    one = _shop(slug)
    key = next((m["secret_key"] for m in facts.read().get("merchants", []) if m["slug"] == slug), "")
    products = {str(product["number"]): product for product in _products(one)}
    product = products.get(request.POST.get("product", ""), products["1"])
    click_id = request.POST.get("click_id", "")[:100]
    way = request.POST.get("way", "")
    way = way if way in _WAYS else _WAYS[0]
    order: dict[str, Any] = {
        "order_id": f"WEB-{secrets.token_hex(4).upper()}",
        "event": "sale",
        "amount": product["price"].major,
        "currency": one.currency,
        **({"click_id": click_id} if click_id else {}),
        "items": [{"sku": f"{slug}-{product['number']}", "quantity": 1, "amount": product["price"].major}],
    }
    context = {**_context(request, one, click_id), "order": order, "way": way, "order_json": json.dumps(order)}
    told = {"merchant": slug, "click_id": click_id} | {
        name: str(order[name]) for name in ("order_id", "amount", "currency")
    }
    context["pixel"] = f"{reverse('tag-pixel')}?{urlencode(told)}"
    if way != "tag":
        status, answer = _report(order, key)
        context |= {"status": status, "answer": json.dumps(answer, indent=2, ensure_ascii=False)}
    return render(request, "portal/shop.html", context)


def _report(order: dict[str, Any], key: str) -> tuple[int, Any]:
    call = urllib.request.Request(  # noqa: S310 - our own address
        f"{settings.BASE_URL}/api/v1/conversions",
        data=json.dumps(order).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(call, timeout=20) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)
    except OSError as error:
        return 0, {"detail": str(error)}


def _context(request: HttpRequest, one: Shop, click_id: str) -> dict[str, Any]:
    return {
        "shop": one,
        "products": _products(one),
        "click_id": click_id,
        "way": _WAYS[0],
        "chosen": request.GET.get("product", "1"),
    }


@csrf_exempt
def ear(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the demo's webhooks and postbacks arrive; with `?deaf=1` it answers as a broken server does."""
    _shop(slug)
    if request.GET.get("deaf"):
        return HttpResponse("The database of this CRM is being repaired.", status=503, content_type="text/plain")
    return HttpResponse("ok", content_type="text/plain")
