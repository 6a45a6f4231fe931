"""The API's operations on creatives and deals: what each is called, takes and answers."""

from typing import TYPE_CHECKING, Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from portal.api import assets
from portal.api.asset_shapes import Creatives, Deals
from portal.api.cursors import LARGEST_PAGE, PAGE

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="rows a page")]
Cursor = Annotated[str, Query(max_length=4000, description="`next` of the page before")]

router = Router(tags=["Creatives and deals"])


def _of(request: HttpRequest) -> "ApiKey":
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    return key


@router.get("/creatives", response=Creatives, summary="List creatives")
def list_creatives(request: HttpRequest, limit: Limit = PAGE, cursor: Cursor = "") -> HttpResponse:
    """Newest first: what a partner may use now with its own code in `html`, or all of a merchant's."""
    return assets.list_creatives(request, _of(request), limit=limit, cursor=cursor)


@router.get("/deals", response=Deals, summary="List deals")
def list_deals(request: HttpRequest, limit: Limit = PAGE, cursor: Cursor = "") -> HttpResponse:
    """Newest first: the deals a partner may tell of now with its own `link`, or all of a merchant's."""
    return assets.list_deals(request, _of(request), limit=limit, cursor=cursor)


@router.get(
    "/deals.csv",
    summary="The deals as a file",
    openapi_extra={"responses": {200: {"description": "OK", "content": {"text/csv": {"schema": {"type": "string"}}}}}},
)
def download_deals(request: HttpRequest) -> HttpResponse:
    """All of them at once as CSV, in columns of the same names, for feeds."""
    return assets.deals_file(_of(request))
