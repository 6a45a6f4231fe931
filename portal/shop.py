"""A stand-in for the merchants' shops, so that a demo link leads somewhere and an order can be placed.

Like a real shop it knows nothing of us but its API key and the click id in its address: the
order goes to /api/v1/conversions over HTTP, from server to server. Off in production.
"""

import json
import secrets
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from ledger.money import Money
from portal.demo import facts
from portal.demo.cast import SHOPS, Shop


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
def shop(request: HttpRequest, slug: str) -> HttpResponse:
    """The shop's page. The click id in the address is kept in the order form, as a shop's own cookie would."""
    return render(request, "portal/shop.html", _context(request, _shop(slug), request.GET.get("click_id", "")))


@require_POST
def buy(request: HttpRequest, slug: str) -> HttpResponse:
    """Place an order: the shop reports it to the network's API with its key, and shows the answer."""
    one = _shop(slug)
    key = next((m["secret_key"] for m in facts.read().get("merchants", []) if m["slug"] == slug), "")
    products = {str(product["number"]): product for product in _products(one)}
    product = products.get(request.POST.get("product", ""), products["1"])
    click_id = request.POST.get("click_id", "")[:100]
    order = {
        "order_id": f"WEB-{secrets.token_hex(4).upper()}",
        "event": "sale",
        "amount": product["price"].major,
        "currency": one.currency,
        **({"click_id": click_id} if click_id else {}),
        "items": [{"sku": f"{slug}-{product['number']}", "quantity": 1, "amount": product["price"].major}],
    }
    status, answer = _report(order, key)
    context = _context(request, one, click_id) | {
        "order": order,
        "status": status,
        "answer": json.dumps(answer, indent=2, ensure_ascii=False),
    }
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
        "chosen": request.GET.get("product", "1"),
    }


@csrf_exempt
def ear(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the demo's webhooks and postbacks arrive; with `?deaf=1` it answers as a broken server does."""
    _shop(slug)
    if request.GET.get("deaf"):
        return HttpResponse("The database of this CRM is being repaired.", status=503, content_type="text/plain")
    return HttpResponse("ok", content_type="text/plain")
