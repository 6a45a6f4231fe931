"""Creatives and deals by API: a partner's feed with its own links, a merchant's own lists."""

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from affiliates.errors import NotVisible
from portal.api.answers import stamp
from portal.api.cursors import page_of
from portal.exports import safe_cell
from tracking.queries.assets import (
    banner_address,
    creatives_for,
    creatives_in,
    deals_for,
    deals_in,
    own_addresses,
    snippet_of,
)

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey
    from tracking.models import Creative, Deal

#: The columns of the feed as CSV; the same names as in JSON.
DEAL_COLUMNS = ("id", "program", "title", "terms", "code", "url", "starts_at", "ends_at", "exclusive", "state", "link")
#: The most deals one file holds.
MOST_IN_FILE = 5_000


def list_creatives(request: HttpRequest, key: "ApiKey", *, limit: int, cursor: str) -> JsonResponse:
    """What a partner may use now, each with its code; a merchant's own, without."""
    at = timezone.now()
    if key.affiliate is not None:
        rows: QuerySet[Creative] = creatives_for(key.affiliate, at=at)
    elif key.merchant is not None:
        rows = creatives_in(key.merchant, at=at)
    else:
        raise NotVisible("creatives")
    return page_of(request, rows, limit=limit, cursor=cursor, show=lambda found: _creatives(found, key, at=at))


def list_deals(request: HttpRequest, key: "ApiKey", *, limit: int, cursor: str) -> JsonResponse:
    """The deals a partner may tell of now, with its links; a merchant's own, without."""
    return page_of(
        request, _deals_of(key).order_by("-pk"), limit=limit, cursor=cursor, show=lambda found: _deals(found, key)
    )


def deals_file(key: "ApiKey") -> HttpResponse:
    """The same as one CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, DEAL_COLUMNS)
    writer.writeheader()
    for row in _deals(list(_deals_of(key).order_by("-pk")[:MOST_IN_FILE]), key):
        writer.writerow({name: safe_cell(_cell(value)) for name, value in row.items()})
    response = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response


def _deals_of(key: "ApiKey") -> "QuerySet[Deal]":
    at = timezone.now()
    if key.affiliate is not None:
        return deals_for(key.affiliate, at=at)
    if key.merchant is not None:
        return deals_in(key.merchant, at=at)
    raise NotVisible("deals")


def _creatives(found: "Sequence[Creative]", key: "ApiKey", *, at: Any) -> list[dict[str, Any]]:
    own = own_addresses(key.affiliate, found) if key.affiliate else {}
    return [
        {
            "id": one.public_id,
            "program": one.program.public_id,
            "name": one.name,
            "kind": one.kind,
            "text": one.text,
            "url": one.target_url,
            "language": one.language or None,
            "width": one.width or None,
            "height": one.height or None,
            "picture": banner_address(one) or None,
            "starts_at": stamp(one.starts_at),
            "ends_at": stamp(one.ends_at),
            "state": one.state_at(at),
            "link": own[one.pk].link if one.pk in own else None,
            "html": snippet_of(one, own[one.pk]) if one.pk in own else None,
        }
        for one in found
    ]


def _deals(found: "Sequence[Deal]", key: "ApiKey") -> list[dict[str, Any]]:
    at = timezone.now()
    own = own_addresses(key.affiliate, found) if key.affiliate else {}
    return [
        {
            "id": one.public_id,
            "program": one.program.public_id,
            "title": one.title,
            "terms": one.terms,
            "code": one.code or None,
            "url": one.target_url,
            "starts_at": stamp(one.starts_at),
            "ends_at": stamp(one.ends_at),
            "exclusive": one.is_exclusive,
            "state": one.state_at(at),
            "link": own[one.pk].link if one.pk in own else None,
        }
        for one in found
    ]


def _cell(value: object) -> object:
    return ("yes" if value else "") if isinstance(value, bool) else value
