"""Products by API: what a partner may promote with its own tracked links, or what a merchant's programs sell."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from ninja import Schema

from affiliates.errors import NotVisible
from portal.api.cursors import page_of
from tracking.queries import products as queries

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey
    from tracking.models import Product


class ProductOut(Schema):
    """A product; `link` is the partner's own tracked address of its page, null for a merchant's key."""

    id: str
    program: str
    program_name: str
    sku: str
    title: str
    price: str
    sale_price: str | None
    currency: str
    availability: str
    category: str
    brand: str
    image: str | None
    page: str
    link: str | None
    changed_at: str


class Products(Schema):
    """A page of products; `next` is the address of the following page."""

    data: list[ProductOut]
    next: str | None


def list_products(
    request: HttpRequest, key: "ApiKey", question: queries.Question, *, limit: int, cursor: str
) -> JsonResponse:
    """Newest first. `question` says which."""
    if key.affiliate is not None:
        rows = queries.products_for(key.affiliate)
    elif key.merchant is not None:
        rows = queries.products_in(key.merchant)
    else:
        raise NotVisible("products")

    def show(found: "Sequence[Product]") -> list[dict[str, Any]]:
        if key.affiliate is None:
            return [dict(queries.facts_of(one, "")) for one in found]
        linked = queries.with_links(found, key.affiliate, at=timezone.now())
        return [dict(queries.facts_of(one, link)) for one, link in linked]

    return page_of(request, queries.asked_for(rows, question), limit=limit, cursor=cursor, show=show)


def question_of(
    q: str, category: str, brand: str, program: str, currency: str, least: Decimal | None, most: Decimal | None
) -> queries.Question:
    """What the address asks for."""
    return queries.Question(
        words=q, category=category, brand=brand, program=program, currency=currency.upper(), least=least, most=most
    )
