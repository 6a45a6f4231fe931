"""Products a partner may promote: found by words, category, price and program, each with the partner's own address."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import orjson
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.affiliate.pages import PAGE_ROWS, show
from portal.affiliate.product_forms import ProductFilter
from portal.exports import csv_response
from portal.filters import chips_of, ignored_keys
from portal.requests import PartnerRequest
from tracking.queries import products as queries

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from django.db.models import QuerySet

    from tracking.models import Product

_COLUMNS = (
    "id", "program_name", "sku", "title", "price", "sale_price", "currency", "availability", "category", "brand",
    "image", "page", "link",
)  # fmt: skip


@require_safe
def products(request: PartnerRequest) -> HttpResponse:
    """A page of what was asked for."""
    at = timezone.now()
    form = _form(request)
    page = Paginator(_found(request, form), PAGE_ROWS).get_page(request.GET.get("page"))
    found = list(page.object_list)
    bases = queries.bases_for(request.affiliate, {one.program_id for one in found}, at=at)
    said = form.cleaned_data
    labels = {
        "q": said.get("q", ""), "program": dict(form.fields["program"].choices).get(said.get("program", ""), ""),  # type: ignore[attr-defined]
        "category": said.get("category", ""), "stock": dict(form.fields["stock"].choices).get(said.get("stock", ""), ""),  # type: ignore[attr-defined]
        "least": _("from %(price)s") % {"price": said.get("least")}, "most": _("to %(price)s") % {"price": said.get("most")},
    }  # fmt: skip
    context = {
        "rows": [(one, queries.tracked(bases[one.program_id], one.url)) for one in found if one.program_id in bases],
        "page": page,
        "filter": form,
        "chips": chips_of(request, labels),
        "clear_url": request.path,
        "ignored": ignored_keys(request, form),
        "csv_url": reverse("partner:products-csv", query=request.GET.dict() or None),
        "json_url": reverse("partner:products-json", query=request.GET.dict() or None),
    }
    return show(
        request, "products.html", context, place="products", title=_("Products"),
        lead=_("Copy the address beside a product: it leads there and counts for you."),
    )  # fmt: skip


@require_safe
def export_csv(request: PartnerRequest) -> StreamingHttpResponse:
    """All that was asked for as CSV, sent as it is read."""
    rows = ([facts[name] for name in _COLUMNS] for facts in _facts(request))
    return csv_response("products.csv", _COLUMNS, rows)


@require_safe
def export_json(request: PartnerRequest) -> StreamingHttpResponse:
    """All that was asked for as a JSON list, sent as it is read."""
    response = StreamingHttpResponse(_json_lines(_facts(request)), content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="products.json"'
    return response


def _json_lines(rows: Iterator[dict[str, object]]) -> Iterator[bytes]:
    mark = b"[\n"
    for facts in rows:
        yield mark + orjson.dumps(facts)
        mark = b",\n"
    yield b"[]\n" if mark == b"[\n" else b"\n]\n"


def _facts(request: PartnerRequest) -> Iterator[dict[str, object]]:
    rows = queries.stream(_found(request, _form(request)))
    for product, link in queries.with_links(rows, request.affiliate, at=timezone.now()):
        yield dict(queries.facts_of(product, link))


def _form(request: PartnerRequest) -> ProductFilter:
    form = ProductFilter(
        request.GET,
        programs=queries.programs_with_products(request.affiliate),
        categories=queries.categories_for(request.affiliate),
    )
    form.is_valid()
    return form


def _found(request: PartnerRequest, form: ProductFilter) -> "QuerySet[Product]":
    said = form.cleaned_data
    question = queries.Question(
        words=said.get("q", ""),
        category=said.get("category", ""),
        program=said.get("program", ""),
        least=said.get("least"),
        most=said.get("most"),
        is_in_stock=said.get("stock") == "yes",
        is_on_sale=said.get("stock") == "sale",
    )
    return queries.asked_for(queries.products_for(request.affiliate), question)
