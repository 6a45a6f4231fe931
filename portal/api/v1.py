"""The API's operations: what each is called, takes and answers. The work is done by the modules beside it."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query
from ninja.security import HttpBearer

from portal.api import conversions, link_making, lists, shapes
from portal.api.cursors import LARGEST_PAGE, PAGE
from portal.api.document import Api, takes
from portal.intake.keys import bearer_key

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="rows a page")]
Cursor = Annotated[str, Query(max_length=4000, description="`next` of the page before")]

_REFUSED = frozenset({400, 401, 403, 404, 409, 413})


class BearerKey(HttpBearer):
    """Authorization: Bearer sk_live_… | sk_test_… | pk_…; the key is left in request.auth."""

    def authenticate(self, request: HttpRequest, token: str) -> "ApiKey":
        """The key. Raises KeyRefused."""
        from django.utils import timezone  # noqa: PLC0415

        return bearer_key(request, at=timezone.now())


api = Api(
    title="Affiliate network",
    version="1.0.0",
    description=(
        "Report orders, read what became of them. Every refusal is problem+json and names the field and the remedy; "
        "every request to an intake is kept with its verdict. Amounts are decimal text in major units."
    ),
    docs_url=None,
)
